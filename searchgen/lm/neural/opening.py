"""From a name to a network: folders, the hub, devices, and what is refused. Code that comes with a model is never run."""

import hashlib
import importlib.util
import os
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm import torch_threads
from searchgen.lm.conversion.folder_model import is_served, open_folder, require_either
from searchgen.lm.neural.architectures.weight_files import method_of
from searchgen.lm.neural.config_file import CAUSAL, CONTEXT, check_files, read_config
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.spelling.joint import JointSpelling
from searchgen.lm.neural.spelling.spelling import Spelling
from searchgen.lm.neural.spelling.tokenizer_file import read_tokenizer

if TYPE_CHECKING:
    import torch

    from searchgen.lm.neural.masked import MaskedModel
    from searchgen.lm.neural.network import Network
    from searchgen.lm.neural.pieces import PieceModel

__all__ = ["content_hash", "device_of", "folder_of", "open_network", "require_extra", "why_uncached"]

EXTRA = ("torch", "safetensors", "tokenizers", "transformers")

#: Up to so many bytes of weights one thread of a command computes: two wait for each other most of the time, on a busy machine three
#: times longer than one takes (measured), and the number of threads must not depend on the load, which would change the last bits.
SMALL = 200_000_000

#: What is fetched of a model of the hub; pickled weights only if there are no others.
FILES, PICKLED = ["*.json", "*.txt", "*.model", "*.safetensors"], ["pytorch_model*.bin"]

#: The one file of the weights that plain torch reads.
WEIGHTS = "model.safetensors"

#: Bytes of memory for each byte of weights, for a trial in 32 bits of weights that have 16.
ROOM = 3

#: Architectures that predict masked pieces.
MASKED = "ForMaskedLM"


def require_extra(what: str = "--lm names a transformer, which", *more: str) -> None:
    """Refuse to go on without the libraries of the extra.

    Args:
        what: needs them, as the message begins.
        more: libraries that it needs beside those.

    Raises:
        RequestError: one is missing; the message names the command that installs it.
    """
    missing = [name for name in (*EXTRA, *more) if importlib.util.find_spec(name) is None]
    if missing:
        raise RequestError(f"{what} needs {missing[0]}: pip install 'searchgen[neural]'")


def folder_of(name: str) -> Path:
    """Return the folder of a model, fetched from the hub if the name is none here.

    Raises:
        RequestError: there is none of that name, here or there.
    """
    if Path(name).is_dir():
        return Path(name)
    require_extra()
    from huggingface_hub import snapshot_download

    hub, _, revision = name.partition("@")
    try:
        folder = Path(snapshot_download(hub, revision=revision or None, allow_patterns=FILES))
        if not list(folder.glob("*.safetensors")):
            folder = Path(snapshot_download(hub, revision=revision or None, allow_patterns=FILES + PICKLED))
    except Exception as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise RequestError(
            f"unknown model {name!r}: no file or folder of that name, and the hub says: {reason} (embedded: en, zh)"
        ) from None
    return folder


