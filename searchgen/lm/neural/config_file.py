"""The files in JSON of a model's folder, read as what they are: written by anybody, of any size, with anything in them."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from searchgen.errors import ModelFileError

__all__ = ["CAUSAL", "CONTEXT", "check_files", "read_config", "read_json"]

#: Bytes of the largest file that is read: tokenizers of a million pieces have fewer.
LARGEST = 1 << 28

#: Architectures with a head that predicts the next piece.
CAUSAL = ("ForCausalLM", "LMHeadModel")

#: What config.json calls the most positions: of LLaMA, and of GPT-2.
CONTEXT = ("max_position_embeddings", "n_positions", "n_ctx")

#: The sizes of a network, as one architecture or another calls them; each may be missing.
SIZES = (
    *("vocab_size", "hidden_size", "n_embd", "d_model", "dim", "intermediate_size", "n_inner", "head_dim"),
    *("num_hidden_layers", "n_layer", "n_layers", "num_attention_heads", "n_head", "n_heads", "num_key_value_heads"),
    *("max_position_embeddings", "n_positions", "n_ctx"),
)

#: Numbers above 0 that are no sizes.
RATES = ("rms_norm_eps", "layer_norm_epsilon", "layer_norm_eps", "rope_theta")

#: Settings that hold or do not.
SWITCHES = (
    *("tie_word_embeddings", "scale_attn_weights", "scale_attn_by_inverse_layer_idx", "add_cross_attention"),
    *("attention_bias", "mlp_bias"),
)

#: Settings with a name as their value.
NAMES = ("model_type", "activation_function", "hidden_act", "dtype", "torch_dtype")

#: Settings with settings of their own.
PARTS = ("rope_parameters", "rope_scaling", "text_config", "quantization_config")

#: Special pieces by their ids.
PIECES = ("bos_token_id", "eos_token_id")

#: No size is larger, and no other whole number needs more than 64 bits.
LARGEST_SIZE, LARGEST_NUMBER = 1 << 31, 1 << 63

#: Characters of a wrong value that a message repeats.
SHOWN = 40


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file, empty if there is no file.

    Raises:
        ModelFileError: it is damaged, or larger than any file of its kind.
    """
    try:
        _check_file(path)
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except RecursionError:
        raise ModelFileError(f"{path} is nested too deeply; fetch the model again") from None
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{path} cannot be read: {error}; fetch the model again") from None
    if not isinstance(content, dict):
        raise ModelFileError(f"{path} holds no JSON object; fetch the model again")
    return content


def check_files(folder: Path) -> None:
    """Refuse what libraries would read to its end: devices, and files larger than any of their kind.

    Raises:
        ModelFileError: there is one; the message names it.
    """
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".txt", ".model"):
            _check_file(path)


def _check_file(path: Path) -> None:
    if path.exists() and not path.is_file():
        raise ModelFileError(f"{path} is not a regular file; fetch the model again")
    if path.is_file() and path.stat().st_size > LARGEST:
        raise ModelFileError(
            f"{path} has {path.stat().st_size:,} bytes, too many for a file of its kind; fetch the model again"
        )


def read_config(folder: Path) -> dict[str, Any]:
    """Return the contents of config.json, empty if there is none; what is read of it has the type that it must have.

    Raises:
        ModelFileError: the file is damaged, or a value is impossible; the message names the value.
    """
    path = folder / "config.json"
    config = read_json(path)
    for number in _whole_numbers(config):
        if abs(number) >= LARGEST_NUMBER:
            raise ModelFileError(f"{path} holds a number of more than 64 bits; fetch the model again")
    _check(path, config)
    return config


def _check(path: Path, config: Mapping[str, Any]) -> None:
    """Check the values that have a type; parts are checked likewise."""
    wanted = (
        (SIZES, _is_size, f"a whole number from 1 to {LARGEST_SIZE - 1:,}"),
        (RATES, _is_rate, "a number above 0"),
        (SWITCHES, lambda value: isinstance(value, bool), "true or false"),
        (NAMES, lambda value: isinstance(value, str), "a name"),
        (PARTS, lambda value: isinstance(value, dict), "an object"),
        (PIECES, _is_piece, "the number of a piece"),
        (("architectures",), _is_names, "a list of names"),
    )
    for names, holds, kind in wanted:
        for name in names:
            value = config.get(name)
            if value is not None and not holds(value):
                raise ModelFileError(f"{path}: {name} is {_shown(value)}, not {kind}; fetch the model again")
    for name in PARTS:
        if isinstance(config.get(name), dict):
            _check(path, config[name])


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < LARGEST_SIZE


def _is_rate(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0 and math.isfinite(value)


def _is_piece(value: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return all(isinstance(piece, int) and not isinstance(piece, bool) and piece >= -1 for piece in values)


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _whole_numbers(value: object) -> Iterator[int]:
    """Yield every whole number in a JSON value."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, int):
            yield value


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
