"""A given text without its slips: a noisy channel (Kernighan, Church and Gale 1990), climbed by small edits.

    score(text) = log p(text) - weight * (sum of the costs of its edits)

p is the model's probability of each sentence. A cost is what an edit of its kind takes in nats (`Costs`), so a text changes where the
model wants that badly. From the source the best edit of all is taken, then the best of the text that it leads to, until no edit
gains. An n-gram model chooses which edits the model scores.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import NamedTuple

import numpy as np

from searchgen.constraints.words.edits import held_spans, source_tokens
from searchgen.errors import NotFound, RequestError
from searchgen.lm.protocol import expecting
from searchgen.lm.turns import turn_with
from searchgen.request.slip_costs import COSTS, Costs
from searchgen.rewriting.expected_words import expected_words
from searchgen.rewriting.rewriter import Rewritten
from searchgen.rewriting.scores import Scores, Tokens
from searchgen.rewriting.slips import Slip, slips
from searchgen.rewriting.trail import Step
from searchgen.sources.source import Source
from searchgen.text import TextForm
from searchgen.text.edits.alignment import distance
from searchgen.text.edits.places import token_places
from searchgen.text.edits.printing import Change, written
from searchgen.text.edits.printing import Source as Given
from searchgen.text.sentences import sentences

__all__ = ["Fixer"]

#: Edits of a text that the model scores, and the least that the n-gram model must see in one, in nats.
SCORED, HOPELESS = 24, -8.0

#: Pieces that are looked at in each place, and the most edits in a row.
EXPECTED, MOST_STEPS = 24, 12

#: Sentences that a protected phrase may part.
MOST_PARTED = 4


class _State(NamedTuple):
    """A text on the way.

    Attributes:
        tokens: of it.
        log_p: natural log p.
        score: with the costs of its edits.
        trail: the texts before it, and it itself unless it is the source.
    """

    tokens: Tokens
    log_p: float
    score: float
    trail: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Fixer:
    """Mends texts under one model.

    Attributes:
        source: the model.
        count: texts asked for; the first is the best, others are the next ones that were scored.
        most: edits of a text; None: as many as gain.
        protect: phrases that stay untouched.
        weight: of the costs.
        costs: of edits; None: those of the language.
    """

    source: Source
    count: int = 1
    most: int | None = None
    protect: tuple[str, ...] = ()
    weight: float = 1.0
    costs: Costs | None = None
    _cost: dict[str, float] = field(init=False, repr=False, default_factory=dict)

    @property
    def _scores(self) -> Scores:
        return Scores(self.source)

    def __post_init__(self) -> None:
        name = self.form.name
        if name not in COSTS:
            raise RequestError(f"fix knows the slips of English and Chinese, and the model's texts are {name}")
        self._cost.update({kind: self.weight * cost for kind, cost in asdict(self.costs or COSTS[name]).items()})

    @property
    def form(self) -> TextForm:
        """Of the texts."""
        return self.source.lexicon.vocabulary.form

    def revise(self, text: str) -> list[Rewritten]:
        """Return the text without slips, best first, each sentence mended by itself.

        Raises:
            RequestError: it has no word, a sentence has too many, or it lacks a protected phrase.
        """
        if not any(map(self.form.is_word, self.form.tokenise(text))):
            raise RequestError(f"{text[:40]!r} has no word; give a text to mend")
        absent = list(self.protect)
        found = [Rewritten(text[:0], (), 0, (), {}, 0.0, 0.0)]
        end = 0
        for begin, stop in self._parts(text):
            between, part, end = text[end:begin], text[begin:stop], stop
            held = [phrase for phrase in self.protect if self._held(part, phrase)]
            absent = [phrase for phrase in absent if phrase not in held]
            options = self._mended(part, held)
            found = _best([_joined(one, between, option) for one in found for option in options], self.count, self.most)
        if absent:
            held_spans(source_tokens(text, self.form), absent, self.form)  # says which phrase the text lacks
        rest = text[end:]
        best = sorted(found, key=lambda one: -(one.score or 0.0))[: self.count]
        return [replace(one, text=one.text + rest, tokens=tuple(self.form.tokenise(one.text))) for one in best]

    def _parts(self, text: str) -> list[tuple[int, int]]:
        """Where the sentences of a text begin and end; those that part a protected phrase are one."""
        places: list[tuple[int, int]] = []
        for sentence in sentences(text, self.form):
            begin = text.index(sentence, places[-1][1] if places else 0)
            places.append((begin, begin + len(sentence)))
        joined = set[int]()  # sentences that are one with the sentence before
        for phrase in self.protect:
            for first in range(len(places)):
                for last in range(first + 1, min(len(places), first + MOST_PARTED)):
                    if self._across(text, places[first : last + 1], phrase):
                        joined.update(range(first + 1, last + 1))
        firsts = [number for number in range(len(places)) if number not in joined]
        lasts = [number - 1 for number in [*firsts[1:], len(places)]]
        return [(places[first][0], places[last][1]) for first, last in zip(firsts, lasts, strict=True)]

    def _across(self, text: str, places: Sequence[tuple[int, int]], phrase: str) -> bool:
        """Whether a phrase begins in the first of some sentences and ends in the last."""

        def held(first: int, last: int) -> int:
            return self._held(text[places[first][0] : places[last][1]], phrase) if first <= last else 0

        last = len(places) - 1
        return held(0, last) > held(0, last - 1) + held(1, last) - held(1, last - 1)

    def _held(self, text: str, phrase: str) -> int:
        """How often a text has a phrase."""
        try:
            return len(held_spans(source_tokens(text, self.form), [phrase], self.form))
        except RequestError:
            return 0

    def _mended(self, text: str, protect: Sequence[str]) -> list[Rewritten]:
        """A sentence, best first."""
        plain = Rewritten(text, (), 0, (), {}, 0.0, 0.0)
        if not any(map(self.form.is_word, self.form.tokenise(text))):
            return [plain]
        tokens = source_tokens(text, self.form)
        places = token_places(tokens, text)
        if places is None:
            return [plain]
        given = Given(text, tokens, tuple(places), held_spans(tokens, protect, self.form))
        model = self.source.text_model
        if model is None:
            return self._printed(given, self._climbed(given))
        with turn_with(model):
            model.forget()  # scores of other texts were computed beside other texts, and may differ in their last bits
            expects = expecting(model)
            if expects is not None:  # from the first score on: what is known of a text is not asked for again
                expects.note_expected(EXPECTED)
            try:
                return self._printed(given, self._climbed(given))
            finally:
                if expects is not None:
                    expects.note_expected(0)

    def _climbed(self, given: Given) -> list[_State]:
        """All texts that were scored, best first."""
        start = _State(given.tokens, *2 * (float(self._scores.log_probs([given.tokens])[0]),))
        states, best, expanded = {start.tokens: start}, start, set[Tokens]()
        for _ in range(MOST_STEPS):
            if best.tokens in expanded or self.most == 0:
                break
            expanded.add(best.tokens)
            chosen = self._chosen(given, best, states)
            for (tokens, slip), log_p in zip(chosen, self._scores.log_probs([row for row, _ in chosen]), strict=True):
                gain = float(log_p) - best.log_p - self._cost[slip.kind]
                step = Step(slip.kind, self.form.detokenise(tokens), round(gain, 2))
                states[tokens] = _State(tokens, float(log_p), best.score + gain, (*best.trail, step))
            best = max(states.values(), key=lambda state: state.score)
        return sorted(states.values(), key=lambda state: (-state.score, state.tokens))

    def _chosen(self, given: Given, state: _State, seen: dict[Tokens, _State]) -> list[tuple[Tokens, Slip]]:
        """The edits of a text that are worth a score, by what the n-gram model says of them."""
        vocabulary, tokens = self.source.lexicon.vocabulary, state.tokens
        words = expected_words(self.source, tokens, self.form.detokenise(tokens))
        cheapest: dict[Tokens, Slip] = {}
        for slip in slips(tokens, self.form, vocabulary.ids, words):
            row = slip.of(tokens)
            if row and row not in seen and (row not in cheapest or self._dearer(cheapest[row], slip)):
                cheapest[row] = slip
        if not cheapest:
            return []
        log_p = self._scores.estimates([tokens, *cheapest])
        worth = log_p[1:] - log_p[0] - np.array([self._cost[slip.kind] for slip in cheapest.values()])
        rows, chosen = list(cheapest), list[tuple[Tokens, Slip]]()
        for number in np.argsort(-worth, kind="stable").tolist():
            if worth[number] < HOPELESS or len(chosen) == SCORED:
                break
            if self._within(given, rows[number]):
                chosen.append((rows[number], cheapest[rows[number]]))
        return chosen

    def _dearer(self, slip: Slip, other: Slip) -> bool:
        return self._cost[slip.kind] > self._cost[other.kind]

    def _within(self, given: Given, tokens: Tokens) -> bool:
        """Whether a text holds what is protected, and is no more edits away than may be."""
        fold = self.form.fold
        edits = distance([*map(fold, given.tokens)], [*map(fold, tokens)], given.held)
        return edits <= (len(given.tokens) + MOST_STEPS if self.most is None else self.most)

    def _printed(self, given: Given, states: Sequence[_State]) -> list[Rewritten]:
        """The best texts that are read as they are meant, with the characters of the source."""
        fold, result = self.form.fold, list[Rewritten]()
        for state in states:
            if self.most is None and len(result) == self.count:
                break
            text = written(given, state.tokens, self.form)
            read = source_tokens(text.text, self.form) if text.edits else state.tokens
            if [*map(fold, read)] == [*map(fold, state.tokens)]:
                more = (state.log_p, state.score, state.trail)
                result.append(Rewritten(text.text, state.tokens, text.edits, text.changes, {}, *more))
        if not result:
            raise NotFound("no text was found that is read as it is meant")
        return result


def _joined(before: Rewritten, between: str, sentence: Rewritten) -> Rewritten:
    """A text with its next sentence."""
    start = len(before.text) + len(between)
    moved = tuple(Change(change.old, change.new, change.start + start) for change in sentence.changes)
    assert before.log_prob is not None
    assert before.score is not None
    return replace(
        before,
        text=before.text + between + sentence.text,
        edits=before.edits + sentence.edits,
        changes=before.changes + moved,
        log_prob=before.log_prob + (sentence.log_prob or 0.0),
        score=before.score + (sentence.score or 0.0),
        trail=before.trail + sentence.trail,
    )


def _best(texts: Sequence[Rewritten], count: int, most: int | None) -> list[Rewritten]:
    """So many of the best texts; where edits are bounded, of each number of edits, as other sentences may need the rest."""
    kept, taken = list[Rewritten](), dict[int, int]()
    for text in sorted(texts, key=lambda text: -(text.score or 0.0)):
        edits = 0 if most is None else text.edits
        taken[edits] = taken.get(edits, 0) + 1
        if taken[edits] <= count and edits <= (most or edits):
            kept.append(text)
    return kept
