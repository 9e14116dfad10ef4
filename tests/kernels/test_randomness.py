"""Philox against its published answers, and the two sources against each other."""

from typing import Any

import numpy as np
import pytest

from searchgen.kernels.acceptance import accepts, log_threshold
from searchgen.kernels.compiled import allocating
from searchgen.kernels.randomness import (
    Counter,
    below,
    bernoulli,
    categorical,
    categorical_or_rest,
    conditioned,
    counter,
    key_of,
    philox,
    redraws,
    script,
    start_step,
)
from searchgen.samplers.proofs.exactness import next_script

ALL = 0xFFFFFFFF
KNOWN_ANSWERS = [  # of Random123, kat_vectors, philox4x32 10
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ALL, ALL, ALL, ALL), (ALL, ALL), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("count", "key", "answer"), KNOWN_ANSWERS)
def test_philox_known_answers(count: Any, key: Any, answer: Any) -> None:
    """The published vectors of Philox4x32-10."""
    assert tuple(int(word) for word in philox(*map(np.uint64, (*count, *key)))) == answer


@allocating
def _several(rng: Any, cumulative: Any, half: Any) -> Any:
    total = 0
    if bernoulli(rng, 0.25):
        total += 1000
    total += 100 * below(rng, 3)
    total += 10 * categorical(rng, cumulative, 1, 3)
    total += 1 + categorical_or_rest(rng, half, 0, 3, half[2])
    if accepts(rng, log_threshold(rng), np.log(0.3)):
        total += 10000
    return total


CUMULATIVE = np.array([0.2, 0.5, 1.0])
HALF = CUMULATIVE / 2


def _exact() -> dict[int, float]:
    rng, law = script(), {}
    while True:
        rng.depth[0], rng.probability[0] = 0, 1.0
        outcome = _several(rng, CUMULATIVE, HALF)
        law[outcome] = law.get(outcome, 0.0) + float(rng.probability[0])
        if not next_script(rng):
            return law


def test_a_script_enumerates_the_law() -> None:
    """The probabilities of all paths sum to one and are the products written down by hand."""
    law = _exact()
    assert sum(law.values()) == pytest.approx(1.0, abs=1e-14)
    # heads, 2 of 0..2, the second of [0.5, 1.0], "rest", accepted
    assert law[11220] == pytest.approx(0.25 / 3 * 0.5 * 0.5 * 0.3, abs=1e-15)


def test_the_counter_follows_the_scripted_law() -> None:
    """Frequencies of 200,000 draws against the enumerated law, chi-square with a floor of 1e-6."""
    law = _exact()
    rng, draws = counter(key_of(3, "counter")), 200_000
    counts = dict.fromkeys(law, 0)
    for number in range(draws):
        start_step_of(rng, number)
        counts[_several(rng, CUMULATIVE, HALF)] += 1
    statistic = sum((counts[k] - draws * p) ** 2 / (draws * p) for k, p in law.items())
    degrees = len(law) - 1
    # Wilson-Hilferty: (chi2 / k)^(1/3) is nearly normal; z = 4.75 is p = 1e-6
    z = ((statistic / degrees) ** (1 / 3) - (1 - 2 / (9 * degrees))) / (2 / (9 * degrees)) ** 0.5
    assert z < 4.75


@allocating
def start_step_of(rng: Any, number: Any) -> None:
    """Begin a step from Python."""
    start_step(rng, number)


@allocating
def _uniform_bits(rng: Any, number: Any) -> Any:
    start_step(rng, number)
    return below(rng, 1 << 52)


def test_a_step_does_not_depend_on_the_steps_before() -> None:
    """Step 9 draws the same after nine steps and on its own, and chains differ."""
    first, other = counter(5, chain=2), counter(5, chain=2)
    for number in range(9):
        _uniform_bits(first, number)
    assert _uniform_bits(first, 9) == _uniform_bits(other, 9)
    assert _uniform_bits(counter(5, chain=3), 9) != _uniform_bits(other, 9)


def test_a_counter_is_its_words() -> None:
    """A Counter is rebuilt from its row of words, as the chains store it."""
    word = counter(11, chain=4).word
    assert _uniform_bits(Counter(word.copy()), 0) == _uniform_bits(counter(11, 4), 0)


@allocating
def _not_one(rng: Any, cumulative: Any, share: Any) -> Any:
    """An index of a running sum that is not 1: drawn again while it is."""
    conditioned(rng, share)
    while True:
        index = categorical(rng, cumulative, 0, len(cumulative))
        if index != 1 or not redraws(rng):
            return index


def _law_of_not_one(share: float) -> list[float]:
    rng, law = script(), [0.0] * 3
    while True:
        rng.depth[0], rng.probability[0] = 0, 1.0
        law[_not_one(rng, CUMULATIVE, share)] += float(rng.probability[0])
        if not next_script(rng):
            return law


def test_an_exclusion_set_has_one_law_in_both_sources() -> None:
    """Steps 0.2, 0.3, 0.5 without the second: 2/7 and 5/7, by the script exactly and by 100,000 draws to five standard errors."""
    law = _law_of_not_one(0.7)
    assert law == pytest.approx([0.2 / 0.7, 0.0, 0.5 / 0.7], abs=1e-15)
    rng, draws = counter(key_of(4, "excluded")), 100_000
    counts = [0, 0, 0]
    for number in range(draws):
        start_step_of(rng, number)
        counts[_not_one(rng, CUMULATIVE, 0.7)] += 1
    assert counts[1] == 0
    assert abs(counts[0] - draws * law[0]) < 5 * (draws * law[0] * law[2]) ** 0.5


def test_a_wrong_share_shows() -> None:
    """A caller who does not subtract what is excluded has paths that do not sum to one."""
    assert sum(_law_of_not_one(1.0)) == pytest.approx(0.7, abs=1e-15)
