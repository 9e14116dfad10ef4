"""Loading models for a command: what is said meanwhile, and what a raw model asks for."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from searchgen.cli.output import complain, note
from searchgen.errors import RequestError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from searchgen.lm.neural.settings import NeuralSettings
    from searchgen.lm.protocol import TextModel
    from searchgen.request.model_ref import ModelRef
    from searchgen.sources.cache import SourceCache
    from searchgen.sources.source import Source

    #: Models that are being opened, by name and how they are read.
    Ahead = dict[tuple[str, NeuralSettings], Future[TextModel]]

__all__ = [
    "compiling",
    "load_source",
    "open_ahead",
    "refuse_other_model",
    "say_if_compiling",
    "source_cache",
    "starting",
    "usual_threads",
]


def usual_threads() -> int:
    """Return how many threads share the work of a command."""
    return min(2, os.cpu_count() or 1)


def source_cache(ahead: "Ahead | None" = None) -> "SourceCache":
    """Return an empty cache of models for a command.

    Args:
        ahead: models that are being opened already.
    """
    from searchgen.sources.cache import SourceCache

    return SourceCache(usual_threads(), usual_threads(), complain, ahead or {})


def load_source(
    ref: "ModelRef", settings: "NeuralSettings", raw_tokens: bool, sources: "SourceCache | None" = None
) -> "Source":
    """Return a model, having said what the user should know of it.

    Args:
        ref: what the user named.
        settings: how a transformer scores texts.
        raw_tokens: the user knows that the model's tokens are printed as they stand.
        sources: the models that are open.

    Raises:
        RequestError: there is no such model, or its tokens are not raw and should be.
    """
    if raw_tokens and ref.scores_texts:
        raise RequestError(f"--raw-tokens: {ref.name} reads printed text; drop the flag")
    source = (source_cache() if sources is None else sources).source(ref, settings)
    form = source.model.form
    if raw_tokens and form != "raw":
        raise RequestError(
            f"--raw-tokens: {ref.name} is a model of printed text ({form}); "
            "the flag is for ARPA files and models built with it"
        )
    if form == "raw" and not raw_tokens and not ref.scores_texts:
        note(f"{ref.name} has raw tokens: they are printed as they stand (--raw-tokens says that you know)")
    return source


def open_ahead(lm: str | None, words: Sequence[str], settings: "NeuralSettings") -> "Ahead":
    """Begin to open an embedded mixture while the libraries that search with it are still imported.

    Args:
        lm: the model asked for; None: the default of the words' language.
        words: demanded ones, as flags give them.
        settings: how it is to be read.

    Returns:
        by name and settings; nothing, for every other model: those take long, and what is asked for may turn out to be impossible.
    """
    from searchgen.lm.embedded import MIXED
    from searchgen.text import detect

    in_files = any(word.startswith("@") for word in words)
    name = lm or ("" if in_files else detect(" ".join(words)))
    if name not in MIXED:
        return {}
    from searchgen.lm.open import opening

    return {(name, settings): opening(name, settings, usual_threads())}


def refuse_other_model(loaded: "Source", wanted: str) -> None:
    """Refuse to repeat a signature with another model than it names.

    Raises:
        RequestError: in this case.
    """
    if loaded.hash != wanted:
        raise RequestError(
            f"the signature is of another model than {loaded.ref.proposer} "
            f"({wanted[:12]}, this one is {loaded.hash[:12]}); name the same file with --lm"
        )


@contextmanager
def starting() -> Iterator[None]:
    """Load libraries and models without looking for garbage among what stays: a tenth of a start, and as much at the end."""
    gc.disable()
    try:
        say_if_compiling()
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def compiling(*samplers: str) -> Iterator[None]:
    """Say, in one line, why the first run ever of some samplers takes longer than others."""
    from searchgen.kernels.precompile import marker
    from searchgen.samplers.registry import BUILT_IN

    missing = [name for name in samplers if name in BUILT_IN and not marker(name).exists()]
    if missing:
        names = " and ".join(missing)
        note(f"compiling the loops of {names}, once: up to a minute (searchgen warm-up does it on purpose)")
    yield
    for name in missing:
        with suppress(OSError):
            marker(name).touch()


def say_if_compiling() -> None:
    """Say, in one line, why the first command ever takes longer than others."""
    from searchgen.files.cache_folder import is_kept
    from searchgen.kernels.precompile import is_compiled

    if is_compiled():
        return
    once = ", once: some ten seconds (searchgen warm-up does it on purpose)" if is_kept() else ": some ten seconds"
    note(f"compiling the inner loops{once}")
