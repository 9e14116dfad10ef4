"""Runs the command line in this process, and builds the small models that its tests search with."""

import atexit
import io
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from searchgen.cli.main import answer
from tests.places import CORPORA

#: Flags that make a search take no time.
QUICK = ("--budget", "0.001")


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of stdout."""
        assert self.out == "" or self.out.endswith("\n")
        return self.out.split("\n")[:-1]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The JSON lines of stdout."""
        return [json.loads(line) for line in self.lines]


def searchgen(*arguments: str, stdin: bytes | None = b"", together: bool = False) -> Ran:
    """Run a command. None for stdin: it is closed. Together: `out` has what comes on stderr, too."""
    kept = sys.stdin, sys.stdout, sys.stderr
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2))
    if together:
        err = out
    given = None if stdin is None else io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin)))
    sys.stdin, sys.stdout, sys.stderr = given, out, err
    try:
        code = answer(arguments)
    finally:
        sys.stdin, sys.stdout, sys.stderr = kept
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
    # Whether a machine has something left to compile is no part of an answer.
    said = "".join(line for line in texts[1].splitlines(keepends=True) if "warm-up does it in advance" not in line)
    return Ran(code, texts[0], said)


@cache
def folder() -> Path:
    """Return a folder that is gone when the tests end."""
    path = Path(tempfile.mkdtemp(prefix="searchgen-tests-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


@cache
def model(lang: str) -> str:
    """Return the path of a small model built by the command line, once."""
    path = folder() / f"{lang}.lm"
    text = CORPORA / f"everyday-{lang}.txt"
    built = searchgen("lm", "build", str(text), "-o", str(path), "--order", "3", "--min-count", "1", "--lang", lang)
    assert built.code == 0, built.err
    return str(path)


@cache
def arpa() -> str:
    """Return the path of a small model of raw tokens in an ARPA file."""
    path = folder() / "raw.arpa.gz"
    text = b"the dog ran .\na cat sat on the mat .\nthe cat saw a dog .\n"
    built = searchgen(
        "lm", "build", "-", "-o", str(path), "--order", "2", "--min-count", "1", "--raw-tokens", stdin=text
    )
    assert built.code == 0, built.err
    return str(path)


def constrain(*arguments: str, lang: str = "en", stdin: bytes = b"") -> Ran:
    """Search under a small model, hardly any steps."""
    return searchgen("constrain", "--lm", model(lang), *QUICK, *arguments, stdin=stdin)
