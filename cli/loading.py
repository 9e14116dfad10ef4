"""Loading models for a command: the notes shown meanwhile, and the flag that a raw model needs."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Timer
from typing import TYPE_CHECKING

from searchgen.cli.garbage import end_loading
from searchgen.cli.output import complain, note, progress
from searchgen.errors import RequestError
from searchgen.lm.embedded import EMBEDDED

if TYPE_CHECKING:
    from concurrent.futures import Future

    from searchgen.lm.neural.settings import NeuralSettings
    from searchgen.lm.protocol import TextModel
    from searchgen.request.model_ref import ModelRef
    from searchgen.request.request import Request
    from searchgen.sources.cache import SourceCache
    from searchgen.sources.source import Source

    #: Models that are being opened, by name and how they are read.
    Ahead = dict[tuple[str, NeuralSettings], Future[TextModel]]

__all__ = [
    "compiling",
    "load_source",
    "open_ahead",
    "refuse_other_model",
    "repeating",
    "say_if_compiling",
    "source_cache",
    "starting",
    "usual_threads",
]


#: Seconds before a line explains the wait for a compiler: refusals come earlier.
PATIENCE = 1.0


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
    """Return a model, having shown what the user should know of it.

    Args:
        ref: the model that the user named.
        settings: how a transformer scores texts.
        raw_tokens: the user knows that the model's tokens are printed as they stand.
        sources: the models that are open.

    Raises:
        RequestError: there is no such model, or its tokens are not raw and should be.
    """
    if raw_tokens and ref.scores_texts:
        raise RequestError(f"--raw-tokens: {ref.name} scores printed text; drop the flag")
    with progress(f"opening {ref.name}"):  # a file may have to be converted or decoded first
        source = (source_cache() if sources is None else sources).source(ref, settings)
    form = source.model.form
    if raw_tokens and form != "raw":
        raise RequestError(
            f"--raw-tokens: {ref.name} is a model of printed text ({form}); "
            "the flag is for ARPA files and models built with it"
        )
    if form == "raw" and not raw_tokens and not ref.scores_texts:
        note(f"{ref.name} has raw tokens, which are printed as they are; --raw-tokens hides this note")
    return source


def open_ahead(lm: str | None, words: Sequence[str], settings: "NeuralSettings") -> "Ahead":
    """Begin to open an embedded mixture while the libraries that search with it are still imported.

    Args:
        lm: the model that the user named; None: the default of the words' language.
        words: the required ones, as flags give them.
        settings: how it is to be read.

    Returns:
        the model by name and settings; empty for any other model, which takes long to open and may not be needed.
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
        RequestError: in this case, or the model depends on the processor, which is another one.
    """
    from searchgen.lm.embedded import other_edition
    from searchgen.sources.source import PROCESSOR

    digest, _, instructions = loaded.hash.partition(PROCESSOR)
    asked, _, other = wanted.partition(PROCESSOR)
    if asked == digest and other != instructions:
        raise RequestError(
            f"the signature was made on a processor with {other or 'other instructions'}, this one computes with "
            f"{instructions}; texts of {loaded.ref.name} repeat bit for bit with one instruction set only"
        )
    if loaded.hash != wanted:
        lines = "" if loaded.text_model is None else " or other example lines"
        raise RequestError(
            f"the signature belongs to another model{lines} than {loaded.ref.name}: "
            f"its hash is {wanted[:12]}, that of this model {loaded.hash[:12]}; name the right file with --lm"
            + other_edition(loaded.ref.name)
        )


@contextmanager
def repeating(request: "Request", lm: str | None) -> Iterator[None]:
    """Open the model of a signature; where its file is gone, say how to name it anew.

    Args:
        request: of the signature.
        lm: where the user says that the file is; None: where it was.

    Raises:
        RequestError: the model cannot be opened.
    """
    try:
        yield
    except RequestError as error:
        if lm is not None or request.lm in EMBEDDED or os.path.exists(request.lm):
            raise
        raise RequestError(
            f"{error}; if the model lies elsewhere now, repeat the result with --lm PATH --again SIGNATURE"
        ) from None


@contextmanager
def starting() -> Iterator[None]:
    """Load libraries and models."""
    try:
        say_if_compiling()
        yield
    finally:
        end_loading()


@contextmanager
def compiling(*samplers: str) -> Iterator[None]:
    """Show one line if the first run ever of some samplers takes its time; a run that is refused at once shows the reason only."""
    from searchgen.kernels.precompile import TRACE, marker
    from searchgen.samplers.registry import BUILT_IN

    missing = [name for name in samplers if name in (*BUILT_IN, TRACE) and not marker(name).exists()]
    waiting = None
    if missing:
        names = " and ".join([*([", ".join(missing[:-1])] if missing[:-1] else []), missing[-1]])
        each = " each" if missing[:-1] else ""
        line = f"compiling the loops of {names}, once: up to a minute{each} (searchgen warm-up does it in advance)"
        waiting = Timer(PATIENCE, note, [line])
        waiting.daemon = True
        waiting.start()
    try:
        yield
    finally:
        if waiting is not None:
            waiting.cancel()
    for name in missing:
        with suppress(OSError):
            marker(name).touch()


def say_if_compiling() -> None:
    """Say, in one line, why the first command ever takes longer than others."""
    from searchgen.files.cache_folder import is_kept
    from searchgen.kernels.precompile import is_compiled

    if is_compiled():
        return
    if is_kept():
        note("compiling the inner loops, once: this takes up to half a minute (searchgen warm-up does it in advance)")
    else:
        note("compiling the inner loops, in every run: no cache folder is writable; name one with SEARCHGEN_CACHE")
