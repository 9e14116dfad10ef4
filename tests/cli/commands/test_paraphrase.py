"""`searchgen paraphrase`: on trial, on no list; one text in, exactly so many lines out, within both bounds."""

import pytest

from searchgen.meaning.vectors import vectors_of
from tests.cli.runner import searchgen

NGRAM = ("--lm", "en-ngram")


def test_texts_keep_both_bounds_and_the_characters_of_the_source() -> None:
    given = "He  fell asleep over his “book”...\r\n\nqqzzx.\nThe children sang a song for their teacher.\n"
    ran = searchgen("paraphrase", "-n", "2", "--json", *NGRAM, stdin=given.encode())
    assert (ran.code, len(ran.lines)) == (3, 8)
    assert "on trial" in ran.err
    found = [row for row in ran.rows if row["status"] == "ok"]
    assert [row["line"] for row in found] == [1, 1, 4, 4]
    for row in found:
        assert row["overlap"] <= 0.7
        assert row["similarity"] >= 0.5
        assert row["similarity"] == pytest.approx(vectors_of("en").similarity(row["text"], row["source"]), abs=1e-3)
        assert row["edits"] >= 1
        for change in row["changes"]:
            assert row["text"][change["start"] :].startswith(change["new"])
    assert all(row["text"].startswith("He  ") and row["text"].endswith("”...\r") for row in found[:2])
    assert [row["text"] for row in ran.rows[2:6]] == [""] * 4


def test_what_is_protected_stays_and_changes_are_shown() -> None:
    ran = searchgen(
        "paraphrase", "孩子们画了一条大船和一片蓝色的海。", "--protect", "大船", "--diff", "--lm", "zh-ngram"
    )
    assert ran.code == 0
    text, changes = ran.lines[0].split("\t")
    assert "大船" in text
    assert "-" in changes


def test_it_is_on_no_list() -> None:
    assert "paraphrase" not in searchgen("--help").out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((" ",), 2, "the text is empty"),
        (("A dog.", "-n", "0"), 2, "from 1 to 24"),
        (("A dog.", "--min-similarity", "2"), 2, "from -1 to 1"),
        (("A dog.", "--max-overlap", "2"), 2, "from 0 to 1"),
        (("The old dog sleeps.", "--max-overlap", "0", *NGRAM), 3, "the nearest has similarity"),
        (("The of the.", *NGRAM), 3, "no word of the text has others"),
        ((), 2, "stdin is closed"),
    ],
    ids=["empty", "no number", "similarity", "overlap", "bounds", "words of grammar", "closed"],
)
def test_what_cannot_be_paraphrased(arguments: tuple[str, ...], code: int, said: str) -> None:
    ran = searchgen("paraphrase", *arguments, stdin=None)
    assert (ran.code, ran.out.strip()) == (code, "")
    assert said in ran.err
