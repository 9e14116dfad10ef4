"""The guide against sums over all texts: masses, draws by every script, draws by chi-square, restricted contexts, controls."""

import itertools
import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numba import njit

from searchgen.automata import Automaton
from searchgen.errors import Impossible, RequestError
from searchgen.guide import Budget, Guide
from searchgen.guide import frame as frame_module
from searchgen.guide.candidates import Scratch, scratch
from searchgen.guide.draws import draw
from searchgen.guide.tables import MIXTURE, STRIDE, GuideTables
from searchgen.lm.ngram.bigrams import Bigrams
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.tables import BEGIN, END
from searchgen.problem import Problem
from searchgen.randomness import Script, counter, script
from searchgen.samplers.worlds import problem_of

Texts = dict[tuple[int, ...], float]
BETAS = (0.7, 1.0, 2.0)
ORDERS = (1, 2, 3, 4)

#: An ARPA model whose bigram (a b) is less probable than its back-off gives: no mixture.
NEGATIVE = r"""\data\
ngram 1=5
ngram 2=4

\1-grams:
-0.9 <unk> -0.3
-99 <s> -0.4
-0.6 </s>
-0.5 a -0.1
-0.4 b -0.2

\2-grams:
-0.3 <s> a
-1.5 a b
-0.4 a a
-0.2 b </s>

\end\
"""


@cache
def model(order: int = 4, seed: int = 7) -> NGram:
    """Return a model of four words, unequal in frequency, and of a rare word counted as <unk>."""
    state, sentences = seed, []
    for _ in range(60):
        sentence = []
        for _ in range(1 + state % 6):
            state = (1103515245 * state + 12345) % 2**31
            sentence.append("aaabbcd"[(state >> 16) % 7])
        sentences.append(sentence)
    return NGram.from_sentences([*sentences, ["a", "e", "b"], ["d", "c"]], order=order, min_count=2)


def keywords(beta: float) -> Problem:
    """Texts of 2 to 4 words with c and d in any order, under weights."""
    classes = np.zeros(7, np.int16)
    classes[[model().id_of[w] for w in "abcd"]] = 1, 1, 2, 3
    table = np.array([[0] * 4, [0, 1, 2, 3], [0, 2, 2, 4], [0, 3, 4, 3], [0, 4, 4, 4]], np.int32)
    accept = np.array([0, 0, 0, 0, 1], bool)
    automaton = Automaton(classes, table, accept)
    return problem_of(model(), automaton, window=(2, 4), weight=(0.3, -0.2, 0.5, -1.0), words=(3, 4, 5, 6), beta=beta)


def punctuated(beta: float) -> Problem:
    """Texts of 1 to 2 words; c and d are punctuation, at most two in a row; d is never last, and never after c."""
    classes = np.zeros(7, np.int16)
    a, b, c, d = (model().id_of[w] for w in "abcd")
    classes[[a, b, c, d]] = 1, 2, 3, 4
    table = np.array(
        [[0] * 5, [0, 2, 0, 3, 4], [0, 2, 2, 3, 4], [0, 2, 2, 5, 0], [0, 2, 0, 5, 0], [0, 2, 2, 0, 0]], np.int32
    )
    automaton = Automaton(classes, table, np.array([0, 0, 1, 1, 0, 1], bool))
    return problem_of(model(), automaton, window=(1, 2), weight=(0.2, 0.1, 0.4, -0.3), words=(a, b), beta=beta)


def unknown(beta: float) -> Problem:
    """Texts of 1 to 4 words that hold two unknown words, of different classes, and c only after the first."""
    classes = np.zeros(9, np.int16)
    classes[[model().id_of[w] for w in "abcd"]] = 1, 1, 2, 1
    classes[7:] = 3, 4
    table = np.array([[0] * 5, [0, 1, 0, 2, 3], [0, 2, 2, 2, 4], [0, 3, 0, 4, 3], [0, 4, 4, 4, 4]], np.int32)
    automaton = Automaton(classes, table, np.array([0, 0, 0, 0, 1], bool))
    weight = (0.1, 0.0, -0.4, -0.2, -2.0, -3.0)
    return problem_of(model(), automaton, window=(1, 4), weight=weight, words=tuple(range(3, 9)), beta=beta, extra=2)


