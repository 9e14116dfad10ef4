"""A given text in at most so many words: what is kept of it stands in its order.

    score(text) = log p(text) + coverage * content(text) - cut * (stretches left out)

The content of a word is how much rarer it is than a common one, in nats, and more at the beginning. Words that deny stay with their
neighbours. The search begins with the best subsequences under the n-gram model, found by a beam over the words. Then the model scores
what is one step away: a stretch left out, put back, or both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby, pairwise

import numpy as np

from searchgen.constraints.length import MOST_WORDS
from searchgen.constraints.words.edits import held_spans, source_tokens
from searchgen.demands.demands import Demands
from searchgen.demands.judge import Judge
from searchgen.errors import Impossible, NotFound
from searchgen.lm.turns import turn_with
from searchgen.rewriting.rewriter import Rewritten
from searchgen.rewriting.scores import Floats, Scores, Tokens
from searchgen.sources.source import Source
from searchgen.text import TextForm
from searchgen.text.edits.places import token_places
from searchgen.text.edits.printing import Source as Given
from searchgen.text.edits.printing import written

__all__ = ["COVERAGE", "CUT", "Shortener"]

#: What content counts, and what a stretch costs that is left out, in nats: chosen by reading.
COVERAGE, CUT = 2.0, 3.0

#: Extracts of each number of words that the beam keeps, and of all those that the model scores.
BEAM, EXTRACTS = 24, 48

#: Texts whose neighbours are looked at in a round, neighbours that the model scores, and rounds.
PARENTS, SCORED, ROUNDS = 3, 24, 4

#: Content of a word: -log p of its unigram above this, at most that.
COMMON, MOST_CONTENT = 5.0, 6.0

#: Words that turn the meaning of the next word, and stay with it and with the word before.
DENIALS = frozenset(("not", "no", "never", "without", "hardly", "cannot", *"不没无未别"))

#: What it costs to leave out the beginning or the end, as a share of the cost of another stretch.
HEAD, TAIL = 2.0, 0.3

#: The share of the words allowed that a text has at least.
LEAST = 0.6

#: Content counts so many times at the beginning, and by 1 less at the end.
EARLY = 1.4

#: What it costs to lose the finite verb of the source, in nats.
LOST_VERB = 16.0

#: What the judge of texts calls that.
FINITE_VERB = "finite verb"

#: The longest stretch that is left out or put back in one step, in units.
STRETCH = 4

#: Which units of a text are kept.
Mask = tuple[bool, ...]


@dataclass(frozen=True)
class _Parts:
    """A text cut into units: what is kept or left out as a whole.

    Attributes:
        units: their tokens.
        words: how many words each has.
        content: of each, in nats.
        kept: those that must stay.
    """

    units: tuple[Tokens, ...]
    words: tuple[int, ...]
    content: tuple[float, ...]
    kept: Mask

    def tokens(self, mask: Mask) -> Tokens:
        """Return what is kept."""
        return tuple(token for unit, keep in zip(self.units, mask, strict=False) if keep for token in unit)

    def size(self, mask: Mask) -> int:
        """Return the number of words that are kept."""
        return sum(words for words, keep in zip(self.words, mask, strict=False) if keep)

    def worth(self, mask: Mask, coverage: float, cut: float) -> float:
        """Return what content and cuts add to the score."""
        content = sum(nats for nats, keep in zip(self.content, mask, strict=False) if keep)
        stretches = [keep for keep, _ in groupby(mask)]
        lost = HEAD * (not stretches[0]) + sum(not keep for keep in stretches[1:])
        if len(mask) == len(self.units) and len(stretches) > 1 and not stretches[-1]:
            lost -= 1 - TAIL
        return coverage * content - cut * lost


@dataclass(frozen=True)
class Shortener:
    """Shortens texts under one model.

    Attributes:
        source: the model.
        max_words: the bound; in Chinese characters.
        count: texts asked for.
        protect: phrases that stay.
        coverage: what content counts.
        cut: what a stretch costs that is left out, in nats.
    """

    source: Source
    max_words: int
    count: int = 1
    protect: tuple[str, ...] = ()
    coverage: float = COVERAGE
    cut: float = CUT

    @property
    def scores(self) -> Scores:
        """Of texts."""
        return Scores(self.source)

    @property
    def form(self) -> TextForm:
        """Of the texts."""
        return self.source.lexicon.vocabulary.form

    @property
    def _least(self) -> int:
        """The fewest words: shorter texts are what a model likes best, and say little."""
        return max(1, round(LEAST * self.max_words))

    def revise(self, text: str) -> list[Rewritten]:
        """Return the text in few words, best first; the text itself if it has no more.

        Raises:
            RequestError: it has no word, too many, or lacks a protected phrase.
            Impossible: what is protected has more words than may be.
        """
        tokens = source_tokens(text, self.form)
        held = held_spans(tokens, self.protect, self.form)
        if sum(map(self.form.is_word, tokens)) <= self.max_words:
            return [Rewritten(text, tokens, 0, (), {})]
        places = token_places(tokens, text)
        if places is None:
            raise NotFound("the text has signs that hide where its words are; write it in plain letters")
        parts = self._parts(tokens, held)
        if parts.size(parts.kept) > self.max_words:
            raise Impossible(
                f"what is protected has {parts.size(parts.kept)} words, and at most {self.max_words} may stay; "
                "protect less, or raise --max-words"
            )
        given = Given(text, tokens, tuple(places), held)
        model = self.source.text_model
        if model is None:
            return self._printed(given, parts, self._searched(parts))
        with turn_with(model):
            model.forget()  # scores of other texts were computed beside other texts, and may differ in their last bits
            return self._printed(given, parts, self._searched(parts))

    def _parts(self, tokens: Tokens, held: Sequence[tuple[int, int]]) -> _Parts:
        """Units are words, in Chinese those of the lexicon, marks, and protected phrases; the mark at the end stays."""
        segmentation = self.source.segmentation
        borders = set(range(len(tokens) + 1)) if segmentation is None else set(segmentation.borders(tokens))
        borders -= {place for at, token in enumerate(tokens) if self._denies(token) for place in (at, at + 1)}
        borders |= {0, len(tokens)}
        for begin, end in held:
            borders = (borders - set(range(begin + 1, end))) | {begin, end}
        cuts = sorted(borders)
        spans = [*pairwise(cuts)]
        units = tuple(tokens[begin:end] for begin, end in spans)
        words = tuple(sum(map(self.form.is_word, unit)) for unit in units)
        inside = [any(begin < last and first < end for first, last in held) for begin, end in spans]
        kept = tuple(
            must or (end == len(tokens) and not size) for must, (_, end), size in zip(inside, spans, words, strict=True)
        )
        early = [EARLY - at / len(units) for at in range(len(units))]
        content = tuple(share * sum(map(self._content, unit)) for share, unit in zip(early, units, strict=True))
        return _Parts(units, words, content, kept)

    def _denies(self, token: str) -> bool:
        return self.form.fold(token) in DENIALS or self.form.fold(token).endswith("n't")

    def _content(self, token: str) -> float:
        """How much rarer than a common word one is, in nats."""
        if not self.form.is_word(token):
            return 0.0
        log_p = float(self.scores.unigrams([token])[0])
        return min(MOST_CONTENT, max(0.0, -log_p - COMMON))

    def _searched(self, parts: _Parts) -> list[tuple[Mask, float, float]]:
        """Masks with log p and score, best first."""
        scores, found = self.scores, dict[Mask, tuple[float, float]]()
        expanded: set[Mask] = set()
        has_verb = self._has_verb(parts.tokens((True,) * len(parts.units)))
        fresh = self._extracts(parts)
        for _ in range(ROUNDS):
            rows = [parts.tokens(mask) for mask in fresh]
            for mask, row, log_p in zip(fresh, rows, scores.log_probs(rows), strict=True):
                lost = LOST_VERB * (has_verb and not self._has_verb(row))
                found[mask] = float(log_p), float(log_p) + parts.worth(mask, self.coverage, self.cut) - lost
            best = sorted(found, key=lambda mask: -found[mask][1])[:PARENTS]
            fresh = self._neighbours(parts, [mask for mask in best if mask not in expanded], found)
            expanded.update(best)
            if not fresh:
                break
        order = sorted(found, key=lambda mask: -found[mask][1])
        return [(mask, *found[mask]) for mask in order]

    def _has_verb(self, tokens: Tokens) -> bool:
        """Whether a text has a finite verb, as far as that is known; in Chinese nothing is."""
        return self._judge is not None and self._judge.judged(self.form.detokenise(tokens))[FINITE_VERB]

    @cached_property
    def _judge(self) -> Judge | None:
        demands = Demands.nothing(sentence=True, finite_verb=True, min_words=1, max_words=MOST_WORDS)
        return Judge.of(demands, self.source.lexicon.vocabulary) if self.form.name == "en" else None

    def _extracts(self, parts: _Parts) -> list[Mask]:
        """The best subsequences under the n-gram model: a beam over the units, so many for each number of words."""
        beam: list[Mask] = [()]
        scores = self.scores
        ahead = [*accumulate((size * must for size, must in zip(parts.words, parts.kept, strict=True)), initial=0)]
        for at in range(len(parts.units)):
            longer = [(*mask, keep) for mask in beam for keep in ((True,) if parts.kept[at] else (True, False))]
            left = ahead[-1] - ahead[at + 1]
            longer = [mask for mask in longer if parts.size(mask) + left <= self.max_words]
            if at + 1 == len(parts.units):
                longer = [mask for mask in longer if parts.size(mask) >= self._least]
                if not longer:
                    break
                return self._best(parts, longer, scores.estimates([parts.tokens(mask) for mask in longer]))[:EXTRACTS]
            log_p = scores.begun([parts.tokens(mask) for mask in longer])
            beam, taken = [], dict[int, int]()
            for mask in self._best(parts, longer, log_p):
                size = parts.size(mask)
                taken[size] = taken.get(size, 0) + 1
                if taken[size] <= BEAM:
                    beam.append(mask)
        return []

    def _best(self, parts: _Parts, masks: Sequence[Mask], log_p: Floats) -> list[Mask]:
        worth = log_p + np.array([parts.worth(mask, self.coverage, self.cut) for mask in masks])
        return [masks[at] for at in np.argsort(-worth, kind="stable").tolist()]

    def _neighbours(self, parts: _Parts, masks: Sequence[Mask], found: dict[Mask, tuple[float, float]]) -> list[Mask]:
        """What is one step from some masks and was not scored, the best by the n-gram model."""
        scores = self.scores
        rated: dict[Mask, float] = {}
        for mask in masks:
            near = [one for one in dict.fromkeys(_steps(mask)) if one not in found and self._allowed(parts, one)]
            if not near:
                continue
            log_p = scores.estimates([parts.tokens(one) for one in (mask, *near)])
            for one, change in zip(near, log_p[1:] - log_p[0], strict=True):
                rated[one] = found[mask][0] + float(change) + parts.worth(one, self.coverage, self.cut)
        return sorted(rated, key=lambda one: -rated[one])[:SCORED]

    def _allowed(self, parts: _Parts, mask: Mask) -> bool:
        stays = all(keep or not must for keep, must in zip(mask, parts.kept, strict=True))
        return stays and self._least <= parts.size(mask) <= self.max_words

    def _printed(self, given: Given, parts: _Parts, ranked: Sequence[tuple[Mask, float, float]]) -> list[Rewritten]:
        """The best texts that are read as they are meant, with the characters of the source."""
        fold, result = self.form.fold, dict[str, Rewritten]()
        for mask, log_p, score in ranked:
            if len(result) == self.count:
                break
            tokens = parts.tokens(mask)
            text = written(given, tokens, self.form)
            if [*map(fold, source_tokens(text.text, self.form))] == [*map(fold, tokens)]:
                result.setdefault(text.text, Rewritten(text.text, tokens, text.edits, text.changes, {}, log_p, score))
        if not result:
            raise NotFound("no text was found that is read as it is meant; raise --max-words")
        return [*result.values()]


def _steps(mask: Mask) -> Iterator[Mask]:
    """A stretch left out, a stretch put back, or one of each."""
    out = [*_turned(mask, True)]
    yield from out
    for back in _turned(mask, False):
        yield back
        yield from _turned(back, True)


def _turned(mask: Mask, keep: bool) -> Iterator[Mask]:
    """The masks with a stretch of kept units left out, or of left ones put back."""
    for begin in range(len(mask)):
        for end in range(begin + 1, min(len(mask), begin + STRETCH) + 1):
            if mask[end - 1] != keep:
                break
            yield (*mask[:begin], *(end - begin) * (not keep,), *mask[end:])
