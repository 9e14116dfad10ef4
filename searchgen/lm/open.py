"""The one door to models that score printed texts whole: which kind a name stands for, and how one is opened.

An n-gram model proposes texts to them. Any other name is that of an n-gram model (`lm/ngram/load.py`).
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module

from searchgen.errors import RequestError
from searchgen.lm.embedded import NGRAMS
from searchgen.lm.mixture import Mixture, is_mixture, open_mixture, parts_of, transformer_part
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.transformer import TRANSFORMER
from searchgen.lm.protocol import ModelType, TextModel

__all__ = ["MIXTURE", "kinds", "model_type", "open_text_model", "opening"]

#: One line a kind of text model, its file here and its name there. The first that a name matches opens it; those behind it are not
#: imported. A name that ends in `:NUMBER` is a mixture for MIXTURE, and TRANSFORMER takes what is no n-gram model: a new kind stands
#: before both.
REGISTERED = (
    "mixture:EMBEDDED_MIXTURE",
    "server.model:SERVER",
    "catalogue.model:CATALOGUE",
    "catalogue.model:OLLAMA",
    "conversion.gguf_model:GGUF",
    "open:MIXTURE",
    "neural.transformer:TRANSFORMER",
)


def kinds() -> Iterator[ModelType]:
    """Yield every kind of text model, each imported when it is asked for.

    Example:
        >>> [kind.kind for kind in kinds()]
        ['embedded mixture', 'server', 'catalogue', 'ollama', 'gguf', 'mixture', 'transformer']
    """
    for line in REGISTERED:
        file, _, name = line.partition(":")
        yield getattr(import_module(f"searchgen.lm.{file}"), name)


def _open_part(name: str, settings: NeuralSettings, threads: int) -> TextModel | None:
    kind = _matching(name)
    return (
        transformer_part(name, settings, threads)
        if kind is None or kind is TRANSFORMER
        else kind.open(name, settings, threads)
    )


def _open_mixture(name: str, settings: NeuralSettings, threads: int) -> Mixture:
    return open_mixture(name, settings, threads, _open_part)


def _matching(part: str) -> ModelType | None:
    """Return the kind of a part of a mixture, which is no mixture itself; None: it is an n-gram model."""
    if part in NGRAMS:
        return None
    return next((kind for kind in kinds() if "mixture" not in kind.kind and kind.matches(part)), None)


def first_ngram(name: str) -> str | None:
    """Return the first n-gram model of a mixture, None: it has none.

    Example:
        >>> first_ngram("gpt2:0.5,my.sgm:0.5"), first_ngram("gpt2:0.5,smollm2:0.5")
        ('my.sgm', None)
    """
    return next((part for part, _ in parts_of(name) if _matching(part) is None), None)


def _has_large_part(name: str) -> bool:
    return any((kind := _matching(part)) is not None and kind.large(part) for part, _ in parts_of(name))


#: Mixtures that users name.
MIXTURE = ModelType("mixture", is_mixture, _open_mixture, parts_of, first_ngram, _has_large_part)


def model_type(name: str) -> ModelType | None:
    """Return the kind of text model that a name stands for, None: it is that of an n-gram model.

    Example:
        >>> [kind.kind if (kind := model_type(name)) else None for name in ("en-ngram", "en", "gpt2", "en-ngram:0.5,gpt2:0.5")]
        [None, 'embedded mixture', 'transformer', 'mixture']

    Raises:
        RequestError: the system cannot look for a file of that name.
    """
    if name in NGRAMS:
        return None
    try:
        return next((kind for kind in kinds() if kind.matches(name)), None)
    except OSError as error:
        raise RequestError(f"model {name[:60]!r}: {error.strerror}; check the name") from None


def open_text_model(name: str, settings: NeuralSettings | None = None, threads: int = 1) -> TextModel:
    """Open a model that scores printed texts whole.

    Args:
        name: as `--lm` gives it.
        settings: how texts are scored.
        threads: threads of a CPU to compute with.

    Raises:
        RequestError: it cannot be opened; the message names the part and the reason.
    """
    kind = model_type(name) or TRANSFORMER
    return kind.open(name, settings or NeuralSettings(), threads)


def opening(name: str, settings: NeuralSettings, threads: int) -> "Future[TextModel]":
    """Begin to open a model while other work goes on: its libraries take a while to import, torch seconds."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(open_text_model, name, settings, threads)
    pool.shutdown(wait=False)
    return future
