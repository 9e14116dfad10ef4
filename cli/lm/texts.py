"""The texts that `searchgen lm` reads: which language they are in, and standard input among them."""

from codecs import getincrementaldecoder
from collections.abc import Sequence

from searchgen.cli.output import complain
from searchgen.errors import RequestError

__all__ = ["language_of", "refuse_second_stdin"]

#: How much of a text is looked at to recognise its language, in bytes.
BEGINNING = 1 << 16


def refuse_second_stdin(texts: Sequence[str], command: str) -> None:
    """Refuse to read standard input twice, or from a terminal.

    Raises:
        RequestError: in these cases.
    """
    from searchgen.cli.stdin import standard_input

    if texts.count("-") > 1:
        raise RequestError(f"'-' is given {texts.count('-')} times, but stdin can be read only once; give it once")
    if "-" in texts:
        standard_input(command)


def language_of(texts: Sequence[str], command: str) -> str:
    """Return the language that texts begin in, with a note to the user if they begin with words.

    Args:
        texts: files, folders and `-`.
        command: that reads them, as messages name it.

    Raises:
        RequestError: the first of them cannot be read.
    """
    from searchgen.text import detect

    beginning = _beginning(texts, command)
    language = detect(beginning)
    if any(map(str.isalpha, beginning)):  # else reading it says what is wrong
        complain(f"the text seems to be {'Chinese' if language == 'zh' else 'English'}; --lang sets another language")
    return language


def _beginning(texts: Sequence[str], command: str) -> str:
    """Return the text up to some length, "" if it is not UTF-8."""
    from searchgen.cli.stdin import standard_input
    from searchgen.lm.ngram.estimation.reading import text_files

    first = text_files(texts)[0]
    if first is None:
        stream = standard_input(command)
        peek = getattr(stream, "peek", None)  # every real stdin has it
        start = peek(BEGINNING) if peek else b""
    else:
        try:
            with first.open("rb") as file:
                start = file.read(BEGINNING)
        except OSError as error:
            raise RequestError(f"{first}: cannot be read ({error.strerror})") from None
    try:
        return getincrementaldecoder("utf-8-sig")().decode(start)  # the last character may be cut off
    except UnicodeDecodeError:
        return ""
