"""The guide against sums over all texts: masses, draws by every script, draws by chi-square, restricted contexts, controls."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest

from searchgen.errors import Impossible, RequestError
from searchgen.guide import Budget, Guide, state_layout
from searchgen.guide.lengths import Lengths
from searchgen.guide.tables import MIXTURE, STRIDE
from searchgen.kernels.randomness import counter
from searchgen.kernels.shares import JOIN
from searchgen.lm.ngram.bigrams import Bigrams
from searchgen.lm.ngram.tables import END
from tests.guide.worlds import (
    BETAS,
    ORDERS,
    WORLDS,
    Law,
    Texts,
    completions,
    enumerated,
    keywords,
    law_of,
    model,
    punctuated,
    unknown,
)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("world", WORLDS)
def test_masses_and_probabilities_are_those_of_all_texts(world: str, beta: float, order: int) -> None:
    problem = WORLDS[world](beta)
    guide = Guide.build(problem, order=order, budget=None)
    law, log_mass = law_of(world, problem, Law(problem, order))
    assert guide.log_mass == pytest.approx(log_mass, rel=0, abs=1e-10)
    for words, value in zip(range(problem.window[0], problem.window[1] + 1), guide.log_masses, strict=True):
        mine = [t for t in law if sum(int(problem.token["word"][w]) for w in t) % 256 == words]
        assert math.exp(value - log_mass) == pytest.approx(sum(law[t] for t in mine), rel=1e-10)
    for text, probability in law.items():
        assert guide.log_probability(text) == pytest.approx(math.log(probability), rel=0, abs=1e-10)


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("world", WORLDS)
def test_every_context_state_and_length_holds_the_mass_of_its_completions(world: str, beta: float) -> None:
    problem = WORLDS[world](beta)
    for order in (2, 3):
        guide = Guide.build(problem, order=order, budget=None)
        tables = guide.tables
        law = Law(problem, order)
        gram = {node: gram for gram, node in law.nodes.items()}
        checked, lengths = 0, Lengths.of(problem)
        layers = [t for block in [*lengths.computed()][: min(3, lengths.high)] for t in block]
        for row in tables.row[1:]:
            kind = tables.kind[row["cls"]]
            for i, t in itertools.product(range(kind["size"]), layers):
                place = kind["start"] + i
                value = (
                    tables.value[t * tables.size[STRIDE] + row["offset"] + i]
                    * tables.mass[t, tables.place["scaled_by"][place]]
                )
                state = int(tables.place["state"][place])
                context = gram[int(row["node"])]
                ways = completions(problem, state, t // lengths.period, 8, t % lengths.period)
                expected = sum(math.exp(law.log_mass(way, context)) for way in ways)
                assert value * math.exp(guide.log_scale[t]) == pytest.approx(expected, rel=1e-10)
                checked += expected > 0
        assert checked > 10


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("world", WORLDS)
def test_draws_have_exactly_the_law_of_the_guide(world: str, order: int) -> None:
    for beta in (0.7, 1.0) if order == 2 else (1.0,):
        problem = WORLDS[world](beta)
        law, _ = law_of(world, problem, Law(problem, order))
        enumeration = enumerated(Guide.build(problem, order=order, budget=None))
        assert sum(enumeration.values()) == pytest.approx(1.0, abs=1e-10)
        assert max(abs(enumeration.get(text, 0.0) - p) for text, p in law.items()) < 1e-10
        assert set(enumeration) <= set(law)


def apart(guide: Guide, law: Texts) -> float:
    """Return how far the compiled draw is from a law, or its total from 1."""
    enumeration = enumerated(guide)
    return max(abs(sum(enumeration.values()) - 1.0), *(abs(enumeration.get(text, 0.0) - p) for text, p in law.items()))


def test_control_a_hyphen_that_joins_nothing_is_caught() -> None:
    problem = WORLDS["joined"](1.0)
    law, log_mass = law_of("joined", problem, Law(problem, 2))
    problem.token["word"][problem.token["word"] == JOIN] = 0
    spoilt = Guide.build(problem, order=2, budget=None)
    assert abs(spoilt.log_mass - log_mass) > 1e-3
    assert apart(spoilt, law) > 1e-3


def near(world: str, beta: float, steps: int, weight: float = 0.0) -> tuple[Guide, Texts]:
    """Return a guide of long contexts near demanded words, c weighing exp(weight) more, and its law over all texts."""
    problem = WORLDS[world](beta)
    token = problem.token.copy()
    token["weight"][5] += weight
    problem = problem._replace(token=token)
    guide = Guide.build(problem, order=4, budget=None, near=steps)
    law, kept = Law(problem, 4), set(guide.tables.row["node"].tolist())
    assert len({len(gram) for gram in law.contexts if law.nodes[gram] in kept}) > 2
    assert len(kept) < len(law.contexts)
    law.contexts = {gram for gram in law.contexts if law.nodes[gram] in kept}
    expected, log_mass = law_of(world, problem, law)
    assert guide.log_mass == pytest.approx(log_mass, rel=0, abs=1e-10)
    return guide, expected


@pytest.mark.parametrize(("beta", "weight"), [(0.7, 0.0), (1.0, 0.0), (2.0, 0.0), (1.0, 9.0)])
@pytest.mark.parametrize("world", ["keywords", "punctuated", "unknown"])
def test_draws_of_long_contexts_near_demanded_words(world: str, beta: float, weight: float) -> None:
    """Where c weighs so much, hardly anything is left of a shorter context's mass, and its words are weighed one by one."""
    guide, law = near(world, beta, 1, weight)
    assert guide.tables.size[MIXTURE]
    assert apart(guide, law) < 1e-10


