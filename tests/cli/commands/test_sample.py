"""`searchgen sample`: draws, records and signatures of the command."""

import math

import pytest

from tests.cli.runner import folder, searchgen
from tests.places import DATA, ROOT

TOY = DATA / "kenlm" / "order3.arpa"
#: A trigram whose suffix (a, b) is not stored.
ORPHAN = (
    "\\data\\\nngram 1=5\nngram 2=1\nngram 3=1\n\n\\1-grams:\n-1 <unk>\n-99 <s> 0\n-0.522879 </s>\n-0.522879 a 0\n-0.522879 b 0\n\n"
    "\\2-grams:\n-0.522879 a a 0\n\n\\3-grams:\n-0.522879 a a b\n\n\\end\\\n"
)
#: All probabilities sum to 0.9, and after c, which backs off with weight 2, to 1.8.
UNNORMALISED = (
    "\\data\\\nngram 1=6\nngram 2=1\n\n\\1-grams:\n-1 <unk>\n-99 <s>\n-0.69897 </s>\n-0.522879 a\n-0.69897 b\n-1 c 0.30103\n\n"
    "\\2-grams:\n-0.221849 c a\n\n\\end\\\n"
)
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
        (("--option", "thin=-4"), "thin=-4 is out of range; give 1 to 1,000,000,000 steps"),
        (("--option", "chains=0"), "chains=0 is out of range; give 1 to"),
        (("--max-words", "0"), "--max-words 0: a text has"),
        (("-n", "0"), "at least one"),
        (("--beta", "0"), "--beta 0"),
        (("--beta", "0.5", "--max-words", "none"), "diverges"),
        (("--moves", "sites"), "--moves 'sites'"),
        (("--term", "no.py:f"), "no file"),
        (("--keywords", "-"), "one request"),
        (("--sampler", "smc", "--option", "ordr=2"), "did you mean order"),
        (("--sampler", "importance", "-n", "-3"), "at least one"),
        (("-n", "x"), "'x' is not a whole number"),
        (("--memory",), "mh has no option 'memory'; it has chains"),
        (("--sampler", "rejection", "--beta", "0.7"), "--sampler smc or mh serves it exactly, --quasi approximately"),
        (("--sampler", "gibbs", "--term", f"{ROOT}/tests/samplers/controls.py:plain_step"), "use surrogate"),
        (("--sampler", "surrogate", "--option", "anneal=true"), "search with --sampler anneal"),
        (("--sampler", "gibbs", "--lm", "ORPHAN"), "use --sampler mh --moves site"),
        (("--keywords", "doctor", "--forbid", "doctor"), "both a keyword and forbidden"),
        (("--keywords", "doctor,letter,sea,dog,cat", "--max-words", "1"), "takes 5 words, and a text may have only 1"),
    ],
)
def test_mistakes_are_named(arguments: tuple[str, ...], message: str) -> None:
    words = () if "--keywords" in arguments else ("--keywords", "a" if "ORPHAN" in arguments else "doctor")
    if "ORPHAN" in arguments:
        orphan = folder() / "orphan.arpa"
        orphan.write_text(ORPHAN, encoding="utf-8")
        arguments = (*arguments[:-1], str(orphan), "--raw-tokens")
    found = searchgen("sample", *words, "--seed", "1", *arguments)
    assert (found.code, found.lines) == (2, [])
    assert message in found.err
    assert found.err.count("\n") == 1


def test_a_model_that_does_not_sum_to_one_is_weighed_or_refused() -> None:
    """The mass of the one text is that of the file as it stands: p(c) x 2 x p(</s>)."""
    file = folder() / "unnormalised.arpa"
    file.write_text(UNNORMALISED, encoding="utf-8")
    asked = ("sample", "--lm", str(file), "--raw-tokens", "--keywords", "c", "--max-words", "1", "--seed", "1")
    row = searchgen(*asked, "--sampler", "importance", "--json").rows[0]
    assert (row["text"], row["log_weight"]) == ("c", pytest.approx(math.log(0.1 * 2 * 0.2), abs=1e-5))
    for name in ("mh", "rejection", "gibbs", "tempering", "surrogate"):
        refused = searchgen(*asked, "--sampler", name)
        assert (refused.code, refused.lines) == (2, [])
        assert "sum to 1.8 after 'c', not to 1; normalise the model, or use smc, importance, sir, isir" in refused.err
    assert "rejuvenate=2 draws words" in searchgen(*asked, "--sampler", "smc", "--option", "rejuvenate=2").err
    assert searchgen("explain", *asked[1:-2], "--json").rows[0]["needed"]["rejection"] is None


def test_the_impossible_is_exit_3() -> None:
    for arguments, message in (
        (("--keywords", "dog", "--starts-with", "the dog", "--ends-with", "a dog", "--max-words", "1"), "impossible"),
        (("--keywords", "doctor,letter", "--sampler", "rejection", "--option", "attempts=5"), "use --sampler smc"),
    ):
        found = searchgen("sample", "--seed", "1", *arguments)
        assert (found.code, found.lines) == (3, [])
        assert message in found.err
        assert found.err.count("\n") == 1
