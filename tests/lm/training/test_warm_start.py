"""Trainings that begin with the weights of another model."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file, save_file  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from torch.nn import functional  # noqa: E402

from searchgen.errors import ModelFileError, RequestError  # noqa: E402
from searchgen.lm.embedded import data_file  # noqa: E402
from searchgen.lm.neural.architectures.llama import Llama  # noqa: E402
from searchgen.lm.neural.settings import NeuralSettings  # noqa: E402
from searchgen.lm.neural.transformer import open_transformer  # noqa: E402
from searchgen.lm.onnx.export import export  # noqa: E402
from searchgen.lm.onnx.model import open_graph  # noqa: E402
from searchgen.lm.training.prepared import kept_shape  # noqa: E402
from searchgen.lm.training.recipe import SIZES  # noqa: E402
from searchgen.lm.training.train import Trained  # noqa: E402
from searchgen.lm.training.warm_start import read_warm_start  # noqa: E402
from tests.cli.runner import searchgen  # noqa: E402
from tests.lm.training.toy_training import RECIPE, TEXT, TOY, stopped_at, trained, trained_once  # noqa: E402


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIZES, "tiny", TOY)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return trained_once(tmp_path_factory.mktemp("whole") / "model")


def test_weights_to_begin_with(tmp_path: Path, whole: Trained) -> None:
    """A folder's own, and those of its files: what they score is the first entry of the curve, and training goes on below it."""
    export(whole.path, tmp_path / "eight.onnx", 8)
    export(whole.path, tmp_path / "all.onnx", 32)
    scored = whole.progress.best
    for name, near in (
        (str(whole.path), 1e-9),
        (str(tmp_path / "all.onnx"), 1e-9),
        (str(tmp_path / "eight.onnx"), 2e-3),
    ):
        recipe = replace(RECIPE, start_from=name, tokens=5 * 512)
        done = trained(tmp_path / "again" / Path(name).stem, recipe).progress
        assert done.held_out[0][0] == 0
        assert done.held_out[0][1] == pytest.approx(scored, rel=near)
        assert done.best < scored
    card = (tmp_path / "again" / "eight" / "README.md").read_text(encoding="utf-8")
    assert f"| start from | {name} |" in card
    assert f"| rate | {TOY.rate / 2} |" in card
    assert f"So are those of what {name} learnt from." in card
    assert f"| 0 | {done.held_out[0][1]:.4f} |  |" in card


def test_an_output_layer_of_its_own(tmp_path: Path, whole: Trained) -> None:
    """It begins as the embedding, so as the same model, and then learns what the embedding cannot; so it does from drawn weights."""
    recipe = replace(RECIPE, untied=True, start_from=str(whole.path), tokens=5 * 512)
    done = trained(tmp_path / "from-tied", recipe)
    assert done.progress.held_out[0][1] == pytest.approx(whole.progress.best, rel=1e-9)
    assert done.progress.best < whole.progress.best
    weights = load_file(done.path / "model.safetensors")
    assert not torch.equal(weights["lm_head.weight"], weights["model.embed_tokens.weight"])
    assert done.parameters == whole.parameters + weights["lm_head.weight"].numel()
    again = trained(tmp_path / "from-untied", replace(recipe, start_from=str(done.path)))
    assert again.progress.held_out[0][1] == pytest.approx(done.progress.best, rel=1e-9)
    drawn = trained(tmp_path / "drawn", replace(RECIPE, untied=True))
    assert drawn.progress.best < drawn.progress.held_out[0][1]
    texts = ["The dog ran home.", "It rains."]
    export(drawn.path, tmp_path / "drawn.onnx", 32)
    by_torch = open_transformer(str(drawn.path)).log_probs(texts)
    assert open_graph("drawn", tmp_path / "drawn.onnx", NeuralSettings()).log_probs(texts) == pytest.approx(
        by_torch, abs=1e-3
    )


def test_an_embedded_model_to_begin_with() -> None:
    """The weights of the graph are those that its 8 bits stand for: torch scores with them as onnxruntime does."""
    begun = read_warm_start("en")
    network = Llama(begun.shape).take({name: torch.from_numpy(weight) for name, weight in begun.weights.items()})
    pieces = Tokenizer.from_str(begun.tokenizer).encode("The dog ran home.").ids
    row = torch.tensor([[0, *pieces, 1]])
    with torch.inference_mode():
        log_p = functional.linear(network(row), network.head).log_softmax(-1)[0, :-1]
    total = float(log_p.gather(1, row[0, 1:, None]).sum())
    embedded = open_graph("en", data_file("en", ".onnx"), NeuralSettings())
    assert total == pytest.approx(float(embedded.log_probs(["The dog ran home."])[0]), abs=0.3)


