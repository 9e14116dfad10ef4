"""English, and other languages written with spaces: words and punctuation, printed with the usual spacing."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain, repeat
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.text.casing import capitalised, true_case, uncapitalised
from searchgen.text.clean import clean, marks
from searchgen.text.form import TextForm, bar_markers
from searchgen.text.kinds import Flag, Kind, Kinds
from searchgen.text.quotes import curled, leading

__all__ = ["ABBREVIATIONS", "English", "stopped"]

_TITLES = (
    "Mr Mrs Ms Messrs Mme Mlle Dr St Prof Rev Capt Col Gen Lt Sgt Maj Cmdr Adm Hon Gov Sen Rep Pres Supt Insp Jr Sr Esq"
)
_OTHERS = "Co Corp Inc Ltd Bros Mt Ft Ave Blvd Jan Feb Aug Sept Oct Nov Dec vs Vs etc Etc viz Viz cf Cf vol Vol pp Pp"
# With each word its form at the beginning of a text: a first word must not stop being an abbreviation.
ABBREVIATIONS = frozenset([*_TITLES.split(), *_OTHERS.split()])

FEW = 1000  # a vocabulary so small is told word by word

_PUNCTUATION = {
    ".": Kind.STOP, "...": Kind.ELLIPSIS, "?": Kind.MARK, "!": Kind.MARK,
    ",": Kind.COMMA, ";": Kind.COLON, ":": Kind.COLON,
    "”": Kind.CLOSE, "’": Kind.CLOSE, ")": Kind.CLOSE, "]": Kind.CLOSE,
    "“": Kind.OPEN, "‘": Kind.OPEN, "(": Kind.OPEN, "[": Kind.OPEN,
    "--": Kind.DASH, "-": Kind.HYPHEN,
}  # fmt: skip
_SPACE_BEFORE = frozenset({Kind.OPEN, Kind.DASH})
_JOINS_LEFT = frozenset(mark for mark, kind in _PUNCTUATION.items() if kind not in _SPACE_BEFORE)
_JOINS_RIGHT = frozenset(mark for mark, kind in _PUNCTUATION.items() if kind in (Kind.OPEN, Kind.HYPHEN))

_SPELLINGS = str.maketrans({
    "—": "--", "―": "--", "⸺": "--", "–": "--", "‐": "-", "‑": "-", "…": "...", "«": "“", "»": "”", "„": "“", "‟": "“",
    "‹": "‘", "›": "’", "‚": "‘", "‛": "‘",
})  # fmt: skip
_DOTS = re.compile(r"\.(?: *\.)+")
_DASHES = re.compile("-{2,}")
_SIMPLE = re.compile("[A-Za-z]+(?:'[A-Za-z]+)+|[A-Za-z]{2,}'|[0-9]+(?:[.,:][0-9]+)*")  # most tokens not of letters only
_FOREIGN = re.compile("[^\x00-\x7f“”‘’]")


class _Patterns(NamedTuple):
    token: re.Pattern[str]
    hyphen: re.Pattern[str]  # a single hyphen that does not stand between words


@cache
def _patterns(ascii_only: bool) -> _Patterns:
    """The patterns for a text of ASCII letters (three times as fast), and for any."""
    letter, initial = (r"[A-Za-z0-9]", r"[A-Za-z]") if ascii_only else (r"[^\W_]", r"[^\W\d_]")
    run = f"{letter}+" if ascii_only else f"{letter}+(?:[{marks()}]+{letter}*)*"
    word = rf"{run}(?:(?:'|(?<=\d)[.,:](?=\d)){run})*(?:'|(?<=\d)%)?"
    dotted = rf"{initial}\.(?:{initial}\.)+(?!\.)"  # a.m., U.S.A.
    after_mark = "" if ascii_only else f"(?<![{marks()}]-)"
    return _Patterns(
        re.compile(rf"{dotted}|'?{word}|[$£€¥](?=\d){word}|\.\.\.|--|\S"),
        re.compile(rf"-(?:(?<!['.%-]-)(?<!{letter}-){after_mark}(?!-)|(?<!--)(?!['$£€¥-]|{letter}))"),
    )


@cache
def _curly_apostrophes() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Curly apostrophes between letters and before `tis`, and dashes within words (1914–18)."""
    letter = rf"(?:(?<=[^\W_])|(?<=[{marks()}]))"
    return (
        re.compile(rf"{letter}[’‘](?=[^\W_])"),
        re.compile(rf"(?<!\w){leading('’').pattern}", re.I),
        re.compile(rf"{letter}–(?=[^\W_])"),
    )


