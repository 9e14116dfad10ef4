"""A sentence-embedding model of the user's own: a folder in the usual layout, by onnxruntime or by transformers.

    config.json, tokenizer.json, onnx/model.onnx or model.onnx or model.safetensors, 1_Pooling/config.json (mean unless it says otherwise)

The vector of a text is that of its pieces, pooled over those that the attention mask keeps, of length 1:

    z = p / |p|,   p = sum_i m_i h_i / sum_i m_i   (mean),   h_0   (cls),   max_i h_i   (max)

Source: N. Reimers and I. Gurevych, "Sentence-BERT: sentence embeddings using Siamese BERT-networks" (2019).
"""

import hashlib
import importlib.util
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError, RequestError

__all__ = ["Encoder", "encoder", "parted"]

Places = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

#: Ids and attention mask of texts (n, L) to what the network makes of their pieces (n, L, D).
Network = Callable[[Places, Places], Floats]

#: Files that may say where texts are cut off, and the name of the number there.
LIMITS = {"tokenizer_config.json": "model_max_length", "sentence_bert_config.json": "max_seq_length"}

#: The ways to pool, by their names in the file of the pooling.
POOLINGS = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
}

#: Parts of a model that are read; its vectors have length 1 in any case.
PARTS = ("Transformer", "Pooling", "Normalize")

#: Networks that are trained for something else, where nothing says that sentences are embedded.
OTHERS = ("ForCausalLM", "ForConditionalGeneration", "ForSequenceClassification")

#: Files of the weights, in the order in which they are looked for.
WEIGHTS = ("onnx/model.onnx", "model.onnx", "model.safetensors")

#: Pieces that go through the network together, and those of a text where no file says how many it may have.
TOGETHER, LONGEST = 8_192, 512

#: Threads that compute.
THREADS = 2


@dataclass(frozen=True, eq=False)
class Encoder:
    """A model that makes vectors of sentences.

    Attributes:
        folder: where it is.
        hash: of its files.
        tokenizer: texts to pieces, cut off where the model ends.
        network: pieces to vectors.
        pooling: `mean`, `cls` or `max`.
    """

    folder: Path
    hash: str
    tokenizer: Any
    network: Network
    pooling: str

    @property
    def language(self) -> str:
        """The folder: the model knows for itself what it can read."""
        return str(self.folder)

    def knows(self, text: str) -> bool:
        """Whether a text has anything to compare."""
        return bool(text.strip())

    def sentences(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of texts, (n, D), each of length 1; zeros for a text without signs."""
        encoded = self.tokenizer.encode_batch([text.strip() for text in texts])
        order = sorted((i for i, text in enumerate(texts) if text.strip()), key=lambda i: len(encoded[i].ids))
        found: dict[int, Floats] = {}
        while order:
            longest = len(encoded[order[-1]].ids)
            count = max(1, TOGETHER // longest)
            part, order = order[-count:], order[:-count]
            ids, mask = np.zeros((2, len(part), longest), np.int64)
            for row, i in enumerate(part):
                size = len(encoded[i].ids)
                ids[row, :size], mask[row, :size] = encoded[i].ids, 1
            found.update(zip(part, self._pooled(self.network(ids, mask), mask), strict=True))
        width = len(next(iter(found.values()))) if found else self.sentences(["a"]).shape[1]
        empty = np.zeros(width, np.float32)
        return np.array([found.get(i, empty) for i in range(len(texts))], np.float32).reshape(len(texts), width)

    def _pooled(self, hidden: Floats, mask: Places) -> Floats:
        """The vectors (n, D) of texts from those of their pieces (n, L, D)."""
        kept = mask[:, :, None].astype(np.float32)
        if self.pooling == "cls":
            pooled = hidden[:, 0]
        elif self.pooling == "max":
            pooled = np.where(kept > 0, hidden, -np.inf).max(axis=1)
        else:
            pooled = (hidden * kept).sum(axis=1) / kept.sum(axis=1)
        lengths = np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)
        return np.asarray(pooled / lengths, np.float32)


def parted(model: str) -> tuple[str, str]:
    """Return a folder, and the beginning of the hash that its files must have, "": any.

    Example:
        >>> parted("models/mine#0123456789abcdef"), parted("models/mine")
        (('models/mine', '0123456789abcdef'), ('models/mine', ''))
    """
    match = re.fullmatch(r"(.+)#([0-9a-f]{16})", model)
    return (match[1], match[2]) if match else (model, "")


@cache
def encoder(model: str) -> Encoder:
    """Open a sentence-embedding model.

    Args:
        model: its folder, with `#` and the beginning of the hash of its files where it must be that one.

    Raises:
        RequestError: there is no such folder, a file or a library is missing, or the model is of another kind.
        ModelFileError: a file is damaged.
    """
    name, wanted = parted(model)
    folder = Path(name)
    if not folder.is_dir():
        raise RequestError(f"--vectors {name}: there is no such folder; give that of a sentence-embedding model")
    for file in ("config.json", "tokenizer.json"):
        if not (folder / file).is_file():
            raise RequestError(
                f"--vectors {name}: {file} is missing; give the whole folder of a sentence-embedding model"
            )
    weights = next((folder / file for file in WEIGHTS if (folder / file).is_file()), None)
    if weights is None:
        raise RequestError(f"--vectors {name}: it has no weights; one of {', '.join(WEIGHTS)} is needed")
    config = _read(folder / "config.json")
    _check_kind(folder, config)
    pooling = _pooling(folder)
    digest = _hash(folder, weights)
    if not digest.startswith(wanted):
        raise RequestError(
            f"--vectors {name}: its files changed: {digest[:16]}, not {wanted}; give the folder of that model"
        )
    network = _by_onnx(weights) if weights.suffix == ".onnx" else _by_torch(folder)
    return Encoder(folder, digest, _tokenizer(folder, config), network, pooling)


def _read(path: Path) -> dict[str, Any]:
    """The values of a JSON file, none if it is missing."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} is damaged: {error}; fetch the model again") from None
    if not isinstance(found, dict):
        raise ModelFileError(f"{path} holds no object; fetch the model again")
    return found


