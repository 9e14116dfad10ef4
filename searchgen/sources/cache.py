"""The models that a process keeps open."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.open import opening
from searchgen.lm.protocol import TextModel
from searchgen.lm.turns import Turns
from searchgen.request.model_ref import ModelRef

if TYPE_CHECKING:
    from searchgen.sources.source import Source

__all__ = ["SourceCache"]

#: Models kept, the last ones.
MOST = 4


@dataclass(eq=False)
class SourceCache:
    """Opens each model once.

    Attributes:
        threads: threads to share an n-gram model's work over.
        text_threads: threads to share work over where another model scores the texts.
        notify: called with one line for the user about a model.
        ahead: models that score texts and are being opened already, by name and settings.
    """

    threads: int = 1
    text_threads: int = 1
    notify: Callable[[str], None] | None = None
    ahead: "dict[tuple[str, NeuralSettings], Future[TextModel]]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin without a model."""
        self._kept: dict[tuple[str, str, NeuralSettings | None], Source] = {}
        self._turns = Turns()

    def source(self, ref: ModelRef, settings: NeuralSettings) -> "Source":
        """Return a model, opened if it is not kept.

        Args:
            ref: the model that the user named.
            settings: how a transformer scores texts.

        Raises:
            RequestError: as for `open_source`.
        """
        with self._turns.taken():
            return self._source(ref, settings)

    def _source(self, ref: ModelRef, settings: NeuralSettings) -> "Source":
        key = ref.name, ref.proposer, settings if ref.scores_texts else None
        if key not in self._kept:
            threads = self.text_threads if ref.scores_texts else self.threads
            # Begun first: its libraries are loaded while ours are.
            opened = self._opening(ref.name, settings) if ref.scores_texts else None
            from searchgen.sources.source import open_source

            source = open_source(ref, settings, threads, self.notify, opened)
            while len(self._kept) >= MOST:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = source
        return self._kept[key]

    def kept(self) -> "list[Source]":
        """Return the models that are open."""
        return list(self._kept.values())

    def _opening(self, name: str, settings: NeuralSettings) -> "Future[TextModel]":
        """Return a model that scores texts: that of another language's words, one opened ahead, or a new one."""
        for (lm, _, neural), source in self._kept.items():
            if (lm, neural) == (name, settings) and source.opened is not None:
                return source.opened
        return self.ahead.pop((name, settings), None) or opening(name, settings, self.text_threads)
