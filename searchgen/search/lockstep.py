"""Searches in step with each other, so that one pass of the transformer serves all of them.

Before each step, the texts that all of them need are scored in one call; the steps then find their scores ready. The last bits of a
score depend on its batch, and tests depend on scores. So a search that shares passes is reproducible in distribution only.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from searchgen.errors import Outage, RequestError, SearchgenError
from searchgen.lm.protocol import ExpectsPieces, KnowsSense, PrefixScorer, TextModel, expecting
from searchgen.search.neighbours import EXPECTED
from searchgen.search.transformer_steps import TransformerRun

if TYPE_CHECKING:
    from searchgen.lm.neural.top_pieces import Expected

__all__ = ["in_step"]


@dataclass(eq=False)
class SharedPasses:
    """A model with scores computed ahead.

    Attributes:
        model: the model.
        ready: those scores, by text.
    """

    model: TextModel
    ready: dict[str, float] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """The model's hash."""
        return self.model.hash

    @property
    def label(self) -> str:
        """Name and hash of the model."""
        return self.model.label

    def prepare(self, texts: Sequence[str]) -> None:
        """Score texts in one call; earlier ones are no longer ready."""
        self.ready = dict(zip(texts, self.model.log_probs(texts).tolist(), strict=True))

    def log_probs(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return natural log p of texts, (n,) float64: those that are ready, or the model's."""
        if all(text in self.ready for text in texts):
            return np.array([self.ready[text] for text in texts], np.float64)
        return self.model.log_probs(texts)

    def growing(self) -> PrefixScorer:
        """Return the scorer of prefixes of texts that grow."""
        return self.model.growing()

    def expected(self, texts: Sequence[str]) -> "list[Expected]":
        """Return the pieces that the model expected at every place of texts."""
        return cast(ExpectsPieces, self.model).expected(texts)

    def sense(self, texts: Sequence[str]) -> npt.NDArray[np.float64] | None:
        """Return natural log odds of a reader's verdict on texts, (n,) float64; None: the model has not been taught that."""
        return self.model.sense(texts) if isinstance(self.model, KnowsSense) else None

    def counted(self) -> dict[str, int]:
        """Return the counts of the model's work so far, by name."""
        return self.model.counted()

    def forget(self) -> None:
        """Drop the scores kept."""
        self.ready.clear()
        self.model.forget()


def in_step(
    searches: Sequence[TransformerRun], model: TextModel, progress: Callable[[float], None] | None = None
) -> None:
    """Run searches to their ends, one step of each in turn; an error that ends one early is its `failure`.

    Args:
        searches: none of their steps is made yet.
        model: of all of them.
        progress: called with the share of the rounds done.
    """
    shared = SharedPasses(model)
    expects = expecting(model)
    if expects is not None:
        expects.note_expected(EXPECTED)
    active = [(search, search.steps(shared)) for search in searches]
    done, most = 0, max((search.plan.passes(search.source.piece_words is not None) for search in searches), default=1)
    try:
        while active:
            texts: list[str] = []
            active = [(search, steps) for search, steps in active if _goes_on(search, steps, texts)]
            if len(active) > 1:
                # Where one text cannot be scored, each search asks for its own, and only that one's fails.
                with suppress(RequestError):
                    shared.prepare(texts)
            if progress is not None:
                progress(done / most)
            done += 1
    except (Outage, KeyboardInterrupt) as error:
        for search, _ in active:
            search.failure = search.failure or error
    finally:
        if expects is not None:
            expects.note_expected(0)


def _goes_on(search: TransformerRun, steps: Iterator[list[str]], texts: list[str]) -> bool:
    """Make a step of a search, add the texts that it will ask for, and return whether it has not ended.

    Raises:
        Outage: a server or the memory gave out, which ends all searches.
    """
    try:
        texts += next(steps)
    except StopIteration:
        return False
    except Outage:
        raise
    except SearchgenError as error:
        search.failure = error
        return False
    return True
