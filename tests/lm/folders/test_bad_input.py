"""Folders that are damaged, and texts that cannot be read: one clear line, and nothing half-written."""

import json
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from searchgen.errors import ModelFileError, RequestError, SearchgenError
from searchgen.lm.conversion.cached import conversions
from searchgen.lm.conversion.folder_model import FolderModel
from searchgen.lm.folders.weights_file import WeightsFile
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.transformer import open_transformer
from tests.lm.folders.tiny_folder import change, configure, written
from tests.lm.gguf.tiny_gguf import torch

Usage = namedtuple("Usage", ("total", "used", "free"))

NAME = "model.layers.1.mlp.up_proj.weight"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "kept").mkdir()
    for module in ("conversion.bits", "conversion.cached", "decoder.content_hash"):
        monkeypatch.setattr(f"searchgen.lm.{module}.cache_folder", lambda: tmp_path / "kept")
    return written(tmp_path / "model", "llama tied")[0]


def refused(folder: Path, *signs: str, error: type[SearchgenError] = ModelFileError) -> None:
    with pytest.raises(error) as caught:
        open_transformer(str(folder))
    told = str(caught.value)
    assert "\n" not in told
    assert str(folder) in told or error is SearchgenError
    assert all(sign in told for sign in signs), told
    assert conversions() == []


def header_of(content: bytes) -> tuple[dict[str, object], int]:
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), end


def with_entry(content: bytes, name: str, **changes: object) -> bytes:
    header, end = header_of(content)
    header[name] = {**header[name], **changes}  # type: ignore[dict-item]
    written = json.dumps(header).encode()
    return len(written).to_bytes(8, "little") + written + content[end:]


