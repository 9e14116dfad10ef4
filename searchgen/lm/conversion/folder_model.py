"""A model in a folder in Hugging Face format as a law over printed texts, computed by onnxruntime on the CPU.

Texts are spelled by the folder's own tokenizer, as for torch. Where torch is installed, its network still reads on from keys and values of
texts that grow.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.conversion.bits import chosen_bits
from searchgen.lm.conversion.cached import conversion_name, is_converted
from searchgen.lm.conversion.converting import convert, is_large
from searchgen.lm.conversion.model import ConvertedModel, open_session
from searchgen.lm.folders.source import folder_shape
from searchgen.lm.neural.gpu import has_gpu
from searchgen.lm.protocol import PrefixScorer

if TYPE_CHECKING:
    from searchgen.lm.neural.network import Network
    from searchgen.lm.neural.settings import NeuralSettings
    from searchgen.lm.neural.spelling.spelling import Spelling

__all__ = ["FolderModel", "folder_hash", "is_served", "open_folder", "require_either"]

Floats = npt.NDArray[np.float64]

#: Libraries that convert a folder and spell its texts, and those of torch's way.
EXTRA, TORCH = ("onnx", "tokenizers"), ("torch", "transformers", "safetensors")


@dataclass(eq=False)
class FolderModel(ConvertedModel):
    """A model in a folder.

    Attributes:
        open_network: opens the same network in torch; None: torch is not installed, or weights have fewer than 32 bits here.
    """

    open_network: "Callable[[], Network] | None" = None

    def growing(self) -> PrefixScorer:
        """Return what scores prefixes of texts that grow, from keys and values by torch; without it each is read anew."""
        if self.open_network is None:
            return super().growing()
        from searchgen.lm.neural.incremental import Incremental

        return Incremental(self, self._network)

    def log_probs_above(self, texts: Sequence[str], bounds: Floats) -> Floats:
        """Return natural log p of texts, (n,) float64, or -inf where it is not above the bound; see `CausalModel.log_probs_above`.

        Raises:
            RequestError: as for `log_probs`; or nothing keeps keys and values to read on from.
        """
        if self.open_network is None:
            raise RequestError(
                f"{self.name} keeps no keys and values here, so it cannot reject texts early; drop early=true"
            )
        from searchgen.lm.neural.incremental import log_probs_above

        least = log_probs_above(self, self._network, texts, bounds, self._kept)
        return np.where(least > bounds, least, -np.inf)

    @cached_property
    def _network(self) -> "Network":
        assert self.open_network is not None
        return self.open_network()


def is_served(folder: Path, settings: "NeuralSettings") -> bool:
    """Return whether a folder is computed here, and not by torch.

    That is so for a network that the graph computes, in 32 bits on the CPU, if the libraries are installed. A large one must have been
    converted by `lm get`, unless nothing else can compute it.

    Raises:
        ModelFileError: its config.json is damaged.
    """
    shape = folder_shape(folder) if _is_plain(settings) else None
    if shape is None or not _are_installed(EXTRA) or (settings.device == "auto" and has_gpu()):
        return False
    bits = chosen_bits(folder)
    return not is_large(shape, bits) or is_converted(folder, bits) or not _are_installed(TORCH)


def require_either(folder: Path, settings: "NeuralSettings") -> None:
    """Refuse a folder that could be computed here, if neither the libraries for it nor torch are installed.

    Raises:
        RequestError: in this case; the message names the smaller extra.
    """
    missing = [library for library in EXTRA if find_spec(library) is None]
    if missing and find_spec("torch") is None and _is_plain(settings) and folder_shape(folder) is not None:
        raise RequestError(f"{folder} needs {missing[0]}: pip install 'searchgen[gguf]'")


def folder_hash(folder: Path, settings: "NeuralSettings") -> str:
    """Return a hash of a folder's files, of the bits of a weight, and of the settings that make its law."""
    return _hash(conversion_name(folder, chosen_bits(folder)), settings)


def _hash(conversion: str, settings: "NeuralSettings") -> str:
    about = repr((settings.end, settings.prompt, settings.examples_text, conversion))
    return hashlib.sha256(about.encode()).hexdigest()


def open_folder(
    name: str,
    folder: Path,
    settings: "NeuralSettings",
    spelling: "Callable[[int], Spelling]",
    open_network: "Callable[[], Network]",
    threads: int = 1,
) -> FolderModel:
    """Open a folder for which `is_served` holds, converted before or now.

    Args:
        name: as the user named it.
        folder: of the model.
        settings: how texts are scored.
        spelling: returns how texts are spelled, by the number of pieces that the network has.
        open_network: opens the same network in torch.
        threads: of the CPU.

    Raises:
        ModelFileError: a file is damaged.
        RequestError: the tokenizer lacks what the settings need, or the conversion is large.
        SearchgenError: there is no space for it.
    """
    bits, shape = chosen_bits(folder), folder_shape(folder)
    assert shape is not None
    spelled = spelling(shape.vocabulary)
    converted = convert(folder, bits)

    def network() -> "Network":
        if conversion_name(folder, bits) != converted.folder.name:
            raise ModelFileError(f"{folder} has changed since this program opened it; start the program again")
        return open_network()

    return FolderModel(
        name,
        _hash(converted.folder.name, settings),
        lambda: open_session(converted),
        converted.facts,
        spelled,
        threads=threads,
        folder=converted.folder,
        open_network=network if bits == 32 and _are_installed(TORCH) else None,
    )


def _is_plain(settings: "NeuralSettings") -> bool:
    """Return whether settings ask for neither a GPU nor other numbers than those of 32 bits."""
    return settings.device in ("auto", "cpu") and settings.dtype in ("auto", "float32")


def _are_installed(libraries: Sequence[str]) -> bool:
    return all(find_spec(library) is not None for library in libraries)
