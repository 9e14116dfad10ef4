"""The target: what a good text is, as a log-density over texts. The one place where a model and constraints meet.

    log density(x) = beta * log p(x) + sum over tokens of weight(token)      on the texts that every constraint accepts,

`p` the n-gram model, end included. Terms of the request become token weights; lengths are a window of words; everything
else that is hard is one automaton. It knows nothing of samplers.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from searchgen.automata import Automaton
from searchgen.black_box_terms import BlackBoxTerm, load_black_box_term
from searchgen.constraints import Constraint, window
from searchgen.constraints.base import Phrase
from searchgen.constraints.many_keywords import ManyKeywords, many_keywords
from searchgen.constraints.together.demanded import unknown_words
from searchgen.constraints.together.joint import most_hyphens, with_vocabulary
from searchgen.demands.defaults import beside_defaults
from searchgen.demands.judge import Judge, term_of
from searchgen.demands.to_constraints import constraints_of
from searchgen.errors import RequestError, TooLarge
from searchgen.kernels.shares import JOIN, WORD
from searchgen.lm.ngram.bigrams import Bigrams
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.scoring import score_tokens
from searchgen.lm.ngram.tables import BEGIN
from searchgen.lm.protocol import TextModel
from searchgen.problem import Problem
from searchgen.record import Span
from searchgen.request.request import PLAIN_TERMS, Request, Terms
from searchgen.text import TextForm
from searchgen.token_table import Lexicon, lexicon, token_table
from searchgen.vocabulary import Vocabulary

__all__ = ["BareLogDensity", "Target", "occurrences"]

#: A batch of printed texts to their log-densities, natural log, -inf where a text has none.
BareLogDensity = Callable[[Sequence[str]], Sequence[float]]

#: At most two punctuation tokens stand in a row, also before the first word and after the last.
PUNCTUATION_IN_A_ROW = 2

#: The sampler of a search.
SEARCH = "anneal"


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
        bare: a log-density of its own in the place of model and terms; `problem` then only proposes.
        text_model: takes the place of the model, terms kept: beta * log p(printed text) + token weights.
        many: keywords beside the automaton, of a search; None: the automaton knows all constraints.
    """

    model: NGram
    vocabulary: Vocabulary
    constraints: tuple[Constraint, ...]
    window: tuple[int, int]
    demanded: frozenset[int]
    problem: Problem
    notes: tuple[str, ...]
    written: dict[str, str]
    opaque: tuple[BlackBoxTerm, ...] = ()
    bare: BareLogDensity | None = None
    text_model: TextModel | None = None
    many: ManyKeywords | None = None

    @staticmethod
    def of(request: Request, model: NGram, known: Lexicon | None = None) -> "Target":
        """Build the target of a request.

        Raises:
            RequestError: the request contradicts itself or is too large.
            Impossible: no text can satisfy it.
        """
        known = known or lexicon(model)
        demanded = constraints_of(request.demands, known.vocabulary.form, known.vocabulary)
        searches = request.sampler == SEARCH

        def build(constraints: Sequence[Constraint]) -> Target:
            return Target.of_parts(
                model,
                constraints,
                terms=request.terms,
                beta=request.beta,
                opaque=map(load_black_box_term, request.opaque),
                known=known,
                searched=searches,
            )

        dropped: tuple[str, ...] = ()
        if searches:
            target, dropped = beside_defaults(demanded.constraints, request.demands, build, Target.word_counts)
        else:
            target = build(demanded.constraints)
        return replace(target, notes=(*demanded.notes, *dropped, *target.notes), written=demanded.written)

    @staticmethod
    def of_parts(
        model: NGram,
        constraints: Sequence[Constraint],
        *,
        terms: Terms = PLAIN_TERMS,
        beta: float = 1.0,
        opaque: Iterable[BlackBoxTerm] = (),
        bare: BareLogDensity | None = None,
        known: Lexicon | None = None,
        searched: bool = False,
    ) -> "Target":
        """Build a target from parts: p(x) ** beta on the texts that all constraints accept, times the terms.

        Args:
            model: the language model.
            constraints: a `Length` among them; others in any order, users' own too.
            terms: additive log weights of tokens; by default none.
            beta: power of the model's probability.
            opaque: functions of the text that weigh or forbid it.
            bare: takes the place of model and terms: a batch of texts to their log-densities. The constraints still hold.
            known: what `lexicon` returned for this model; None: computed here.
            searched: whether keywords that are too many for the automaton may stand beside it, as is enough for a search.

        Raises:
            RequestError: the parts contradict each other, or no length is among them.
            Impossible: no text can satisfy them.
        """
        known = known or lexicon(model)
        words = window(constraints)
        if words is None:
            raise RequestError("a target needs a length: add Length(fewest, most) to its constraints")
        notes: list[str] = []
        many = None
        try:
            vocabulary, automaton = with_vocabulary(constraints, known.vocabulary)
        except TooLarge as error:
            if not searched:
                raise
            many = many_keywords(constraints, known.vocabulary, error)
            notes.append(
                "the keywords are too many to try every order: the search moves through orders, and proves nothing"
            )
            vocabulary, automaton = many.vocabulary, many.automaton
        notes += unknown_words(vocabulary, constraints)
        token, demanded = token_table(constraints, known, vocabulary, automaton, terms, beta)
        size = len(known.vocabulary)
        problem = Problem(
            ngram=model.tables,
            token=token,
            next=automaton.next,
            accept=automaton.accept,
            window=np.array(words, np.int64),
            beta=np.array([beta]),
            begin=np.array([model.tables.node["state"][1 + BEGIN]], np.int64),
            extra=np.arange(size, len(vocabulary), dtype=np.int64),
            hyphens=np.array([most_hyphens(constraints, vocabulary)], np.int64),
        )
        if many is not None:
            problem = problem._replace(items=many.ended, held=np.array([many.held], np.uint64))
        black_boxes = (term_of(one, vocabulary) for one in constraints if one.black_box)
        terms_of_text = (*opaque, *black_boxes)
        return Target(
            model,
            vocabulary,
            tuple(constraints),
            words,
            demanded,
            problem,
            tuple(notes),
            {},
            terms_of_text,
            bare,
            many=many,
        )

    def begun(self) -> Iterator[Problem]:
        """Yield what guides may draw first texts of: the problem, or that of many keywords in one order and then another."""
        if self.many is None:
            yield self.problem
            return
        for order in self.many.orders():
            automaton = self.many.in_order(order)
            if automaton.accept.any():
                yield of_automaton(self.problem, automaton)

    @property
    def form(self) -> TextForm:
        """The text form of the model."""
        return self.vocabulary.form

    @property
    def bigrams(self) -> Bigrams:
        """What look-ahead needs to know of the bigrams of the problem's tables."""
        return self.model.bigrams if self.problem.ngram is self.model.tables else Bigrams.of(self.problem.ngram)

    @cached_property
    def max_tokens(self) -> int:
        """Most tokens of a text: the words, two punctuation tokens in each gap, and hyphens with the words they join."""
        if self.form.name == "raw":
            return self.window[1]
        return self.window[1] + PUNCTUATION_IN_A_ROW * (self.window[1] + 1) + 2 * int(self.problem.hyphens[0])

    def word_counts(self, most: int) -> list[bool]:
        """Return whether texts that the automaton accepts can have 0, 1, ..., `most` words."""
        problem, word = self.problem, self.problem.token["word"]
        automaton = Automaton(problem.token["cls"].astype(np.int16), problem.next, problem.accept)
        return automaton.word_counts(word == WORD, most, word == JOIN, int(problem.hyphens[0]))

    def log_prob(self, ids: Sequence[int], tokens: npt.NDArray[np.float64] | None = None) -> float:
        """Return natural log p of a text, its end and the spelling of unknown words included; `tokens`: its `token_log_p`, if known."""
        if self.text_model is not None:
            return float(self.text_model.log_probs([self.printed(ids)])[0])
        total = (self.token_log_p(ids) if tokens is None else tokens).sum()
        return float(total) + sum(self.vocabulary.spelling_log_probability(int(i)) for i in ids)

    def token_log_p(self, ids: Sequence[int]) -> npt.NDArray[np.float64]:
        """Return natural log p of each token and of the end under the n-gram model, (n + 1,), without the spelling of unknown words."""
        model_ids = self.problem.token["model"][list(ids)].astype(np.int32)
        return score_tokens(self.model.tables, model_ids, np.array([0, len(ids)], np.int64))

    def printed(self, ids: Sequence[int]) -> str:
        """Return a text as it is printed."""
        return self.form.detokenise(tuple(self.vocabulary.decode(ids)))

    def own_log_densities(self, texts: Sequence[Sequence[int]]) -> npt.NDArray[np.float64] | None:
        """Return what takes the place of the n-gram density of accepted texts, (n,), black-box terms apart; None: nothing does.

        Raises:
            RequestError: the function of the user gave another number of scores.
        """
        if self.text_model is not None:
            log_p = self.text_model.log_probs([self.printed(ids) for ids in texts])
            weights = np.array([self.token_weight(ids) for ids in texts])  # (n,)
            return np.asarray(float(self.problem.beta[0]) * log_p + weights)
        if self.bare is None:
            return None
        scores = (
            np.array([float(score) for score in self.bare([self.printed(ids) for ids in texts])])
            if texts
            else np.zeros(0)
        )
        if len(scores) != len(texts):
            raise RequestError(f"the log-density gave {len(scores)} scores for {len(texts)} texts; give one for each")
        return scores

    def token_weight(self, ids: Sequence[int]) -> float:
        """Return the sum of the weights of the terms; unknown words are spelled by the n-gram model only."""
        spelled = sum(self.vocabulary.spelling_log_probability(int(i)) for i in ids)
        return float(self.problem.token["weight"][list(ids)].sum()) - float(self.problem.beta[0]) * spelled

    def black_box_log_weight(self, ids: Sequence[int]) -> float:
        """Return what the black-box terms add to the log-density of a text; later ones are not asked once one forbids it."""
        if not self.opaque:
            return 0.0
        text = self.printed(ids)
        total = 0.0
        for term in self.opaque:
            total += term.log_weight(text)
            if total == -np.inf:
                break
        return total

    @cached_property
    def judge(self) -> Judge:
        """What texts are judged by."""
        return Judge(self.vocabulary, self.constraints, self.written, self.opaque)

    def satisfied(self, ids: Sequence[int]) -> dict[str, bool]:
        """Return, for each part of each constraint, whether the text satisfies it."""
        return self.judge.satisfied(ids, self.printed(ids) if self.opaque else "")

    def spans(self, ids: Sequence[int]) -> tuple[Span, ...]:
        """Return where the printed text holds what was demanded."""
        return self.judge.spans(ids, self.printed(ids))


def of_automaton(problem: Problem, automaton: Automaton) -> Problem:
    """Return a problem with another automaton, which knows all constraints."""
    token = problem.token.copy()
    token["cls"] = automaton.classes
    free = Problem._field_defaults | {"hyphens": problem.hyphens}
    return problem._replace(token=token, next=automaton.next, accept=automaton.accept, **free)


def occurrences(phrase: Phrase, text: Phrase) -> list[int]:
    """Return the places of a text, as tokens, at which a phrase begins."""
    return [place for place in range(len(text)) if text[place : place + len(phrase)] == phrase]