def negative(beta: float) -> Problem:
    """All texts of 1 to 4 words under a model with a negative mixture weight."""
    arpa = NGram.from_arpa(NEGATIVE)
    automaton = Automaton(
        np.array([0, 0, 0, 1, 1], np.int16), np.array([[0, 0], [0, 1]], np.int32), np.array([False, True])
    )
    return problem_of(arpa, automaton, window=(1, 4), weight=(0.2, -0.1), words=(3, 4), beta=beta)


WORLDS = {"keywords": keywords, "punctuated": punctuated, "unknown": unknown, "negative": negative}


def stored(problem: Problem) -> dict[tuple[int, ...], int]:
    """Return the node of every stored n-gram."""
    found: dict[tuple[int, ...], int] = {(): 0}
    level: dict[tuple[int, ...], int] = {(): 0}
    while level:
        level = {
            (*gram, int(problem.ngram.word[i])): i
            for gram, node in level.items()
            for i in range(problem.ngram.node["first"][node], problem.ngram.node["first"][node + 1])
        }
        found |= level
    return found


class Law:
    """The truncated model in plain Python: the context is the longest suffix that is short, stored, has children and is kept."""

    def __init__(self, problem: Problem, order: int, kept: set[int] | None = None) -> None:
        self.problem, self.order, self.nodes = problem, order, stored(problem)
        first = problem.ngram.node["first"]
        has_children = {gram for gram, node in self.nodes.items() if first[node + 1] > first[node]}
        self.contexts = {
            gram
            for gram in has_children
            if len(gram) < order
            and (kept is None or all(w in kept or (i == 0 and w == BEGIN) for i, w in enumerate(gram)))
        }

    def log_p(self, context: tuple[int, ...], word: int) -> float:
        """Return natural log p(word | context) by back-off."""
        if (*context, word) in self.nodes:
            return float(self.problem.ngram.node["log_p"][self.nodes[(*context, word)]])
        node = self.nodes.get(context)
        backoff = 0.0 if node is None else float(self.problem.ngram.node["log_backoff"][node])
        return backoff + self.log_p(context[1:], word)

    def suffix(self, gram: tuple[int, ...]) -> tuple[int, ...]:
        """Return the longest suffix that is a context."""
        while gram and gram not in self.contexts:
            gram = gram[1:]
        return gram

    def log_mass(self, text: tuple[int, ...], context: tuple[int, ...] = (BEGIN,)) -> float:
        """Return the unnormalised log-density of a text after a context, its end included."""
        context, total = self.suffix(context), 0.0
        for token in text:
            word = int(self.problem.token["model"][token])
            total += self.problem.beta[0] * self.log_p(context, word) + self.problem.token["weight"][token]
            context = self.suffix((*context, word))
        return total + self.problem.beta[0] * self.log_p(context, END)


def completions(problem: Problem, state: int, words: int, longest: int) -> list[tuple[int, ...]]:
    """Return all token sequences of exactly so many words that lead from a state to acceptance."""
    found: list[tuple[int, ...]] = [()] if words == 0 and problem.accept[state] else []
    if longest > 0:
        for token in range(3, len(problem.token)):
            after = int(problem.next[state, problem.token["cls"][token]])
            left = words - int(problem.token["word"][token])
            if after and left >= 0:
                found += [(token, *rest) for rest in completions(problem, after, left, longest - 1)]
    return found


@cache
def texts(world: str) -> list[tuple[int, ...]]:
    """Return all texts of a world."""
    problem = WORLDS[world](1.0)
    low, high = problem.window
    return [text for words in range(low, high + 1) for text in completions(problem, 1, words, 12)]


