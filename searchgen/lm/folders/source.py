"""The network of a folder in Hugging Face format, by the names that tensors have in GGUF files."""

from pathlib import Path

import numpy as np

from searchgen.errors import RequestError
from searchgen.lm.decoder.content_hash import TOKENIZER, WEIGHTS
from searchgen.lm.decoder.shape import Shape
from searchgen.lm.decoder.source import Rest, Source
from searchgen.lm.folders.shape import shape_of
from searchgen.lm.folders.weights_file import WeightsFile
from searchgen.lm.neural.architectures.llama_shape import FORM
from searchgen.lm.neural.architectures.weight_files import check_head, method_of, names_in_network
from searchgen.lm.neural.config_file import read_config

__all__ = ["folder_shape", "folder_source"]

#: The tensors of a block, by their names in GGUF files; and those around the blocks.
BLOCK = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
ENDS = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}

#: The output layer, where it is no embedding.
HEAD = "lm_head.weight"

#: A folder with one has another network than its weights alone.
ADAPTER = "adapter_config.json"


def folder_shape(folder: Path) -> Shape | None:
    """Return the sizes of a folder's network; None: it is not one that is computed here.

    Raises:
        ModelFileError: its config.json is damaged.
    """
    config = read_config(folder)
    whole = (folder / WEIGHTS).is_file() and (folder / TOKENIZER).is_file() and not (folder / ADAPTER).exists()
    return shape_of(config) if whole and not method_of(config) else None


def folder_source(folder: Path) -> Source:
    """Return what a folder holds; its tokenizer stays where it is.

    Raises:
        ModelFileError: a weight is missing, superfluous or of another shape, or the file is damaged.
        RequestError: its network is not one that is computed here.
    """
    shape = folder_shape(folder)
    if shape is None:
        raise RequestError(f"{folder} cannot be read: it holds no network that can be converted; name another model")
    config, file = read_config(folder), WeightsFile.open(folder / WEIGHTS)
    names = names_in_network(file.path, file.stored, shape.layers, lambda: _expected(shape), FORM)
    stored_as = {name: stored for stored, name in names.items()}
    if shape.tied and HEAD in stored_as:
        check_head(file.path, _are_same(file, stored_as[HEAD], stored_as[FORM.embedding]))
    places = {ours: stored_as[theirs] for theirs, ours in _names(shape).items()}
    facts = {"name": folder.resolve().name[:200], "licence": "", "architecture": str(config["model_type"])}
    return Source(folder, shape, lambda name, size: file.floats(places[name]).reshape(size), lambda: Rest({}, facts))


def _are_same(file: WeightsFile, one: str, other: str) -> bool:
    return file.stored[one] == file.stored[other] and np.array_equal(file.floats(one), file.floats(other))


def _names(shape: Shape) -> dict[str, str]:
    """Return the name in GGUF files of every tensor, by its name in the folder."""
    inside = [name.partition(".") for name in sorted(shape.family.tensors) if name.partition(".")[0] in BLOCK]
    names = {
        f"model.layers.{i}.{BLOCK[one]}.{kind}": f"blk.{i}.{one}.{kind}"
        for i in range(shape.layers)
        for one, _, kind in inside
    }
    ends = {f"{theirs}.weight": f"{ours}.weight" for ours, theirs in ENDS.items() if ours != "output" or not shape.tied}
    return names | ends


def _expected(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor, by its name in the folder."""
    wide, narrow = shape.heads * shape.size, shape.shared * shape.size
    matrices = {
        "attn_q": (wide, shape.width),
        "attn_k": (narrow, shape.width),
        "attn_v": (narrow, shape.width),
        "attn_output": (shape.width, wide),
        "attn_q_norm": (shape.size,),
        "attn_k_norm": (shape.size,),
        "ffn_gate": (shape.inner, shape.width),
        "ffn_up": (shape.inner, shape.width),
        "ffn_down": (shape.width, shape.inner),
        "token_embd": (shape.vocabulary, shape.width),
        "output": (shape.vocabulary, shape.width),
    }
    expected = {}
    for theirs, ours in _names(shape).items():
        *_, one, kind = ours.split(".")
        whole = matrices.get(one, (shape.width,))
        expected[theirs] = whole[:1] if kind == "bias" else whole
    return expected
