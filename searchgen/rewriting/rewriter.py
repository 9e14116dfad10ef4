"""A given text with few edits, such that all constraints hold and the model likes it.

The search of `constrain` runs on texts within K edits, for the fewest K that have an answer and the next one, and on up to the bound as
long as one of the best texts takes the last edit. The texts are ranked together by

    log p(text) + terms - closeness x edits

What is kept has the characters of the source, so each result is printed, read again and judged before it counts.

Words of the source that the model does not know stay untouched where that takes no more edits, and their spelling costs nothing: else the
model would edit these first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from searchgen.constraints import Constraint, Length
from searchgen.constraints.together.joint import joint, with_demanded
from searchgen.constraints.words.edits import Edits, held_spans, source_tokens
from searchgen.demands.judge import Judge
from searchgen.demands.to_constraints import constraints_of
from searchgen.errors import Contradiction, Impossible, NotFound, Outage, SearchgenError, TooLarge
from searchgen.ranking.whole_words import hidden_counts
from searchgen.request.request import Request
from searchgen.rewriting.fewest import fewest_edits
from searchgen.rewriting.trail import Step, trail_of
from searchgen.samplers.chains.observer import Observer
from searchgen.search.searcher import Searcher
from searchgen.target import Target
from searchgen.text.edits.places import token_places
from searchgen.text.edits.printing import Change, Source, Written, written
from searchgen.text.items.reading import item_tokens

__all__ = ["CLOSENESS", "SLACK", "Rewriter", "Rewritten"]

#: What an edit costs by default, in nats, and how many more than the fewest are tried: chosen by reading.
CLOSENESS, SLACK = 10.0, 1

#: How many edits more than allowed are tried, to say how many it takes.
MOST_TOLD = 12


class _Found(NamedTuple):
    """A text of a search.

    Attributes:
        target: of the search, under the n-gram model.
        ids: the text.
        log_density: natural log.
        observer: has seen the search; None: nobody looked.
    """

    target: Target
    ids: tuple[int, ...]
    log_density: float
    observer: Observer | None = None


class _Begun(NamedTuple):
    """A search that has begun.

    Attributes:
        edits: that are allowed.
        run: of the searcher's strategy.
        observer: sees it; None: nobody looks.
    """

    edits: int
    run: Any
    observer: Observer | None = None


@dataclass(frozen=True)
class Rewritten:
    """One result.

    Attributes:
        text: as printed.
        tokens: as the text form reads it.
        edits: words and marks that differ from the source.
        changes: what differs, from left to right.
        satisfied: the parts of all constraints.
        log_prob: natural log of the model's probability; None: the text is the source, and was not scored.
        score: what it is ranked by, in nats.
        trail: the edits that led to it, in their order, where they are known.
    """

    text: str
    tokens: tuple[str, ...]
    edits: int
    changes: tuple[Change, ...]
    satisfied: dict[str, bool]
    log_prob: float | None = None
    score: float | None = None
    trail: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Rewriter:
    """Rewrites texts under one model.

    Attributes:
        searcher: the model.
        request: constraints, number of texts, seed, schedule.
        most: edits; None: the fewest possible and `SLACK` more.
        protect: phrases of the texts that stay untouched.
        closeness: what an edit costs, in nats.
        trails: whether the edits that led to each text are written down.
    """

    searcher: Searcher
    request: Request
    most: int | None = None
    protect: tuple[str, ...] = ()
    closeness: float = CLOSENESS
    trails: bool = False

    def revise(self, text: str) -> list[Rewritten]:
        """Return the text with few edits, best first; the text itself if it satisfies the constraints.

        Raises:
            RequestError: it has no word, or too many.
            TooLarge: the edits are too many for a text of this length.
            Impossible: no text within the edits satisfies the constraints; the message says how many it takes.
            NotFound: none was found.
        """
        satisfied = self.judge.judged(text)
        if all(satisfied.values()):
            return [Rewritten(text, tuple(self.judge.form.tokenise(text)), 0, (), satisfied)]
        vocabulary = self.searcher.source.lexicon.vocabulary
        tokens = source_tokens(text, vocabulary.form)
        held = held_spans(tokens, self.protect, vocabulary.form)
        places = token_places(tokens, text)
        if places is None:
            raise NotFound("the text has signs that hide where its words are; write it in plain letters")
        source = Source(text, tokens, tuple(places), held)
        request, fewest = self._guarded(self.request.but(source=text, max_edits=0, protect=self.protect))
        found: list[_Found] = []
        results: list[Rewritten] = []
        failure = NotFound("no text was found; allow more edits, or raise --budget")
        for runs in self._begun(request, fewest):
            try:
                found += self._found(runs)
                results = self._ranked(source, fewest, found)
            except NotFound as error:
                failure = error
                continue
            if all(result.edits < runs[-1].edits for result in results):
                break  # the last edit that was allowed gained nothing
        if not results:
            raise failure
        return results

    def fewest(self, text: str) -> int | None:
        """Return the fewest edits of a text that satisfy the constraints, the number of words aside; None: more than are tried."""
        return self._fewest(self.request.but(source=text, max_edits=0, protect=self.protect))

    @cached_property
    def judge(self) -> Judge:
        """What texts are judged by: everything but the edits."""
        demands = self.request.demands
        judge = Judge.of(demands, self.searcher.source.lexicon.vocabulary)
        if demands["min_words"] is None and demands["max_words"] is None:
            judge = replace(judge, constraints=tuple(one for one in judge.constraints if not isinstance(one, Length)))
        return judge

    def _guarded(self, request: Request) -> tuple[Request, int]:
        """The request, with unknown words untouched where that takes no more edits, and the fewest edits that it takes.

        Raises:
            Impossible: it takes more than the bound.
        """
        fewest = self._fewest(request)
        guarded = request.but(protect=self._unknown(request)) if fewest is not None else request
        if guarded.protect != request.protect and self._fewest(guarded) == fewest:
            request = guarded
        if fewest is None or (self.most is not None and fewest > self.most):
            takes = f"it takes {fewest}" if fewest is not None else "no number of edits tried is enough"
            raise Impossible(f"no text within {_edits(self.most)} satisfies the constraints; {takes}")
        return request, fewest

    def _begun(self, request: Request, fewest: int) -> Iterator[list[_Begun]]:
        """Yield the searches within the fewest edits that have an answer and one more, and then, up to the bound, of each further edit.

        Raises:
            Impossible: no number of edits up to the bound has an answer.
            TooLarge: already the fewest are too many for a text of this length.
        """
        runs: list[_Begun] = []
        # Conditions on whole texts do not count among the fewest, so there may be none.
        last = max(1, fewest) + SLACK if self.most is None else self.most
        begun = 0
        for edits in range(max(1, fewest), self._tried + 1):
            if edits > last and (begun or self.most is not None):
                break
            try:
                within = replace(request.but(max_edits=edits), association_weight=0.0)
                observer = Observer("accepted") if self.trails else None
                run = self.searcher.strategy.begin(self.searcher.source, within, observer)
                runs.append(_Begun(edits, run, observer))
            except TooLarge:
                if not begun:
                    raise
                break
            except (Impossible, Contradiction):  # the window of words asks for more
                last += self.most is None
                continue
            begun += 1
            if begun > SLACK:
                yield runs
                runs = []
        if runs:
            yield runs
        if not begun:
            raise Impossible(f"no text within {_edits(last)} satisfies the constraints")

    def _unknown(self, request: Request) -> tuple[str, ...]:
        """The phrases that stay untouched, and the words of the source that the model does not know."""
        vocabulary = self.searcher.source.lexicon.vocabulary
        form = vocabulary.form
        tokens = source_tokens(request.source, form)
        unknown = [token for token in dict.fromkeys(tokens) if not vocabulary.matching(token)]
        plain = [token for token in unknown if item_tokens(token, form) == (token,)]
        return (*request.protect, *plain)

    def _fewest(self, request: Request) -> int | None:
        """The fewest edits into all constraints but the window of words, None: more than are told."""
        base = self.searcher.source.lexicon.vocabulary
        constraints = constraints_of(request.demands, base.form, base).constraints
        (edits,) = (one for one in constraints if isinstance(one, Edits))
        vocabulary = with_demanded(base, constraints)
        others: list[Constraint] = [one for one in constraints if not isinstance(one, Edits | Length)]
        automaton = joint(others, vocabulary, vocabulary.form)
        row = [vocabulary.matching(token) for token in edits.source]
        return fewest_edits(automaton, row, edits.held, self._tried)

    @property
    def _tried(self) -> int:
        """How many edits are tried at most."""
        return max(MOST_TOLD, self.most or 0)

    def _found(self, runs: Sequence[_Begun]) -> list[_Found]:
        """The texts of searches with their log-densities.

        Raises:
            BaseException: an outage or Ctrl-C has ended a search early: what is found so far depends on when.
        """
        outcomes = self.searcher.strategy.finish([begun.run for begun in runs], None)
        found, errors = list[_Found](), []
        for (_, run, observer), outcome in zip(runs, outcomes, strict=True):
            failure = outcome if isinstance(outcome, BaseException) else outcome.failure
            if isinstance(failure, SearchgenError) and not isinstance(failure, Outage):
                errors.append(failure)
                continue
            if failure is not None:
                raise failure
            assert not isinstance(outcome, BaseException)
            annealed = outcome.annealed
            pairs = zip(annealed.texts, annealed.log_density.tolist(), strict=True)
            found += [_Found(run.proposal, ids, density, observer) for ids, density in pairs]
        if not found and errors:
            raise errors[0]
        return found

    def _ranked(self, source: Source, fewest: int, found: Sequence[_Found]) -> list[Rewritten]:
        """The best texts that hold what they must once they are printed with the characters of the source."""
        kept: dict[str, Rewritten] = {}
        for score, (target, ids, _, observer), result in self._in_order(source, fewest, found):
            if len(kept) == self.request.count:
                break
            if result.text in kept:
                continue
            read = tuple(target.form.tokenise(result.text))
            meant = target.vocabulary.decode(ids)
            satisfied = self.judge.judged(result.text)
            if all(satisfied.values()) and [*map(target.form.fold, read)] == [*map(target.form.fold, meant)]:
                log_prob = self._log_prob(target, ids, result.text)
                trail = () if observer is None else trail_of(observer, ids)
                more = (satisfied, log_prob, score, trail)
                kept[result.text] = Rewritten(result.text, read, result.edits, result.changes, *more)
        if not kept:
            raise NotFound("no text was found that is read as it is meant; allow more edits, or raise --budget")
        return [*kept.values()]

    def _in_order(
        self, source: Source, fewest: int, found: Sequence[_Found]
    ) -> Iterator[tuple[float, _Found, Written]]:
        """Yield texts as they are printed, those without hidden words first, then the best by their scores.

        A text is printed only when no other can be better even with the fewest edits: printing takes longer than all the rest.
        """
        hidden = hidden_counts([one.ids for one in found], found[0].target, self.searcher.source.segmentation)
        heap: list[tuple[int, float, int, Written | None]] = []
        for place, one in enumerate(found):
            spelled = self.request.beta * sum(map(one.target.vocabulary.spelling_log_probability, one.ids))
            heap.append((hidden[place], self.closeness * fewest + spelled - one.log_density, place, None))
        heapify(heap)
        while heap:
            hides, worth, place, result = heappop(heap)
            one = found[place]
            if result is not None:
                yield -worth, one, result
                continue
            result = written(source, one.target.vocabulary.decode(one.ids), one.target.form)
            heappush(heap, (hides, worth + self.closeness * (result.edits - fewest), place, result))

    def _log_prob(self, target: Target, ids: Sequence[int], text: str) -> float:
        """Natural log p of a text under the model that decides."""
        model = self.searcher.source.text_model
        return target.log_prob(ids) if model is None else float(model.log_probs([text])[0])


def _edits(number: int | None) -> str:
    return "1 edit" if number == 1 else f"{MOST_TOLD if number is None else number} edits"
