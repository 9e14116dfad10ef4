"""Worlds small enough to enumerate: varying length, protected words, unequal branch counts, punctuation, an unknown word."""

from functools import cache

import numpy as np

from searchgen.automata import Automaton
from searchgen.kernels.shares import JOIN
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.tables import BEGIN
from searchgen.problem import TOKEN, Problem
from searchgen.samplers.proofs.exactness import World

__all__ = ["WORLDS", "items_world", "joined_world", "keyword_world", "phrase_world", "punctuated_world"]


@cache
def toy_model(order: int) -> NGram:
    """Return a model of three words of unequal frequency and one rare word that is counted as <unk>."""
    state = 12345
    sentences = []
    for _ in range(70):
        length, sentence = 1 + state % 5, []
        for _ in range(length):
            state = (1103515245 * state + 12345) % 2**31
            sentence.append("aaabbc"[(state >> 16) % 6])
        sentences.append(sentence)
    return NGram.from_sentences([*sentences, ["a", "d", "b"]], order=order, min_count=2)


def problem_of(
    model: NGram,
    automaton: Automaton,
    *,
    window: tuple[int, int],
    weight: tuple[float, ...],
    words: tuple[int, ...],
    protected: tuple[int, ...] = (),
    beta: float = 1.0,
    extra: int = 0,
) -> Problem:
    """Return a problem over a model's vocabulary and `extra` unknown words."""
    tables = model.exact_tables()
    token = np.zeros(model.size + extra, TOKEN)
    token["model"][: model.size] = np.arange(model.size)
    token["cls"] = automaton.classes
    token["word"][list(words)] = 1
    token["protected"][list(protected)] = 1
    token["weight"][3 : 3 + len(weight)] = weight
    begin = np.array([tables.node["state"][1 + BEGIN]], np.int64)
    ids = np.arange(model.size, model.size + extra, dtype=np.int64)
    window_array = np.array(window, np.int64)
    return Problem(tables, token, automaton.next, automaton.accept, window_array, np.array([beta]), begin, ids)


def keyword_world(beta: float) -> World:
    """Texts of 1 to 4 words that hold c, which the guarded moves leave alone."""
    model = toy_model(3)
    a, b, c = (model.id_of[w] for w in "abc")
    classes = np.zeros(model.size, np.int16)
    classes[[a, b]], classes[c] = 1, 2
    automaton = Automaton(
        classes, np.array([[0, 0, 0], [0, 1, 2], [0, 2, 2]], np.int32), np.array([False, False, True])
    )
    problem = problem_of(
        model, automaton, window=(1, 4), weight=(0.3, -0.2, 0.5), words=(a, b, c), protected=(c,), beta=beta
    )
    return World.of(problem, 4)


def phrase_world(beta: float) -> World:
    """Texts of 2 to 4 words that hold "a b" and then one of two unknown words, under a bigram model."""
    model = toy_model(2)
    a, b, c = (model.id_of[w] for w in "abc")
    unknown = (model.size, model.size + 1)
    classes = np.zeros(model.size + 2, np.int16)
    classes[a], classes[b], classes[c], classes[list(unknown)] = 1, 2, 3, 4
    table = np.array([[0, 0, 0, 0, 0], [0, 2, 1, 1, 1], [0, 2, 3, 1, 1], [0, 3, 3, 3, 4], [0, 4, 4, 4, 4]], np.int32)
    automaton = Automaton(classes, table, np.array([False, False, False, False, True]))
    problem = problem_of(
        model,
        automaton,
        window=(2, 4),
        weight=(0.1, 0.0, -0.4, -2.0, -1.0),
        words=(a, b, c, *unknown),
        beta=beta,
        extra=2,
    )
    return World.of(problem, 4)


def punctuated_world(beta: float) -> World:
    """Texts of 1 to 2 words in which c is punctuation: not first, not twice in a row, and not counted."""
    model = toy_model(3)
    a, b, c = (model.id_of[w] for w in "abc")
    classes = np.zeros(model.size, np.int16)
    classes[[a, b]], classes[c] = 1, 2
    automaton = Automaton(
        classes, np.array([[0, 0, 0], [0, 2, 0], [0, 2, 3], [0, 2, 0]], np.int32), np.array([0, 0, 1, 1], bool)
    )
    problem = problem_of(model, automaton, window=(1, 3), weight=(0.2, 0.0, 0.4), words=(a, b), beta=beta)
    return World.of(problem, 6)


def joined_world(beta: float) -> World:
    """Texts of 1 to 2 words in which c is a hyphen: it joins two words to one, at most once."""
    model = toy_model(3)
    a, b, c = (model.id_of[w] for w in "abc")
    classes = np.zeros(model.size, np.int16)
    classes[[a, b]], classes[c] = 1, 2
    table = np.array([[0, 0, 0], [0, 2, 0], [0, 2, 3], [0, 2, 0]], np.int32)
    automaton = Automaton(classes, table, np.array([0, 0, 1, 0], bool))
    problem = problem_of(model, automaton, window=(1, 2), weight=(0.2, 0.0, 1.4), words=(a, b), beta=beta)
    problem.token["word"][c] = JOIN
    return World.of(problem._replace(hyphens=np.array([1], np.int64)), 4)


def items_world(beta: float) -> World:
    """Texts of 1 to 4 words that hold c and "a b", of which the automaton tells only where they have just ended; chains alone know it."""
    model = toy_model(3)
    a, b, c = (model.id_of[w] for w in "abc")
    classes = np.zeros(model.size, np.int16)
    classes[a], classes[b], classes[c] = 1, 2, 3
    table = np.array([[0, 0, 0, 0], [0, 2, 1, 3], [0, 2, 4, 3], [0, 2, 1, 3], [0, 2, 1, 3]], np.int32)
    automaton = Automaton(classes, table, np.array([False, True, True, True, True]))
    problem = problem_of(model, automaton, window=(1, 4), weight=(0.3, -0.2, 0.5), words=(a, b, c), beta=beta)
    ended = np.array([0, 0, 0, 1, 2], np.uint64)
    return World.of(problem._replace(items=ended, held=np.array([3], np.uint64)), 4)


WORLDS = {"keyword": keyword_world, "phrase": phrase_world, "punctuated": punctuated_world, "joined": joined_world}
