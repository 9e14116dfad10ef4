"""Habits of completions servers, each a function from a prompt to the choice of an answer; the law is the same under all of them.

The law: a token is a word with the space before it, a blank or a sign; its log-probability is that of its last character alone.
"""

import re
from collections.abc import Callable
from typing import Any

__all__ = ["REFUSED", "TAKEN", "law", "pieces"]

Choice = dict[str, Any]

#: A reading of the pieces of a prompt: texts of the tokens, scores and offsets.
Told = tuple[list[str], list[Any], Any]


def pieces(text: str) -> list[str]:
    return re.findall(r" ?\w+|\s|[^\w\s]", text)


def log_p(piece: str) -> float:
    return -1.0 - 0.001 * ord(piece[-1])


def law(before: str, text: str) -> float:
    """Return the score of a text behind a beginning, from the definition."""
    glue = "" if before[-1].isspace() else " "
    whole, begin = before + glue + text, len(before)
    total, place = 0.0, 0
    for piece in pieces(whole):
        if place >= begin:
            total += log_p(piece)
        place += len(piece)
    return total


def plain(prompt: str) -> Told:
    found = pieces(prompt)
    return found, [None, *map(log_p, found[1:])], offsets(found)


def offsets(tokens: list[str]) -> list[int]:
    return [sum(map(len, tokens[:i])) for i in range(len(tokens))]


def begun(mark: str) -> Callable[[str], Told]:
    """A token before the prompt, counted in the offsets; the first of the prompt has a score then."""

    def told(prompt: str) -> Told:
        tokens = [mark, *pieces(prompt)]
        return tokens, [None, *map(log_p, tokens[1:])], offsets(tokens)

    return told


def in_bytes(shown: Callable[[bytes], list[str]]) -> Callable[[str], Told]:
    """Pieces with other signs than ASCII are several tokens, some for each of their characters, which share the piece's score."""

    def told(prompt: str) -> Told:
        tokens: list[str] = []
        scores: list[Any] = []
        for piece in pieces(prompt):
            split = [[sign] if sign.isascii() else shown(sign.encode()) for sign in piece]
            parts = [piece] if piece.isascii() else [part for sign in split for part in sign]
            tokens += parts
            scores += [log_p(piece) / len(parts)] * len(parts)
        return tokens, [None, *scores[1:]], offsets(tokens)

    return told


def whole_at_the_end(data: bytes) -> list[str]:
    return [*[""] * (len(data) - 1), data.decode()]


def lost_spaces(prompt: str) -> Told:
    tokens, scores, _ = plain(prompt)
    return [token.lstrip(" ") or " " for token in tokens], scores, [-1] * len(tokens)


def changed(told: Callable[[str], Told], change: Callable[[Told], Told]) -> Callable[[str], Told]:
    return lambda prompt: change(told(prompt))


def spoilt(value: Any) -> Callable[[str], Told]:
    """The last score but one is another."""

    def told(prompt: str) -> Told:
        tokens, scores, places = plain(prompt)
        return tokens, [*scores[:-2], value, scores[-1]], places

    return told


def bytewise(prompt: str) -> Told:
    tokens, scores, _ = plain(prompt)
    return tokens, scores, [len("".join(tokens[:i]).encode()) for i in range(len(tokens))]


def byte_level(prompt: str) -> Told:
    tokens, scores, places = plain(prompt)
    return [token.replace(" ", "Ġ").replace("\n", "Ċ") for token in tokens], scores, places


#: Servers whose answers have all that is needed, for ASCII texts, and whether for others too.
TAKEN: dict[str, tuple[Callable[[str], Told], bool]] = {
    "plain": (plain, True),
    "begin of text is counted": (begun("<s>"), True),
    "a long begin of text is counted": (begun("<|begin_of_text|>"), True),
    "an empty begin of text": (begun(""), True),
    "a begin of text that is null": (changed(begun(""), lambda t: ([None, *t[0][1:]], *t[1:])), True),  # type: ignore[list-item]
    "two tokens before the prompt": (changed(begun("▁"), lambda t: (["<s>", *t[0]], [None, *t[1]], None)), True),
    "offsets in bytes": (bytewise, True),
    "no offsets": (changed(plain, lambda told: (*told[:2], None)), True),
    "offsets of -1": (changed(plain, lambda told: (*told[:2], [-1] * len(told[0]))), True),
    "a replacement sign a byte": (in_bytes(lambda data: ["\ufffd"] * len(data)), True),
    "empty tokens until a character is whole": (in_bytes(whole_at_the_end), True),
    "bytes as OpenAI writes them": (in_bytes(lambda data: [f"bytes:\\x{byte:02x}" for byte in data]), True),
    "bytes as SentencePiece writes them": (in_bytes(lambda data: [f"<0x{byte:02X}>" for byte in data]), True),
    "spaces lost in decoding": (lost_spaces, True),
    "pieces of a byte-level vocabulary": (byte_level, False),
    "pieces of SentencePiece": (changed(plain, lambda t: ([token.replace(" ", "▁") for token in t[0]], *t[1:])), True),
}

#: Servers whose answers are no scores of the texts, and a part of the message.
REFUSED: dict[str, tuple[Callable[[str], Told], str]] = {
    "the generated token only": (lambda prompt: ([], [], []), "no log-probabilities of its prompt"),
    "a long prompt is cut": (
        changed(plain, lambda t: (t[0][-3:], [None, *t[1][-2:]], t[2][-3:])),
        "its tokens (do not spell|spell only)",
    ),
    "a prompt is cut at its end": (
        changed(plain, lambda t: (t[0][:-3], t[1][:-3], t[2][:-3])),
        "its tokens spell only",
    ),
    "a token is left out": (
        changed(plain, lambda t: (t[0][:3] + t[0][4:], t[1][:3] + t[1][4:], t[2][:3] + t[2][4:])),
        "its tokens spell only",
    ),
    "other letters": (changed(plain, lambda t: ([x.swapcase() for x in t[0]], *t[1:])), "its tokens spell only"),
    "scores of half the tokens": (changed(plain, lambda t: (t[0], t[1][: len(t[1]) // 2], t[2])), "tokens and"),
    "every score is 0": (
        changed(plain, lambda t: (t[0], [0.0] * len(t[0]), t[2])),
        "0 as the log-probability of every",
    ),
    "a score above 0": (spoilt(2.5), "gives 2.5 as the log-probability"),
    "a score just above 0": (spoilt(1e-9), "gives 1e-09 as the log-probability"),
    "a score that is infinite": (spoilt(float("-inf")), "gives -inf as the log-probability"),
    "a score that is no number": (spoilt(float("nan")), "gives nan as the log-probability"),
    "a score that stands for -inf": (spoilt(-9999.0), "gives -9999.0 as the log-probability"),
    "a score of 400 digits": (spoilt(-(10**400)), "a number of many digits"),
    "a score is missing": (spoilt(None), "gives None as the log-probability"),
    "a score is a text": (spoilt("-1.5"), "gives -1.5 as the log-probability"),
    "a score is a truth value": (spoilt(False), "gives False as the log-probability"),
    "tokens as numbers": (
        changed(plain, lambda t: ([f"token_id:{i}" for i in range(len(t[0]))], *t[1:])),
        "are numbers",
    ),
    "neither tokens nor offsets": (changed(plain, lambda t: (None, t[1], None)), "does not give the texts"),  # type: ignore[arg-type, return-value]
    "offsets alone": (changed(plain, lambda t: (None, *t[1:])), "does not give the texts"),  # type: ignore[arg-type, return-value]
}
