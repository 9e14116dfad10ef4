"""Log-probabilities of a folder are those of the transformers library, and those that torch has given it so far."""

from pathlib import Path

import numpy as np
import pytest

from searchgen.lm.conversion.folder_model import FolderModel
from searchgen.lm.mixture import open_mixture
from searchgen.lm.neural.causal import CausalModel
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.transformer import open_transformer
from searchgen.testing import assert_text_model
from tests.lm.conversion.test_gguf_fidelity import PROMPT, TEXTS, assert_same_law, expected
from tests.lm.folders.tiny_folder import SERVED, by_torch, change, configure, written
from tests.lm.gguf.tiny_gguf import torch
from tests.lm.training.toy_training import trained_once

SETTINGS = (
    NeuralSettings(), NeuralSettings(end="none"), NeuralSettings(end="newline", prompt=PROMPT), NeuralSettings(prompt="a\n"),
)  # fmt: skip


@pytest.mark.parametrize("kind", SERVED)
def test_log_probs_are_those_of_transformers(kind: str, tmp_path: Path) -> None:
    folder, made = written(tmp_path / "model", kind)
    model = open_transformer(str(folder), NeuralSettings(prompt=PROMPT))
    assert isinstance(model, FolderModel)
    assert_same_law(model, made)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_floats_are_read(dtype: object, tmp_path: Path) -> None:
    folder, made = written(tmp_path / "model", "qwen2", dtype)
    model = open_transformer(str(folder))
    assert isinstance(model, FolderModel)
    (row,) = model.spelling.spell(TEXTS[1:2])
    np.testing.assert_allclose(model.scored_rows(TEXTS[1:2], [row])[0], expected(made, row, 1), atol=1e-3, rtol=0)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("kind", ["llama one key", "qwen3"])
def test_scores_are_those_of_torch(
    kind: str, settings: NeuralSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = written(tmp_path / "model", kind)
    one, other = open_transformer(str(folder), settings), by_torch(folder, monkeypatch, settings)
    assert isinstance(other, CausalModel)
    assert one.spelling.spell(TEXTS) == other.spelling.spell(TEXTS)
    np.testing.assert_allclose(one.log_probs(TEXTS), other.log_probs(TEXTS), atol=1e-3, rtol=0)
    # What each expects at every place, and prefixes that grow.
    for model in (one, other):
        model.note_expected(3)
    for found, wanted in zip(one.expected(TEXTS), other.expected(TEXTS), strict=True):
        np.testing.assert_allclose(found.scored.piece_log_p, wanted.scored.piece_log_p, atol=1e-3, rtol=0)
    parents = np.zeros(len(TEXTS), np.int64)
    np.testing.assert_allclose(
        one.growing().log_probs(TEXTS, parents), other.growing().log_probs(TEXTS, parents), atol=1e-3, rtol=0
    )
    assert one.hash != other.hash


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(trained_once(tmp_path_factory.mktemp("trained") / "model").path)


@pytest.mark.parametrize("lines", ["", "The sun rose.\nA bird sang in the old tree.\n"])
def test_models_of_lm_train_keep_their_scores(
    trained: Path, lines: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = tmp_path / "lines.txt"
    examples.write_text(lines, encoding="utf-8")
    settings = NeuralSettings(examples=str(examples) if lines else "")
    texts = ["The dog ran.", "A cat sat on the mat.", "a"]
    one, other = open_transformer(str(trained), settings), by_torch(trained, monkeypatch, settings)
    assert (type(one), type(other)) == (FolderModel, CausalModel)
    assert one.spelling.spell(texts) == other.spelling.spell(texts)
    np.testing.assert_allclose(one.log_probs(texts), other.log_probs(texts), atol=1e-3, rtol=0)


@pytest.mark.parametrize("torch_is_here", [True, False])
def test_it_keeps_every_promise_of_a_law(torch_is_here: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = written(tmp_path / "model", "qwen3")
    if not torch_is_here:
        monkeypatch.setattr("searchgen.lm.conversion.folder_model.TORCH", ("no_such_library",))
    model = open_transformer(str(folder))
    assert isinstance(model, FolderModel)
    assert (model.open_network is not None) == torch_is_here
    assert_text_model(model, TEXTS)


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_a_score_is_the_same_alone_and_in_every_batch(kind: str, tmp_path: Path) -> None:
    model = open_transformer(str(written(tmp_path / "model", kind)[0]))
    texts = [*TEXTS, "x" * 60, "ab", "The sun rose."]
    together = model.log_probs(texts)
    for text, score in zip(texts, together, strict=True):
        model.forget()
        assert model.log_probs([text]).tobytes() == score.tobytes()


def test_threads_do_not_change_a_bit(tmp_path: Path) -> None:
    folder = str(written(tmp_path / "model", "qwen2")[0])
    texts = [f"The dog ran {i} times." for i in range(12)]
    one, two = (open_transformer(folder, threads=threads).log_probs(texts) for threads in (1, 2))
    assert one.tobytes() == two.tobytes()


def test_a_part_of_a_mixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [str(written(tmp_path / kind, kind)[0]) for kind in ("llama", "qwen2")]
    model = open_mixture(f"{folders[0]}:0.5,{folders[1]}:0.5", NeuralSettings())
    assert all(isinstance(part, FolderModel) for part in model.parts)
    assert model.instructions
    assert np.isfinite(model.log_probs(TEXTS)).all()


def test_names_that_wrappers_write_are_taken_off(tmp_path: Path) -> None:
    folder, _ = written(tmp_path / "model", "qwen2")
    wanted = open_transformer(str(folder)).log_probs(TEXTS)
    change(folder, lambda weights: {f"module.{name}": weight for name, weight in weights.items()})
    model = open_transformer(str(folder))
    assert isinstance(model, FolderModel)
    assert model.log_probs(TEXTS).tobytes() == wanted.tobytes()


def test_a_copy_of_a_tied_embedding_may_be_there(tmp_path: Path) -> None:
    folder, _ = written(tmp_path / "model", "llama tied")
    wanted = open_transformer(str(folder)).log_probs(TEXTS)
    change(folder, lambda weights: {**weights, "lm_head.weight": weights["model.embed_tokens.weight"]})
    assert open_transformer(str(folder)).log_probs(TEXTS).tobytes() == wanted.tobytes()


def test_an_older_configuration_says_the_same(tmp_path: Path) -> None:
    """Its rotary settings stand beside the others."""
    folder, _ = written(tmp_path / "model", "llama linear")
    wanted = open_transformer(str(folder)).log_probs(TEXTS)
    configure(folder, rope_parameters=None, rope_theta=10_000.0, rope_scaling={"type": "linear", "factor": 2.5})
    model = open_transformer(str(folder))
    assert isinstance(model, FolderModel)
    assert model.log_probs(TEXTS).tobytes() == wanted.tobytes()
