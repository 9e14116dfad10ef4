"""Thousands of nonsensical command lines: never a traceback, always a documented exit code, one line out for each in."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FrameType

import pytest

from tests.cli.any_line import VERBS, any_line
from tests.cli.runner import Ran, arpa, folder, model, searchgen

SCRAPS = [
    "dog", "park", "new york", "the", "公园", "孩子|公园", "a|b", "|", ",", "，", "、", "\\", "\\,", "@", "@x", "-", "--", "", " ", ".",
    "?!", "“", "”", "(", ")", "[x]", "Mr.", "I", "don't", "3.14", "1,000", "<unk>", "<s>", "</s>", "\x00", "\x1b[1m", "\t", "\u200b",
    "\ufeff", "é", "e\u0301", "ß", "İ", "😀", "\udcff", "ﬁ", "\u2028", "x" * 300, "dog " * 20, "dog," * 8, "a,b,c,d,e,f", "%s", "{}",
    "nan", "-1", "0", "1",
]  # fmt: skip
NUMBERS = [
    "0",
    "1",
    "2",
    "3",
    "5",
    "9",
    "14",
    "-3",
    "1e3",
    "1_0",
    "x",
    "",
    "nan",
    "inf",
    "99999999999999999999",
    "0.5",
    "٣",
]
LISTS, TEXTS = ("--keywords", "-k", "--forbid"), ("--starts-with", "--ends-with")
SIZES = ("--min-words", "--max-words", "--min-chars", "--max-chars", "--seed")
SWITCHES = (
    "--ordered",
    "--sentence",
    "--no-sentence",
    "--quotes",
    "--no-finite-verb",
    "--json",
    "--verbose",
    "--raw-tokens",
    "--help",
    "--x",
)

Draw = random.Random
CODES = {0, 2, 3}


def scrap(draw: Draw) -> str:
    """A few scraps run together, the separators among them."""
    return "".join(draw.choices(SCRAPS, k=draw.choice((1, 1, 1, 2, 3))))


def constrain_arguments(draw: Draw) -> list[str]:
    """A search of hardly any steps under a small model, and anything at all beside that."""
    lm = draw.choice([model("en"), model("en"), model("zh"), arpa(), str(folder()), "eng", "-"])
    arguments = ["constrain", "--budget", "0.0001", "--lm", lm]
    if draw.random() < 0.8:
        arguments += ["--keywords", draw.choice(("dog", "公园", scrap(draw), "-"))]
    for _ in range(draw.randint(0, 4)):
        kind = draw.randrange(5)
        if kind == 0:
            arguments += [draw.choice(LISTS), scrap(draw)]
        elif kind == 1:
            arguments += [draw.choice(TEXTS), scrap(draw)]
        elif kind == 2:
            arguments += [draw.choice(SIZES), draw.choice(NUMBERS)]
        elif kind == 3:
            arguments += ["-n", draw.choice(("1", "2", "3", "x", "0", "-1"))]
        else:
            arguments.append(draw.choice((*SWITCHES, scrap(draw))))
    return arguments


def signature_arguments(draw: Draw) -> list[str]:
    """A signature with a few letters changed."""
    text = list(signature())
    for _ in range(draw.randint(0, 3)):
        at = draw.randrange(len(text))
        text[at : at + draw.randint(0, 2)] = draw.choice([*'{}[]":,09aé', "null", "1e9", "-"])
    return ["constrain", "--again", "".join(text)]


@cache
def signature() -> str:
    return searchgen(
        "constrain", "--lm", model("en"), "--keywords", "dog", "--json", "--seed", "1", "--budget", "0.0001"
    ).rows[0]["signature"]


def model_arguments(draw: Draw) -> list[str]:
    """Building, describing, evaluating: sensible words in a senseless order."""
    words = ["-", str(folder() / "en.lm"), str(folder()), "--json", "--raw-tokens", "--lang", "zh", "en", "--order", "--cut", "0,0,1",
             "--min-count", "--held-out", "--no-dedupe", "nowhere", *NUMBERS[:6]]  # fmt: skip
    verb = draw.choice(("build", "build", "info", "eval", "x"))
    output = ["-o", str(folder() / "fuzz.lm")] if verb == "build" else []
    return ["lm", verb, *output, *draw.choices(words, k=draw.randint(0, 5))]


def stdin(draw: Draw) -> bytes:
    """Some lines: sets, scraps, any bytes."""
    lines = []
    for _ in range(draw.randint(0, 3)):
        line = draw.choice(
            [scrap(draw).encode("utf-8", "surrogateescape"), b"dog,park", draw.randbytes(draw.randint(0, 12))]
        )
        lines.append(line.replace(b"\n", b" "))
    return b"\n".join(lines) + draw.choice([b"", b"\n"])


@pytest.mark.parametrize(
    ("arguments", "times"), [(constrain_arguments, 150), (signature_arguments, 200), (model_arguments, 300)]
)
def test_nonsense(arguments: Callable[[Draw], list[str]], times: int) -> None:
    for number in range(times):
        draw = Draw(number)
        asked, given = arguments(draw), stdin(draw)
        ran = searchgen(*asked, stdin=given)
        assert ran.code in CODES, (number, asked, given, ran)
        assert not any(word in ran.err for word in ("Traceback", "please report", "Warning")), (
            number,
            asked,
            given,
            ran,
        )
        assert ran.code == 0 or ran.err.startswith("searchgen: "), (number, asked, given, ran)
        assert all(line.startswith("searchgen: ") for line in ran.err.splitlines()), (number, asked, given, ran)


def test_any_bytes_on_stdin_give_one_line_for_each() -> None:
    for number in range(60):
        draw = Draw(number)
        given, each = stdin(draw) + b"\n" + stdin(draw), draw.randint(1, 2)
        ran = searchgen(
            "constrain",
            "--keywords",
            "-",
            "--lm",
            model("en"),
            "-n",
            str(each),
            "--budget",
            "0.0001",
            "--seed",
            "1",
            stdin=given,
        )
        assert ran.code in (0, 3), (number, given, ran)
        expected = given.count(b"\n") + (not given.endswith(b"\n"))
        assert len(ran.lines) == each * expected, (number, given, ran)
        assert (ran.code == 3) == any(not any(ran.lines[at : at + each]) for at in range(0, len(ran.lines), each))


#: Seconds after which a line hangs.
PATIENCE = 120


@pytest.fixture
def nothing_to_lose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder for whatever is written, and a watchdog for each line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEARCHGEN_MODELS", str(tmp_path / "models"))

    def hangs(number: int, frame: FrameType | None) -> None:
        raise TimeoutError("a line hangs")

    kept = signal.signal(signal.SIGALRM, hangs)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, kept)


def as_process(*arguments: str, stdin: bytes) -> Ran:
    line = [sys.executable, "-c", "from searchgen.cli.main import run; run()", *map(os.fsencode, arguments)]
    done = subprocess.run(line, input=stdin, capture_output=True, check=False, timeout=PATIENCE)
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def lines_of_every_verb(first: int, count: int, ask: Callable[..., Ran]) -> Counter[tuple[str, ...]]:
    """Try lines; return how many of each verb were answered in full."""
    done: Counter[tuple[str, ...]] = Counter()
    for number in range(first, first + count):
        draw = Draw(f"any {number}")
        asked, given = any_line(draw), stdin(draw)
        signal.alarm(PATIENCE)
        ran = ask(*asked, stdin=given)
        assert ran.code in {0, 1, 2, 3}, (number, asked, given, ran)
        assert not any(word in ran.err for word in ("Traceback", "please report", "Warning")), (
            number,
            asked,
            given,
            ran,
        )
        assert ran.code == 0 or ran.err.startswith("searchgen: "), (number, asked, given, ran)
        assert all(line.startswith("searchgen: ") for line in ran.err.splitlines()), (number, asked, given, ran)
        if ran.code == 0:
            done[next(verb for verb in VERBS if tuple(asked[: len(verb)]) == verb)] += 1
    return done


@pytest.mark.usefixtures("nothing_to_lose")
def test_nonsense_of_every_verb() -> None:
    assert len(lines_of_every_verb(0, 100, searchgen)) > 10


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_to_lose")
@pytest.mark.parametrize("part", range(13))
def test_twenty_thousand_lines(part: int) -> None:
    """No fault, and most verbs are not only refused."""
    assert len(lines_of_every_verb(1000 + 1500 * part, 1500, searchgen)) > len(VERBS) // 2


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_to_lose")
def test_five_hundred_lines_as_processes() -> None:
    assert lines_of_every_verb(30_000, 500, as_process).total() > 50
