"""A transformer as the model of a request: the n-gram model of the words' language proposes, the transformer decides."""

import hashlib
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

from searchgen.lm.whole_text import opening, proposer
from searchgen.request.request import Request
from searchgen.sources.ngram import Source
from searchgen.target import Target
from searchgen.text import detect

if TYPE_CHECKING:
    from searchgen.lm.whole_text import WholeTextModel

__all__ = ["TransformerSource", "language"]


def language(request: Request) -> str:
    """Return the n-gram model whose vocabulary and automata serve a request: that of a mixture, else the embedded one of its words.

    Example:
        >>> language(Request(keywords=(("学校",),), lm="some/model"))
        'zh-ngram'
    """
    words = [phrase for item in request.keywords for phrase in item]
    return proposer(request.lm, detect(" ".join([*words, request.starts_with, request.ends_with, request.start])))


@dataclass(frozen=True, eq=False)
class TransformerSource(Source):
    """An n-gram model with a transformer that takes the place of its probability.

    Attributes:
        opened: the transformer, or the wait for it.
    """

    opened: "Future[WholeTextModel] | None" = None

    @classmethod
    def beside(
        cls,
        request: Request,
        notify: Callable[[str], None] | None = None,
        threads: int = 1,
        opened: "Future[WholeTextModel] | None" = None,
    ) -> Self:
        """Load both models of a request.

        Args:
            request: names the transformer; its words decide the n-gram model.
            notify: is told what the user should know.
            threads: threads to share work over.
            opened: the transformer, if it has been opened before.

        Raises:
            RequestError: there is no such model.
        """
        opened = opened or opening(request.lm, request.neural, threads)
        return replace(cls.load(language(request), notify, threads), opened=opened)

    @cached_property
    def transformer(self) -> "WholeTextModel":
        """The transformer, waited for.

        Raises:
            RequestError: it cannot be opened.
        """
        assert self.opened is not None
        return self.opened.result()

    @property
    def hash(self) -> str:
        """A hash of both models: one proposes, the other decides, and a result depends on both."""
        return hashlib.sha256(f"{self.transformer.hash} {self.model.hash}".encode()).hexdigest()

    @property
    def label(self) -> str:
        """Name and hash of the transformer."""
        return self.transformer.label

    def target(self, request: Request) -> Target:
        """Return the target of a request: the transformer's probability on the n-gram model's texts."""
        return replace(super().target(request), text_model=self.transformer)
