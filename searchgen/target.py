"""The target: what a good text is, as a log-density over texts. The one place where a model and constraints meet.

    log density(x) = beta * log p(x) + sum over tokens of weight(token)      on the texts that every constraint accepts,

`p` the n-gram model, end included. Terms of the request become token weights; lengths are a window of words; everything
else that is hard is one automaton. It knows nothing of samplers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from searchgen.constraints import (
    Constraint,
    EndsWith,
    FiniteVerb,
    Forbid,
    Keywords,
    Length,
    Plain,
    Predicate,
    Sentence,
    StartsWith,
    joint,
    with_demanded,
)
from searchgen.constraints.base import Phrase, folded, spell
from searchgen.errors import RequestError
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.scoring import score_tokens
from searchgen.lm.ngram.tables import BEGIN, UNKNOWN
from searchgen.opaque import Opaque, load_opaque
from searchgen.problem import TOKEN, Problem
from searchgen.request import MOST_WORDS, Request
from searchgen.text import TextForm
from searchgen.vocabulary import Vocabulary

__all__ = ["Target", "default_window", "lexicon"]

#: What a sentence needs to have a verb, by text form.
VERBS: dict[str, type[Constraint]] = {"en": FiniteVerb, "zh": Predicate}

#: Reward for each word, in nats, by text form: chosen by reading, so that sentences end where they end.
WORD_REWARDS = {"en": 1.0, "zh": 0.0, "raw": 1.0}

#: Default window of words: fewest, most; and to how many a demanded word widens the upper end, and how many on top.
DEFAULT_WINDOWS = {"en": (6, 14, 3, 4), "zh": (8, 24, 3, 4), "raw": (6, 14, 3, 4)}

#: The local moves leave a demanded word alone if it is rarer than this; a common one ("the") comes and goes freely.
PROTECTED_BELOW = 1e-3

#: At most two punctuation tokens stand in a row, also before the first word and after the last.
PUNCTUATION_IN_A_ROW = 2

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
    log_unigram = model.tables.node["log_p"][1 : 1 + len(tokens)].astype(np.float64)
    return Lexicon(
        vocabulary=Vocabulary(tokens, model.text_form, stored_kinds=model.kinds),
        proper=np.array([token[0].isupper() and token[:2] not in ("I", "I'") for token in tokens]),
        comma=np.array([token in COMMAS for token in tokens]),
        log_unigram=log_unigram,
    )


def default_window(form: str, fewest: int | None, most: int | None, demanded: int) -> tuple[int, int]:
    """Return the window of words: what is given, else the form's default, its upper end widened by the demanded words.

    Example:
        >>> default_window("en", None, None, 3), default_window("en", None, 4, 1), default_window("en", None, None, 8)
        ((6, 14), (4, 4), (8, 28))
    """
    low, high, each, more = DEFAULT_WINDOWS[form]
    high = max(high, each * demanded + more)
    low = max(low, demanded)
    if fewest is not None:
        low, high = fewest, max(high, fewest + high - low)
    if most is not None:
        low, high = (low if fewest is not None else min(low, most)), most
    return min(low, MOST_WORDS), min(high, MOST_WORDS)


@dataclass(frozen=True, eq=False)
class Target:
    """A request's target under a model.

    Attributes:
        model: the language model.
        vocabulary: its tokens and the demanded words it does not know.
        constraints: every hard constraint, lengths included.
        window: fewest and most words.
        demanded: ids of the tokens that match a demanded word.
        problem: the same as arrays, for the compiled loops.
        notes: what the user should know, one line each.
        written: the name each part of a constraint has in the output: words as the user wrote them, in lower case.
        opaque: terms that are functions of the text; they are no part of `problem`.
    """

    model: NGram
    vocabulary: Vocabulary
    constraints: tuple[Constraint, ...]
    window: tuple[int, int]
    demanded: frozenset[int]
    problem: Problem
    notes: tuple[str, ...]
    written: dict[str, str]
    opaque: tuple[Opaque, ...] = ()

    @staticmethod
    def of(request: Request, model: NGram, known: Lexicon | None = None) -> "Target":
        """Build the target of a request.

        Raises:
            RequestError: the request contradicts itself or is too large.
            Impossible: no text can satisfy it.
        """
        known = known or lexicon(model)
        form = known.vocabulary.form
        constraints, window, notes = _constraints(request, form, known.vocabulary)
        vocabulary = with_demanded(known.vocabulary, constraints)
        if vocabulary.extra:
            notes.append(
                f"the model does not know {', '.join(vocabulary.extra)}; spelled letter by letter, it is improbable"
            )
        automaton = joint(constraints, vocabulary, form)
        token = np.zeros(len(vocabulary), TOKEN)
        size = len(known.vocabulary)
        token["model"] = np.where(np.arange(len(vocabulary)) < size, np.arange(len(vocabulary)), UNKNOWN)
        token["cls"] = automaton.classes
        token["word"] = vocabulary.is_word
        demanded = _demanded(constraints, vocabulary)
        token["weight"] = _weights(request, known, vocabulary, _as_meant(constraints, vocabulary))
        rare = np.append(known.log_unigram, [-np.inf] * len(vocabulary.extra)) < np.log(PROTECTED_BELOW)
        token["protected"][demanded] = rare[demanded]
        problem = Problem(
            ngram=model.tables,
            token=token,
            next=automaton.next,
            accept=automaton.accept,
            window=np.array(window, np.int64),
            beta=np.array([request.beta]),
            begin=np.array([model.tables.node["state"][1 + BEGIN]], np.int64),
            extra=np.arange(size, len(vocabulary), dtype=np.int64),
        )
        written = _written(request, constraints)
        ids = frozenset(demanded.tolist())
        terms = tuple(map(load_opaque, request.opaque))
        return Target(model, vocabulary, constraints, window, ids, problem, tuple(notes), written, terms)

    @property
    def form(self) -> TextForm:
        """The text form of the model."""
        return self.vocabulary.form

    @cached_property
    def room(self) -> int:
        """Most tokens of a text: the words, and two punctuation tokens in each gap."""
        if self.form.name == "raw":
            return self.window[1]
        return self.window[1] + PUNCTUATION_IN_A_ROW * (self.window[1] + 1)

    def log_prob(self, ids: Sequence[int]) -> float:
        """Return natural log p of a text under the model, its end and the spelling of unknown words included."""
        model_ids = self.problem.token["model"][list(ids)].astype(np.int32)
        total = score_tokens(self.model.tables, model_ids, np.array([0, len(ids)], np.int64)).sum()
        return float(total) + sum(self.vocabulary.spelling_log_probability(int(i)) for i in ids)

    def opaque_log_weight(self, ids: Sequence[int]) -> float:
        """Return what the opaque terms add to the log-density of a text; later ones are not asked once one forbids it."""
        if not self.opaque:
            return 0.0
        text = self.form.detokenise(tuple(self.vocabulary.decode(ids)))
        total = 0.0
        for term in self.opaque:
            total += term.log_weight(text)
            if total == -np.inf:
                break
        return total

    def satisfied(self, ids: Sequence[int]) -> dict[str, bool]:
        """Return, for each part of each constraint, whether the text satisfies it."""
        array = np.array(ids, np.int32)
        result: dict[str, bool] = {}
        for constraint in self.constraints:
            for part, holds in constraint.parts(array, self.vocabulary).items():
                name = self.written.get(part, part)
                result[name] = result.get(name, True) and holds
        for term in self.opaque:
            if term.hard:
                text = self.form.detokenise(tuple(self.vocabulary.decode(ids)))
                result[f"term {term.name}"] = term.log_weight(text) > -np.inf
        return result

    def demanded_places(self, ids: Sequence[int]) -> frozenset[int]:
        """Return where in a text demanded words and phrases stand."""
        text = folded(self.vocabulary.decode(ids), self.vocabulary)
        found: set[int] = set()
        for one in self.constraints:
            phrases: tuple[Phrase, ...] = ()
            among = slice(None)
            if isinstance(one, Keywords):
                phrases = tuple(phrase for item in one.items for phrase in item)
            elif isinstance(one, StartsWith | EndsWith):
                phrases, among = (one.phrase,), slice(1) if isinstance(one, StartsWith) else slice(-1, None)
            for phrase in phrases:
                for place in _occurrences(folded(phrase, self.vocabulary), text)[among]:
                    found.update(range(place, place + len(phrase)))
        return frozenset(found)


def _occurrences(phrase: Phrase, text: Phrase) -> list[int]:
    return [place for place in range(len(text)) if text[place : place + len(phrase)] == phrase]


def _written(request: Request, constraints: Sequence[Constraint]) -> dict[str, str]:
    """Return the name in the output of each part that spells out words of the request."""
    names: dict[str, str] = {}

    def name(part: str, verb: str, words: str) -> None:
        names[part] = f"{verb} {' '.join(words.lower().split())}"

    for one in constraints:
        if isinstance(one, Keywords):
            shown = ["|".join(map(spell, item)) for item in one.items]
            for rank, item in enumerate(request.keywords):
                again = shown[:rank].count(shown[rank]) + 1
                suffix = f" ({again})" if again > 1 else ""
                name(f"keyword {shown[rank]}{suffix}", "keyword", "|".join(item) + suffix)
        elif isinstance(one, Forbid):
            for phrase, words in zip(one.items, request.forbid, strict=True):
                name(f"without {spell(phrase)}", "without", words)
        elif isinstance(one, StartsWith | EndsWith):
            name(one.describe(), f"{one.verb} with", request.starts_with if one.verb == "starts" else request.ends_with)
    return names


def _constraints(
    request: Request, form: TextForm, vocabulary: Vocabulary
) -> tuple[tuple[Constraint, ...], tuple[int, int], list[str]]:
    """Return the constraints of a request, its window, and notes."""
    notes: list[str] = []
    result: list[Constraint] = []
    demanded = 0
    if request.keywords:
        items = tuple(tuple(tuple(form.tokenise_as_printed(phrase)) for phrase in item) for item in request.keywords)
        for item, written in zip(items, request.keywords, strict=True):
            for phrase, text in zip(item, written, strict=True):
                if not phrase:
                    raise RequestError(f"keyword {text!r} has no letter, digit or sign in it; drop it")
        result.append(Keywords(items, ordered=request.ordered))
        demanded = sum(min(sum(map(form.is_word, phrase)) for phrase in item) for item in items)
    if request.forbid:
        result.append(Forbid(tuple(tuple(form.tokenise_as_printed(phrase)) for phrase in request.forbid)))
    if request.starts_with:
        result.append(StartsWith(tuple(form.tokenise_as_printed(request.starts_with))))
        demanded += len(form.tokenise_as_printed(request.starts_with))
    if request.ends_with:
        result.append(EndsWith(tuple(form.tokenise_as_printed(request.ends_with))))
        demanded += len(form.tokenise_as_printed(request.ends_with))
    if request.sentence:
        if any(vocabulary.find(mark) >= 0 for mark in form.final_tokens):
            result.append(Sentence())
            if request.finite_verb and form.name in VERBS:
                result.append(VERBS[form.name]())
        else:
            notes.append(f"the model has none of {' '.join(form.final_tokens)}, so texts are not held to be sentences")
    marks = {mark for pair in form.brackets.items() for mark in pair}
    demanded_tokens = {token for one in result for token in one.demanded()}
    if not request.quotes and not marks & demanded_tokens:
        result.append(Plain())
    window = default_window(form.name, request.min_words, request.max_words, demanded)
    result.append(Length(*window))
    return tuple(result), window, notes


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
    request: Request, known: Lexicon, vocabulary: Vocabulary, demanded: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return the additive log weight of every token; demanded words are not charged for being names."""
    terms, size = request.terms, len(known.vocabulary)
    charge = terms.proper_noun * known.proper + terms.comma * known.comma
    charge -= terms.unigram * known.log_unigram * known.vocabulary.is_word
    reward = WORD_REWARDS[vocabulary.form.name] if terms.word is None else terms.word
    weight = reward * vocabulary.is_word.astype(np.float64)
    free = np.ones(size, np.bool_)
    free[demanded[demanded < size]] = False
    weight[:size] += np.where(free, charge, 0.0)
    for extra in range(size, len(vocabulary)):
        weight[extra] += request.beta * vocabulary.spelling_log_probability(extra)
    return weight
