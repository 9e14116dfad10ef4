"""Transformers by name: folders, files of `lm export`, models of the hub. torch and its companions are imported only once one is opened.

>>> is_transformer("en-ngram"), is_transformer("organisation/model@v2")
(False, True)
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from searchgen.errors import RequestError
from searchgen.lm.embedded import EMBEDDED
from searchgen.lm.neural.config_file import CAUSAL, CONTEXT, read_config
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

#: What `lm train` leaves beside a model.
OURS = "loss.svg"

#: Positions that example lines and a text need.
FEWEST_POSITIONS = 512


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


@lru_cache(64)
def has_read_the_web(name: str) -> bool:
    """Return whether a name is that of a causal model of others with room for example lines; models of `lm train` are ours.

    Example:
        >>> has_read_the_web("nowhere.onnx")
        False
    """
    folder = _described(name)
    if folder is None or (folder / OURS).exists():
        return False
    try:
        config = read_config(folder)
    except RequestError:  # opening it says so
        return False
    sizes = [config[size] for size in CONTEXT if isinstance(config.get(size), int)]
    causal = any(one.endswith(CAUSAL) for one in config.get("architectures") or [] if isinstance(one, str))
    return causal and max(sizes, default=0) >= FEWEST_POSITIONS


def _described(name: str) -> Path | None:
    """Return the folder that holds config.json, fetched from the hub if it is not here; None: there is none."""
    if Path(name).is_dir():
        return Path(name)
    if Path(name).suffix == ".onnx":
        return None
    try:
        from huggingface_hub import hf_hub_download

        hub, _, revision = name.partition("@")
        return Path(hf_hub_download(hub, "config.json", revision=revision or None)).parent
    except Exception:  # the library is missing, or fails in one of many ways; opening the model says how
        return None


#: Transformers, as the registry of models lists them.
TRANSFORMER = ModelType("transformer", is_transformer, open_any_transformer, large=has_read_the_web)
