"""A given text in other words: words are replaced by ones that stand in like company, while the text stays likely and near in meaning.

A beam of texts with one, two, ... words changed. Each is ranked by

    log p(text) + MEANING x similarity

under the n-gram model. Those that keep both bounds are ranked once more under the model that decides. Words without a vector stay. No word
is left out: the likeliest texts would have hardly any. What is kept has the characters of the source.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from searchgen.constraints.words.edits import held_spans, source_tokens
from searchgen.errors import NotFound
from searchgen.lm.ngram.scoring import score_sequences
from searchgen.meaning.measures import SentenceVectors, sentence_vectors
from searchgen.meaning.overlap import overlap
from searchgen.meaning.vectors import Vectors, vectors_of
from searchgen.rewriting.rewriter import Rewritten
from searchgen.sources.source import Source
from searchgen.text.edits import printing
from searchgen.text.edits.places import token_places
from searchgen.text.grammar import words_of_grammar

__all__ = ["LEAST", "MOST", "Paraphraser"]

#: Default bounds on similarity and overlap.
LEAST, MOST = 0.5, 0.7

#: Nats of one unit of similarity.
MEANING = 30.0

#: Words that may take the place of one, and the least cosine between both.
NEIGHBOURS, NEAR = 12, 0.35

#: Texts of the beam, changes of one, and texts that the deciding model ranks.
WIDTH, ROUNDS, RANKED = 32, 8, 24

Tokens = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Paraphraser:
    """Says texts in other words, under one model.

    Attributes:
        source: the model.
        count: texts for each.
        least: similarity.
        most: overlap.
        protect: phrases that stay untouched.
        model: folder of the model that measures similarity; "": the vectors of the language do, which name the neighbours in any case.
    """

    source: Source
    count: int = 1
    least: float = LEAST
    most: float = MOST
    protect: tuple[str, ...] = ()
    model: str = ""

    def revise(self, text: str) -> list[Rewritten]:
        """Return texts that keep both bounds, best first.

        Raises:
            RequestError: the text has no word, or too many.
            NotFound: none was found; the message has the nearest miss.
        """
        form = self.source.lexicon.vocabulary.form
        tokens = source_tokens(text, form)
        held = held_spans(tokens, self.protect, form)
        places = token_places(tokens, text)
        if places is None:
            raise NotFound("the text has signs that hide where its words are; write it in plain letters")
        given = printing.Source(text, tokens, tuple(places), held)
        pieces = self.pieces(tokens)
        options = self.options(pieces, held)
        found = self._kept(tokens, self._beam(tokens, pieces, options))
        results: dict[str, Rewritten] = {}
        printed = [printing.written(given, one, form) for one, _ in found]
        log_probs = self._log_probs([one.text for one in printed], [one for one, _ in found])
        for result, (_, similarity), log_prob in zip(printed, found, log_probs, strict=True):
            score = log_prob + MEANING * similarity
            read = tuple(form.tokenise(result.text))
            results[result.text] = Rewritten(result.text, read, result.edits, result.changes, {}, log_prob, score)
        return sorted(results.values(), key=lambda one: -(one.score or 0.0))[: self.count]

    @cached_property
    def vectors(self) -> Vectors:
        """The vectors of the language of the model."""
        return vectors_of(self.source.lexicon.vocabulary.form.name)

    @cached_property
    def measure(self) -> SentenceVectors:
        """What similarity is measured by."""
        return sentence_vectors(self.vectors.language, self.model)

    @cached_property
    def _units(self) -> npt.NDArray[np.float32]:
        """(V, D) stored parts of the words, of length 1."""
        return (self.vectors.stored / np.maximum(self.vectors.norms[0], 1e-9)[:, None]).astype(np.float32)

    @cached_property
    def _number_of(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.vectors.words)}

    def pieces(self, tokens: Tokens) -> list[Tokens]:
        """The text in words: each token, in Chinese those of the most probable division."""
        segmentation = self.source.segmentation
        if segmentation is None:
            return [(token,) for token in tokens]
        borders = sorted(segmentation.borders(tokens))
        return [tokens[begin:end] for begin, end in pairwise(borders)]

    def options(self, pieces: Sequence[Tokens], held: Sequence[tuple[int, int]]) -> list[list[Tokens]]:
        """What each piece may become: itself first, then words of like meaning."""
        options, begin = [], 0
        for piece in pieces:
            span = range(begin, begin + len(piece))
            begin += len(piece)
            word = "".join(piece).lower()
            free = word in self._number_of and word not in words_of_grammar()
            if not free or any(first < span.stop and span.start < last for first, last in held):
                options.append([piece])
            else:
                options.append([piece, *self._near(word, len(piece))])
        return options

    def _near(self, word: str, size: int) -> list[Tokens]:
        """The words in like company that the model knows; in Chinese of about the same length."""
        cosine = self._units @ self._units[self._number_of[word]]
        order = np.argsort(-cosine, kind="stable")[1 : 4 * NEIGHBOURS]
        vocabulary, found = self.source.lexicon.vocabulary, list[Tokens]()
        is_chinese = vocabulary.form.name == "zh"
        for place in order[cosine[order] >= NEAR].tolist():
            new = self.vectors.words[place]
            tokens = tuple(new) if is_chinese else (new,)
            known = all(vocabulary.find(token) >= 0 for token in tokens) and new not in words_of_grammar()
            if known and (not is_chinese or abs(len(tokens) - size) <= 1):
                found.append(tokens)
        return found[:NEIGHBOURS]

    def _beam(self, tokens: Tokens, pieces: Sequence[Tokens], options: list[list[Tokens]]) -> list[Tokens]:
        """All texts of the beam, with one change more in each round."""
        beam: list[tuple[int, ...]] = [(0,) * len(pieces)]
        found: list[Tokens] = []
        for _ in range(min(ROUNDS, len(pieces))):
            grown = {
                (*state[:at], choice, *state[at + 1 :])
                for state in beam
                for at, choices in enumerate(options)
                if not state[at]
                for choice in range(1, len(choices))
            }
            if not grown:
                break
            states = sorted(grown)
            texts = [_joined(state, options) for state in states]
            scores = self._scores(texts) + MEANING * self._similarity(tokens, texts)
            best = np.argsort(-scores, kind="stable")[:WIDTH].tolist()
            beam = [states[place] for place in best]
            found += [texts[place] for place in best]
        return found

    def _kept(self, tokens: Tokens, texts: Sequence[Tokens]) -> list[tuple[Tokens, float]]:
        """The likeliest texts that keep both bounds, with their similarities."""
        if not texts:
            raise NotFound("no word of the text has others of like meaning")
        similarity, words = self._similarity(tokens, texts), self._words(tokens)
        shared = np.array([overlap(self._words(text), words) for text in texts])
        good = np.flatnonzero((similarity >= self.least) & (shared <= self.most))
        if not len(good):
            near = int(np.argmax(similarity - np.maximum(0, shared - self.most)))
            raise NotFound(
                f"no text was found within both bounds; the nearest has similarity {similarity[near]:.2f} and overlap {shared[near]:.2f}"
            )
        order = good[np.argsort(-(self._scores(texts) + MEANING * similarity)[good], kind="stable")][:RANKED]
        return [(texts[place], float(similarity[place])) for place in order.tolist()]

    def _words(self, tokens: Tokens) -> list[str]:
        form = self.source.lexicon.vocabulary.form
        return [form.fold(token) for token in tokens if form.is_word(token)]

    def _similarity(self, tokens: Tokens, texts: Sequence[Tokens]) -> npt.NDArray[np.float32]:
        form = self.source.lexicon.vocabulary.form
        rows = self.measure.sentences([form.detokenise(text) for text in (tokens, *texts)])
        found: npt.NDArray[np.float32] = rows[1:] @ rows[0]
        return found

    def _scores(self, texts: Sequence[Tokens]) -> npt.NDArray[np.float64]:
        """Natural log p under the n-gram model, in which the spelling of unknown words costs nothing."""
        model = self.source.model
        ids = [model.ids(text) for text in texts]
        offsets = np.cumsum([0, *map(len, ids)], dtype=np.int64)
        return score_sequences(model.tables, np.concatenate(ids).astype(np.int32), offsets)

    def _log_probs(self, printed: Sequence[str], texts: Sequence[Tokens]) -> list[float]:
        """Natural log p under the model that decides."""
        model = self.source.text_model
        return [float(one) for one in (self._scores(texts) if model is None else model.log_probs(printed))]


def _joined(state: Sequence[int], options: Sequence[Sequence[Tokens]]) -> Tokens:
    return tuple(token for at, choice in enumerate(state) for token in options[at][choice])
