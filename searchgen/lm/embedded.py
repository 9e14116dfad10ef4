"""The models that come with searchgen: n-gram models, and their mixtures with transformers, under which `constrain` searches."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchgen.lm.mixture import Mixture
    from searchgen.lm.neural.settings import NeuralSettings

__all__ = ["EMBEDDED", "MIXED", "NGRAMS", "data_file", "ngram_name", "open_embedded"]

DATA = Path(__file__).parent / "data"

#: Mixtures, and the weight of the transformer in each: the best on held-out sentences, to a twentieth (benchmarks/mixture.py).
MIXED = {"en": 0.7, "zh": 0.7}

#: N-gram models alone.
NGRAMS = ("en-ngram", "zh-ngram")

#: All names that need no file.
EMBEDDED = ("en", "zh", *NGRAMS)


def ngram_name(name: str) -> str:
    """Return the n-gram model that is, or is a part of, an embedded model; any other name as it is.

    Example:
        >>> ngram_name("en"), ngram_name("zh-ngram"), ngram_name("my.sgm")
        ('en-ngram', 'zh-ngram', 'my.sgm')
    """
    return f"{name}-ngram" if name in EMBEDDED and name not in NGRAMS else name


def data_file(name: str, ending: str = ".sgm") -> Path:
    """Return a file of an embedded model: that of its n-grams, or one with another ending.

    Example:
        >>> data_file("en-ngram").name, data_file("zh", ".onnx").name
        ('en.sgm', 'zh.onnx')
    """
    return DATA / f"{name.removesuffix('-ngram')}{ending}"


def open_embedded(name: str, settings: "NeuralSettings", threads: int = 1) -> "Mixture":
    """Open an embedded mixture, whose transformer computes with so many threads.

    Raises:
        RequestError: the settings ask for another device or number format, or leave out ends.
    """
    from searchgen.lm import load
    from searchgen.lm.mixture import Mixture, NGramPart, refuse_endless
    from searchgen.lm.onnx.model import open_graph

    refuse_endless(name, settings)
    path = data_file(name, ".onnx")
    graph = open_graph(path.name, path, settings, threads)
    return Mixture(name, [NGramPart(load(name)), graph], [1 - MIXED[name], MIXED[name]])