@pytest.mark.parametrize(
    ("damage", "sign"),
    [
        (lambda content: b"", "cannot mmap an empty file"),
        (lambda content: content[:5], "declares a header"),
        (lambda content: b"\xff" * 8 + content[8:], "declares a header of 18,446,744,073,709,551,615 bytes"),
        (lambda content: content[:-1], "its tensors end at byte"),
        (lambda content: content + b"x", "its tensors end at byte"),
        (lambda content: content[:8] + b"x" + content[9:], "Expecting value"),
        (lambda content: (2).to_bytes(8, "little") + b"[]", "its header is no object"),
        (lambda content: (10).to_bytes(8, "little") + b'{"a": "b"}', "the entry of 'a' is no object"),
        (lambda content: with_entry(content, NAME, dtype="F3"), f"'{NAME}' has numbers of the unknown type 'F3'"),
        (lambda content: with_entry(content, NAME, dtype=["F32"]), "unknown type"),
        (lambda content: with_entry(content, NAME, shape=[2, -1]), f"shape or place of '{NAME}' is missing"),
        (lambda content: with_entry(content, NAME, shape=None), "is missing"),
        (lambda content: with_entry(content, NAME, shape=[True, 1]), "is missing"),
        (lambda content: with_entry(content, NAME, data_offsets=[0]), "is missing"),
        (lambda content: with_entry(content, NAME, data_offsets=[8, 4]), "bytes for the shape"),
        (lambda content: with_entry(content, NAME, shape=[1 << 40, 1 << 40]), "bytes for the shape"),
    ],
)  # fmt: skip
def test_a_damaged_file(damage: Callable[[bytes], bytes], sign: str, folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    refused(folder, "model.safetensors is damaged (", sign, "fetch the model again")


def test_a_header_that_is_nested_too_deeply(folder: Path) -> None:
    nested = b'{"a":' * 100_000
    (folder / "model.safetensors").write_bytes(len(nested).to_bytes(8, "little") + nested)
    refused(folder, "is damaged (")


def test_a_missing_tensor_is_named(folder: Path) -> None:
    change(folder, lambda weights: {name: weight for name, weight in weights.items() if name != NAME})
    refused(folder, f"lacks {NAME}; fetch the model again")


def test_a_wrong_shape_is_named(folder: Path) -> None:
    change(folder, lambda weights: {**weights, NAME: weights[NAME].T.contiguous()})
    refused(folder, f"{NAME} has the shape (24, 40), and config.json says (40, 24)")


def test_a_tensor_that_the_network_does_not_have_is_named(folder: Path) -> None:
    change(folder, lambda weights: {**weights, f"{NAME[:-6]}bias": torch.zeros(40)})
    refused(folder, f"holds {NAME[:-6]}bias, which the network of config.json does not have")


def test_a_missing_output_layer_is_named(folder: Path) -> None:
    configure(folder, tie_word_embeddings=False)
    refused(folder, "lacks lm_head.weight")


@pytest.mark.parametrize("kind", [torch.float32, torch.int8])
def test_an_output_layer_that_is_not_the_embedding(kind: object, folder: Path) -> None:
    change(folder, lambda weights: {**weights, "lm_head.weight": (weights["model.embed_tokens.weight"] * 2).to(kind)})
    refused(folder, "lm_head.weight is not the embedding, as tie_word_embeddings of config.json says")


def test_small_whole_numbers_are_no_weights(folder: Path) -> None:
    change(folder, lambda weights: {**weights, NAME: weights[NAME].to(torch.int8)})
    refused(folder, "is quantised", NAME)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_weight_that_is_no_number_is_named(number: float, folder: Path) -> None:
    change(folder, lambda weights: {**weights, NAME: weights[NAME].index_fill(0, torch.tensor([3]), number)})
    refused(folder, f"{NAME} holds what is no number; fetch the model again")


def test_more_layers_than_the_file_holds(folder: Path) -> None:
    configure(folder, num_hidden_layers=50_000)
    refused(folder, "too few for the 50,000 layers of config.json")


def test_the_way_out_of_a_damaged_file_is_to_mend_it(folder: Path) -> None:
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    refused(folder)
    path.write_bytes(whole)
    assert isinstance(open_transformer(str(folder)), FolderModel)


@pytest.mark.parametrize("content", [b"{", b"", b"[]", b'{"model": {"type": "BPE"}}', b"\xff"])
def test_a_damaged_tokenizer(content: bytes, folder: Path) -> None:
    (folder / "tokenizer.json").write_bytes(content)
    refused(folder, "tokenizer.json is damaged")


def test_a_tokenizer_with_more_pieces_than_the_network(folder: Path) -> None:
    """A text that needs them has probability zero, as under torch."""
    table = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    table["model"]["vocab"]["b"] = 5000
    (folder / "tokenizer.json").write_text(json.dumps(table), encoding="utf-8")
    scores = open_transformer(str(folder)).log_probs(["b", "a"])
    assert np.isneginf(scores).tolist() == [True, False]


def test_an_end_that_the_network_does_not_have(folder: Path) -> None:
    table = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    table["model"]["vocab"]["<|endoftext|>"] = 5000
    (folder / "tokenizer.json").write_text(json.dumps(table), encoding="utf-8")
    refused(folder, "begin, prompt or end of a text is piece 5000, and the network has 257", error=RequestError)


def test_a_text_that_is_too_long(folder: Path) -> None:
    model = open_transformer(str(folder))
    assert model.fits(["a" * 126, "a" * 127]) == [True, False]
    with pytest.raises(RequestError, match="is longer than the 128 that"):
        model.log_probs(["a" * 127])
    assert np.isfinite(model.log_probs(["a" * 126]))


def test_no_space(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("searchgen.lm.conversion.converting.shutil.disk_usage", lambda _: Usage(10, 9, 1))
    refused(folder, "MB are needed and 0 are free; make space", error=SearchgenError)


def test_a_prompt_that_the_tokenizer_cannot_spell(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text("{}", encoding="utf-8")
    configure(folder, bos_token_id=None, eos_token_id=None)
    with pytest.raises(RequestError, match="no token to begin a text with"):
        open_transformer(str(folder), NeuralSettings())
    assert conversions() == []


def test_floats_that_overflow_are_no_numbers(folder: Path) -> None:
    change(folder, lambda weights: {**weights, NAME: weights[NAME].double() * 1e300})
    refused(folder, f"{NAME} holds what is no number")


def test_a_file_is_read_as_it_is(folder: Path) -> None:
    file = WeightsFile.open(folder / "model.safetensors")
    values = file.floats(NAME)
    assert (values.shape, values.dtype.name, values.flags.writeable) == ((40, 24), "float32", False)