def _check_kind(folder: Path, config: dict[str, Any]) -> None:
    """Refuse models that have parts beside network and pooling, and those that are trained for something else."""
    listed = folder / "modules.json"
    if listed.is_file():
        try:
            parts = [str(part["type"]).split(".")[-1] for part in json.loads(listed.read_text(encoding="utf-8"))]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ModelFileError(f"{listed} is damaged: {error}; fetch the model again") from None
        other = next((part for part in parts if part not in PARTS), None)
        if other is not None:
            raise RequestError(f"--vectors {folder}: the model has a part {other!r}; only {', '.join(PARTS)} are read")
        return
    for architecture in config.get("architectures") or []:
        if str(architecture).endswith(OTHERS) or config.get("is_encoder_decoder"):
            raise RequestError(
                f"--vectors {folder}: {architecture} makes no vectors of sentences; give a sentence-embedding model"
            )


def _pooling(folder: Path) -> str:
    """How a model pools: what the file of its pooling says, else the mean."""
    path = folder / "1_Pooling" / "config.json"
    modes = [name for name, value in _read(path).items() if name.startswith("pooling_mode_") and value is True]
    if not modes:
        return "mean"
    if len(modes) > 1 or modes[0] not in POOLINGS:
        raise RequestError(
            f"--vectors {folder}: {', '.join(modes)} is not read; {', '.join(POOLINGS)} are, one at a time"
        )
    return POOLINGS[modes[0]]


def _hash(folder: Path, weights: Path) -> str:
    digest = hashlib.sha256()
    names = ("config.json", "tokenizer.json", "1_Pooling/config.json", *LIMITS)
    for path in (*(folder / name for name in names), weights):
        if path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _require(folder: Path, *libraries: str) -> None:
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    if missing:
        raise RequestError(f"--vectors {folder} needs {missing[0]}: pip install 'searchgen[neural]'")


def _tokenizer(folder: Path, config: dict[str, Any]) -> Any:
    """The tokenizer of a folder, without padding, that cuts texts off where the model ends."""
    _require(folder, "tokenizers")
    from tokenizers import Tokenizer

    limits = [config.get("max_position_embeddings"), *(_read(folder / name).get(key) for name, key in LIMITS.items())]
    longest = min([int(one) for one in limits if isinstance(one, int | float) and 0 < one < 1e6], default=LONGEST)
    try:
        made = Tokenizer.from_file(str(folder / "tokenizer.json"))
        made.no_padding()
        made.enable_truncation(longest)
    except Exception as error:  # the library raises Exception itself
        raise ModelFileError(f"{folder / 'tokenizer.json'} is damaged: {error}; fetch the model again") from None
    return made


def _by_onnx(path: Path) -> Network:
    """A network in an ONNX file; of its outputs the one that has a vector for each piece."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = THREADS
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's errors have no common parent
        raise ModelFileError(
            f"{path} is damaged: {' '.join(str(error).split())[:160]}; fetch the model again"
        ) from None
    inputs = {one.name for one in session.get_inputs()}
    output = next((one.name for one in session.get_outputs() if len(one.shape) == 3), None)
    if output is None or not {"input_ids", "attention_mask"} <= inputs <= {
        "input_ids",
        "attention_mask",
        "token_type_ids",
    }:
        raise RequestError(
            f"--vectors {path}: the graph does not take pieces with a mask and give a vector for each of them"
        )

    def compute(ids: Places, mask: Places) -> Floats:
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (hidden,) = session.run([output], {name: given[name] for name in inputs})
        return np.asarray(hidden, np.float32)

    return compute


def _by_torch(folder: Path) -> Network:
    """A network that transformers reads; code that comes with a model is never run."""
    _require(folder, "torch", "transformers", "safetensors")
    import torch
    from transformers import AutoModel

    try:
        model = AutoModel.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False, use_safetensors=True
        )
    except Exception as error:  # the library raises whatever damage leads it to
        said = " ".join(str(error).split())[:160]
        raise ModelFileError(f"--vectors {folder}: transformers cannot read it: {said}; give another model") from None
    model = model.float().eval()

    def compute(ids: Places, mask: Places) -> Floats:
        with torch.inference_mode():
            found = model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
        return np.asarray(found.last_hidden_state.numpy(), np.float32)

    return compute
