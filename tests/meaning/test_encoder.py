"""Sentence-embedding models of the user's own, in both formats, against plain torch; and folders that are none."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from searchgen.errors import ModelFileError, RequestError
from searchgen.meaning.encoder import encoder
from searchgen.meaning.measures import cosine_of, pinned, sentence_vectors
from searchgen.meaning.nearest import Kept, nearest
from tests.meaning.embedding_models import plain_vectors, write_model

TEXTS = ["The dog sleeps near the old door.", "a cup of coffee", "Zorb!", "我喜欢喝咖啡。", "dog " * 30]


@pytest.mark.parametrize("weights", ["safetensors", "onnx"])
@pytest.mark.parametrize(
    ("file", "pooling"), [(None, "mean"), ("mean_tokens", "mean"), ("cls_token", "cls"), ("max_tokens", "max")]
)
def test_vectors_are_those_of_plain_torch(tmp_path: Path, weights: str, file: str | None, pooling: str) -> None:
    folder = write_model(tmp_path / "model", weights, file)
    vectors = encoder(str(folder))
    found = vectors.sentences([*TEXTS, "", " "])
    wanted = plain_vectors(folder, TEXTS, pooling)
    assert np.abs(found[:-2] - wanted).max() < 1e-4
    assert not found[-2:].any()
    assert np.abs(vectors.sentences(TEXTS[:1]) - wanted[:1]).max() < 1e-4
    other = {"mean": "max", "max": "cls", "cls": "mean"}[pooling]
    assert np.abs(found[:-2] - plain_vectors(folder, TEXTS, other)).max() > 1e-2
    assert (vectors.knows("dog"), vectors.knows(" ")) == (True, False)


def test_a_hash_pins_the_files(tmp_path: Path) -> None:
    one, other = (write_model(tmp_path / name, "onnx", seed=seed) for name, seed in (("one", 0), ("other", 1)))
    name = pinned(str(one))
    assert pinned(name) == name == f"{one}#{encoder(str(one)).hash[:16]}"
    assert cosine_of("A dog.", "the cat", "raw", name) == cosine_of("A dog.", "the cat", "en", str(one))
    digits = name.split("#")[-1]
    with pytest.raises(RequestError, match=f"its files changed: .*, not {digits}"):
        sentence_vectors("en", f"{other}#{digits}")


@pytest.mark.parametrize("file", ["tokenizer_config.json", "sentence_bert_config.json"])
def test_a_hash_pins_where_texts_are_cut_off(tmp_path: Path, file: str) -> None:
    folder = write_model(tmp_path / "model", "onnx")
    before, name = encoder(str(folder)), pinned(str(folder))
    (folder / file).write_text('{"model_max_length": 4, "max_seq_length": 4}', encoding="utf-8")
    encoder.cache_clear()  # another process would not know the old files
    after = encoder(str(folder))
    assert np.abs(after.sentences(TEXTS[:1]) - before.sentences(TEXTS[:1])).max() > 1e-2
    assert after.hash != before.hash
    with pytest.raises(RequestError, match="its files changed"):
        sentence_vectors("en", name)


def test_blank_texts_alone_have_vectors_of_the_models_width(tmp_path: Path) -> None:
    vectors = encoder(str(write_model(tmp_path / "model", "onnx")))
    width = vectors.sentences(TEXTS[:1]).shape[1]
    for blank in ([], [""], ["", " \t"]):
        found = vectors.sentences(blank)
        assert found.shape == (len(blank), width)
        assert not found.any()


def test_a_file_may_begin_with_many_blank_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("searchgen.meaning.nearest.TOGETHER", 2)
    vectors, lines = encoder(str(write_model(tmp_path / "model", "onnx"))), ["", " ", "a cup of tea", "the dog"]
    found = nearest(vectors, "the dog", lines, 4)
    assert (found[0].number, round(found[0].similarity, 4)) == (4, 1.0)
    assert Kept.of(lines).nearest(vectors, "the dog", 4) == found


Spoil = Callable[[Path], object]


@pytest.mark.parametrize(
    ("spoil", "error", "said"),
    [
        (lambda folder: (folder / "config.json").unlink(), RequestError, "config.json is missing"),
        (lambda folder: (folder / "tokenizer.json").unlink(), RequestError, "tokenizer.json is missing"),
        (
            lambda folder: (folder / "onnx" / "model.onnx").unlink(),
            RequestError,
            "it has no weights; one of onnx/model.onnx",
        ),
        (lambda folder: (folder / "onnx" / "model.onnx").write_bytes(b"none"), ModelFileError, "model.onnx is damaged"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), ModelFileError, "tokenizer.json is damaged"),
        (lambda folder: (folder / "config.json").write_text("[]"), ModelFileError, "config.json holds no object"),
        (
            lambda folder: (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}'),
            RequestError,
            "LlamaForCausalLM makes no vectors of sentences",
        ),
        (
            lambda folder: (folder / "modules.json").write_text(
                json.dumps([{"type": "sentence_transformers.models.Dense"}])
            ),
            RequestError,
            "has a part 'Dense'",
        ),
        (lambda folder: (folder / "modules.json").write_text("[1]"), ModelFileError, "modules.json is damaged"),
    ],
    ids=["config", "tokenizer", "weights", "graph", "bad tokenizer", "bad config", "kind", "dense", "modules"],
)
def test_folders_that_are_no_such_model(tmp_path: Path, spoil: Spoil, error: type[Exception], said: str) -> None:
    folder = write_model(tmp_path / "model", "onnx")
    spoil(folder)
    with pytest.raises(error, match=said):
        encoder(str(folder))


def test_pooling_that_is_not_read_and_weights_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="pooling_mode_lasttoken is not read"):
        encoder(str(write_model(tmp_path / "last", "onnx", "lasttoken")))
    with pytest.raises(RequestError, match="there is no such folder"):
        encoder(str(tmp_path / "none"))
    folder = write_model(tmp_path / "model")
    (folder / "model.safetensors").write_bytes(b"none")
    with pytest.raises(ModelFileError, match="transformers cannot read it"):
        encoder(str(folder))
