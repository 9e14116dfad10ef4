"""Chinese: one token for each character, full-width punctuation, no spaces but between two Latin words."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.text.clean import clean, marks
from searchgen.text.form import TextForm, bar_markers
from searchgen.text.kinds import Kind, Kinds

__all__ = ["HAN", "Chinese", "count_scripts"]

# Ideographs and kana: each is a token of its own.
HAN = "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"

_PUNCTUATION = {
    "。": Kind.STOP, "……": Kind.ELLIPSIS, "？": Kind.MARK, "！": Kind.MARK, "，": Kind.COMMA, "、": Kind.COMMA,
    "；": Kind.COLON, "：": Kind.COLON, "”": Kind.CLOSE, "’": Kind.CLOSE, "）": Kind.CLOSE, "》": Kind.CLOSE,
    "“": Kind.OPEN, "‘": Kind.OPEN, "（": Kind.OPEN, "《": Kind.OPEN, "——": Kind.DASH,
}  # fmt: skip

_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5E) if chr(code) not in "！，：；？（）"}
_SPELLINGS = _HALF_WIDTH | str.maketrans("「」『』｡﹐､﹑｢｣〝〞", "“”‘’。，、、“”“”")
_FULL_WIDTH = dict(zip(",.?!;:()", "，。？！；：（）", strict=True))
_LETTER = rf"[^\W_{HAN}]"


class _Patterns(NamedTuple):
    token: re.Pattern[str]
    respelled: re.Pattern[str]  # a word, or what is to be spelled in another way
    odd: re.Pattern[str]  # a sign that there is something to respell


@cache
def _patterns() -> _Patterns:
    run = f"{_LETTER}+(?:[{marks()}]+{_LETTER}*)*"
    word = rf"{run}(?:(?:['-]|(?<=\d)[.,:](?=\d)){run})*"  # Wi-Fi, don't, 3.14
    dots, dashes = "[.。…](?: *[.。…])+|…", "[—–―‐‑-](?: *[—–―‐‑-])*"
    return _Patterns(
        re.compile(rf"{word}|……|——|\S"),
        re.compile(rf"(?P<word>{word})|(?P<dots>{dots})|(?P<dash>{dashes})|(?P<quote>[\"'])|[,.?!;:()]"),
        re.compile("[!-/:-?…—–―‐‑]|。 *。"),
    )


class _Speller:
    """Respells what the pattern found; straight quotation marks open and close in turn."""

    def __init__(self) -> None:
        self.inside = {'"': False, "'": False}

    def __call__(self, match: re.Match[str]) -> str:
        written = match[0]
        if match.lastgroup == "quote":
            self.inside[written] = not self.inside[written]
            return ("“" if written == '"' else "‘") if self.inside[written] else ("”" if written == '"' else "’")
        return {"word": written, "dots": "……", "dash": "——"}.get(match.lastgroup or "") or _FULL_WIDTH[written]


class Chinese(TextForm):
    """Characters, words of other scripts, full-width punctuation.

    >>> form = Chinese()
    >>> form.tokenise("我有3.5个 iPhone,真的!")
    ['我', '有', '3.5', '个', 'iPhone', '，', '真', '的', '！']
    >>> form.detokenise(["用", "New", "York", "时", "间", "。"])
    '用New York时间。'
    """

    name: ClassVar[str] = "zh"
    final_tokens: ClassVar[frozenset[str]] = frozenset("。？！")
    brackets: ClassVar[Mapping[str, str]] = {"“": "”", "‘": "’", "（": "）", "《": "》"}
    punctuation: ClassVar[Mapping[str, Kind]] = _PUNCTUATION
    letter: ClassVar[str] = _LETTER

    def normalise(self, text: str) -> str:
        """The text with full-width punctuation and curly quotation marks outside the words of other scripts."""
        text = clean(text.translate(_SPELLINGS), _LETTER)  # respelled first: accents may compose with what comes out
        patterns = _patterns()
        return patterns.respelled.sub(_Speller(), text) if patterns.odd.search(text) else text

    def split(self, normal: str) -> list[str]:
        """The tokens of a normalised text; Chinese has no capitals."""
        return _patterns().token.findall(normal)

    def detokenise(self, tokens: Sequence[str]) -> str:
        """The text without spaces, but for one between two words of other scripts."""
        pieces: list[str] = []
        before = False
        for token in tokens:
            foreign = self._is_foreign(token)
            if before and foreign:
                pieces.append(" ")
            pieces.append(token)
            before = foreign
        return "".join(pieces)

    def joins(self, vocabulary: Sequence[str]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """All but words of other scripts join both neighbours."""
        joined = ~np.fromiter(map(self._is_foreign, vocabulary), np.bool_, len(vocabulary))
        return joined, joined

    def _is_foreign(self, token: str) -> bool:
        return self.is_word(token) and not _is_han(token)

    def token_end(self, text: str, begin: int) -> int:
        """Where the token ends that begins at a place."""
        match = _patterns().token.match(text, begin)
        return match.end() if match else begin

    def kinds(self, vocabulary: Sequence[str]) -> Kinds:
        """The kind of each token; most are ideographs."""
        return bar_markers(vocabulary, np.fromiter(map(self._kind, vocabulary), np.int8, len(vocabulary)))

    def _kind(self, token: str) -> int:
        if len(token) == 1 and "\u4e00" <= token <= "\u9fff":
            return Kind.WORD
        if token in _PUNCTUATION:
            return _PUNCTUATION[token]
        if self.tokenise_as_printed(token) != [token]:
            return Kind.NEVER
        return Kind.WORD if self.is_word(token) else Kind.SYMBOL


def _is_han(token: str) -> bool:
    return len(token) == 1 and (token >= "\u3000") and _han().match(token) is not None


@cache
def _han() -> re.Pattern[str]:
    return re.compile(f"[{HAN}]")


def count_scripts(text: str) -> tuple[int, int]:
    """How many ideographs and kana a text has, and how many words of letters of other scripts.

    Args:
        text: any text.

    Returns:
        The two counts.

    >>> count_scripts("我用 iPhone 4。")
    (2, 1)
    """
    return len(_han().findall(text)), len(re.findall(rf"[^\W\d_{HAN}]+", text))
