"""`searchgen constrain`: texts that hold the demanded words."""

import secrets
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from searchgen.cli.answers import Answers
from searchgen.errors import RequestError

__all__ = ["HELP", "constrain"]

HELP = """Print texts that hold the demanded words; every one satisfies every constraint, or the command says why none can.

Words split at a comma; '|' separates alternatives, '\\,' is a literal comma, '@FILE' reads one entry a line, '-' reads one
set a line from stdin and answers each with one line.

Example: searchgen constrain --keywords "dog,park,ball" -n 3 --seed 7
"""

Keywords = Annotated[
    list[str] | None,
    typer.Option("--keywords", "-k", help="Words or phrases the text must hold; '-' reads one set a line from stdin."),
]


def constrain(
    keywords: Keywords = None,
    ordered: Annotated[bool, typer.Option("--ordered", help="Hold the items in the order given.")] = False,
    forbid: Annotated[list[str] | None, typer.Option("--forbid", help="Words or phrases that must not occur.")] = None,
    starts_with: Annotated[str, typer.Option("--starts-with", help="Text the result begins with.")] = "",
    ends_with: Annotated[str, typer.Option("--ends-with", help="Text the result ends with, before the final mark.")] = "",
    sentence: Annotated[
        bool, typer.Option("--sentence/--no-sentence", help="One sentence: a final mark at the end, none inside.")
    ] = True,
    min_words: Annotated[
        int | None, typer.Option("--min-words", "--min-chars", help="Fewest words (characters in Chinese).")
    ] = None,
    max_words: Annotated[
        int | None, typer.Option("--max-words", "--max-chars", help="Most words (characters in Chinese).")
    ] = None,
    lm: Annotated[str | None, typer.Option("--lm", help="Embedded model (en, zh) or path of a model or ARPA file.")] = None,
    count: Annotated[int, typer.Option("-n", help="Number of texts.")] = 1,
    seed: Annotated[int | None, typer.Option("--seed", help="Makes the result repeatable; fresh by default.")] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", help="Seconds per set, turned into steps by the table in the docs.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    again: Annotated[str | None, typer.Option("--again", help="Repeat the request of a signature, bit for bit.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show on stderr what was asked and done.")] = False,
) -> None:
    """Parse the flags into one request a set, answer each, and print."""
    if again is None and not keywords and not starts_with and not ends_with:
        raise RequestError("nothing is demanded; give --keywords, --starts-with or --ends-with")
    flags = {
        "ordered": ordered,
        "forbid": forbid or [],
        "starts_with": starts_with,
        "ends_with": ends_with,
        "sentence": sentence,
        "min_words": min_words,
        "max_words": max_words,
        "lm": lm,
        "count": count,
        "seed": secrets.randbits(32) if seed is None else seed,
        "budget": budget,
    }
    answers = Answers(json=json, verbose=verbose)
    if again is not None:
        answers.repeat(again)
    elif keywords == ["-"]:
        answers.stream(_lines(), flags)
    else:
        answers.one(keywords or [], flags)


def _lines() -> Iterator[bytes]:
    if sys.stdin is None or sys.stdin.isatty():
        raise RequestError("--keywords - reads sets from stdin, and stdin is a terminal; pipe a file into it")
    return iter(sys.stdin.buffer.readline, b"")
