"""A loaded language model with what targets and guides know of it before any request."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from searchgen.kernels.precompile import compile_loops
from searchgen.lm import load
from searchgen.lm.embedded import ngram_name
from searchgen.lm.ngram.model import NGram
from searchgen.request.request import Request
from searchgen.target import Lexicon, Target, lexicon

__all__ = ["Source"]


@dataclass(frozen=True, eq=False)
class Source:
    """A loaded model, ready for requests.

    Attributes:
        name: the model as the user named it.
        model: the model.
        known: what targets know of its tokens.
        threads: threads to share work over.
    """

    name: str
    model: NGram
    known: Lexicon
    threads: int = 1

    @classmethod
    def load(cls, name: str, notify: Callable[[str], None] | None = None, threads: int = 1) -> Self:
        """Load a model by the name of an embedded one or by path; the first time ever, compile the inner loops meanwhile."""
        wait = compile_loops()
        model = load(name, notify)
        wait()
        return cls(ngram_name(name), model, lexicon(model), threads)

    def target(self, request: Request) -> Target:
        """Return the target of a request under the model.

        Raises:
            RequestError: the request contradicts itself.
            Impossible: no text can satisfy it.
        """
        return Target.of(request, self.model, self.known)

    @property
    def hash(self) -> str:
        """The model's hash, as signatures hold it."""
        return self.model.hash

    @property
    def label(self) -> str:
        """Name and hash, as records show them."""
        return f"{self.name}@{self.model.hash[:12]}"
