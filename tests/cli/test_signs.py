"""Words with signs through the command line: what is printed holds them, judged from stdout alone by `tests/cli/sign_oracle.py`."""

import ast
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cli.sign_oracle import CHINESE_KINDS, KINDS, Item, begins, ends, held, items
from tests.cli.test_oracle import PROGRAM, words

#: Kinds that may be refused: none of what is generated has a character that cannot be printed.
MOST_REFUSED = 0.01


@pytest.mark.parametrize(
    ("item", "text", "chinese", "holds"),
    [
        ("C++", "He wrote C++.", False, True),
        ("C++", "He wrote C + +.", False, False),
        ("C", "He wrote C++.", False, True),  # who knows only this item takes + for a sign outside
        ("R&D", "The r&d money.", False, True),
        ("No. 7", "It was no. 7!", False, True),
        ("No. 7", "It was No. 78.", False, False),
        ("👍", "Fine 👍🏽.", False, False),
        ("dog", "The “dog” ran.", False, True),
        ("dog", "The hotdog ran.", False, False),
        ("C++语言", "我学C++语言。", True, True),
        ("你好!", "他说：你好！", True, True),
        ("语言", "我学C++语言。", True, True),
    ],
)
def test_the_oracle_sees_what_is_held(item: str, text: str, chinese: bool, holds: bool) -> None:
    assert held(Item(item), text, chinese=chinese) == holds


def test_case_counts_where_a_word_has_signs() -> None:
    assert not held(Item("R&D", exact=True), "The r&d money.", chinese=False)


def test_the_oracle_imports_nothing_of_searchgen() -> None:
    tree = ast.parse(Path(__file__).with_name("sign_oracle.py").read_text(encoding="utf-8"))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {(node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name for node in imported}
    assert not any(name.startswith(("searchgen", "tests")) for name in names)


def jobs(lang: str, asked: Sequence[tuple[str, Item]]) -> bytes:
    """A job an item: a keyword, alone or with another one, or what the text begins or ends with."""
    other = "狗" if lang != "en" else "dog"
    lines = []
    for number, (_, item) in enumerate(asked):
        demands: list[dict[str, Any]] = [
            {"keywords": [[item.text]]},
            {"keywords": [[item.text], [other]]},
            {"keywords": [[other, item.text]]},
            {"starts_with": item.text},
            {"ends_with": item.text, "keywords": [[other]]},
        ]
        lines.append(json.dumps({"id": number, **demands[number % len(demands)], "seed": 1, "budget": 0.002}))
    return "\n".join(lines).encode()


def answered(lang: str, count: int, seed: int) -> tuple[int, Counter[str]]:
    """Ask for items; return how many texts were judged, and how many items of each kind were refused. All others are held."""
    asked, chinese = asked_of(lang, count, seed), lang != "en"
    command = [sys.executable, "-c", PROGRAM, "batch", "-", "--lm", "zh-ngram" if chinese else "en-ngram", "--quiet"]
    done = subprocess.run(command, input=jobs(lang, asked), capture_output=True, check=False)
    rows = {row["id"]: row for row in map(json.loads, done.stdout.decode().splitlines())}
    assert rows.keys() == set(range(count)), done.stderr.decode()
    texts, refused = 0, Counter[str]()
    for number, (kind, item) in enumerate(asked):
        row = rows[number]
        if row["status"] != "ok":
            assert not row["diagnostics"].get("proved"), (kind, item, row["diagnostics"])
            refused[kind] += 1
            continue
        texts += 1
        text = row["results"][0]["text"]
        assert all(row["results"][0]["satisfied"].values())
        holds = held(item, text, chinese=chinese)
        if number % 5 == 2:
            holds |= held(Item("狗" if chinese else "dog"), text, chinese=chinese)
        assert holds, (kind, item, text)
        if number % 5 == 3:
            assert begins(item, text, chinese=chinese), (kind, item, text)
        if number % 5 == 4:
            assert ends(item, text, chinese=chinese), (kind, item, text)
    return texts, refused


def asked_of(lang: str, count: int, seed: int) -> list[tuple[str, Item]]:
    return items(lang, count, seed, words("zh" if lang == "zh" else "en"))


@pytest.mark.parametrize("lang", ["en", "zh", "mixed"])
def test_items_with_signs_are_held(lang: str) -> None:
    assert answered(lang, 25, 1) == (25, Counter())


@pytest.mark.slow
@pytest.mark.parametrize("part", range(5))
@pytest.mark.parametrize("lang", ["en", "zh", "mixed"])
def test_twenty_thousand_items_with_signs_are_held(lang: str, part: int) -> None:
    count = 2_000 if lang == "en" else 1_000
    texts, refused = answered(lang, count, 100 + part)
    assert refused.total() <= MOST_REFUSED * count, refused
    assert texts == count - refused.total()


def test_every_kind_is_tried() -> None:
    assert {kind for kind, _ in asked_of("en", 2_000, 100)} == {*KINDS}
    assert {kind for kind, _ in asked_of("zh", 1_000, 100)} == {*CHINESE_KINDS}
