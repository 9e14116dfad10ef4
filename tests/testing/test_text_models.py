"""Text models: a law over three words with every capability is taken, and each fault of it is refused by the law that it breaks."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from searchgen.errors import RequestError
from searchgen.lm.boundaries import PrefixLogProbs, prefix_log_probs
from searchgen.lm.neural.score_cache import Kept, Usage
from searchgen.lm.neural.top_pieces import Expected, Scored
from searchgen.lm.prefix_scores import ReadAnew
from searchgen.testing import assert_text_model

WORDS = ("a", "b", "c")
#: Row: the word before, or the beginning; column: the next word, or the end.
LAW = np.array([[0.3, 0.3, 0.2, 0.2], [0.1, 0.4, 0.3, 0.2], [0.5, 0.1, 0.1, 0.3], [0.25, 0.25, 0.2, 0.3]])
CONTEXT = 40
TEXTS = ["a b", "c", "b a c", "a b c a"]


class Bigrams:
    """A law over texts of three words that has every capability of one."""

    name, hash = "bigrams", "0123456789abcdef"
    expectable: ClassVar[dict[str, int]] = {"a": 0, "b": 1, "c": 2, "": 3}
    uncached: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        self.usage = Usage()
        self.kept, self.most = Kept(self.usage), 0

    @property
    def label(self) -> str:
        return f"{self.name}@{self.hash[:12]}"

    def counted(self) -> dict[str, int]:
        return asdict(self.usage)

    def forget(self) -> None:
        self.kept.scores.clear()
        self.most = 0

    def rows(self, text: str) -> tuple[np.ndarray, list[int]]:
        """The law in every place of a text, (n, 4), and the pieces that stand there."""
        pieces = [*map(WORDS.index, text.split()), len(WORDS)]
        if len(pieces) > CONTEXT:
            raise RequestError("too long")
        return np.log(LAW[[0, *(piece + 1 for piece in pieces[:-1])]]), pieces

    def pieces(self, text: str) -> np.ndarray:
        rows, pieces = self.rows(text)
        return rows[np.arange(len(pieces)), pieces]

    def whole(self, texts: Sequence[str]) -> np.ndarray:
        self.usage.texts += len(texts)
        return np.array([self.pieces(text).sum() for text in texts], np.float64)

    def begun(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([self.pieces(text)[:-1].sum() for text in texts], np.float64)

    def log_probs(self, texts: Sequence[str]) -> np.ndarray:
        return self.kept.of(texts, self.whole)

    def growing(self) -> Any:
        return ReadAnew(self.usage, self.begun)

    def prefix_log_probs(self, texts: Sequence[str]) -> list[PrefixLogProbs]:
        found = []
        for text in texts:
            n = len(text.split())
            found.append(prefix_log_probs([*range(n)], [*range(1, n + 1)], n, self.pieces(text)))
        return found

    def note_expected(self, most: int) -> None:
        self.most = most

    def expected(self, texts: Sequence[str]) -> list[Expected]:
        found = []
        for text in texts:
            rows, pieces = self.rows(text)
            best = np.argsort(-rows, kind="stable")[:, : self.most]
            scored = Scored(self.pieces(text), best, np.take_along_axis(rows, best, 1))
            found.append(Expected([*range(len(pieces) - 1)], scored))
        return found

    def log_probs_above(self, texts: Sequence[str], bounds: np.ndarray) -> np.ndarray:
        scores = self.log_probs(texts)
        return np.where(scores > bounds, scores, -np.inf)

    def fits(self, texts: Sequence[str]) -> list[bool]:
        return [len(text.split()) < CONTEXT for text in texts]


class Masked(Bigrams):
    """What stands in a place, given the words on both sides; no law, and no capability of one."""

    def conditionals(self, sides: Sequence[tuple[str, str]], pieces: Sequence[np.ndarray]) -> list[np.ndarray]:
        found = []
        for (left, right), few in zip(sides, pieces, strict=True):
            scores = -0.1 * few * (1 + len(left.split())) + 0.01 * few**2 * len(right.split())
            found.append(scores - np.logaddexp.reduce(scores))
        return found

    def growing(self) -> Any:
        raise RequestError("a masked model has no prefixes")


def test_a_right_model_is_taken() -> None:
    assert_text_model(Bigrams(), TEXTS, WORDS, longest=5)
    assert_text_model(Masked(), TEXTS)


def wrong_model(base: type[Bigrams] = Bigrams, **changed: Any) -> Bigrams:
    return type("Wrong", (base,), changed)()


def in_order(self: Bigrams, texts: Sequence[str]) -> np.ndarray:
    return Bigrams.whole(self, texts) - 1e-3 * np.arange(len(texts))


def whole_plus(nats: float) -> Any:
    return lambda self, texts: Bigrams.whole(self, texts) + nats * np.array([len(text) for text in texts])


def first_likelier(self: Bigrams, text: str) -> np.ndarray:
    return Bigrams.pieces(self, text) + np.array([0.9] + [0.0] * len(text.split()))


class Restless(ReadAnew):
    """Scores that depend on what a prefix is said to grow out of."""

    def log_probs(self, texts: Sequence[str], parents: np.ndarray) -> np.ndarray:
        return super().log_probs(texts, parents) - 0.1 * parents


def growing_by(scorer: type[ReadAnew], factor: float) -> Any:
    return lambda self: scorer(self.usage, lambda texts: factor * self.begun(texts))


def prefix_log_probs_with(change: Any) -> Any:
    return lambda self, texts: [change(one) for one in Bigrams.prefix_log_probs(self, texts)]


def expected_with(change: Any) -> Any:
    def changed(self: Bigrams, texts: Sequence[str]) -> list[Expected]:
        return [replace(one, scored=change(one.scored)) for one in Bigrams.expected(self, texts)]

    return changed


def above_with(change: Any) -> Any:
    return lambda self, texts, bounds: change(Bigrams.log_probs(self, texts), bounds)


def above_the_lowest(scores: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    return np.where([score > bounds[scores == score].min() for score in scores], scores, -np.inf)


def note_and_shift(self: Bigrams, most: int) -> None:
    self.most, self.whole = most, lambda texts: Bigrams.whole(self, texts) - most  # type: ignore[method-assign]


MODELS = {
    "no digits of the hash": (wrong_model(label="wrong"), "label: 'wrong'"),
    "a hash of few digits": (wrong_model(hash="0123"), "hash: "),
    "scores of the order in a batch, not kept": (
        wrong_model(log_probs=in_order, counted=lambda self: {}),
        "same score in every call",
    ),
    "scores of the order in a batch, kept": (wrong_model(whole=in_order), "batch row is the text alone"),
    "scores above 0": (wrong_model(whole=whole_plus(4.0)), "scores: 'a b': .*, not at most 0"),
    "not a number": (wrong_model(whole=whole_plus(np.nan)), "scores: 'a b': nan, not at most 0"),
    "32-bit scores": (
        wrong_model(log_probs=lambda self, texts: Bigrams.log_probs(self, texts).astype(np.float32)),
        "scores: .*float32",
    ),
    "nothing is forgotten": (wrong_model(forget=lambda self: None), "forget: 'counts of the same texts anew'"),
    "counts that fall": (
        wrong_model(counted=lambda self: {"left": 100 - self.usage.evaluations}),
        "counted: 'left'",
    ),
    "counts of other texts": (
        wrong_model(counted=lambda self: {"evaluations": self.usage.texts // 2}),
        "counted: 'evaluations'",
    ),
    "prefixes less likely than texts": (wrong_model(growing=growing_by(ReadAnew, 2.0)), "prefix factorises: 'a b'"),
    "prefixes above 0": (wrong_model(growing=growing_by(ReadAnew, -1.0)), "prefix scores: 'a'"),
    "prefixes of their parents": (wrong_model(growing=growing_by(Restless, 1.0)), "prefix whatever it grows out of"),
    "texts that sum to more than 1": (wrong_model(pieces=first_likelier), "sums to at most 1: 'texts of up to"),
    "next words that sum to more than 1": (
        wrong_model(growing=growing_by(ReadAnew, 0.8)),
        "next words and the end: 'a'",
    ),
    "places that do not rise": (
        wrong_model(prefix_log_probs=prefix_log_probs_with(lambda one: replace(one, places=one.places[::-1]))),
        "prefixes: places rise: 'a b'",
    ),
    "places that end elsewhere": (
        wrong_model(prefix_log_probs=prefix_log_probs_with(lambda one: replace(one, places=one.places + 1))),
        "prefixes: last place: 'a b': 3",
    ),
    "prefixes that rise": (
        wrong_model(prefix_log_probs=prefix_log_probs_with(lambda one: replace(one, log_p=one.log_p[::-1]))),
        "prefixes: log p falls: 'a b'",
    ),
    "an end that is no part of the text": (
        wrong_model(prefix_log_probs=prefix_log_probs_with(lambda one: replace(one, log_end=one.log_end / 2))),
        "prefixes: last and end are the text: 'a b'",
    ),
    "prefixes that are others than the scorer's": (
        wrong_model(
            prefix_log_probs=prefix_log_probs_with(
                lambda one: PrefixLogProbs(one.places, one.log_p - 1, one.log_end + 1)
            )
        ),
        "prefixes: ",
    ),
    "expected pieces of too much probability": (
        wrong_model(expected=expected_with(lambda one: replace(one, piece_log_p=one.piece_log_p / 2))),
        "expected pieces sum to at most 1: 'a b",
    ),
    "worst pieces first": (
        wrong_model(expected=expected_with(lambda one: replace(one, piece_log_p=one.piece_log_p[:, ::-1]))),
        "expected pieces: best first: 'a b",
    ),
    "one piece expected twice": (
        wrong_model(expected=expected_with(lambda one: replace(one, piece=one.piece * 0))),
        "expected pieces: each once: 'a b",
    ),
    "a scored piece that is none of them": (
        wrong_model(expected=expected_with(lambda one: replace(one, log_p=one.log_p - 0.05))),
        "expected pieces against the scored one: 'a b",
    ),
    "notes that change scores": (wrong_model(note_expected=note_and_shift), "expected pieces leave scores as they are"),
    "stops that lie below the bound": (
        wrong_model(log_probs_above=above_with(lambda scores, bounds: scores)),
        "early stop: below the bound: 'a b': .*, not -inf",
    ),
    "stops that come too soon": (
        wrong_model(log_probs_above=above_with(lambda s, bounds: np.where(s > bounds + 2, s, -np.inf))),
        "early stop: above the bound: 'a b': -inf",
    ),
    "scores that depend on the bound": (
        wrong_model(log_probs_above=above_with(lambda s, bounds: np.where(s > bounds, s - 0.01, -np.inf))),
        "early stop: without a bound: 'a b'",
    ),
    "the lowest bound for all equal texts": (
        wrong_model(log_probs_above=above_with(above_the_lowest)),
        "early stop: two bounds of a text: 'a b'",
    ),
    "fits nothing": (wrong_model(fits=lambda self, texts: [False] * len(texts)), "fits what it scores"),
    "too long, and scored": (
        wrong_model(fits=lambda self, texts: [len(text) < 9 for text in texts]),
        "fits no text that it scores: 'a b a b",
    ),
    "no reason": (wrong_model(uncached={"bigrams": ""}), "uncached gives a reason: 'bigrams'"),
    "conditionals that do not sum to 1": (
        wrong_model(Masked, conditionals=lambda self, s, p: [one - 0.1 for one in Masked.conditionals(self, s, p)]),
        "mask: conditionals sum to 1: ",
    ),
    "conditionals that see other places": (
        wrong_model(Masked, conditionals=lambda self, s, p: Masked.conditionals(self, [s[0]] * len(s), p)),
        "mask: alone: ",
    ),
    "a masked model with prefixes": (wrong_model(Masked, growing=Bigrams.growing), "mask: no prefixes"),
}


@pytest.mark.parametrize("fault", MODELS)
def test_control_a_wrong_model_is_refused(fault: str) -> None:
    model, law = MODELS[fault]
    with pytest.raises(AssertionError, match=law):
        assert_text_model(model, TEXTS, () if isinstance(model, Masked) else WORDS)


def test_what_has_no_scores_is_no_model() -> None:
    with pytest.raises(AssertionError, match="protocol: 'object'"):
        assert_text_model(object(), TEXTS)
    with pytest.raises(RequestError, match="at least two"):
        assert_text_model(Bigrams(), ["a", "a"])
    with pytest.raises(RequestError, match="drop vocabulary"):
        assert_text_model(Masked(), TEXTS, WORDS)
