"""`searchgen rewrite`: one text in, exactly so many lines out; what satisfies the constraints comes back bit for bit."""

import itertools

import pytest

from tests.cli.runner import searchgen
from tests.constraints.test_edits import fewest
from tests.rewriting.prose import decorated

NGRAM = ("--lm", "en-ngram", "--budget", "0.02", "--seed", "7")


def test_lines_that_satisfy_the_constraints_come_back_bit_for_bit() -> None:
    given = "".join(decorated(seed, "en") + "\n" for seed in range(200))
    ran = searchgen("rewrite", "--forbid", "zebra", *NGRAM, stdin=given.encode())
    assert (ran.code, ran.out) == (0, given)


def test_lines_are_rewritten_in_order_and_those_without_an_answer_are_empty() -> None:
    given = 'We  saw "it"...\r\n\nThe ball is red.\n\xff\n' + "dog " * 300 + "\n"
    ran = searchgen("rewrite", "-k", "ball", "-n", "2", *NGRAM, stdin=given.encode("latin-1"))
    lines = ran.lines
    assert (ran.code, len(lines)) == (3, 10)
    assert all("ball" in line for line in lines[:2])
    assert lines[2:4] == ["", ""]
    assert lines[4:6] == ["The ball is red.", ""]
    assert "line 2: the text is empty" in ran.err
    assert "line 5: the text has 300 words" in ran.err


def test_json_says_what_changed() -> None:
    ran = searchgen("rewrite", "We saw the dog.", "-k", "cat", "--protect", "we", "--json", *NGRAM)
    (row,) = ran.rows
    assert (row["source"], row["status"], row["satisfied"]) == ("We saw the dog.", "ok", {"keyword cat": True})
    assert row["edits"] >= 1
    for change in row["changes"]:
        assert row["text"][change["start"] :].startswith(change["new"])
    (span,) = row["spans"]
    assert row["text"][span["start"] : span["end"]] == "cat"
    shown = searchgen("rewrite", "We saw the dog.", "-k", "cat", "--protect", "we", "--diff", *NGRAM).lines[0]
    text, changes = shown.split("\t")
    assert text == row["text"]
    assert "+" in changes


@pytest.mark.parametrize("lm", ["en-ngram", "en"])
def test_json_and_verbose_have_the_edits_that_led_to_each_text(lm: str) -> None:
    """Each text of a trail is within the edits, each gain is that of the step, and the last text is the result."""
    asked = (
        "rewrite",
        "We saw the dog in the park.",
        "-k",
        "cat,king",
        "--max-edits",
        "3",
        "-n",
        "4",
        "--lm",
        lm,
        "--seed",
        "3",
    )
    rows = searchgen(*asked, "--json").rows
    assert max(len(row["trail"]) for row in rows) > 1
    for row in rows:
        first, *others = row["trail"]
        assert (first["kind"], first["gain"]) == ("start", None)
        assert {step["kind"] for step in others} <= {"span", "any-span", "relocate", "edit"}
        texts = [step["text"] for step in row["trail"]]
        assert texts[-1] == row["text"]
        assert None not in [step["gain"] for step in others]
        assert all(before != after for before, after in itertools.pairwise(texts))
        source = ("we", "saw", "the", "dog", "in", "the", "park", ".")
        assert all(fewest(source, tuple(text.lower().replace(".", " .").split())) <= 3 for text in texts)
    shown = [line.split(": ", 2)[1:] for line in searchgen(*asked, "--verbose").err.splitlines()]
    steps = [step for row in rows for step in row["trail"]]
    assert [text for _, text in shown] == [step["text"] for step in steps]
    assert [kind.split()[0] for kind, _ in shown] == [step["kind"] for step in steps]


def test_an_impossible_bound_is_said_with_the_number_it_takes() -> None:
    ran = searchgen("rewrite", "We saw the dog.", "-k", "cat,king,red ball", "--max-edits", "2", *NGRAM)
    assert (ran.code, ran.lines) == (3, [""])
    assert "no text within 2 edits satisfies the constraints; it takes " in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("A dog.",), "nothing is required"),
        ((" ", "-k", "dog"), "the text is empty"),
        (("A dog.", "-k", "-"), "give the keywords themselves"),
        (("A dog.", "-k", "cat", "--max-edits", "0"), "from 1 to 50"),
        (("A dog.", "-k", "cat", "--closeness", "-1"), "from 0 to 100"),
        (("A dog.", "-k", "cat", "--protect", "door"), "'door' is not in the text"),
        (("-k", "cat"), "stdin is closed"),
    ],
    ids=["nothing", "empty", "stdin twice", "no edits", "closeness", "protect", "closed"],
)
def test_what_cannot_be_rewritten(arguments: tuple[str, ...], said: str) -> None:
    ran = searchgen("rewrite", *arguments, stdin=None)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
