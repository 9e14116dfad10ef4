"""Worlds for the guide, and their law by brute force: every text, every completion, every draw enumerated."""

import math
from functools import cache

import numpy as np

from searchgen.automata import Automaton
from searchgen.guide import Guide
from searchgen.guide.candidates import Scratch, new_scratch
from searchgen.guide.draws import draw
from searchgen.guide.tables import GuideTables
from searchgen.kernels.compiled import kernel
from searchgen.kernels.randomness import Script, script
from searchgen.kernels.shares import JOIN, WORD
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.tables import BEGIN, END
from searchgen.problem import Problem
from searchgen.samplers.proofs.toy_worlds import problem_of
from tests.lm.ngram.toy_sentences import toy_sentences

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
    sentences = toy_sentences("aaabbcd", 60, seed)
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


def joined(beta: float) -> Problem:
    """Texts of 1 to 2 words; c is a hyphen between two words, at most two of a text, and d is punctuation after one."""
    classes = np.zeros(7, np.int16)
    a, b, c, d = (model().id_of[w] for w in "abcd")
    classes[[a, b]], classes[c], classes[d] = 1, 2, 3
    table = np.array([[0] * 4, [0, 2, 0, 0], [0, 2, 3, 4], [0, 2, 0, 0], [0, 2, 0, 0]], np.int32)
    automaton = Automaton(classes, table, np.array([0, 0, 1, 0, 1], bool))
    problem = problem_of(model(), automaton, window=(1, 2), weight=(0.2, 0.1, 1.4, -0.3), words=(a, b), beta=beta)
    problem.token["word"][c] = JOIN
    return problem._replace(hyphens=np.array([2], np.int64))


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


WORLDS = {"keywords": keywords, "punctuated": punctuated, "joined": joined, "unknown": unknown, "negative": negative}


def stored(problem: Problem) -> dict[tuple[int, ...], int]:
    """Return the node of every stored n-gram."""
    nodes: dict[tuple[int, ...], int] = {(): 0}
    level: dict[tuple[int, ...], int] = {(): 0}
    while level:
        level = {
            (*gram, int(problem.ngram.word[i])): i
            for gram, node in level.items()
            for i in range(problem.ngram.node["first"][node], problem.ngram.node["first"][node + 1])
        }
        nodes |= level
    return nodes


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


def completions(problem: Problem, state: int, words: int, longest: int, hyphens: int = 0) -> list[tuple[int, ...]]:
    """Return all token sequences of exactly so many words and hyphens that lead from a state to acceptance."""
    texts: list[tuple[int, ...]] = [()] if words == hyphens == 0 and problem.accept[state] else []
    if longest > 0:
        for token in range(3, len(problem.token)):
            after = int(problem.next[state, problem.token["cls"][token]])
            share = int(problem.token["word"][token])
            left, joins = words - (share == WORD), hyphens - (share == JOIN)
            if after and left >= 0 and joins >= 0:
                texts += [(token, *rest) for rest in completions(problem, after, left, longest - 1, joins)]
    return texts


@cache
def texts(world: str) -> list[tuple[int, ...]]:
    """Return all texts of a world."""
    problem = WORLDS[world](1.0)
    low, high = problem.window
    pairs = [(words, joins) for words in range(low, high + 1) for joins in range(int(problem.hyphens[0]) + 1)]
    return [text for words, joins in pairs for text in completions(problem, 1, words + joins, 12, joins)]


def law_of(world: str, problem: Problem, law: Law) -> tuple[Texts, float]:
    """Return the probability of every text, and the log of the mass of all."""
    weights = {text: law.log_mass(text) for text in texts(world)}
    total = float(np.logaddexp.reduce(list(weights.values())))
    return {text: math.exp(weight - total) for text, weight in weights.items()}, total


@kernel
def drawn(guide: GuideTables, problem: Problem, rng: Script, scratch: Scratch, out: np.ndarray) -> int:
    """Draw one text; `draw` itself can be called by compiled functions only."""
    return draw(guide, problem, rng, scratch, out)


def enumerated(guide: Guide) -> dict[tuple[int, ...] | None, float]:
    """Return the law of the compiled draw, by playing every script."""
    rng, scratch, out = script(), new_scratch(), np.zeros(guide.max_tokens, np.int32)
    law: dict[tuple[int, ...] | None, float] = {}
    while True:
        rng.depth[0], rng.probability[0] = 0, 1.0
        length = drawn(guide.tables, guide.problem, rng, scratch, out)
        text = tuple(out[:length].tolist()) if length >= 0 else None
        law[text] = law.get(text, 0.0) + float(rng.probability[0])
        at = int(rng.depth[0]) - 1
        while at >= 0 and rng.choice[at] + 1 == rng.width[at]:
            at -= 1
        if at < 0:
            return law
        rng.choice[at] += 1
        rng.choice[at + 1 :] = 0
