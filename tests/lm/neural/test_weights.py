"""Weights that are missing, superfluous or misnamed are refused by name, in folders of every kind: no matrix is ever drawn at random."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file, save_file  # noqa: E402
from transformers import BertConfig, BertForPreTraining  # noqa: E402

from searchgen.errors import ModelFileError, RequestError  # noqa: E402
from searchgen.lm.neural import opening  # noqa: E402
from searchgen.lm.neural.architectures import llama  # noqa: E402
from searchgen.lm.neural.describe import describe  # noqa: E402
from searchgen.lm.neural.transformer import open_any_transformer  # noqa: E402
from searchgen.lm.training.warm_start import read_warm_start  # noqa: E402
from tests.cli.runner import QUICK, searchgen  # noqa: E402
from tests.lm.neural.tiny_transformer import by_bytes, masked_by_words  # noqa: E402
from tests.lm.onnx.test_onnx import written  # noqa: E402

Weights = dict[str, Any]

#: A matrix of the second layer of each kind of folder, and a weight outside its layers.
MATRIX = {
    "gpt2": "transformer.h.1.mlp.c_fc.weight",
    "llama plain": "model.layers.1.mlp.up_proj.weight",
    "qwen2": "model.layers.1.mlp.up_proj.weight",
    "bert": "bert.encoder.layer.1.output.dense.weight",
    "ours": "model.layers.1.mlp.up_proj.weight",
}
EMBEDDING = {
    "gpt2": "transformer.wte.weight",
    "llama plain": "model.embed_tokens.weight",
    "qwen2": "model.embed_tokens.weight",
    "bert": "bert.embeddings.word_embeddings.weight",
    "ours": "model.embed_tokens.weight",
}

TEXTS = ["a b", "b c a"]


def folder_of(kind: str, folder: Path) -> Path:
    """Write a folder; `ours` is one of `lm train`."""
    match kind:
        case "bert":
            return masked_by_words(folder)
        case "ours":
            folder.mkdir()
            return written(folder, False)
        case _:
            return by_bytes(folder, kind=kind)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: folder_of(kind, tmp_path_factory.mktemp("weights") / kind.replace(" ", "-")) for kind in MATRIX}


#: Those that onnxruntime computes as well; the way of torch must be no other.
BY_BOTH = ("llama plain", "qwen2", "ours")


@pytest.fixture(params=[*MATRIX, *(f"{kind} by torch" for kind in BY_BOTH)])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    kind, torchs, _ = str(request.param).partition(" by torch")
    if torchs:
        monkeypatch.setattr(opening, "is_served", lambda *_: False)
    return kind


@pytest.fixture
def folder(folders: dict[str, Path], kind: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folders[kind], tmp_path / "model"))


def change(folder: Path, changed: Callable[[Weights], Weights]) -> None:
    path = folder / "model.safetensors"
    weights = {name: weight.clone() for name, weight in changed(load_file(path)).items()}
    save_file(weights, path, metadata={"format": "pt"})


def without(name: str) -> Callable[[Weights], Weights]:
    return lambda weights: {key: weight for key, weight in weights.items() if key != name}


def with_more(more: Weights) -> Callable[[Weights], Weights]:
    return lambda weights: {**weights, **more}


def configure(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, **changes}), encoding="utf-8")


def refused(folder: Path, *signs: str) -> None:
    """Require a folder to be refused in one line that has these signs."""
    with pytest.raises(ModelFileError) as error:
        open_any_transformer(str(folder))
    told = str(error.value)
    assert "\n" not in told
    assert all(sign in told for sign in signs), told


def test_commands_say_so(tmp_path: Path) -> None:
    """As in the report: a score that another run would not give again."""
    folder = by_bytes(tmp_path, kind="qwen2")
    name = MATRIX["qwen2"]
    change(folder, without(name))
    for command in (["score"], ["constrain", "--keywords", "dog", *QUICK], ["sample", "--keywords", "dog", "-n", "2"]):
        ran = searchgen(*command, "--lm", str(folder), stdin=b"A dog.\n")
        assert (ran.code, ran.out) == (2, "")
        assert ran.err == f"searchgen: {folder}/model.safetensors lacks {name}; fetch the model again\n"
    told = searchgen("lm", "info", str(folder), "--json").rows[0]
    assert name in told["not_kept_because"]


def test_a_missing_weight_is_named(folder: Path, kind: str) -> None:
    for name in (MATRIX[kind], EMBEDDING[kind]):
        weights = load_file(folder / "model.safetensors")
        change(folder, without(name))
        refused(folder, "lacks", name.removeprefix("transformer."))
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    open_any_transformer(str(folder))


def test_a_misnamed_weight_is_named(folder: Path, kind: str) -> None:
    name = MATRIX[kind]
    change(folder, lambda weights: {key.replace(name, f"{name}s"): value for key, value in weights.items()})
    refused(folder, "lacks", f"{name.removeprefix('transformer.')}s", "which the network of config.json does not have")


def test_a_superfluous_layer_is_named(folder: Path, kind: str) -> None:
    third = MATRIX[kind].replace(".1.", ".7.")
    change(folder, lambda weights: {**weights, third: weights[MATRIX[kind]]})
    refused(folder, "holds", third.removeprefix("transformer."))


@pytest.mark.parametrize(("more", "sign"), [(-1, "holds"), (1, "lacks")])
def test_the_layers_of_config_json_are_those_of_the_file(folder: Path, kind: str, more: int, sign: str) -> None:
    layers = (3 if kind == "ours" else 2) + more
    kinds = {"layer_types": ["full_attention"] * layers} if kind == "qwen2" else {}
    configure(folder, **{"n_layer" if kind == "gpt2" else "num_hidden_layers": layers}, **kinds)
    refused(folder, sign)


@pytest.mark.parametrize("prefix", ["module.", "base_model.model.", "module._orig_mod."])
def test_what_a_wrapper_writes_before_every_name_is_taken_off(folder: Path, kind: str, prefix: str) -> None:
    expected = open_any_transformer(str(folder)).log_probs(TEXTS)
    change(folder, lambda weights: {prefix + name: weight for name, weight in weights.items()})
    assert np.array_equal(open_any_transformer(str(folder)).log_probs(TEXTS), expected)


def test_a_prefix_before_some_names_is_named(folder: Path, kind: str) -> None:
    change(folder, lambda weights: {f"module.{n}" if n == MATRIX[kind] else n: weight for n, weight in weights.items()})
    refused(folder, "'module.' stands before some names", MATRIX[kind].removeprefix("transformer."))


@pytest.mark.parametrize("sign", ["absmax", "qzeros"])
def test_quantised_weights_are_named(folder: Path, kind: str, sign: str) -> None:
    name = MATRIX[kind].removesuffix("weight") + sign
    change(folder, lambda weights: {**weights, name: torch.ones(4)})
    refused(folder, "is quantised", name.removeprefix("transformer."))


def test_small_whole_numbers_are_no_weights(folder: Path, kind: str) -> None:
    change(folder, lambda weights: {**weights, MATRIX[kind]: weights[MATRIX[kind]].to(torch.int8)})
    refused(folder, "is quantised", "numbers of type I8")


@pytest.mark.parametrize("method", ["gptq", "bitsandbytes", "a-new-one"])
def test_a_method_of_quantisation_is_named(folder: Path, kind: str, method: str) -> None:
    configure(folder, quantization_config={"quant_method": method, "bits": 4, "load_in_4bit": True, "group_size": 128})
    change(folder, lambda weights: {name.replace("weight", "qweight"): weight for name, weight in weights.items()})
    refused(folder, "is quantised", "name the model that it was made of")


def test_an_adapter_is_named(folder: Path, kind: str) -> None:
    name = MATRIX[kind].removesuffix("weight")
    lora = {f"{name}lora_A.default.weight": torch.ones(2, 4)}
    change(folder, lambda weights: {f"base_model.model.{key}": value for key, value in {**weights, **lora}.items()})
    refused(folder, "adapter", "merge the two")


def test_a_matrix_of_another_shape(folder: Path, kind: str) -> None:
    change(folder, lambda weights: {**weights, MATRIX[kind]: weights[MATRIX[kind]][:3]})
    refused(folder, MATRIX[kind].removeprefix("transformer."), "has the shape (3, ", "and config.json says")


def test_an_output_layer_that_is_not_there(tmp_path: Path) -> None:
    folder = by_bytes(tmp_path, kind="qwen2")
    configure(folder, tie_word_embeddings=False)
    change(folder, lambda weights: {name: weight for name, weight in weights.items() if name != "lm_head.weight"})
    refused(folder, "lacks lm_head.weight")


@pytest.mark.parametrize("kind", ["gpt2", "ours"])
def test_an_output_layer_that_is_not_the_embedding(folder: Path, kind: str) -> None:
    if kind == "ours":
        configure(folder, tie_word_embeddings=True)
    else:
        change(folder, lambda weights: {**weights, "lm_head.weight": weights[EMBEDDING[kind]]})
        open_any_transformer(str(folder))  # a copy of it is none of its own
        change(folder, lambda weights: {**weights, "lm_head.weight": weights["lm_head.weight"] + 1})
    refused(folder, "lm_head.weight is not the embedding")


def test_masks_and_wave_lengths_of_older_versions_may_be_there(folders: dict[str, Path], tmp_path: Path) -> None:
    for kind, names in {
        "gpt2": {
            "transformer.h.1.attn.bias": torch.ones(1, 1, 4, 4),
            "transformer.h.0.attn.masked_bias": torch.ones(()),
        },
        "llama plain": {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)},
    }.items():
        folder = Path(shutil.copytree(folders[kind], tmp_path / kind))
        expected = open_any_transformer(str(folder)).log_probs(TEXTS)
        change(folder, with_more(names))
        assert np.array_equal(open_any_transformer(str(folder)).log_probs(TEXTS), expected)


def test_heads_that_a_masked_model_was_trained_with_may_be_there(folders: dict[str, Path], tmp_path: Path) -> None:
    """As published: a pooler, and a head for the next sentence."""
    folder = Path(shutil.copytree(folders["bert"], tmp_path / "bert"))
    config = BertConfig.from_pretrained(folder)
    BertForPreTraining(config).save_pretrained(folder)
    configure(folder, architectures=["BertForMaskedLM"])
    assert "cls.seq_relationship.weight" in load_file(folder / "model.safetensors")
    assert np.isfinite(open_any_transformer(str(folder)).log_probs(TEXTS)).all()


def test_pickled_weights_are_compared_too(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders["qwen2"], tmp_path / "qwen2"))
    weights = load_file(folder / "model.safetensors")
    expected = open_any_transformer(str(folder)).log_probs(TEXTS)
    (folder / "model.safetensors").unlink()
    torch.save({f"module.{name}": weight for name, weight in weights.items()}, folder / "pytorch_model.bin")
    np.testing.assert_allclose(open_any_transformer(str(folder)).log_probs(TEXTS), expected, atol=1e-3, rtol=0)
    torch.save({name: weight for name, weight in weights.items() if "norm" not in name}, folder / "pytorch_model.bin")
    refused(folder, "lacks model.layers.0.input_layernorm.weight", "more")


SIZES = {"gpt2": ("n_embd", "n_layer"), "qwen2": ("hidden_size", "num_hidden_layers")}


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("size", [1 << 20, (1 << 31) - 1, 1 << 40, 10**400])
def test_sizes_are_bounded_by_the_file(folder: Path, kind: str, size: int) -> None:
    """Before memory is taken: 2 ** 31 layers, or pieces, would never be there."""
    for name in (*SIZES[kind], "vocab_size"):
        saved = (folder / "config.json").read_bytes()
        configure(folder, **{name: size})
        refused(folder)
        assert describe(str(folder))["model"] if size < 1 << 31 else True
        (folder / "config.json").write_bytes(saved)
    open_any_transformer(str(folder))


def test_a_context_of_millions_takes_no_memory(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(folders["llama plain"], tmp_path / "long"))
    expected = open_any_transformer(str(folder)).log_probs(TEXTS)
    long, first = ["a" * 150], np.zeros(1, np.int64)
    whole = open_any_transformer(str(folder)).log_probs(long)
    configure(folder, max_position_embeddings=(1 << 31) - 1)
    assert np.array_equal(open_any_transformer(str(folder)).log_probs(TEXTS), expected)
    monkeypatch.setattr(opening, "is_served", lambda *_: False)
    monkeypatch.setattr(llama, "PLACES", 16)  # whose angles are kept; others are computed when a text reaches them
    model = open_any_transformer(str(folder))
    assert model.log_probs(TEXTS) == pytest.approx(expected, abs=1e-3)
    assert model.log_probs(long) == pytest.approx(whole, abs=1e-3)
    grown = model.growing()
    grown.log_probs(["a" * 140], first)
    assert grown.log_probs(long, first) == pytest.approx(model.growing().log_probs(long, first), rel=1e-5)


@pytest.mark.parametrize(
    ("content", "sign"),
    [
        (b"[1]", "no JSON object"),
        (b'{"vocab_size": ' + b"9" * 5000 + b"}", "cannot be read"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"hidden_size": 1' + b"0" * 30 + b"}", "more than 64 bits"),
        (b'{"architectures": "GPT2LMHeadModel"}', 'architectures is "GPT2LMHeadModel", not a list of names'),
        (b'{"rope_theta": -1}', "rope_theta is -1, not a number above 0"),
        (b'{"tie_word_embeddings": "false"}', "not true or false"),
        (b'{"bos_token_id": "x"}', "not the number of a piece"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_malformed_settings(folders: dict[str, Path], tmp_path: Path, content: bytes, sign: str) -> None:
    folder = Path(shutil.copytree(folders["gpt2"], tmp_path / "gpt2"))
    (folder / "config.json").write_bytes(content)
    refused(folder, "config.json", sign)


@pytest.mark.skipif(os.name != "posix", reason="devices are files there")
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "special_tokens_map.json", "merges.txt"])
def test_endless_and_huge_files(folders: dict[str, Path], tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(folders["gpt2"], tmp_path / "gpt2"))
    path = folder / name
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")
    refused(folder, f"{path} is not a regular file")
    path.unlink()
    path.touch()
    os.truncate(path, 1 << 40)  # which takes no place
    refused(folder, f"{path} has 1,099,511,627,776 bytes")


@pytest.mark.parametrize("header", [b"[" * 100_000, b"[1]", b'{"a": 1}', b'{"a": {"shape": ["x"]}}', b'{"a": {}}'])
@pytest.mark.parametrize("size", [None, 1 << 50, (1 << 64) - 1])
def test_headers_that_are_none(folders: dict[str, Path], tmp_path: Path, header: bytes, size: int | None) -> None:
    folder = Path(shutil.copytree(folders["gpt2"], tmp_path / "gpt2"))
    length = (len(header) if size is None else size).to_bytes(8, "little")
    (folder / "model.safetensors").write_bytes(length + header)
    refused(folder, "is damaged")
    with pytest.raises(ModelFileError, match="is damaged"):
        describe(str(folder))


def test_what_a_training_begins_with_is_compared_too(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders["ours"], tmp_path / "ours"))
    assert "lm_head.weight" in read_warm_start(str(folder)).weights
    change(folder, lambda weights: {**weights, "model.layers.3.mlp.up_proj.weight": torch.ones(2)})
    with pytest.raises(RequestError, match=r"holds model\.layers\.3\.mlp\.up_proj\.weight"):
        read_warm_start(str(folder))
