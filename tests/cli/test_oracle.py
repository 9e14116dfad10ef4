"""What the command line prints keeps every demand, judged from stdout alone by `tests/cli/oracle.py`."""

import ast
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.oracle import CHINESE, ENGLISH, Demand, broken
from tests.cli.runner import constrain
from tests.places import CORPORA

FINE = "The dog ran after Mr. Fox."
CHINESE_FINE = "我们在广州吃美食。"


@pytest.mark.parametrize(
    ("text", "demand", "faults"),
    [
        (FINE, Demand([["Dog"], ["fox", "cat"]], window=(6, 6)), []),
        (FINE, Demand([["dogs"]]), ["keyword dogs"]),
        ("The dog's tail.", Demand([["dog"]]), ["keyword dog"]),
        (FINE, Demand([["fox"], ["dog"]], ordered=True), ["order"]),
        ("A hot dog and a dog.", Demand([["dog"], ["hot dog"]], ordered=True), ["order"]),
        (FINE, Demand(forbid=["RAN"]), ["forbid RAN"]),
        ("The dog's tail.", Demand(forbid=["dog"]), ["forbid dog"]),
        (FINE, Demand(starts_with="A"), ["starts-with"]),
        (FINE, Demand(starts_with="the dog", ends_with="mr. fox"), []),
        (FINE, Demand(ends_with="dog"), ["ends-with"]),
        (FINE, Demand(window=(1, 5)), ["window: 6"]),
        ("The dog ran", Demand(), ["final mark"]),
        ("No. The dog ran.", Demand(), ["mark inside"]),
        ("A “dog ran.", Demand(quotes=True), ["unclosed"]),
        ("A “dog” ran.", Demand(), ["quotes"]),
        ("", Demand(), ["text", "window: 0", "final mark"]),
        (CHINESE_FINE, Demand([["美食"], ["广州"]], window=(8, 8), chinese=True), []),
        (CHINESE_FINE, Demand([["美食"], ["广州"]], ordered=True, chinese=True), ["order"]),
        (CHINESE_FINE, Demand([["上海"]], forbid=["吃美"], chinese=True), ["keyword 上海", "forbid 吃美"]),
        ("我们吃。美食。", Demand(chinese=True), ["mark inside"]),
    ],
)
def test_the_oracle_sees_what_is_broken(text: str, demand: Demand, faults: list[str]) -> None:
    assert broken(text, demand) == faults


def test_the_oracle_imports_nothing_of_searchgen() -> None:
    tree = ast.parse(Path(__file__).with_name("oracle.py").read_text(encoding="utf-8"))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {
        name
        for node in imported
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
    }
    assert names == {"re", "collections.abc", "dataclasses"}


def words(lang: str) -> list[str]:
    """Words of the everyday text, those of two letters or more."""
    text = (CORPORA / f"everyday-{lang}.txt").read_text(encoding="utf-8")
    if lang == "zh":
        lines = [line for line in text.split() if len(line) > 6]
        return sorted(
            {
                line[at : at + 2]
                for line in lines
                for at in (0, 3)
                if all(CHINESE.fullmatch(c) and c.isalnum() for c in line[at : at + 2])
            }
        )
    return sorted({word for word in ENGLISH.findall(text) if len(word) > 1 and word.isalpha() and word.islower()})


def sets(lang: str, count: int, seed: int, largest: int = 3) -> list[list[list[str]]]:
    """Keyword sets: each item one word, or two alternatives."""
    choose, known = random.Random(seed), words(lang)
    return [
        [choose.sample(known, 1 + (choose.random() < 0.2)) for _ in range(choose.randint(1, largest))]
        for _ in range(count)
    ]


def as_line(items: Sequence[Sequence[str]]) -> str:
    return ",".join("|".join(item) for item in items)


CASES: dict[str, tuple[str, list[str], Demand]] = {
    "plain": ("en", [], Demand(window=(6, 14))),
    "ordered": ("en", ["--ordered"], Demand(window=(6, 14), ordered=True)),
    "forbid": ("en", ["--forbid", "the,of,and"], Demand(window=(6, 14), forbid=["the", "of", "and"])),
    "edges": (
        "en",
        ["--starts-with", "The", "--ends-with", "night", "--max-words", "20"],
        Demand(window=(6, 20), starts_with="The", ends_with="night"),
    ),
    "loose": (
        "en",
        ["--no-sentence", "--quotes", "--min-words", "5", "--max-words", "9"],
        Demand(window=(5, 9), sentence=False, quotes=True),
    ),
    "chinese": ("zh", [], Demand(window=(8, 24), chinese=True)),
    "chinese ordered": ("zh", ["--ordered", "--forbid", "的"], Demand(window=(8, 24), chinese=True, ordered=True, forbid=["的"])),
    "chinese edges": ("zh", ["--starts-with", "我", "--max-chars", "18"], Demand(window=(1, 18), chinese=True, starts_with="我")),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_every_text_keeps_every_demand(case: str) -> None:
    lang, flags, demand = CASES[case]
    asked = sets(lang, 40, seed=len(case))
    ran = constrain(
        "--keywords", "-", "--seed", "1", "--json", *flags, lang=lang, stdin="\n".join(map(as_line, asked)).encode()
    )
    assert len(ran.rows) == len(asked)
    texts = 0
    for row, items in zip(ran.rows, asked, strict=True):
        if row["status"] != "ok":
            assert row["text"] == ""
            assert row["status"] in ("impossible", "malformed"), row  # forbidden, or too many for the window
            continue
        texts += 1
        assert broken(row["text"], as_demand(demand, items)) == [], row["text"]
        assert all(row["satisfied"].values())
    assert texts >= 30


def as_demand(demand: Demand, items: Sequence[Sequence[str]]) -> Demand:
    return replace(demand, keywords=items)


PROGRAM = "from searchgen.cli.main import run; run()"


@pytest.mark.slow
@pytest.mark.parametrize(("lang", "flags", "sets_asked", "each"), [
    ("en", ["--ordered"], 500, 5),
    ("en", ["--forbid", "very,said"], 500, 6),
    ("zh", [], 600, 5),
    ("zh", ["--ordered"], 300, 5),
])  # fmt: skip
def test_ten_thousand_texts_keep_every_demand(lang: str, flags: list[str], sets_asked: int, each: int) -> None:
    asked = sets(lang, sets_asked, seed=each)
    window = (6, 14) if lang == "en" else (8, 24)
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        "constrain",
        "--lm",
        lang,
        "--keywords",
        "-",
        "-n",
        str(each),
        "--seed",
        "3",
    ]
    given = "\n".join(map(as_line, asked)).encode()
    done = subprocess.run(
        [*command, "--json", "--budget", "0.02", *flags], input=given, capture_output=True, check=False
    )
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert len(rows) == each * sets_asked, done.stderr.decode()[-1000:]
    demand = Demand(
        window=window, chinese=lang == "zh", ordered="--ordered" in flags, forbid=flags[1:] and ["very", "said"]
    )
    texts = 0
    for row in rows:
        if row["status"] == "ok":
            texts += 1
            assert broken(row["text"], as_demand(demand, asked[row["line"] - 1])) == [], row["text"]
    assert texts > len(rows) / 2  # a small budget does not find five different texts for every set
