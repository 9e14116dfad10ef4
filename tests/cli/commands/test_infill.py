"""`searchgen infill`: one template in, exactly so many lines out."""

import re

import pytest

from tests.cli.runner import QUICK, model, searchgen

DOOR = "She opened the door and ___{2..6} in the kitchen."
FILLED = re.compile(r"She opened the door and (\S+ ){2,6}in the kitchen\.")


def test_a_text_gives_as_many_different_lines_as_are_asked_for() -> None:
    ran = searchgen("infill", DOOR, "-n", "3", "--seed", "7")
    assert (ran.code, len(set(ran.lines))) == (0, 3)
    assert all(FILLED.fullmatch(line) for line in ran.lines)
    assert searchgen("infill", DOOR, "-n", "3", "--seed", "7").out == ran.out


def test_lines_of_stdin_are_answered_in_order_and_those_without_an_answer_are_empty() -> None:
    given = b"The ___ of the ___.\r\n\nThe ___ ran zzqx___{1..2}zqqz.\nA ___ day!\n"
    ran = searchgen("infill", "--seed", "7", "-n", "2", "--lm", model("en"), *QUICK, "--forbid", "was", stdin=given)
    assert ran.code == 3
    assert len(ran.lines) == 8
    assert all(re.fullmatch(r"The \S+ of the \S+\.", line) for line in ran.lines[:2])
    assert ran.lines[2:6] == [""] * 4
    assert all(re.fullmatch(r"A \S+ day!|", line) for line in ran.lines[6:])
    assert ran.lines[6]
    assert "line 2: the line is empty; write a text with gaps" in ran.err
    assert "line 3: proved impossible" in ran.err
    assert "no answer for 2 of 4 lines" in ran.err


def test_json_lines_and_other_constraints() -> None:
    ran = searchgen(
        "infill", "--json", "-k", "dog", "--seed", "7", "--slot", "x=on,under", stdin=b"The ___ sat {x} the ___.\n"
    )
    (row,) = ran.rows
    assert re.fullmatch(r"The \w+ sat (on|under) the \w+\.", row["text"])
    assert (row["line"], row["status"]) == (1, "ok")
    assert row["satisfied"] == {
        "keyword dog": True,
        "template The ___ sat {x} the ___.": True,
        **{name: True for name in row["satisfied"] if name.startswith("words ")},
    }
    chinese = searchgen("infill", "我昨天在___看见了___。", "--seed", "7")
    assert re.fullmatch("我昨天在[\u4e00-\u9fff]{1,4}看见了[\u4e00-\u9fff]{1,4}。", chinese.lines[0])


def test_json_and_verbose_have_the_text_that_was_given_and_the_edits_that_led_to_each() -> None:
    """Under an n-gram model the gains add up from the start to the density of the result."""
    asked = ("infill", DOOR, "-n", "2", "--seed", "7", "--lm", "en-ngram")
    rows = searchgen(*asked, "--json").rows
    for row in rows:
        first, *others = row["trail"]
        assert (row["source"], first["kind"], first["gain"]) == (DOOR, "start", None)
        assert others
        assert all(FILLED.fullmatch(step["text"]) for step in row["trail"])
        assert row["trail"][-1]["text"] == row["text"]
        (start,) = searchgen("infill", first["text"], "--lm", "en-ngram", "--json").rows
        gained = sum(step["gain"] for step in others)
        assert gained == pytest.approx(row["log_density"] - start["log_density"], abs=0.01 * len(others))
    ran = searchgen(*asked, "--verbose")
    for row in rows:
        assert (
            "".join(f"searchgen: {step['kind']} {step['gain']:+.2f}: {step['text']}\n" for step in row["trail"][1:])
            in ran.err
        )


def test_an_impossible_text_gives_empty_lines_and_the_reason() -> None:
    ran = searchgen("infill", "The dog.", "-k", "cat", "-n", "2", "--seed", "7")
    assert (ran.code, ran.lines) == (3, ["", ""])
    assert "no text satisfies all of: keyword cat; template The dog." in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((" ",), "is empty; give one with gaps"),
        (("-k", "-"), "give the keywords themselves"),
        (("The {x}.",), "the slot {x} has no fillers"),
    ],
    ids=["empty", "keywords of stdin", "slot"],
)
def test_what_is_no_template(arguments: tuple[str, ...], said: str) -> None:
    ran = searchgen("infill", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_neither_text_nor_stdin_is_one_line_and_exit_code_2() -> None:
    ran = searchgen("infill", stdin=None)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
