"""The weights that a checkpoint's files hold, against those that its network has.

A missing weight would be drawn at random, and a superfluous one says that config.json describes another network. So both are refused by
name. Headers of files are enough for that: nothing is allocated that no file holds.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from searchgen.errors import ModelFileError

__all__ = [
    "WRAPPED",
    "Plain",
    "Stored",
    "check_head",
    "check_layers",
    "check_weights",
    "method_of",
    "names_in_network",
    "plain_names",
    "refusal",
    "refuse_bytes",
    "stored_weights",
    "wrapper_of",
]

#: What wrappers write before every name: data-parallel training, torch.compile, and the library of adapters.
WRAPPERS = ("module.", "_orig_mod.", "base_model.model.")

#: All of them that stand at the beginning of a name.
WRAPPED = r"^(?:module\.|_orig_mod\.|base_model\.model\.)+"

#: Number formats that are read as they are.
FLOATS = ("F64", "F32", "F16", "BF16")

#: Names that quantised checkpoints have beside, or in place of, plain matrices.
QUANTISED = re.compile(
    r"\.(qweight|qzeros|scales|g_idx|SCB|absmax|quant_map|nested_\w+|quant_state\..*|weight_scale(_inv)?|weight_packed|weight_shape|"
    r"weight_zero_point|input_scale|weight_format)$|_blocks$|_scales$"
)

#: Names of adapters that are not merged into their matrices.
ADAPTER = re.compile(r"\.(lora_\w+|base_layer|modules_to_save)\.")

#: Weights that a message names.
NAMED = 3


class Plain(NamedTuple):
    """How files write the names of a network that is computed here.

    Attributes:
        prefix: what may stand before a name.
        buffers: names that may stand in a file as well, since their values follow from config.json.
        embedding: the table of pieces.
    """

    prefix: str
    buffers: re.Pattern[str]
    embedding: str


class Stored(NamedTuple):
    """A tensor of a file, as its header describes it."""

    shape: tuple[int, ...]
    kind: str


def stored_weights(path: Path) -> dict[str, Stored]:
    """Return the tensors of a file *.safetensors, by name; only its header is read.

    Raises:
        ModelFileError: it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            return {name: Stored(tuple(one.get_shape()), one.get_dtype()) for name, one in slices.items()}
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelFileError(f"{path} is damaged ({_line(error)}); fetch the model again") from None


def wrapper_of(names: Collection[str]) -> str:
    """Return what wrappers have written before every name; empty: nothing.

    Example:
        >>> wrapper_of(["module.wte.weight", "module.wpe.weight"]), wrapper_of(["module.wte.weight", "wpe.weight"])
        ('module.', '')
    """
    prefix = ""
    while names and (more := next((w for w in WRAPPERS if all(n.startswith(prefix + w) for n in names)), "")):
        prefix += more
    return prefix


def plain_names(
    path: Path, layers: int, shapes: Callable[[], Mapping[str, tuple[int, ...]]], form: Plain
) -> dict[str, str]:
    """Return the name in its network of every weight of a file, once all are there, and nothing else.

    Args:
        path: the file, *.safetensors.
        layers: number of layers by config.json.
        shapes: the shape of every weight of the network.
        form: how files write the network's names.

    Raises:
        ModelFileError: a weight is missing, superfluous, of another shape, or quantised; the message names it.
    """
    return names_in_network(path, stored_weights(path), layers, shapes, form)


def names_in_network(
    path: Path,
    stored: Mapping[str, Stored],
    layers: int,
    shapes: Callable[[], Mapping[str, tuple[int, ...]]],
    form: Plain,
) -> dict[str, str]:
    """Return the name in its network of every weight of a file, whose header was read; see `plain_names`.

    Raises:
        ModelFileError: as `plain_names`.
    """
    prefix = wrapper_of(stored)
    names = {name: name.removeprefix(prefix).removeprefix(form.prefix) for name in stored}
    plain = {names[name]: tensor for name, tensor in stored.items()}
    check_layers(path, plain, layers)
    check_weights(path, plain, shapes(), form.buffers)
    return names