def test_nothing_to_begin_with(tmp_path: Path, whole: Trained) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no graph")
    (tmp_path / "other").mkdir()
    for name, reason in {
        "en-ngram": "n-gram model",
        "nowhere": "no such folder",
        "en": "of no size that lm train makes: width 256, 5 layers",
        str(tmp_path / "other"): "no config.json",
        str(tmp_path / "none.onnx"): "No such file",
        str(tmp_path / "bad.onnx"): "damaged or no ONNX file",
    }.items():
        with pytest.raises((RequestError, ModelFileError), match=f"{re.escape(name)}.*{reason}"):
            trained(tmp_path / "model", replace(RECIPE, start_from=name))
    with pytest.raises(RequestError, match="drop --tokenizer"):
        replace(RECIPE, start_from="en", tokenizer="w")
    assert not (tmp_path / "model").exists()


def damaged(folder: Path, how: str) -> None:
    """Damage a model's folder in one way."""
    weights, tokenizer = load_file(folder / "model.safetensors"), (folder / "tokenizer.json").read_text()
    config = json.loads((folder / "config.json").read_text())
    first = "model.layers.0.mlp.up_proj.weight"
    if how == "cut":
        (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:100])
        return
    if how == "missing":
        del weights[first]
    elif how == "shape":
        weights[first] = weights[first].T.contiguous()
    elif how == "context":
        config["max_position_embeddings"] = "many"
    elif how == "pieces":
        config["vocab_size"] += 1
    elif how == "untied":
        config["tie_word_embeddings"] = False
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
    elif how == "tokenizer cut":
        tokenizer = tokenizer[:100]
    elif how == "normalizer":
        tokenizer = json.dumps({**json.loads(tokenizer), "normalizer": {"type": "Lowercase"}})
    (folder / "tokenizer.json").write_bytes(b"\xff" if how == "bytes" else tokenizer.encode())
    (folder / "config.json").write_text(json.dumps(config))
    save_file(weights, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("cut", "damaged"),
        ("missing", r"lacks model\.layers\.0\.mlp\.up_proj\.weight"),
        ("shape", "has the shape"),
        ("context", "damaged"),
        ("pieces", r"embed_tokens\.weight has the shape \(400, 32\), and config\.json says \(401, 32\)"),
        ("untied", "has an output layer of its own; give --untied"),
        ("tokenizer cut", "did not make this tokenizer"),
        ("normalizer", "did not make this tokenizer"),
        ("bytes", "utf-8"),
    ],
)
def test_a_damaged_model_to_begin_with(tmp_path: Path, whole: Trained, how: str, reason: str) -> None:
    shutil.copytree(whole.path, tmp_path / "begun")
    damaged(tmp_path / "begun", how)
    with pytest.raises((RequestError, ModelFileError), match=reason):
        trained(tmp_path / "model", replace(RECIPE, start_from=str(tmp_path / "begun")))
    assert not (tmp_path / "model").exists()


def test_going_on_needs_no_model_to_begin_with(tmp_path: Path, whole: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its weights are kept before the first step: the same numbers come out when its folder is gone."""
    begun, output = tmp_path / "begun", tmp_path / "model"
    shutil.copytree(whole.path, begun)
    recipe = replace(RECIPE, start_from=str(begun), tokens=6 * 512)
    straight = trained(tmp_path / "straight", recipe).progress.held_out
    for step in (0, 3):
        stopped_at(step, output, monkeypatch, recipe)
        shutil.rmtree(begun, ignore_errors=True)
        assert kept_shape(output / "checkpoint") == ("tiny", False)
    assert trained(output, recipe).progress.held_out == straight


def test_the_output_may_not_be_what_it_begins_with(whole: Trained) -> None:
    before = (whole.path / "model.safetensors").read_bytes()
    with pytest.raises(RequestError, match="name another folder"):
        trained(whole.path, replace(RECIPE, start_from=str(whole.path)))
    assert (whole.path / "model.safetensors").read_bytes() == before


def test_the_command(tmp_path: Path) -> None:
    """Size and output layer are the model's own; nothing better in so few steps at so low a rate is said."""
    first = (
        f"lm train {TEXT} -o {tmp_path / 'model'} --lang en --tokens 512 --batch 512 --vocab 300 --device cpu --untied"
    )
    assert searchgen(*first.split()).code == 0
    again = (
        f"lm train {TEXT} -o {tmp_path / 'again'} --lang en --tokens 512 --batch 512 --start-from {tmp_path / 'model'}"
    )
    ran = searchgen(*again.split(), "--rate", "1e-30")
    assert ran.code == 0, ran.err
    assert "train longer" in ran.err
    assert "lm_head.weight" in load_file(tmp_path / "again" / "model.safetensors")
    for more in (["--size", "small"], ["--vocab", "300"], ["--threads", "-1"], ["--device", "foo"]):
        refused = searchgen(*again.replace("again", "other").split(), *more)
        assert (refused.code, refused.err.count("\n")) == (2, 1), refused.err
