"""The tokens of a target as the compiled loops read them: class, weight, whether moves leave them alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from searchgen.automata import Automaton
from searchgen.constraints import Constraint
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.tables import UNKNOWN
from searchgen.problem import TOKEN
from searchgen.request.request import Terms
from searchgen.vocabulary import Vocabulary

__all__ = ["WORD_REWARDS", "Lexicon", "lexicon", "token_table"]

#: Reward for each word, in nats, by text form: chosen by reading, so that sentences end where they end.
WORD_REWARDS = {"en": 1.0, "zh": 0.0, "raw": 1.0}

#: The local moves leave a demanded word alone if it is rarer than this; a common one ("the") comes and goes freely.
PROTECTED_BELOW = 1e-3

COMMAS = frozenset(",;:") | {"--", "，", "；", "：", "、", "——", "…", "……", "..."}


@dataclass(frozen=True, eq=False)
class Lexicon:
    """What the terms need to know of a model's tokens; made once a model.

    Attributes:
        vocabulary: the model's tokens with their text form.
        proper: (V,) tokens printed with a capital wherever they stand.
        comma: (V,) commas, semicolons, colons, dashes.
        log_unigram: (V,) natural log of the unigram probability.
    """

    vocabulary: Vocabulary
    proper: npt.NDArray[np.bool_]
    comma: npt.NDArray[np.bool_]
    log_unigram: npt.NDArray[np.float64]


def lexicon(model: NGram) -> Lexicon:
    """Return what the terms and constraints need to know of a model's tokens."""
    tokens = model.vocabulary
    vocabulary = Vocabulary(tokens, model.text_form, stored_kinds=model.kinds, stored_ids=model.id_of)
    comma = np.zeros(len(tokens), np.bool_)
    comma[[place for place in map(vocabulary.find, COMMAS) if place >= 0]] = True
    return Lexicon(
        vocabulary=vocabulary,
        proper=_proper(tokens),
        comma=comma,
        log_unigram=model.tables.node["log_p"][1 : 1 + len(tokens)].astype(np.float64),
    )


def _proper(tokens: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return which tokens begin with a capital, I and its short forms apart."""
    proper = np.fromiter(map(str.isupper, map(itemgetter(0), tokens)), np.bool_, len(tokens))
    proper[[place for place in np.flatnonzero(proper).tolist() if tokens[place][:2] in ("I", "I'")]] = False
    return proper


def token_table(
    constraints: Sequence[Constraint],
    words: Lexicon,
    vocabulary: Vocabulary,
    automaton: Automaton,
    terms: Terms,
    beta: float,
) -> tuple[npt.NDArray[np.void], frozenset[int]]:
    """Return the table of tokens for the compiled loops, and the ids of those that match a demanded word.

    Args:
        constraints: of the target.
        words: of the model.
        vocabulary: of the request, the model's tokens first.
        automaton: over the vocabulary.
        terms: additive log weights.
        beta: power of the model's probability.

    Returns:
        (V',) `searchgen.problem.TOKEN`, and the ids.
    """
    token = np.zeros(len(vocabulary), TOKEN)
    size = len(words.vocabulary)
    token["model"] = np.where(np.arange(len(vocabulary)) < size, np.arange(len(vocabulary)), UNKNOWN)
    token["cls"] = automaton.classes
    token["word"] = vocabulary.counts
    demanded = _demanded(constraints, vocabulary)
    token["weight"] = _weights(terms, beta, words, vocabulary, _as_meant(constraints, vocabulary))
    rare = np.append(words.log_unigram, [-np.inf] * len(vocabulary.extra)) < np.log(PROTECTED_BELOW)
    token["protected"][demanded] = rare[demanded]
    return token, frozenset(demanded.tolist())


def _demanded(constraints: Sequence[Constraint], vocabulary: Vocabulary) -> npt.NDArray[np.int64]:
    """Return the ids of all tokens that match a demanded word."""
    words = {word for constraint in constraints for word in constraint.demanded()}
    return np.array(sorted({i for word in words for i in vocabulary.matching(word)}), np.int64)


def _as_meant(constraints: Sequence[Constraint], vocabulary: Vocabulary) -> npt.NDArray[np.int64]:
    """Return, for each demanded word, the id of its spelling as demanded, else of the most frequent one: Paris, not dog as Dog."""
    meant = []
    for constraint in constraints:
        for word in constraint.demanded():
            exact = vocabulary.find(word)
            meant += [exact] if exact >= 0 else vocabulary.matching(word)[:1]  # ids fall in frequency
    return np.array(sorted(set(meant)), np.int64)


def _weights(
    terms: Terms, beta: float, words: Lexicon, vocabulary: Vocabulary, demanded: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return the additive log weight of every token; demanded words are not charged for being names."""
    size = len(words.vocabulary)
    charge = terms.proper_noun * words.proper + terms.comma * words.comma
    charge -= terms.unigram * words.log_unigram * words.vocabulary.is_word
    reward = WORD_REWARDS[vocabulary.form.name] if terms.word is None else terms.word
    weight = reward * vocabulary.is_word.astype(np.float64)
    free = np.ones(size, np.bool_)
    free[demanded[demanded < size]] = False
    weight[:size] += np.where(free, charge, 0.0)
    weight[size:] += [beta * vocabulary.spelling_log_probability(extra) for extra in range(size, len(vocabulary))]
    return weight