def content_hash(folder: Path, settings: NeuralSettings) -> str:
    """Return a hash of a model's files and of the settings that make its law: end and prompt."""
    digest = hashlib.sha256(repr((settings.end, settings.prompt)).encode() + settings.examples_text.encode())
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".safetensors", ".bin", ".model", ".txt") and path.is_file():
            digest.update(path.name.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def open_network(name: str, settings: NeuralSettings, threads: int) -> "PieceModel | MaskedModel":
    """Open a transformer, by onnxruntime where that computes it, else by torch; see `searchgen.lm.neural.open_transformer`."""
    if not Path(name).is_dir():  # the hub is asked by a library of the extra
        require_extra()
    folder = folder_of(name)
    check_files(folder)
    config = read_config(folder)
    if is_served(folder, settings):
        spelled = partial(spelling_of, folder, config, settings)
        return open_folder(name, folder, settings, spelled, lambda: _on_cpu(folder, config, threads), threads)
    require_either(folder, settings)
    require_extra()
    _check_kind(name, folder, config)
    _begin_torch(folder, threads)
    from searchgen.lm.neural.batches import is_memory
    from searchgen.lm.neural.causal import CausalModel

    device = device_of(settings.device)
    dtype = _dtype(settings.dtype, device, config)
    try:
        if any(architecture.endswith(MASKED) for architecture in config.get("architectures") or []):
            return _open_masked(name, folder, config, settings, device, dtype)
        network = _network(folder, config, device, dtype)
        spelling = spelling_of(folder, config, settings, network.vocabulary)
    except (RuntimeError, MemoryError) as error:  # torch's own is a RuntimeError
        if not is_memory(error):
            raise
        raise RequestError(
            f"{name} does not fit into the memory of {device}; try --dtype bfloat16 or --device cpu"
        ) from None
    return CausalModel(name, content_hash(folder, settings), network, spelling)


def _begin_torch(folder: Path, threads: int) -> None:
    """Import torch, and settle how many threads of the CPU compute a folder."""
    # Threads that spin while they wait starve whatever else the machine does.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    from searchgen.lm.neural.network import alone_after_fork

    if torch_threads.are_ours():
        torch.set_num_threads(threads if _weight_bytes(folder) > SMALL else 1)
    alone_after_fork()


def _on_cpu(folder: Path, config: dict[str, Any], threads: int) -> "Network":
    """Return the network of a folder in torch, in 32 bits on the CPU."""
    _begin_torch(folder, threads)
    import torch

    return _network(folder, config, torch.device("cpu"), torch.float32)


def spelling_of(folder: Path, config: Mapping[str, Any], settings: NeuralSettings, size: int) -> Spelling:
    """Return how a folder's tokenizer spells texts; behind example lines, text and line end are tokenised with them.

    Raises:
        ModelFileError: it has none, or it is damaged.
        RequestError: it has no token that the settings need.
    """
    if not settings.examples_text:
        return Spelling.of(folder, config, settings, size)
    file = read_tokenizer(folder)
    begin, end = file.special.get("bos_token"), file.special.get("eos_token")
    refused = file.unknown | {piece for piece in (begin, end) if piece is not None}
    spelling = JointSpelling.behind(
        str(folder), file.encode, file.offsets, begin, end, refused, settings, file.vocabulary
    )
    return spelling.within(str(folder), size)


def _open_masked(
    name: str,
    folder: Path,
    config: dict[str, Any],
    settings: NeuralSettings,
    device: "torch.device",
    dtype: "torch.dtype",
) -> "MaskedModel":
    """Open a masked transformer, which knows no end and no prompt."""
    from searchgen.lm.neural.masked import open_masked

    if settings.prompt or settings.examples_text or settings.end != NeuralSettings().end:
        raise RequestError(f"{name} is a masked model, which reads whole texts; drop --prompt, --examples and --end")
    return open_masked(name, folder, content_hash(folder, settings), config, device, dtype)


def _weight_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for pattern in ("*.safetensors", "*.bin") for path in folder.glob(pattern))


def _check_kind(name: str, folder: Path, config: dict[str, Any]) -> None:
    architectures = config.get("architectures") or []
    if not config.get("model_type"):
        raise ModelFileError(f"{name}: no config.json of a transformer in {folder}; name the folder that holds one")
    if architectures and not any(architecture.endswith((*CAUSAL, MASKED)) for architecture in architectures):
        raise RequestError(f"{name} has no head that predicts the next word ({architectures[0]}); name a causal model")
    if not any(list(folder.glob(pattern)) for pattern in ("*.safetensors", "*.bin")):
        raise ModelFileError(f"{name}: no weights (*.safetensors) in {folder}; fetch the model again")


