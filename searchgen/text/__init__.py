"""Text forms: how printed text becomes tokens and comes back, and which sequences of tokens are texts at all.

>>> form = text_form("en", {"hello": 1.0, "world": 1.0})
>>> form.tokenise("Hello, world!")
['hello', ',', 'world', '!']
>>> form.detokenise(['hello', ',', 'world', '!'])
'Hello, world!'
"""

from collections.abc import Mapping
from difflib import get_close_matches

from searchgen.errors import RequestError
from searchgen.text.form import TextForm
from searchgen.text.kinds import Kinds

__all__ = ["FORMS", "Kinds", "TextForm", "detect", "text_form"]

FORMS = ("en", "zh", "raw")


def text_form(name: str, preference: Mapping[str, float] | None = None) -> TextForm:
    """The text form of a name.

    Args:
        name: `en`, `zh` or `raw`.
        preference: the weight of each known word, by which `en` decides the case of the first word.

    Returns:
        The form.

    Raises:
        RequestError: there is no such form.

    >>> text_form("zh").tokenise("你好。")
    ['你', '好', '。']
    """
    # Each form is imported when asked for: a short job pays for one of them only.
    if name == "en":
        from searchgen.text.english import English

        return English(preference)
    if name == "zh":
        from searchgen.text.chinese import Chinese

        return Chinese()
    if name == "raw":
        from searchgen.text.raw import Raw

        return Raw()
    near = get_close_matches(name, FORMS, 1, 0.3)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise RequestError(f"unknown text form {name!r}{hint} (known: {', '.join(FORMS)})")


def detect(text: str) -> str:
    """The text form that suits a text.

    Args:
        text: any text.

    Returns:
        `zh` when it has more ideographs and kana than words of other scripts, else `en`.

    >>> detect("我用 iPhone。"), detect("The word 道 means way.")
    ('zh', 'en')
    """
    if text.isascii():
        return "en"
    from searchgen.text.chinese import count_scripts

    characters, words = count_scripts(text)
    return "zh" if characters > words else "en"
