"""From paragraphs to training sentences: splitting, and dropping the quotation marks that splitting left alone.

>>> from searchgen.text import text_form
>>> form = text_form("en")
>>> list(sentences('"Where?" asked Mr. Fox. "There. Go!"', form))
['"Where?" asked Mr. Fox.', '"There.', 'Go!"']
>>> [training_text(sentence, form) for sentence in sentences('"Where?" asked Mr. Fox. "There. Go!"', form)]
['“Where?” asked Mr. Fox.', 'There.', 'Go!']
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from searchgen.text import text_form
from searchgen.text.english import stopped
from searchgen.text.form import TextForm

__all__ = ["sentences", "training_text", "training_tokens"]

CLOSE_BY = frozenset(".,;:!?…-")  # what is printed close to the word before it
HAN_BEGINS = "\u2e80"  # from here on characters need no spaces

# After these a new sentence may begin; after any other abbreviation a capital says nothing.
_MAY_END = frozenset({"etc", "Jr", "Sr", "Esq", "Co", "Corp", "Inc", "Ltd", "Bros"})
_LAST_WORD = re.compile(r"[^\W_]+$")
# Group 1 ends the sentence. It begins with the final mark, for which a search is fast.
_BOUNDARIES = {
    "en": re.compile(r"""([.?!…]["'”’)\]]*)\s+(?:--\s+)?(?=["'“‘(\[]*[^\W_a-zß-öø-ÿ])"""),
    "zh": re.compile(r"""([。？！?!]+[”’」』）》"']*)(?![。？！?!”’」』）》"'])\s*(?![，、；：,\s])"""),
}


def sentences(paragraph: str, form: TextForm) -> Iterator[str]:
    """The sentences of a paragraph.

    In English a sentence ends after `. ? !` and closing marks when white space and a capital or a digit follow, and the
    stop is not that of an abbreviation; in Chinese after `。？！` and closing marks, unless a comma follows. The end
    of a line ends one too.

    Args:
        paragraph: one or more lines of text.
        form: its text form.

    Yields:
        Each sentence as printed, without white space around it; none is empty.

    >>> from searchgen.text import text_form
    >>> list(sentences("“你好！”他说。再见", text_form("zh")))
    ['“你好！”', '他说。', '再见']
    """
    boundary = _BOUNDARIES.get(form.name)
    for line in paragraph.splitlines():
        start = 0
        for match in boundary.finditer(line) if boundary else ():
            # In Chinese no group is an ASCII stop.
            if match[1] == "." and _keeps_stop(line[max(start, match.start() - 12) : match.start()]):
                continue
            yield line[start : match.end(1)]
            start = match.end()
        if remainder := line[start:].strip():
            yield remainder


def _keeps_stop(before: str) -> bool:
    """Whether a stop after this text belongs to an abbreviation that does not end a sentence."""
    word = _LAST_WORD.search(before)
    return word is not None and stopped(word[0]) and word[0] not in _MAY_END and not before.endswith("." + word[0])


def training_text(sentence: str, form: TextForm) -> str:
    """A sentence without quotation marks and brackets that have no partner, or that enclose all of it.

    Args:
        sentence: one sentence.
        form: its text form.

    Returns:
        The sentence; when it has such marks at all they are spelled as `form.brackets` has them.

    >>> from searchgen.text import text_form
    >>> training_text('"(Yes), I know," he said."', text_form("en"))
    '“(Yes), I know,” he said.'
    >>> training_text('"Come (now)."', text_form("en"))
    'Come (now).'
    """
    return _cleared(form.normalise(sentence).strip(), form)


def _cleared(text: str, form: TextForm) -> str:
    """A normal text without the marks to drop."""
    lone = _lone_marks(text, form)
    while lone:
        text = _without(text, lone)
        # Beside other neighbours a closing quotation mark may be an apostrophe (“’0), and its partner alone.
        read = form.normalise(text).strip()
        lone = _lone_marks(read, form, enclosing=False)
        text = read if lone else text
    return text


def _lone_marks(text: str, form: TextForm, enclosing: bool = True) -> list[int]:
    """The places of the marks to drop, with those that enclose the whole text or without."""
    marks = list(_marks(form.name).finditer(text))
    if not marks:
        return []
    partner = _partners(marks, form.brackets)
    lone = [place for place, partner_place in partner.items() if partner_place < 0]
    first, last = 0, len(text) - 1
    while enclosing and first < last and partner.get(first) == last:
        lone += (first, last)
        first, last = first + 1, last - 1
    return sorted(lone)


@cache
def _marks(name: str) -> re.Pattern[str]:
    brackets = text_form(name).brackets
    return re.compile("[" + re.escape("".join([*brackets, *brackets.values()])) + "]" if brackets else "(?!)")


def _partners(marks: list[re.Match[str]], brackets: Mapping[str, str]) -> dict[int, int]:
    """The place of the partner of each mark, -1 for a mark without one. A mark closes the nearest of its sort."""
    partner: dict[int, int] = {}
    opened: list[tuple[int, str]] = []
    for match in marks:
        place, mark = match.start(), match[0]
        partner[place] = -1
        if mark in brackets:
            opened.append((place, brackets[mark]))
            continue
        for depth in range(len(opened) - 1, -1, -1):
            opening, closing = opened[depth]
            if closing == mark:
                partner[place], partner[opening] = opening, place
                del opened[depth:]
                break
    return partner


def _without(text: str, places: list[int]) -> str:
    """The text without the marks at some places; a space keeps apart what they kept apart."""
    pieces, end = [], 0
    for place in places:
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        apart = before.strip() and before < HAN_BEGINS and after.strip() and after not in CLOSE_BY
        pieces += [text[end:place], " " if apart else ""]
        end = place + 1
    return "".join([*pieces, text[end:]]).strip()


def training_tokens(paragraph: str, form: TextForm) -> Iterator[list[str]]:
    """The tokens of each training sentence of a paragraph, first words as printed.

    Args:
        paragraph: one or more lines of text.
        form: its text form.

    Yields:
        The tokens of a sentence; never an empty list.

    >>> from searchgen.text import text_form
    >>> list(training_tokens('"I am. You are," he said.', text_form("en")))
    [['I', 'am', '.'], ['You', 'are', ',', 'he', 'said', '.']]
    """
    for sentence in sentences(paragraph, form):
        text = form.normalise(sentence).strip()
        cleared = _cleared(text, form)
        # Without a mark its neighbours may join (a hyphen, dots): then the text is read afresh.
        if tokens := form.split(text) if cleared == text else form.tokenise_as_printed(cleared):
            yield tokens
