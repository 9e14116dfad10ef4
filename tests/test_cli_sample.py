"""`searchgen sample`: draws, records and signatures of the command."""

from pathlib import Path

import pytest

from tests.cli_runner import searchgen

TOY = Path(__file__).parent / "data" / "kenlm" / "order3.arpa"
DRAW = ("sample", "--keywords", "doctor,letter", "--max-words", "9", "--seed", "4", "-n", "3")


def test_draws_satisfy_and_say_what_they_are() -> None:
    found = searchgen(*DRAW, "--json")
    assert found.code == 0
    assert len(found.rows) == 3
    for row in found.rows:
        assert all(row["satisfied"].values())
        assert (row["kind"], row["log_weight"], row["sampler"]) == ("markov", 0.0, "mh")
        assert row["log_density"] == pytest.approx(row["log_prob"])
    assert searchgen(*DRAW).lines == [row["text"] for row in found.rows]


def test_a_signature_repeats_the_draws() -> None:
    rows = searchgen(*DRAW, "--json").rows
    again = searchgen("sample", "--again", rows[0]["signature"])
    assert again.lines == [row["text"] for row in rows]
    refused = searchgen("constrain", "--again", rows[0]["signature"])
    assert refused.code == 2
    assert "searchgen sample --again" in refused.err
    search = searchgen("constrain", "--keywords", "dog", "--seed", "1", "--json").rows[0]["signature"]
    assert "searchgen constrain --again" in searchgen("sample", "--again", search).err


def test_a_raw_model_is_sampled_as_it_stands() -> None:
    words = TOY.read_text(encoding="utf-8").split("\\2-grams")[0].split()
    word = next(token for token in words if token.isalpha() and token.islower() and len(token) > 3)
    found = searchgen(
        "sample", "--lm", str(TOY), "--raw-tokens", "--keywords", word, "--max-words", "4", "-n", "2", "--seed", "1"
    )
    assert found.code == 0
    assert all(word in line.split() for line in found.lines)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--sampler", "mhh"), "did you mean mh"),
        (("--option", "thni=3"), "did you mean thin"),
        (("--option", "thin=x"), "not a whole number"),
        (("-n", "0"), "at least one"),
        (("--beta", "0"), "--beta 0"),
        (("--beta", "0.5", "--max-words", "none"), "diverges"),
        (("--moves", "sites"), "--moves 'sites'"),
        (("--term", "no.py:f"), "no file"),
        (("--keywords", "-"), "one request"),
    ],
)
def test_mistakes_are_named(arguments: tuple[str, ...], message: str) -> None:
    words = () if "--keywords" in arguments else ("--keywords", "doctor")
    found = searchgen("sample", *words, "--seed", "1", *arguments)
    assert found.code == 2
    assert message in found.err
    assert found.lines == []


def test_the_impossible_is_exit_3() -> None:
    found = searchgen("sample", "--keywords", "doctor", "--forbid", "the", "--starts-with", "The", "--seed", "1")
    assert found.code in (2, 3)
    assert found.err