def check_head(path: Path, same: bool) -> None:
    """Refuse an output layer of its own where config.json says that it is the embedding.

    Raises:
        ModelFileError: in this case.
    """
    if not same:
        raise ModelFileError(
            f"{path}: lm_head.weight is not the embedding, as tie_word_embeddings of config.json says; set it to false there"
        )


def check_layers(path: Path, stored: Mapping[str, Stored], layers: int) -> None:
    """Refuse a network of more layers than a file can hold, before its weights are listed.

    Raises:
        ModelFileError: in this case.
    """
    if layers > len(stored):
        raise ModelFileError(
            f"{path} holds {len(stored):,} weights, too few for the {layers:,} layers of config.json; fetch the model again"
        )


def refuse_bytes(path: Path, stored: Mapping[str, Stored]) -> None:
    """Refuse matrices of small whole numbers, which nothing in config.json explains.

    Raises:
        ModelFileError: there is one; the message names it.
    """
    for name, (shape, kind) in stored.items():
        if name.endswith("weight") and len(shape) > 1 and kind not in FLOATS:
            raise _quantised(path, f"{name} has numbers of type {kind}")


def check_weights(
    path: Path, stored: Mapping[str, Stored], expected: Mapping[str, tuple[int, ...]], buffers: re.Pattern[str]
) -> None:
    """Compare a file's weights with those of a network.

    Args:
        path: the file, for messages.
        stored: what it holds.
        expected: the shape of every weight of the network.
        buffers: names that may stand in the file as well, since their values follow from config.json.

    Raises:
        ModelFileError: one is missing, superfluous, of another shape, or quantised; the message names it.
    """
    missing = [name for name in expected if name not in stored]
    superfluous = [name for name in stored if name not in expected and not buffers.fullmatch(name)]
    if missing or superfluous:
        raise refusal(path, missing, superfluous)
    for name, shape in expected.items():
        if stored[name].shape != shape:
            raise ModelFileError(
                f"{path}: {name} has the shape {stored[name].shape}, and config.json says {shape}; fetch the model again"
            )
        if stored[name].kind not in FLOATS:
            raise _quantised(path, f"{name} has numbers of type {stored[name].kind}")


def refusal(path: Path, missing: Iterable[str], superfluous: Iterable[str]) -> ModelFileError:
    """Return the error that names missing and superfluous weights, and what they are a sign of."""
    missing, superfluous = sorted(missing), sorted(superfluous)
    odd = next(filter(QUANTISED.search, superfluous), None)
    if odd is not None:
        return _quantised(path, odd)
    odd = next(filter(ADAPTER.search, superfluous), None)
    if odd is not None:
        return ModelFileError(f"{path} holds an adapter and its model ({odd}); merge the two, and save the result")
    wrapped = re.match(WRAPPED, superfluous[0]) if superfluous else None
    if wrapped is not None:
        return ModelFileError(
            f"{path}: {wrapped[0]!r} stands before some names ({superfluous[0]}) and not before others; save the model unwrapped"
        )
    lacks = [f"lacks {_listed(missing)}"] if missing else []
    has = [f"holds {_listed(superfluous)}, which the network of config.json does not have"] if superfluous else []
    return ModelFileError(f"{path} {', and '.join(lacks + has)}; fetch the model again")


def method_of(config: Mapping[str, Any]) -> str:
    """Return how the weights of a checkpoint were quantised, as its config.json has it; empty: they were not.

    Example:
        >>> method_of({"quantization_config": {"quant_method": "gptq", "bits": 4}}), method_of({"vocab_size": 8})
        ('gptq', '')
    """
    quantised = config.get("quantization_config")
    return str(quantised.get("quant_method") or "some method") if quantised else ""


def _quantised(path: Path, sign: str) -> ModelFileError:
    return ModelFileError(f"{path} is quantised ({sign}), and is not read so; name the model that it was made of")


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