def device_of(name: str) -> "torch.device":
    """Return a device: auto is the first GPU, else the CPU.

    Raises:
        RequestError: there is none of that name.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not re.fullmatch(r"cpu|cuda(:\d{1,3})?", name):
        raise RequestError(f"--device {name}: give auto, cpu, cuda or cuda:N")
    if name.startswith("cuda"):
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(name.partition(":")[2] or 0) >= count:
            raise RequestError(
                f"--device {name}: there {'are' if count else 'is'} {count or 'no'} GPU for torch here; use --device cpu"
            )
    return torch.device(name)


def _dtype(name: str, device: "torch.device", config: dict[str, Any]) -> "torch.dtype":
    import torch

    stored = config.get("dtype") or config.get("torch_dtype") or "float32"
    if name == "auto":
        name = str(stored) if device.type == "cuda" and stored in ("bfloat16", "float16") else "float32"
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def why_uncached(folder: Path, config: dict[str, Any]) -> str:
    """Return why the network of a folder keeps no keys and values, empty if it does; one of the library is opened on the CPU and tried.

    Raises:
        RequestError: it cannot be opened, or is too large to be tried here.
    """
    import torch

    from searchgen.lm.neural.batches import free_bytes

    if _is_plain(folder, config):
        return ""
    if ROOM * _weight_bytes(folder) > free_bytes(None):
        raise RequestError(f"{folder} may not fit into the memory of this machine; try another")
    from searchgen.lm.neural.architectures.library import library_network

    return library_network(folder, config, torch.device("cpu"), torch.float32).uncached


def _is_plain(folder: Path, config: dict[str, Any]) -> bool:
    """Return whether a network is computed in plain torch: a GPT-2 or a plain LLaMA in one file, not quantised."""
    from searchgen.lm.neural.architectures.gpt2 import is_plain
    from searchgen.lm.neural.architectures.llama_shape import is_llama

    return (folder / WEIGHTS).is_file() and not method_of(config) and (is_plain(config) or is_llama(config))


def _network(folder: Path, config: dict[str, Any], device: "torch.device", dtype: "torch.dtype") -> "Network":
    """Return the network of a folder: in plain torch where it is a GPT-2 or a plain LLaMA, else by the transformers library."""
    if _is_plain(folder, config):
        return _plain_network(folder / WEIGHTS, config, device, dtype)
    from searchgen.lm.neural.architectures.library import library_network

    return library_network(folder, config, device, dtype)


def _plain_network(weights: Path, config: dict[str, Any], device: "torch.device", dtype: "torch.dtype") -> "Network":
    from safetensors import SafetensorError
    from torch.nn.functional import linear

    from searchgen.lm.neural.architectures.gpt2 import GPT2
    from searchgen.lm.neural.architectures.llama import Llama
    from searchgen.lm.neural.architectures.llama_shape import Shape, is_llama
    from searchgen.lm.neural.batches import MOST_POSITIONS, free_bytes, is_memory, positions_for
    from searchgen.lm.neural.network import Network

    trunk: Any
    try:
        tensors = _plain_weights(weights, config)
        if is_llama(config):
            trunk = Llama(Shape.of(config)).take(tensors).to(device=device, dtype=dtype).eval()
        else:
            trunk = GPT2(config, tensors).to_device(device, dtype)
    except (SafetensorError, RuntimeError, OSError) as error:
        if is_memory(error):
            raise
        raise ModelFileError(f"{weights} is damaged or of another network: {error}; fetch the model again") from None
    head: Any = trunk.head
    positions = positions_for(free_bytes(device), head.shape[1], head.shape[0], MOST_POSITIONS[device.type])
    context = next((int(config[name]) for name in CONTEXT if config.get(name)), 0)
    return Network(
        trunk, lambda hidden: linear(hidden, head), device, context, positions, trunk, vocabulary=head.shape[0]
    )


def _plain_weights(path: Path, config: dict[str, Any]) -> "dict[str, torch.Tensor]":
    """Return the weights of a GPT-2 or a plain LLaMA, once the header of their file says that they are all there, and nothing else.

    Raises:
        ModelFileError: they are not.
    """
    from safetensors.torch import load_file

    from searchgen.lm.neural.architectures import gpt2, llama_shape
    from searchgen.lm.neural.architectures.weight_files import check_head, plain_names

    if llama_shape.is_llama(config):
        form, layers = llama_shape.FORM, config.get("num_hidden_layers") or 0
        names = plain_names(path, layers, lambda: llama_shape.Shape.of(config).weights(), form)
    else:
        form, layers = gpt2.FORM, config.get("n_layer") or 0
        names = plain_names(path, layers, lambda: gpt2.weight_shapes(config), form)
    tensors = {names[name]: tensor for name, tensor in load_file(path).items()}
    head, tied = tensors.get("lm_head.weight"), config.get("tie_word_embeddings", form is gpt2.FORM)
    check_head(path, head is None or not tied or head.equal(tensors[form.embedding]))
    return tensors