def without_backoff(guide: Guide) -> None:
    """Forget the back-off of contexts of two and three words."""
    row = guide.tables.row
    row["backoff"][row["node"] > len(guide.problem.ngram.alias_p)] = 1.0


def without_subtraction(guide: Guide) -> None:
    """Leave the mass of words that a longer context knows in the shorter contexts, as drawing does; values are as they were."""
    edge = guide.tables.edge["coefficient"]
    edge[edge < 0] = 0.0


@pytest.mark.parametrize("fault", [without_backoff, without_subtraction])
def test_control_a_fault_of_the_draws_of_long_contexts_is_caught(fault: Callable[[Guide], None]) -> None:
    guide, law = near("keywords", 1.0, 1)
    assert apart(guide, law) < 1e-10
    fault(guide)
    assert apart(guide, law) > 1e-4


@pytest.mark.parametrize(("world", "tokens"), [("keywords", (3, 5)), ("punctuated", (4, 5)), ("unknown", (3, 7, 8))])
def test_fewer_contexts_give_a_law_of_their_own(
    world: str, tokens: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = WORLDS[world](1.0)
    kept = np.isin(np.arange(len(problem.token)), tokens)
    monkeypatch.setattr("searchgen.guide.guide.kept_tokens", lambda *_: kept)
    for order in (2, 3):
        guide = Guide.build(problem, order=order)
        words = {int(problem.token["model"][token]) for token in tokens}
        law, log_mass = law_of(world, problem, Law(problem, order, words))
        assert guide.log_mass == pytest.approx(log_mass, rel=0, abs=1e-10)
        enumeration = enumerated(guide)
        assert max(abs(enumeration.get(text, 0.0) - p) for text, p in law.items()) < 1e-10
        assert sum(enumeration.values()) == pytest.approx(1.0, abs=1e-10)
        assert all(guide.log_probability(t) == pytest.approx(math.log(p), abs=1e-10) for t, p in law.items())


def test_a_larger_budget_keeps_more_contexts() -> None:
    problem = keywords(1.0)
    counts = [Guide.build(problem, budget=Budget(work=work, words=0)).contexts for work in (0, 200, 1000, 1e4, 1e5)]
    assert counts == sorted(counts)
    assert len(set(counts)) > 2
    assert counts[-1] == Guide.build(problem, budget=None).contexts
    assert Guide.build(problem, budget=Budget(memory=0.0)).contexts == 1  # the start of the text


@pytest.mark.parametrize("world", ["keywords", "punctuated"])
def test_counted_draws_fit_the_law(world: str) -> None:
    problem = WORLDS[world](1.0)
    guide = Guide.build(problem, order=2)
    law, _ = law_of(world, problem, Law(problem, 2))
    count = 20_000
    tokens, lengths = guide.draw_texts(np.stack([counter(11, i).word for i in range(count)]))
    counts: dict[tuple[int, ...], int] = {}
    for row, length in zip(tokens, lengths, strict=True):
        text = tuple(row[:length].tolist())
        counts[text] = counts.get(text, 0) + 1
    assert set(counts) <= set(law)
    cells = [(counts.get(text, 0), count * p) for text, p in law.items() if count * p >= 5]
    rest = (count - sum(n for n, _ in cells), count - sum(expected for _, expected in cells))
    cells += [rest] if rest[1] >= 1 else []
    statistic = sum((n - expected) ** 2 / expected for n, expected in cells)
    assert chi_square_tail(statistic, len(cells) - 1) > 1e-6


def chi_square_tail(x: float, freedom: int) -> float:
    """Return P(X > x), by Wilson and Hilferty's cube root."""
    z = ((x / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / math.sqrt(2 / (9 * freedom))
    return 0.5 * math.erfc(z / math.sqrt(2))


def test_a_chain_draws_the_same_alone_or_among_many() -> None:
    guide = Guide.build(keywords(1.0))
    many = np.stack([counter(3, i).word for i in range(64)])
    tokens, lengths = guide.draw_texts(many, threads=2)
    alone = guide.draw_texts(counter(3, 7).word[None], threads=1)
    assert tokens[7, : lengths[7]].tolist() == alone[0][0, : alone[1][0]].tolist()
    other, _ = guide.draw_texts(many, number=1)
    assert (other != tokens).any()


def test_texts_that_are_not_accepted_have_no_probability() -> None:
    problem = keywords(1.0)
    guide = Guide.build(problem)
    assert guide.log_probability((3, 4)) == -math.inf  # no keyword
    assert guide.log_probability((5, 6, 3, 3, 3)) == -math.inf  # too long
    assert guide.log_probability((5, END, 6)) == -math.inf


def test_single_precision_agrees_with_double() -> None:
    problem = keywords(1.0)._replace(ngram=model().tables)
    assert Guide.build(problem).log_mass == pytest.approx(Guide.build(keywords(1.0)).log_mass, abs=1e-5)
    assert Guide.build(problem).tables.value.dtype == np.float32


def test_what_cannot_be_is_refused() -> None:
    short = keywords(1.0)._replace(window=np.array([1, 1], np.int64))
    with pytest.raises(Impossible, match="no accepted text has 1 to 1 words"):
        Guide.build(short)
    problem = punctuated(1.0)
    table = problem.next.copy()
    table[5, 3] = 5
    with pytest.raises(RequestError, match="punctuation without end"):
        Guide.build(problem._replace(next=table))


def test_improbable_demands_do_not_underflow() -> None:
    problem = unknown(1.0)
    token = problem.token.copy()
    token["weight"][7:] = -300.0
    plain, hard = Guide.build(problem), Guide.build(problem._replace(token=token))
    difference = hard.log_mass - plain.log_mass
    assert -600 < difference < -500
    assert np.isfinite(hard.log_masses[1:]).all()


def test_control_a_sum_without_the_subtraction_is_caught() -> None:
    problem = keywords(1.0)
    sound = Bigrams.of(problem.ngram)
    first = int(problem.ngram.node["first"][1])
    wrong = np.exp(problem.ngram.node["log_p"][first : first + len(sound.alpha)])
    _, log_mass = law_of("keywords", problem, Law(problem, 2))
    assert Guide.build(problem, bigrams=sound).log_mass == pytest.approx(log_mass, abs=1e-10)
    assert abs(Guide.build(problem, bigrams=sound._replace(alpha=wrong)).log_mass - log_mass) > 0.1


def test_control_punctuation_in_the_wrong_order_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = punctuated(1.0)
    _, log_mass = law_of("punctuated", problem, Law(problem, 2))
    levels = state_layout.punctuation_levels

    def reversed_levels(classes: state_layout.Classes) -> np.ndarray:
        right = levels(classes)
        return (right.max() - right).astype(np.int8)

    monkeypatch.setattr(state_layout, "punctuation_levels", reversed_levels)
    assert abs(Guide.build(problem, budget=None).log_mass - log_mass) > 1e-3
