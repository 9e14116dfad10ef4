"""Transformers by name: folders, files of `lm export`, models of the hub. torch and its companions are imported only once one is opened.

>>> is_transformer("en-ngram"), is_transformer("organisation/model@v2")
(False, True)
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from searchgen.errors import RequestError
from searchgen.lm.embedded import EMBEDDED
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.protocol import FillsMasks, ModelType

if TYPE_CHECKING:
    from searchgen.lm.neural.masked import MaskedModel
    from searchgen.lm.neural.pieces import PieceModel

__all__ = ["TRANSFORMER", "is_transformer", "open_any_transformer", "open_transformer"]

#: NAME or OWNER/NAME, either with @REVISION, as the hub spells them; with a sign in it that slips of "en" have not.
HUB_NAME = re.compile(r"(?=.*[\d/@-])[\w.-]+(/[\w.-]+)?(@[\w./-]+)?", re.ASCII)

#: The endings of n-gram model files; such a name is never asked of the hub.
NGRAM_FILES = (".sgm", ".arpa", ".gz", ".lm", ".bin", ".txt")


def is_transformer(name: str) -> bool:
    """Return whether a model's name stands for a transformer: a folder with one, a file *.onnx, or a name of the hub.

    A name of the hub has a digit, "-", "/" or "@" in it; existing files, and names that end like those of n-gram models, are none.
    """
    path = Path(name)
    if path.suffix == ".onnx" and not path.is_dir():
        return True
    if name in EMBEDDED or path.is_file():
        return False
    if path.is_dir():
        return (path / "config.json").is_file() or (path / "model.onnx").is_file()
    rooted = name.startswith((".", "/", "~")) or path.suffix in NGRAM_FILES
    return not rooted and HUB_NAME.fullmatch(name) is not None


def open_transformer(name: str, settings: NeuralSettings | None = None, threads: int = 1) -> "PieceModel":
    """Open a causal transformer.

    Args:
        name: a folder in Hugging Face format, a file of `lm export`, or a name of the hub, pinned as NAME@REVISION.
        settings: how texts are scored.
        threads: threads of a CPU to compute with; torch's own number stays as it is, except in a command.

    Raises:
        RequestError: there is none, it is of another kind, the extra is not installed, or there is no such device.
    """
    model = open_any_transformer(name, settings, threads)
    if isinstance(model, FillsMasks):
        raise RequestError(f"{name} is a masked model: it has no probability of a text; name a causal one")
    return model


def open_any_transformer(
    name: str, settings: NeuralSettings | None = None, threads: int = 1
) -> "PieceModel | MaskedModel":
    """Open a transformer, causal or masked; see `open_transformer`."""
    from searchgen.lm.onnx.model import graph_of, open_graph

    path = graph_of(name)
    if path is not None:
        return open_graph(name, path, settings or NeuralSettings(), threads)
    from searchgen.lm.neural.opening import open_network

    return open_network(name, settings or NeuralSettings(), threads)


#: Transformers, as the registry of models lists them.
TRANSFORMER = ModelType("transformer", is_transformer, open_any_transformer)