def stopped(printed: str) -> bool:
    """Whether a word followed by a stop is an abbreviation that keeps it.

    Args:
        printed: a word without a stop.

    Returns:
        True for the abbreviations of the list and for single capitals other than `I`.

    >>> stopped("Mr"), stopped("J"), stopped("I"), stopped("No")
    (True, True, False, False)
    """
    return printed in ABBREVIATIONS or (len(printed) == 1 and printed.isupper() and printed != "I")


class English(TextForm):
    r"""Words, numbers and abbreviations; punctuation; the first word in its true case.

    >>> form = English({"the": 9, "dog's": 1, "Mr.": 2, "Fox": 1})
    >>> form.tokenise('The dog\'s "den", Mr. Fox.')
    ['the', "dog's", '“', 'den', '”', ',', 'Mr.', 'Fox', '.']
    >>> form.detokenise(['the', "dog's", '“', 'den', '”', ',', 'Mr.', 'Fox', '.'])
    "The dog's “den”, Mr. Fox."
    """

    name: ClassVar[str] = "en"
    final_tokens: ClassVar[frozenset[str]] = frozenset(".?!")
    brackets: ClassVar[Mapping[str, str]] = {"“": "”", "‘": "’", "(": ")", "[": "]"}
    punctuation: ClassVar[Mapping[str, Kind]] = _PUNCTUATION

    def __init__(self, preference: Mapping[str, float] | None = None) -> None:
        """A form that knows words.

        Args:
            preference: the weight of each known word, to tell `the` from `The` at the beginning of a text.
        """
        self.preference: Mapping[str, float] = {} if preference is None else preference

    def normalise(self, text: str) -> str:
        """The text with plain dashes and dots and curly quotation marks."""
        text = clean(text)
        if not text.isascii():
            between, before, range_dash = _curly_apostrophes()
            text = before.sub(lambda match: "'" + match[0][1:], between.sub("'", text))
            text = range_dash.sub("-", text).translate(_SPELLINGS)
        return curled(text)

    def split(self, normal: str) -> list[str]:
        """The tokens of a normalised text, the first word as printed."""
        text = normal
        patterns = _patterns(text.isascii() or _FOREIGN.search(text) is None)
        if "-" in text:
            text = patterns.hyphen.sub(_edge_hyphen, text)
            if "--" in text:
                text = _DASHES.sub("--", text)
        stops = text.count(".")
        if stops > 1:
            text = _DOTS.sub("...", text)
        tokens: list[str] = patterns.token.findall(text)
        return _with_abbreviations(tokens) if stops else tokens

    def tokenise(self, text: str) -> list[str]:
        """The tokens of a text, the first word in its true case."""
        tokens = self.tokenise_as_printed(text)
        place = self.first_word(tokens)
        if place >= 0 and tokens[place] not in self.units:
            printed = capitalised(tokens[place])
            if tokens[place + 1 : place + 2] == ["."] and stopped(printed):  # mr. at the beginning is printed Mr.
                printed += tokens.pop(place + 1)
            tokens[place] = true_case(printed, self.preference)
        return tokens

    def detokenise(self, tokens: Sequence[str]) -> str:
        """The text with the usual spacing and a capital, unless a word of `units` begins it."""
        return self._printed(tokens, begun=False)

    def inside(self, tokens: Sequence[str]) -> str:
        """The part without a capital of its own."""
        return self._printed(tokens, begun=True)

    def _printed(self, tokens: Sequence[str], *, begun: bool) -> str:
        pieces: list[str] = []
        joined = True
        for token in tokens:
            if not joined and token not in _JOINS_LEFT:
                pieces.append(" ")
            if not begun and self.is_word(token):
                token, begun = token if token in self.units else capitalised(token), True
            pieces.append(token)
            joined = token in _JOINS_RIGHT
        return "".join(pieces)

    def firsts(self, words: Sequence[str]) -> list[str]:
        """Words with a capital, but for those that keep their case."""
        plain = [word.isascii() and word.islower() and word.isalpha() for word in words]
        printed = [
            word[0].upper() + word[1:] if is_plain else capitalised(word)
            for word, is_plain in zip(words, plain, strict=True)
        ]
        if not self.units:
            return printed
        return [word if word in self.units else first for word, first in zip(words, printed, strict=True)]

    def joins(self, vocabulary: Sequence[str]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Most punctuation joins the word before it; opening marks and hyphens join the word after them."""
        left = np.fromiter(map(_JOINS_LEFT.__contains__, vocabulary), np.bool_, len(vocabulary))
        return left, np.fromiter(map(_JOINS_RIGHT.__contains__, vocabulary), np.bool_, len(vocabulary))

    def token_end(self, text: str, begin: int) -> int:
        """Where the token ends that begins at a place."""
        match = _patterns(False).token.match(text, begin)
        return match.end() if match else begin

    def kinds(self, vocabulary: Sequence[str]) -> Kinds:
        """The kind of each token; nearly all are told by a table and by being plain letters."""
        count = len(vocabulary)
        kinds = np.fromiter(map(_table().get, vocabulary, repeat(-1)), np.int8, count)
        plain = np.fromiter(map(str.isalpha, vocabulary), np.bool_, count)
        plain &= np.fromiter(map(str.isascii, vocabulary), np.bool_, count)
        plain[[place for place in np.flatnonzero(~plain).tolist() if _SIMPLE.fullmatch(vocabulary[place])]] = True
        kinds[plain & (kinds < 0)] = Kind.WORD
        kinds[plain & self._not_first(vocabulary)] |= Flag.NOT_FIRST
        if self.units:
            kinds[[place for place, token in enumerate(vocabulary) if token in self.units]] = -1
        for place in np.flatnonzero(kinds < 0).tolist():
            kinds[place] = self._kind(vocabulary[place])
        return bar_markers(vocabulary, kinds)

    def _kind(self, token: str) -> int:
        """The kind of any token that is not in the table, by reading it."""
        if self.tokenise_as_printed(token) != [token]:
            return Kind.NEVER
        if not self.is_word(token):
            return Kind.SYMBOL
        flags = Flag(0) if self.tokenise(token) == [token] else Flag.NOT_FIRST
        is_unit = token in self.units
        if token.endswith(".") or stopped(token) or (is_unit and self.tokenise_as_printed(f"{token}.") != [token, "."]):
            flags |= Flag.NO_STOP
        elif not is_unit and stopped(capitalised(token)):
            flags |= Flag.NO_STOP_FIRST
        return Kind.WORD + flags

    def _not_first(self, vocabulary: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which plain words are read as another word when they come first; of other tokens it knows nothing."""
        preference, count = self.preference, len(vocabulary)
        if count < FEW:
            return np.array([true_case(capitalised(token), preference) != token for token in vocabulary], np.bool_)
        # Of each pair like `the`, `The` one is barred: it is enough to look at the capitalised ones.
        present = np.fromiter(map(preference.__contains__, vocabulary), np.bool_, count)
        absent = [vocabulary[place] for place in np.flatnonzero(~present).tolist()]
        barred = {token for token in absent if capitalised(token) != token}
        elsewhere = preference.keys() - set(vocabulary) if len(preference) > present.sum() else ()
        for large in chain(vocabulary, elsewhere):
            if (
                large < "["
                and (small := large[:1].lower() + large[1:]) in preference
                and small != large
                and small.islower()
            ):
                barred.add(large if true_case(large, preference) == small else small)
        return np.fromiter(map(barred.__contains__, vocabulary), np.bool_, count)


@cache
def _table() -> dict[str, int]:
    """The kinds of punctuation and of short words that a stop would turn into abbreviations."""
    table: dict[str, int] = {token: int(kind) for token, kind in _PUNCTUATION.items()}
    bases = ABBREVIATIONS | set("ABCDEFGHJKLMNOPQRSTUVWXYZ")
    for base in bases:
        small = uncapitalised(base)
        if small is not None and small not in bases:
            table[small] = Kind.WORD + Flag.NO_STOP_FIRST
        table[base] = Kind.WORD + Flag.NO_STOP
    return table


def _edge_hyphen(match: re.Match[str]) -> str:
    """A hyphen that joins nothing: a dash between spaces, a minus before a digit, else nothing."""
    text, place = match.string, match.start()
    before, after = text[place - 1 : place] or " ", text[place + 1 : place + 2] or " "
    if before == " " == after:
        return "--"
    return "− " if after.isdigit() and before in " (“‘[" else " "


def _with_abbreviations(tokens: list[str]) -> list[str]:
    """Abbreviations and initials take the stop that follows them."""
    if tokens[-1] == "." and not stopped(tokens[-2] if len(tokens) > 1 else "") and tokens.count(".") == 1:
        return tokens  # nearly always
    place = 0
    for _ in range(tokens.count(".")):
        place = tokens.index(".", place)
        if place and stopped(tokens[place - 1]):
            tokens[place - 1 : place + 1] = [tokens[place - 1] + "."]
        else:
            place += 1
    return tokens
