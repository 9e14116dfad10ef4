"""Lines of prose with the spellings of people: quotation marks of all kinds, dots, spaces, wide digits, addresses, Windows line ends."""

import random
from collections.abc import Callable, Sequence
from functools import cache

from tests.places import CORPORA

__all__ = ["decorated"]

WIDE = str.maketrans({digit: chr(ord(digit) + 0xFEE0) for digit in "0123456789"})


@cache
def _lines(language: str) -> list[str]:
    return (CORPORA / f"everyday-{language}.txt").read_text().splitlines()


def decorated(seed: int, language: str) -> str:
    draw = random.Random(seed)
    line = draw.choice(_lines(language))
    end = line[-1]
    english = [
        lambda text: f'"{text[:-1]}," he said{end}',
        lambda text: f"“{text}”",
        lambda text: text.replace(" the ", " 'the' ", 1),
        lambda text: text.replace(" a ", " a ‘so-called’ ", 1),
        lambda text: text[:-1] + "…",
        lambda text: text[:-1] + "...",
        lambda text: text.replace(" ", "  ", draw.randint(1, 4)),
        lambda text: text[:-1] + " for 12,5 or 300 days".translate(WIDE) + end,
        lambda text: text[:-1] + ", see https://example.com/a?b=c&d=1" + end,
        lambda text: text.replace(" ", "\t", 1),
        lambda text: text.replace(" in ", " — in ", 1),
        lambda text: "  " + text + " ",
        lambda text: text + "\r",
        lambda text: text.replace("a", "a\u0301", 1),
        lambda text: text[:-1] + " at the cafe\u0301" + end,
    ]
    chinese = [
        lambda text: f'"{text}"',
        lambda text: f"“{text}”",
        lambda text: f"「{text}」",
        lambda text: text[:-1] + "……",
        lambda text: text[:-1] + "...",
        lambda text: text.replace("，", ","),
        lambda text: text[:-1] + "１２３次" + end,
        lambda text: text[:2] + " " + text[2:],
        lambda text: text[:-1] + "，用iPhone看https://example.com/a?b=c" + end,
        lambda text: text + "\r",
        lambda text: text[:-1] + "——真的" + end,
    ]
    changes: Sequence[Callable[[str], str]] = draw.sample(english if language == "en" else chinese, draw.randint(1, 2))
    for change in changes:
        line = change(line)
    return line
