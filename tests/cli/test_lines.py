"""Texts of several lines at the command line: how they are printed, checked and asked for wrongly."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.runner import searchgen

QUICK = ("--seed", "7", "--budget", "0.05")
MARKS = ".,;:!?…“”‘’()[]-–—。，、；：！？"


def initials(poem: str) -> str:
    return "".join(re.sub(r"\W", "", line)[0].lower() for line in poem.split("\n"))


def words(line: str) -> int:
    return sum(bool(part.strip(MARKS)) for part in line.split(" "))


def test_an_acrostic_has_a_line_for_each_letter() -> None:
    ran = searchgen("constrain", "--acrostic", "MOON", "-n", "3", "--lm", "en-ngram", *QUICK)
    assert ran.code == 0, ran.err
    poems = ran.out.removesuffix("\n").split("\n\n")
    assert len(poems) == 3
    for poem in poems:
        assert initials(poem) == "moon"
        assert all(3 <= words(line) <= 8 for line in poem.split("\n"))
    checked = searchgen("check", "--acrostic", "moon", "--lm", "en-ngram", stdin=ran.out.encode())
    assert (checked.code, checked.out) == (0, "")
    assert "3 of 3 texts pass" in checked.err


def test_a_long_acrostic_has_shorter_lines() -> None:
    ran = searchgen("constrain", "--acrostic", "tastetat", "--lm", "en-ngram", *QUICK)
    assert ran.code == 0, ran.err
    assert initials(ran.out.strip()) == "tastetat"
    assert all(4 <= words(line) <= 6 for line in ran.out.splitlines())


def test_chinese_lines_have_five_to_seven_characters() -> None:
    ran = searchgen("constrain", "--acrostic", "春夏秋冬", "-k", "天", "--lm", "zh-ngram", "--json", *QUICK)
    assert ran.code == 0, ran.err
    (row,) = ran.rows
    lines = row["text"].split("\n")
    assert [line[0] for line in lines] == [*"春夏秋冬"]
    assert all(5 <= len(re.findall(r"[\u4e00-\u9fff]", line)) <= 7 for line in lines)
    (span,) = row["spans"]
    assert row["text"][span["start"] : span["end"]] == "天"
    assert row["satisfied"]["4 lines of 5..7 words, acrostic 春夏秋冬"]


def test_characters_of_lines_are_kept() -> None:
    flags = ("--lines", "3", "--chars-per-line", "16..24", "-k", "sea")
    ran = searchgen("constrain", *flags, "-n", "2", "--lm", "en-ngram", *QUICK)
    assert ran.code == 0, ran.err
    for poem in ran.out.removesuffix("\n").split("\n\n"):
        assert [16 <= len(line) <= 24 for line in poem.split("\n")] == [True] * 3
        assert re.search(r"\bsea\b", poem, re.IGNORECASE)


def test_sets_of_stdin_have_one_line_each() -> None:
    flags = ("-k", "-", "--lines", "2", "--words-per-line", "2..5", "--lm", "en-ngram", *QUICK)
    ran = searchgen("constrain", *flags, stdin=b"sea\nnight\n")
    assert ran.code == 0, ran.err
    first, second = ran.out.splitlines()
    assert [line.count(" / ") for line in (first, second)] == [1, 1]
    assert "sea" in first.lower()
    assert "night" in second.lower()


def test_conditions_have_lines() -> None:
    flags = ("--where", "acrostic(oh, 2..4) and not holds(the)", "--lm", "en-ngram")
    ran = searchgen("constrain", *flags, *QUICK)
    assert ran.code == 0, ran.err
    assert initials(ran.out.strip()) == "oh"
    assert all(2 <= words(line) <= 4 for line in ran.out.splitlines())
    poems = "Oh no\nhe was.\n\nOh no he\nwas.\n"
    checked = searchgen("check", *flags, stdin=poems.encode())
    assert checked.out == "4\tacrostic(oh, 2..4)\tOh no he / was.\n"
    either = searchgen("constrain", "--where", "lines(2, 3..4) or words(40)", "--lm", "en-ngram", *QUICK)
    assert (either.code, either.out.count("\n")) == (0, 1)  # it may have lines, and need not


def test_draws_have_lines() -> None:
    flags = ("--lines", "2", "--words-per-line", "2..3", "-k", "sea", "--lm", "en-ngram", "--seed", "3")
    ran = searchgen("sample", *flags, "-n", "20", "--json")
    assert ran.code == 0, ran.err
    for row in ran.rows:
        lines = row["text"].split("\n")
        assert [2 <= words(line) <= 3 for line in lines] == [True, True], row["text"]
        assert all(row["satisfied"].values())
    assert searchgen("sample", *flags, "-n", "20", "--json").out == ran.out


def test_poems_are_checked_line_by_line() -> None:
    poems = "My own\nold night.\n\n\nMy own old\nnight.\n\nMy own old night.\n"
    ran = searchgen("check", "--lines", "2", "--words-per-line", "2", "--lm", "en-ngram", stdin=poems.encode())
    assert ran.code == 3
    name = "2 lines of 2 words"
    assert ran.out == f"5\t{name}\tMy own old / night.\n8\t{name}\tMy own old night.\n"
    assert "1 of 3 texts pass" in ran.err
    row = searchgen("check", "--lines", "2", "--json", "--lm", "en-ngram", stdin=poems.encode()).rows[0]
    assert (row["text"], row["line"]) == ("My own\nold night.", 1)


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (("--words-per-line", "3", "-k", "dog"), 2, "--words-per-line without lines"),
        (("--lines", "3", "--acrostic", "MOON"), 2, "--lines 3 with --acrostic MOON, which has 4"),
        (("--lines", "3", "--where", "acrostic(abc)"), 2, "lines are asked for twice"),
        (("--where", "lines(3, 2)and lines(2)"), 2, "lines are asked for twice"),
        (("--lines", "0"), 2, "--lines 0: give 1 to 40"),
        (("--words-per-line", "3"), 2, "--words-per-line without lines; give --lines N"),
        (("--where", "lines(0)"), 2, "--where: lines at column 1: lines 0: give 1 to 40"),
        (("--where", "lines(few)"), 2, "such as lines(4)"),
        (("--lines", "0", "-k", "dog"), 2, "give 1 to 40"),
        (("--acrostic", "M7"), 2, "'7' is no letter"),
        (("--lines", "2", "--words-per-line", "5..2"), 2, "5 is more than 2"),
        (("--lines", "4", "--max-words", "3"), 3, "no text satisfies all of: lines 4; 3 words"),
        (("--acrostic", "abcdefghijklmno", "--words-per-line", "1..9"), 3, "give a narrower --words-per-line"),
    ],
)
def test_bad_input(flags: tuple[str, ...], code: int, message: str) -> None:
    ran = searchgen("constrain", *flags, "--lm", "en-ngram", *QUICK)
    assert (ran.code, ran.out) == (code, ""), ran.err
    assert message in ran.err
    assert ran.err.count("\n") == 1, ran.err


def test_jobs_have_lines(tmp_path: Path) -> None:
    folder = tmp_path
    job = {"acrostic": "sea", "words_per_line": "2..4", "budget": 0.01}
    (folder / "jobs.jsonl").write_text(json.dumps(job), encoding="utf-8")
    ran = searchgen("batch", str(folder / "jobs.jsonl"), "-o", str(folder / "rows"), "--lm", "en-ngram", "-q")
    text = json.loads((folder / "rows").read_text(encoding="utf-8"))["results"][0]["text"]
    assert initials(text) == "sea", ran.err
