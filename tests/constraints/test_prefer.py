"""Preferences: what violations are, by the text alone; the law under `surrogate`, enumerated; what the commands say."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from searchgen.constraints.algebra.where import Where
from searchgen.errors import RequestError
from searchgen.jobs.draws import refuse_black_box_terms
from searchgen.lm.ngram.model import NGram
from searchgen.request.request import PLAIN_TERMS, Request
from searchgen.samplers.chains.moves import labels, step
from searchgen.samplers.chains.scorer import padded, scorer_of
from searchgen.samplers.mcmc.delayed_acceptance import cheap_problem
from searchgen.samplers.mcmc.surrogate import surrogate_matrix
from searchgen.samplers.proofs.exactness import STATIONARY, World, imbalance, transition_matrix
from searchgen.samplers.registry import methods
from searchgen.target import Target
from searchgen.text import text_form
from searchgen.vocabulary import Vocabulary
from tests.cli.runner import searchgen

TOKENS = ["the", "dog", "sea", "tea", ".", ","]
EN = text_form("en", dict.fromkeys(TOKENS, 1.0))
VISIBLE = 1e-4


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def outside(number: int, low: int, high: int) -> int:
    return len(set(range(min(low, number), max(high, number) + 1)) - set(range(low, high + 1)))


#: Conditions with the violations of each, read from the printed text.
COUNTS: dict[str, Callable[[str], int]] = {
    "words(2..3)": lambda text: outside(len(words(text)), 2, 3),
    "characters(8..10)": lambda text: outside(len(text), 8, 10),
    "word_length(3)": lambda text: 0,
    "not words(2)": lambda text: len(words(text)) == 2,
    "holds(dog, tea)": lambda text: ("dog" not in words(text)) + ("tea" not in words(text)),
    "holds(dog) and words(1)": lambda text: ("dog" not in words(text)) + outside(len(words(text)), 1, 1),
    "words(4) or holds(sea)": lambda text: min(outside(len(words(text)), 4, 4), "sea" not in words(text)),
    "atleast(2, holds(dog), holds(sea), words(3..9))": lambda text: sum(
        sorted(("dog" not in words(text), "sea" not in words(text), outside(len(words(text)), 3, 9)))[:2]
    ),
    "atmost(1, holds(dog), holds(sea))": lambda text: {"dog", "sea"} <= {*words(text)},
}


@pytest.mark.parametrize("source", [*COUNTS])
def test_violations_by_the_text_alone(source: str) -> None:
    vocabulary, where, seen = Vocabulary(TOKENS, EN), Where.of_source(source, EN), set()
    for length in (1, 2, 3):
        for text in product(TOKENS, repeat=length):
            ids = vocabulary.encode(list(text))
            counted = where.violations(ids, vocabulary)
            assert counted == COUNTS[source](EN.detokenise(text)), text
            assert (counted == 0) is all(where.parts(ids, vocabulary).values())
            seen.add(counted)
    assert len(seen) > 1 or source == "word_length(3)"


@pytest.fixture(scope="module")
def model() -> NGram:
    return NGram.from_sentences([["a", "b"], ["b", "a"], ["a", "c", "b"], ["c"], ["b", "c", "a"]] * 3, order=3)


def target_of(model: NGram, *preferences: str) -> Target:
    request = Request(
        keywords=(("a",),), sentence=False, quotes=True, terms=PLAIN_TERMS, min_words=1, max_words=4, prefer=preferences
    )
    target = Target.of(request, model)
    return replace(target, problem=target.problem._replace(ngram=model.exact_tables()))


def test_surrogate_leaves_the_law_of_preferences_invariant(model: NGram) -> None:
    """Enumerated, the law written out from the texts; a weight forgotten, or a wrong count, is seen."""
    target = target_of(model, "1.5: not holds(c)", "0.7: words(2)")
    world = World.of(target.problem, 4)
    texts = [target.vocabulary.decode(text) for text in world.texts]
    charged = [1.5 * ("c" in text) + 0.7 * abs(len(text) - 2) for text in texts]
    right = replace(world, log_density=world.log_density - np.array(charged))
    cheap = cheap_problem(target.problem, 2)
    row = padded(world.texts, 4)
    scores = scorer_of(replace(target, problem=cheap, opaque=()))(*row)
    inner = transition_matrix(
        World(cheap, world.texts, scores, 4), step, labels(span=1, any_span=1, relocate=1, longest=2), 1.0
    )

    def error(*preferences: str) -> float:
        true = scorer_of(target_of(model, *preferences))(*row)
        return imbalance(right, surrogate_matrix(inner @ inner, true, scores))

    assert error("1.5: not holds(c)", "0.7: words(2)") < STATIONARY
    assert error("1.5: not holds(c)") > VISIBLE
    assert error("1.5: not holds(c)", "1: words(2)") > VISIBLE
    assert error("1.5: not holds(c)", "0.7: not words(2)") > VISIBLE


def test_samplers_without_terms_refuse_by_name(model: NGram) -> None:
    target = target_of(model, "1.5: not holds(c)")
    refused = [sampler for sampler in methods() if not (sampler.opaque or sampler.softens)]
    assert refused
    for sampler in refused:
        with pytest.raises(RequestError, match=re.escape("prefer 1.5: not holds(c)")):
            refuse_black_box_terms(sampler, target)


@pytest.mark.parametrize("lm", ["en-ngram", "en"])
def test_a_preference_has_an_effect_in_a_search(lm: str) -> None:
    """Without it the text holds what it charges for."""

    def row(*more: str) -> dict[str, object]:
        ran = searchgen("constrain", "-k", "sky,blue", "--lm", lm, "--seed", "7", "--budget", "0.4", "--json", *more)
        return dict(ran.rows[0])

    plain = row()
    other = next(word for word in words(str(plain["text"])) if word not in ("sky", "blue"))
    soft = row("--prefer", f"20: not holds({other})", "--prefer", "2: words(6..7)")
    assert "violations" not in plain
    assert other not in words(str(soft["text"]))
    assert soft["violations"] == {f"not holds({other})": 0, "words(6..7)": 0}
    assert {*soft["satisfied"]} == {*plain["satisfied"]}  # type: ignore[misc]


def test_preferences_that_exclude_the_request_or_each_other_forbid_nothing() -> None:
    asked = ("--prefer", "3: not holds(dog)", "--prefer", "0.1: words(40)", "--prefer", "15: holds(cat)")
    ran = searchgen("constrain", "-k", "dog", "--lm", "en-ngram", "--seed", "7", "--budget", "0.2", "--json", *asked)
    row = ran.rows[0]
    assert all(row["satisfied"].values())
    assert row["violations"]["not holds(dog)"] == 1
    assert row["violations"]["words(40)"] > 0
    assert row["violations"]["holds(cat)"] == 0


@pytest.mark.parametrize("command", ["score", "explain", "sample"])
def test_commands_without_terms_refuse(command: str) -> None:
    ran = searchgen(command, "-k", "dog", "--lm", "en-ngram", "--max-words", "6", "--prefer", "2: not holds(the)")
    assert ran.code == 2
    assert "prefer" in ran.err


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("not holds(very)", "write WEIGHT: CONDITION"),
        ("x: not holds(very)", "write WEIGHT: CONDITION"),
        ("0: not holds(very)", "above 0 and at most 100"),
        ("-1: not holds(very)", "above 0 and at most 100"),
        ("nan: not holds(very)", "write WEIGHT: CONDITION"),
        ("1000: not holds(very)", "what must hold is for --where"),
        ("2: hods(very)", "--prefer: unknown 'hods'"),
        ("2:", "--prefer is empty"),
    ],
)
def test_what_is_wrong_is_said(written: str, message: str) -> None:
    ran = searchgen("constrain", "-k", "dog", "--lm", "en-ngram", "--prefer", written)
    assert ran.code == 2
    assert message in ran.err
