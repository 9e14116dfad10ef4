"""What a transformer cannot do is said in one line."""

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from searchgen.errors import ModelFileError, RequestError, SearchgenError  # noqa: E402
from searchgen.lm.neural.causal import CausalModel  # noqa: E402
from searchgen.lm.neural.network import Network  # noqa: E402
from searchgen.lm.neural.opening import folder_of  # noqa: E402
from searchgen.lm.neural.settings import NeuralSettings  # noqa: E402
from searchgen.lm.neural.transformer import is_transformer, open_transformer  # noqa: E402
from tests.cli.runner import searchgen  # noqa: E402
from tests.lm.neural.tiny_transformer import by_bytes, by_words  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path, written: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "model"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return by_words(tmp_path_factory.mktemp("written"))


def with_config(folder: Path, **changes: object) -> str:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, **changes}), encoding="utf-8")
    return str(folder)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("en", False), ("eng", False), ("my.arpa", False), ("./models/x", False), ("my-model.sgm", False), ("gpt2", True),
     ("bert-base-uncased", True), ("owner/name@main", True), ("two words-1", False)],
)  # fmt: skip
def test_names_of_the_hub(name: str, expected: bool) -> None:
    assert is_transformer(name) is expected


def test_folders(folder: Path, tmp_path: Path) -> None:
    assert is_transformer(str(folder))
    assert not is_transformer(str(tmp_path))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architectures": ["BertForMaskedLM"]}, "no mask token, which a masked model needs"),
        ({"architectures": ["GPT2ForSequenceClassification"]}, "no head"),
        ({"model_type": ""}, "no config.json of a transformer"),
        ({"n_layer": 3}, r"lacks h\.2\.attn\.c_attn\.bias, h\.2\.attn\.c_attn\.weight"),
    ],
)
def test_configs_of_other_models(folder: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        open_transformer(with_config(folder, **changes))


def test_code_of_its_own_is_never_run(folder: Path) -> None:
    (folder / "evil.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n", encoding="utf-8")
    name = with_config(
        folder, model_type="evil", auto_map={"AutoModelForCausalLM": "evil.Evil", "AutoConfig": "evil.Evil"}
    )
    with pytest.raises(ModelFileError, match="never run"):
        open_transformer(name)
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_a_model_larger_than_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    def short(*_: object, **__: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    folder = by_bytes(tmp_path, kind=kind)
    monkeypatch.setattr("searchgen.lm.neural.architectures.gpt2.GPT2.to_device", short)
    monkeypatch.setattr("transformers.AutoModelForCausalLM.from_pretrained", short)
    with pytest.raises(RequestError, match="does not fit into the memory of cpu"):
        open_transformer(str(folder), NeuralSettings(dtype="bfloat16"))  # in 32 bits onnxruntime computes a LLaMA


def test_missing_and_damaged_files(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelFileError, match="damaged"):
        open_transformer(str(folder))
    weights.unlink()
    with pytest.raises(ModelFileError, match="no weights"):
        open_transformer(str(folder))
    (folder / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelFileError, match="cannot be read"):
        open_transformer(str(folder))


def test_a_damaged_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelFileError, match=r"tokenizer\.json is damaged"):
        open_transformer(str(folder))


def test_a_text_that_cannot_be_spelled_has_probability_zero(written: Path) -> None:
    model = open_transformer(str(written))
    scores = model.log_probs(["a dog", "a b", "", "a <end> b"])
    assert np.isneginf(scores).tolist() == [True, False, True, True]
    assert scores[1] == pytest.approx(model.log_probs(["a b"])[0])


def test_a_text_that_is_too_long(written: Path) -> None:
    model = open_transformer(str(written))
    with pytest.raises(RequestError, match="longer than the 256"):
        model.log_probs(["a " * 300])


def test_scores_that_are_no_numbers_name_the_text(written: Path) -> None:
    model: Any = open_transformer(str(written))
    broken = Network(lambda pieces: model.network.trunk(pieces) * float("nan"), *list(vars(model.network).values())[1:])
    with pytest.raises(ModelFileError, match="'b b'"):
        CausalModel("broken", "", broken, model.spelling).log_probs(["b b"])


def test_no_memory_for_one_text(written: Path) -> None:
    model: Any = open_transformer(str(written))

    def full(pieces: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    tight = Network(full, *list(vars(model.network).values())[1:])
    with pytest.raises(SearchgenError, match="out of memory"):
        CausalModel("tight", "", tight, model.spelling).log_probs(["b b", "a"])


@pytest.mark.parametrize(
    "settings", [{"end": "stop"}, {"device": "tpu"}, {"device": "cpu:1"}, {"device": "cuda:x"}, {"dtype": "int8"}]
)
def test_settings_that_are_none(settings: dict[str, str]) -> None:
    with pytest.raises(RequestError, match=f"--{next(iter(settings))}"):
        NeuralSettings(**settings)


def test_example_lines_and_texts_without_an_end_exclude_each_other() -> None:
    with pytest.raises(RequestError, match="--end none: a line ends with a line end behind example lines"):
        NeuralSettings(end="none", examples="default")
    assert NeuralSettings(end="none", examples="none").end == NeuralSettings(end="none").end == "none"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_no_gpu(written: Path) -> None:
    with pytest.raises(RequestError, match="no GPU"):
        open_transformer(str(written), NeuralSettings(device="cuda"))


def test_the_missing_extra_names_its_command(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else found(name))
    ran = searchgen("constrain", "--keywords", "dog", "--lm", str(written))
    assert ran.code == 2
    assert "pip install 'searchgen[neural]'" in ran.err


def test_the_missing_extra_names_its_command_for_a_name_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "transformers" else found(name))
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)  # which comes with it
    with pytest.raises(RequestError, match=r"needs transformers: pip install 'searchgen\[neural\]'$"):
        folder_of("nobody/model-1")
    ran = searchgen("lm", "info", "nobody/model-1")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), ran.err
    assert "pip install 'searchgen[neural]'" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("constrain", "--keywords", "dog", "--lm", "."), "without a config.json"),
        (
            ("constrain", "--keywords", "dog", "--lm", "en-ngram", "--prompt", "He said:"),
            "--prompt is for transformers",
        ),
        (("sample", "--keywords", "dog", "--lm", "en-ngram", "--device", "cpu"), "--device is for transformers"),
    ],
)
def test_requests_that_are_malformed(arguments: tuple[str, ...], message: str) -> None:
    ran = searchgen(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


def test_samplers_that_look_into_the_target(written: Path) -> None:
    ran = searchgen("sample", "--keywords", "dog", "--lm", str(written), "--sampler", "mh")
    assert ran.code == 2
    assert "use surrogate" in ran.err
    raw = searchgen("constrain", "--keywords", "dog", "--lm", str(written), "--raw-tokens")
    assert raw.code == 2
    assert "drop the flag" in raw.err
    unspelled = searchgen("constrain", "--keywords", "dog", "--lm", str(written))
    assert unspelled.code == 3
    assert "cannot spell" in unspelled.err