def law_of(world: str, problem: Problem, law: Law) -> tuple[Texts, float]:
    """Return the probability of every text, and the log of the mass of all."""
    weights = {text: law.log_mass(text) for text in texts(world)}
    total = float(np.logaddexp.reduce(list(weights.values())))
    return {text: math.exp(weight - total) for text, weight in weights.items()}, total


@njit
def drawn(guide: GuideTables, problem: Problem, source: Script, room: Scratch, out: np.ndarray) -> int:
    """Draw one text; `draw` itself can be called by compiled functions only."""
    return draw(guide, problem, source, room, out)


def enumerated(guide: Guide) -> dict[tuple[int, ...] | None, float]:
    """Return the law of the compiled draw, by playing every script."""
    source, room, out = script(), scratch(), np.zeros(guide.room, np.int32)
    found: dict[tuple[int, ...] | None, float] = {}
    while True:
        source.depth[0], source.probability[0] = 0, 1.0
        length = drawn(guide.tables, guide.problem, source, room, out)
        text = tuple(out[:length].tolist()) if length >= 0 else None
        found[text] = found.get(text, 0.0) + float(source.probability[0])
        at = int(source.depth[0]) - 1
        while at >= 0 and source.choice[at] + 1 == source.width[at]:
            at -= 1
        if at < 0:
            return found
        source.choice[at] += 1
        source.choice[at + 1 :] = 0


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("world", WORLDS)
def test_masses_and_probabilities_are_those_of_all_texts(world: str, beta: float, order: int) -> None:
    problem = WORLDS[world](beta)
    guide = Guide.build(problem, order=order, budget=None)
    law, log_mass = law_of(world, problem, Law(problem, order))
    assert guide.log_mass == pytest.approx(log_mass, rel=0, abs=1e-10)
    for words, value in zip(range(problem.window[0], problem.window[1] + 1), guide.log_masses, strict=True):
        mine = [t for t in law if sum(int(problem.token["word"][w]) for w in t) == words]
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
        checked = 0
        for row in tables.row[1:]:
            kind = tables.kind[row["cls"]]
            for i, t in itertools.product(range(kind["size"]), range(min(3, int(problem.window[1])))):
                place = kind["start"] + i
                value = (
                    tables.value[t * tables.size[STRIDE] + row["offset"] + i]
                    * tables.mass[t, tables.place["scaled_by"][place]]
                )
                state = int(tables.place["state"][place])
                context = gram[int(row["node"])]
                ways = completions(problem, state, t, 8)
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
        found = enumerated(Guide.build(problem, order=order, budget=None))
        assert sum(found.values()) == pytest.approx(1.0, abs=1e-10)
        assert max(abs(found.get(text, 0.0) - p) for text, p in law.items()) < 1e-10
        assert set(found) <= set(law)


def apart(guide: Guide, law: Texts) -> float:
    """Return how far the compiled draw is from a law, or its total from 1."""
    found = enumerated(guide)
    return max(abs(sum(found.values()) - 1.0), *(abs(found.get(text, 0.0) - p) for text, p in law.items()))


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
        found = enumerated(guide)
        assert max(abs(found.get(text, 0.0) - p) for text, p in law.items()) < 1e-10
        assert sum(found.values()) == pytest.approx(1.0, abs=1e-10)
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
    seen: dict[tuple[int, ...], int] = {}
    for row, length in zip(tokens, lengths, strict=True):
        text = tuple(row[:length].tolist())
        seen[text] = seen.get(text, 0) + 1
    assert set(seen) <= set(law)
    cells = [(seen.get(text, 0), count * p) for text, p in law.items() if count * p >= 5]
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
    levels = frame_module.punctuation_levels

    def reversed_levels(classes: frame_module.Classes) -> np.ndarray:
        right = levels(classes)
        return (right.max() - right).astype(np.int8)

    monkeypatch.setattr(frame_module, "punctuation_levels", reversed_levels)
    assert abs(Guide.build(problem, budget=None).log_mass - log_mass) > 1e-3
