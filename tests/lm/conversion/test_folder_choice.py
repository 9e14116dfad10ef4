"""Which folders are computed without torch, and in how many bits."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.conversion import converting, folder_model
from searchgen.lm.conversion.bits import choose_bits, chosen_bits
from searchgen.lm.conversion.converting import convert
from searchgen.lm.conversion.folder_model import FolderModel, is_served
from searchgen.lm.decoder.content_hash import hash_of
from searchgen.lm.folders.source import folder_shape
from searchgen.lm.neural import gpu
from searchgen.lm.neural.causal import CausalModel
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.transformer import open_transformer
from tests.lm.folders.tiny_folder import SERVED, configure, written
from tests.lm.gguf.tiny_gguf import KINDS, LLAMA3
from tests.lm.neural.tiny_transformer import by_bytes
from tests.places import ROOT

TEXTS = ["The dog ran.", "A cat."]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "model")[0]


@pytest.mark.parametrize("kind", ["gpt2", "gpt_neox", "opt"])
def test_other_architectures_stay_with_torch(kind: str, tmp_path: Path) -> None:
    assert not is_served(by_bytes(tmp_path, kind=kind), NeuralSettings())


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - set(SERVED)))
def test_windows_and_other_norms_stay_with_torch(kind: str, tmp_path: Path) -> None:
    folder, _ = written(tmp_path / "model", kind)
    assert not is_served(folder, NeuralSettings())
    assert isinstance(open_transformer(str(folder)), CausalModel)


@pytest.mark.parametrize(
    "changes",
    [
        {"architectures": ["LlamaForCausalLM", "GPT2LMHeadModel"]}, {"architectures": None}, {"architectures": ["LlamaModel"]},
        {"model_type": "mistral"}, {"hidden_act": "gelu"}, {"attention_bias": True}, {"mlp_bias": True}, {"is_causal": False},
        {"partial_rotary_factor": 0.5}, {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4, "factor": 2.0}},
        {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4}}, {"rope_parameters": None},
        {"rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0}},
        {"rope_parameters": {**LLAMA3, "low_freq_factor": 4.0}}, {"rope_parameters": {**LLAMA3, "factor": "8"}},
        {"rope_parameters": {**LLAMA3, "rope_type": ["llama3"]}},
        {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 0.5}},
        {"rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 1e4}, "rope_theta": 1e4}},
        {"hidden_size": None}, {"vocab_size": None}, {"max_position_embeddings": None}, {"num_key_value_heads": 3}, {"head_dim": 7},
        {"head_dim": 2048}, {"num_hidden_layers": 1 << 21}, {"sliding_window": 127}, {"layer_types": ["chunked_attention"] * 2},
        {"sliding_window": 100, "layer_types": ["sliding_attention", "full_attention"]}, {"layer_types": "sliding_attention"},
        {"quantization_config": {"quant_method": "gptq"}},
    ],
)  # fmt: skip
def test_a_network_that_may_be_another_one_stays_with_torch(changes: dict[str, object], folder: Path) -> None:
    assert is_served(folder, NeuralSettings())
    configure(folder, **changes)
    assert not is_served(folder, NeuralSettings())


@pytest.mark.parametrize(
    "changes",
    [
        {"sliding_window": 128}, {"sliding_window": 100, "layer_types": ["full_attention"] * 2}, {"head_dim": None},
        {"sliding_window": 100, "use_sliding_window": False}, {"num_key_value_heads": None}, {"rms_norm_eps": None},
    ],
)  # fmt: skip
def test_what_changes_no_law_is_no_obstacle(changes: dict[str, object], folder: Path) -> None:
    configure(folder, **changes)
    assert folder_shape(folder) is not None


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_files_of_other_kinds_stay_with_torch(name: str, folder: Path) -> None:
    (folder / name).rename(folder / f"other-{name}")
    assert not is_served(folder, NeuralSettings())


def test_an_adapter_stays_with_torch(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}", encoding="utf-8")
    assert not is_served(folder, NeuralSettings())


@pytest.mark.parametrize(
    ("settings", "served"),
    [({}, True), ({"device": "cpu"}, True), ({"dtype": "float32"}, True), ({"dtype": "bfloat16"}, False), ({"device": "cuda"}, False)],
)  # fmt: skip
def test_settings_choose(settings: dict[str, str], served: bool, folder: Path) -> None:
    assert is_served(folder, NeuralSettings(**settings)) == served


def test_a_gpu_is_taken_unless_the_cpu_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_model, "has_gpu", lambda: True)
    assert not is_served(folder, NeuralSettings())
    assert is_served(folder, NeuralSettings(device="cpu"))


def test_torch_is_asked_for_a_gpu_only_where_there_is_a_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def one() -> bool:
        asked.append(1)
        return True

    monkeypatch.setattr("torch.cuda.is_available", one)
    monkeypatch.setattr(gpu, "DRIVERS", (str(tmp_path / "none"),))
    assert not gpu.has_gpu()
    assert not asked
    monkeypatch.setattr(gpu, "DRIVERS", (str(tmp_path),))
    assert gpu.has_gpu()


def test_without_the_libraries_torch_computes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_model, "EXTRA", ("no_such_library",))
    assert isinstance(open_transformer(str(folder)), CausalModel)


def test_without_any_library_the_smaller_extra_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = by_bytes(tmp_path / "gpt2")
    for module in (folder_model, importlib.util):  # which look for libraries
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(RequestError, match=r"needs onnx: pip install 'searchgen\[gguf\]'$"):
        open_transformer(str(folder))
    for path, settings in ((other, NeuralSettings()), (folder, NeuralSettings(dtype="bfloat16"))):
        with pytest.raises(RequestError, match=r"needs torch: pip install 'searchgen\[neural\]'$"):
            open_transformer(str(path), settings)


def test_a_large_folder_stays_with_torch_until_it_is_converted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converting, "LARGE", 1000)
    assert isinstance(open_transformer(str(folder)), CausalModel)
    with monkeypatch.context() as patched:
        patched.setattr(folder_model, "TORCH", ("no_such_library",))
        with pytest.raises(RequestError, match="GB once converted; give --yes to searchgen lm get --from"):
            open_transformer(str(folder))
    convert(folder, 32, large=True)
    assert isinstance(open_transformer(str(folder)), FolderModel)


#: Scores a text in a process where torch, transformers and the libraries of neither way can be imported.
CHILD = """
import sys
for name in ("torch", "transformers", "safetensors", "gguf"):
    sys.modules[name] = None
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name in sys.modules and sys.modules[name] is None else real(name, *more)
from searchgen.lm.open import open_text_model
model = open_text_model(sys.argv[1])
print(model.hash, *model.log_probs(["The dog ran.", "A cat."]))
"""


def test_neither_torch_nor_transformers_is_needed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCHGEN_CACHE", str(tmp_path / "own"))
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert ran.returncode == 0, ran.stderr
    model = open_transformer(str(folder))
    digest, *scores = ran.stdout.split()
    assert digest == model.hash
    assert list(map(float, scores)) == pytest.approx(model.log_probs(TEXTS).tolist(), rel=1e-12)


def test_eight_bits_only_if_they_are_chosen(folder: Path) -> None:
    exact = open_transformer(str(folder))
    assert chosen_bits(folder) == 32
    choose_bits(hash_of(folder), 8)
    eight = open_transformer(str(folder))
    assert isinstance(eight, FolderModel)
    assert eight.facts["bits"] == 8
    assert eight.hash != exact.hash
    difference = np.abs(eight.log_probs(TEXTS) - exact.log_probs(TEXTS))
    assert 1e-4 < difference.max() < 2.0
    # torch's network has another law, so prefixes are read anew here.
    assert eight.open_network is None
    with pytest.raises(RequestError, match="drop early=true"):
        eight.log_probs_above(TEXTS, np.zeros(len(TEXTS)))
    choose_bits(hash_of(folder), 32)
    assert open_transformer(str(folder)).hash == exact.hash


def test_a_hash_is_of_content_and_settings(folder: Path, tmp_path: Path) -> None:
    first = open_transformer(str(folder))
    other = written(tmp_path / "other", seed=1)[0]
    hashes = {
        first.hash,
        open_transformer(str(other)).hash,
        open_transformer(str(folder), NeuralSettings(end="none")).hash,
    }
    hashes.add(open_transformer(str(folder), NeuralSettings(prompt="So:")).hash)
    assert len(hashes) == 4
    (folder / "README.md").write_text("It says nothing of the law.", encoding="utf-8")
    assert open_transformer(str(folder)).hash == first.hash
    (folder / "tokenizer_config.json").write_text("{}", encoding="utf-8")
    assert open_transformer(str(folder)).hash not in hashes


def test_torch_does_not_read_a_folder_that_has_changed(folder: Path, tmp_path: Path) -> None:
    model = open_transformer(str(folder))
    scores = model.log_probs(TEXTS)
    shutil.copy(written(tmp_path / "other", seed=1)[0] / "model.safetensors", folder)
    model.forget()
    assert model.log_probs(TEXTS).tobytes() == scores.tobytes()
    with pytest.raises(ModelFileError, match="has changed since this program opened it"):
        model.growing()
