"""Models that score printed texts whole: transformers, mixtures, and models behind servers. An n-gram model proposes to them.

>>> [scores_whole_texts(name) for name in ("en-ngram", "en", "gpt2", "en-ngram:0.5,gpt2:0.5")]
[False, True, True, True]
"""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from searchgen.lm.embedded import MIXED, ngram_name, open_embedded
from searchgen.lm.mixture import is_mixture, open_mixture, parts_of
from searchgen.lm.neural import NeuralSettings, is_transformer, open_any_transformer

if TYPE_CHECKING:
    from searchgen.lm.mixture import Mixture
    from searchgen.lm.neural.masked import MaskedModel
    from searchgen.lm.neural.pieces import PieceModel
    from searchgen.lm.remote import Remote

    WholeTextModel = PieceModel | MaskedModel | Mixture | Remote

__all__ = ["open_text_model", "opening", "proposer", "scores_whole_texts", "uncached"]


def is_remote(name: str) -> bool:
    """Return whether a model's name is the address of a server.

    Example:
        >>> is_remote("http://127.0.0.1:8000/v1#my-model"), is_remote("gpt2")
        (True, False)
    """
    return name.startswith(("http://", "https://"))


def scores_whole_texts(name: str) -> bool:
    """Return whether a model's name stands for one that scores whole texts only."""
    return name in MIXED or is_remote(name) or is_mixture(name) or is_transformer(name)


def open_text_model(name: str, settings: NeuralSettings | None = None, threads: int = 1) -> "WholeTextModel":
    """Open a transformer, a mixture, which the embedded models are, or a server.

    Args:
        name: as `--lm` gives it.
        settings: how transformers score texts.
        threads: threads of a CPU to compute with.

    Raises:
        RequestError: it cannot be opened; the message names the part and the reason.
    """
    if name in MIXED:
        return open_embedded(name, settings or NeuralSettings(), threads)
    if is_remote(name):
        from searchgen.lm.remote import open_remote  # libraries of the net take a while to import

        return open_remote(name, settings or NeuralSettings())
    if is_mixture(name):
        return open_mixture(name, settings or NeuralSettings(), threads)
    return open_any_transformer(name, settings, threads)


def opening(name: str, settings: NeuralSettings, threads: int) -> "Future[WholeTextModel]":
    """Begin to open a model beside other work: its libraries take a while to import, torch seconds."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(open_text_model, name, settings, threads)
    pool.shutdown(wait=False)
    return future


def uncached(model: "WholeTextModel") -> dict[str, str]:
    """Return why transformers keep no keys and values though their kind might, by name; of a mixture those of its parts."""
    from searchgen.lm.mixture import Mixture
    from searchgen.lm.neural.pieces import PieceModel

    parts = model.parts if isinstance(model, Mixture) else [model]
    return {part.name: part.uncached for part in parts if isinstance(part, PieceModel) and part.uncached}


def proposer(name: str, language: str) -> str:
    """Return the n-gram model that proposes to a model: the first in a mixture, else the embedded one of the words' language.

    Example:
        >>> proposer("gpt2:0.5,my.sgm:0.5", "en"), proposer("gpt2", "en"), proposer("en", "zh")
        ('my.sgm', 'en-ngram', 'en-ngram')
    """
    if name in MIXED:
        return ngram_name(name)
    named = (
        [part for part, _ in parts_of(name) if not is_transformer(part)]
        if is_mixture(name) and not is_remote(name)
        else []
    )
    return named[0] if named else ngram_name(language)
