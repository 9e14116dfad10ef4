"""The lists that people sent in, where their folder is there, and small ones of their kinds: each gives what its line there expects."""

import re
from pathlib import Path

import pytest

import searchgen as python
from searchgen.errors import RequestError
from searchgen.lm.ngram.load import load
from tests.cli.runner import Ran, searchgen
from tests.cli.sign_oracle import HAN, Item, held

FEW = ("--budget", "0.005")


@pytest.fixture
def lists(shared_folder: Path) -> Path:
    folder = shared_folder / "cases" / "lists"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    return folder


def constrained(path: Path, *flags: str, lm: str = "en-ngram") -> tuple[list[str], Ran]:
    """The lines of a file, and what is printed for them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    ran = searchgen("constrain", "-k", "-", "--lm", lm, "--seed", "3", *FEW, *flags, stdin=path.read_bytes())
    assert (ran.code, len(ran.lines)) == (0, len(lines)), ran.err
    return lines, ran


@pytest.mark.shared
@pytest.mark.parametrize("name", ["symbols_spaced", "symbols_impossible"])
def test_words_with_signs_are_printed_as_they_are_written(lists: Path, name: str) -> None:
    lines, ran = constrained(lists / f"{name}.txt")
    for line, text in zip(lines, ran.lines, strict=True):
        assert all(held(Item(word), text, chinese=False) for word in line.split(",")), text


@pytest.mark.shared
def test_texts_with_signs_are_judged(lists: Path) -> None:
    ran = searchgen("check", "-k", "C++", stdin=(lists / "texts_with_symbols.txt").read_bytes())
    assert (ran.code, [line.split("\t")[0] for line in ran.lines]) == (3, ["2", "3", "4", "5"])


@pytest.mark.shared
def test_lists_parted_by_other_signs_get_a_hint(lists: Path) -> None:
    ran = searchgen("constrain", "-k", "-", "--seed", "3", *FEW, stdin=(lists / "separators.txt").read_bytes())
    assert [f"{sign!r} does not separate entries" in ran.err for sign in "#;；/"] == [True, True, True, False]


@pytest.mark.shared
def test_keywords_have_places_of_their_own(lists: Path) -> None:
    lines, ran = constrained(lists / "zh_overlap.txt", lm="zh-ngram")
    for line, text in zip(lines, ran.lines, strict=True):
        first, second = line.split(",")
        assert second in text.replace(first, " ", 1) or first in text.replace(second, " ", 1), text


@pytest.mark.shared
def test_many_keywords_are_answered(lists: Path) -> None:
    lines, ran = constrained(lists / "many_keywords.txt")
    for line, text in zip(lines, ran.lines, strict=True):
        assert all(held(Item(word), text, chinese=False) for word in line.split(",")), text


@pytest.mark.shared
def test_long_lists_of_forbidden_words_are_taken(lists: Path) -> None:
    ran = searchgen("constrain", "-k", "dog", "--forbid", f"@{lists / 'forbid_2025.txt'}", "--lm", "en-ngram", *FEW)
    assert ran.code == 0


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("seed", ["3", "4"])
def test_no_rare_character_stands_beside_a_word_of_another_script(lists: Path, seed: str) -> None:
    path, common = lists / "zh_latin.txt", {*load("zh-ngram").vocabulary[:2000]}
    assert {*"椤璟螂"} - common  # such as these were printed there
    ran = searchgen("constrain", "-k", "-", "--seed", seed, stdin=path.read_bytes())
    for line, text in zip(path.read_text(encoding="utf-8").splitlines(), ran.lines, strict=True):
        word = line.split(",")[0]
        after = text[text.index(word) + len(word) :][:1]
        assert not HAN.match(after) or after in common, text


def test_a_capital_follows_the_final_mark_inside_an_item() -> None:
    ran = searchgen("constrain", "-k", "He left. She stayed", "--no-sentence", "--lm", "en-ngram", "--seed", "1", *FEW)
    assert "He left. She stayed" in ran.out
    ran = searchgen("constrain", "-k", "He left. She stayed", "--lm", "en-ngram", "--seed", "1", *FEW)
    assert "He left. She stayed" in ran.out


def test_case_is_the_vocabularys_for_known_words_and_the_users_for_others() -> None:
    flags = ("--lm", "en-ngram", "--seed", "1", *FEW)
    assert {"dog", "park"} <= {*searchgen("constrain", "-k", "Dog,PARK", *flags).out.strip(".?!\n").split()}
    for word in ("gpt4", "eBay", "r&d", "kubernetes"):
        ran = searchgen("constrain", "--starts-with", f"{word} is", *flags)
        assert ran.out.startswith(f"{word} is "), ran.out
    assert searchgen("constrain", "--starts-with", "Kubernetes is", *flags).out.startswith("Kubernetes is ")


@pytest.mark.parametrize("length", [20, 60, 200, 900])
def test_unknown_words_of_any_length_are_answered(length: int) -> None:
    word = "ab" * (length // 2)
    ran = searchgen("constrain", "-k", f"{word},dog", "--lm", "en-ngram", "--seed", "1", *FEW)
    assert (ran.code, word in ran.out) == (0, True)


TEXTS = "I love New York.\ni love new york.\nTHE DOG SAT.\nI love C++.\nWe use node.js, kubernetes and R&D.\nSee C."


@pytest.mark.parametrize(
    ("keyword", "lacking"),
    [
        ("york", [3, 4, 5, 6]),
        ("YORK", [3, 4, 5, 6]),
        ("the dog", [1, 2, 4, 5, 6]),
        ("C++", [1, 2, 3, 5, 6]),
        ("C", [1, 2, 3, 4, 5]),
        ("node", [1, 2, 3, 4, 5, 6]),
        ("Node.js", [1, 2, 3, 4, 6]),
        ("r&d", [1, 2, 3, 4, 6]),
        ("Kubernetes", [1, 2, 3, 4, 6]),
    ],
)
def test_check_and_score_judge_every_line(keyword: str, lacking: list[int]) -> None:
    flags = ("-k", keyword, "--lm", "en-ngram")
    checked = searchgen("check", *flags, stdin=TEXTS.encode())
    assert [int(line.split("\t")[0]) for line in checked.lines] == lacking
    assert checked.code == 3
    scored = searchgen("score", *flags, stdin=TEXTS.encode())
    assert scored.code == 0
    found = [line.split("\t")[1].startswith("keyword") for line in scored.lines]
    assert [number for number, lacks in enumerate(found, 1) if lacks] == lacking


def test_check_judges_what_no_text_can_keep() -> None:
    ran = searchgen("check", "-k", "?,!", "--sentence", "--lm", "en-ngram", stdin=b"Who?\nWho?!\n")
    assert (ran.code, len(ran.lines)) == (3, 2)


def test_score_of_a_text_with_signs_is_that_of_constrain() -> None:
    flags = ("--lm", "en-ngram", "-k", "C++,dog")
    row = searchgen("constrain", *flags, "--seed", "1", *FEW, "--json").rows[0]
    scored = searchgen("score", *flags, "--json", stdin=row["text"].encode()).rows[0]
    assert (scored["tokens"], all(scored["satisfied"].values())) == (row["tokens"], True)
    assert scored["log_prob"] == pytest.approx(row["log_prob"])


@pytest.mark.parametrize(("item", "name"), [("a\x07b", "U+0007"), ("\ud800", "U+D800"), ("公\x9b园", "U+009B")])
def test_an_item_that_cannot_be_printed_is_refused_by_its_character(item: str, name: str) -> None:
    with pytest.raises(RequestError, match=re.escape(f"holds {name}, which cannot be printed; drop it")):
        python.constrain([item], lm="en-ngram")


def test_a_forbidden_full_width_word_is_the_word() -> None:
    ran = searchgen("constrain", "-k", "dog", "--forbid", "ＤＯＧ", "--lm", "en-ngram")
    assert (ran.code, "both a keyword and forbidden" in ran.err) == (2, True)
    assert searchgen("check", "--forbid", "公园", stdin="我们去公园。\n".encode()).code == 3
