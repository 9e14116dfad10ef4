"""Any causal network of the transformers library: its trunk and its head apart, where apart they are the whole."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

from searchgen.errors import ModelFileError
from searchgen.lm.neural.architectures.library_reader import library_reader
from searchgen.lm.neural.architectures.weight_files import (
    WRAPPED,
    method_of,
    refusal,
    refuse_bytes,
    stored_weights,
    wrapper_of,
)
from searchgen.lm.neural.batches import MOST_POSITIONS, free_bytes, is_memory, positions_for
from searchgen.lm.neural.network import Network

__all__ = ["library_network", "loaded"]

#: How far the head on the trunk may be from the whole network, of its largest score.
APART = 1e-2

#: Heads that checkpoints of masked models hold besides the one that predicts pieces: they were trained with it.
OTHER_HEADS = re.compile(r"(^|\.)(pooler|seq_relationship)\.")

#: Weights for each byte of the files: quantised ones have two. Other numbers, as masks and angles, are made here: at most so many more.
FOR_EACH_BYTE, MOST_OTHERS = 4, 1 << 28

#: Fewest bytes of a file of pickled weights for each of them.
LEAST_BYTES = 64


def library_network(folder: Path, config: dict[str, Any], device: torch.device, dtype: torch.dtype) -> Network:
    """Load a network; code that comes with it is refused, pickled weights are read as weights only.

    Raises:
        ModelFileError: it cannot be loaded or computed; the message gives the library's first line.
    """
    model = loaded(AutoModelForCausalLM, folder, config, dtype).to(device).eval()
    try:
        return _network_of(model, device)
    except Exception as error:  # config.json may ask for anything
        if is_memory(error):
            raise
        raise ModelFileError(f"{folder}: the network of config.json cannot be computed ({_line(error)})") from None


def _network_of(model: Any, device: torch.device) -> Network:
    text = getattr(model.config, "text_config", model.config)
    pieces = int(model.get_input_embeddings().num_embeddings)
    trunk, head, apart, scores = _parts(model, pieces)
    width, vocabulary = int(text.hidden_size), min(pieces, scores)
    positions = positions_for(free_bytes(device), width, scores, MOST_POSITIONS[device.type])
    context = int(getattr(text, "max_position_embeddings", 0) or 0)
    network, name = (model.base_model, 0) if apart else (model, "logits")
    trial = library_reader(network, lambda output: output[name], trunk, context)
    return Network(trunk, head, device, context, positions, trial.reader, trial.reason, vocabulary)


def loaded(kind: Any, folder: Path, config: dict[str, Any], dtype: torch.dtype) -> Any:
    """Load a model of a kind of the library; code that comes with it is refused, pickled weights are read as weights only.

    Raises:
        ModelFileError: it cannot be loaded, or the weights are not those of config.json; the message names them, or gives the
            library's first line.
    """
    files = sorted(folder.glob("model*.safetensors"))
    stored = {name: tensor for path in files for name, tensor in stored_weights(path).items()}
    method = method_of(config)
    if not method:
        refuse_bytes(folder, stored)
    unwrap = {} if stored and not wrapper_of(stored) else {"key_mapping": {WRAPPED: ""}}
    try:
        with _silent():
            _check_sizes(kind, folder, config, len(stored))
            model, report = kind.from_pretrained(
                folder,
                trust_remote_code=False,
                local_files_only=True,
                weights_only=True,
                dtype=dtype,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are refused below, by name
                **unwrap,
            )
    except ModelFileError:
        raise
    except Exception as error:
        if is_memory(error):
            raise
        if method:
            raise ModelFileError(
                f"{folder} is quantised ({method}), and cannot be read here ({_line(error)}); name the model that it was made of"
            ) from None
        way_out = "code that comes with a model is never run" if "auto_map" in config else "fetch the model again"
        raise ModelFileError(f"{folder} cannot be loaded ({_line(error)}); {way_out}") from None
    _check_report(folder, report)
    return model


def _check_sizes(kind: Any, folder: Path, config: dict[str, Any], tensors: int) -> None:
    """Refuse a network of more weights than the files can hold, before memory is taken.

    Raises:
        ModelFileError: in this case.
    """
    size = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".safetensors", ".bin"))
    text = config.get("text_config") or config
    layers = max((text.get(name) or 0 for name in ("num_hidden_layers", "n_layer", "n_layers")), default=0)
    if layers > (tensors or size // LEAST_BYTES):
        raise ModelFileError(f"{folder}: the files hold fewer weights than the {layers:,} layers of config.json need")
    with torch.device("meta"):
        library_config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        empty = kind.from_config(library_config, trust_remote_code=False)
    weights = sum(weight.numel() for weight in empty.parameters())
    others = sum(buffer.numel() for buffer in empty.buffers())
    if weights > FOR_EACH_BYTE * size or others > FOR_EACH_BYTE * size + MOST_OTHERS:
        raise ModelFileError(
            f"{folder}: config.json describes {weights + others:,} numbers, more than files of {size:,} bytes can hold; "
            "fetch the model again"
        )


def _check_report(folder: Path, report: Mapping[str, Any]) -> None:
    """Refuse weights that are missing or superfluous, by what the library says of them."""
    missing, superfluous = report["missing_keys"], report["unexpected_keys"]
    superfluous = [name for name in superfluous if not OTHER_HEADS.search(name)]
    odd = sorted(report["mismatched_keys"])
    if odd:
        name, own, needed = odd[0]
        raise ModelFileError(
            f"{folder}: {name} has the shape {tuple(own)}, and config.json says {tuple(needed)}; fetch the model again"
        )
    if missing or superfluous:
        raise refusal(folder, missing, superfluous)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the library's progress bars and warnings off stderr, where a command says what it has to say."""
    notices: Any = logging  # without types
    bars, verbosity = notices.is_progress_bar_enabled(), notices.get_verbosity()
    notices.disable_progress_bar()
    notices.set_verbosity_error()
    try:
        yield
    finally:
        notices.set_verbosity(verbosity)
        if bars:
            notices.enable_progress_bar()


def _parts(model: Any, vocabulary: int) -> tuple[Any, Any, bool, int]:
    """Return trunk, head, True and the number of scores; the whole, the identity and False if more is done between them (a cap)."""
    base, head = model.base_model, model.get_output_embeddings()

    def trunk(pieces: torch.Tensor) -> torch.Tensor:
        hidden: torch.Tensor = base(input_ids=pieces, use_cache=False)[0]
        return hidden

    def whole(pieces: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = model(input_ids=pieces, use_cache=False).logits
        return scores

    trial = torch.arange(1, 6, device=model.device)[None, :] % vocabulary
    with torch.inference_mode():
        expected = whole(trial).float()
        if head is not None and base is not model:
            scores = head(trunk(trial)).float()
            if scores.shape == expected.shape and (scores - expected).abs().max() <= APART * expected.abs().max():
                return trunk, head, True, scores.shape[-1]
    return whole, torch.nn.Identity(), False, expected.shape[-1]
