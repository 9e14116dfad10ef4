"""Beginnings that grow: from keys and values kept the scores are those of the whole beginnings read anew."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from searchgen.lm.neural import NeuralSettings, open_transformer
from searchgen.lm.neural.growing import Growing
from tests.lm.neural.tiny_transformer import by_bytes

#: 32-bit numbers.
ROUNDING = 1e-5

#: Generations, each text with the one of the generation before that it grows out of; the last are no longer beginnings of it.
STEPS = [
    (["A", "The", "The"], [0, 0, 0]),
    (["The dog", "A cat", "The dog", "Theatre"], [1, 0, 2, 1]),
    (["The dog ran", "Theatre, a", "The dog's", "A cat"], [0, 3, 2, 1]),
    (["The dog ran.", "The dog running", "A bat", "No"], [0, 0, 3, 1]),
]


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(by_bytes(Path(tmp_path_factory.mktemp("bytes"))))


@pytest.mark.parametrize(
    ("kind", "kept"),
    [("llama", True), ("llama plain", True), ("gpt_neox", True), ("opt", True), ("bloom", True), ("mamba", False)],
)
def test_architectures_of_the_library(tmp_path: Path, kind: str, kept: bool) -> None:
    """Those whose keys and values can be read on from do; others, found out by trial, are read anew: the scores are the same."""
    folder = str(by_bytes(tmp_path, kind=kind))
    model, plain = open_transformer(folder), open_transformer(folder, NeuralSettings(end="none"))
    growing: Any = model.growing()
    assert growing.cached is kept
    for texts, parents in STEPS:
        found, expected = growing.log_probs(texts, np.array(parents)), plain.log_probs(texts)
        assert np.abs(found - expected).max() < ROUNDING * np.abs(expected).max()
    assert (model.usage.spared > 0) is kept


def test_out_of_memory_reads_anew(letters: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, plain = open_transformer(letters), open_transformer(letters, NeuralSettings(end="none"))
    growing = Growing(model)
    growing.log_probs(["The dog"], np.zeros(1, np.int64))

    def short(*_: object) -> None:
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(growing, "_extended", short)
    found = growing.log_probs(["The dog ran"], np.zeros(1, np.int64))
    assert found == pytest.approx(plain.log_probs(["The dog ran"]), rel=ROUNDING)
    assert not growing.cached
    assert model.usage.halvings == 1


@pytest.mark.parametrize("prompt", ["", "He said:"])
@pytest.mark.parametrize("cached", [True, False])
def test_kept_or_read_anew_scores_are_the_same(letters: str, prompt: str, cached: bool) -> None:
    """With selection, copies, cut-backs and a prompt, against whole-text scores of other code."""
    model = open_transformer(letters, NeuralSettings(prompt=prompt))
    plain = open_transformer(letters, NeuralSettings(end="none", prompt=prompt))
    growing = Growing(model, cached)
    for texts, parents in STEPS:
        found = growing.log_probs(texts, np.array(parents))
        expected = plain.log_probs(texts)
        assert np.abs(found - expected).max() < ROUNDING * np.abs(expected).max()
    assert growing.cached is cached
    assert (model.usage.spared > 0) is cached


def test_keys_and_values_spare_most_of_the_reading(letters: str) -> None:
    words = ["the", "doctor", "read", "a", "long", "letter", "to", "the", "children", "in", "the", "garden"]
    tokens = {}
    for cached in (True, False):
        model = open_transformer(letters)
        growing = Growing(model, cached)
        for n in range(1, len(words) + 1):
            growing.log_probs([" ".join(words[:n])] * 5, np.zeros(5, np.int64))
        tokens[cached] = model.usage.tokens
        assert model.usage.duplicates == 4 * len(words)
    assert tokens[True] == len(" ".join(words))  # every piece once
    assert tokens[False] > 5 * tokens[True]


def test_wrong_parents_are_found_by_their_pieces(letters: str) -> None:
    """Control: values of another text are never used, whatever parent is named; without the cut-back they would be."""
    growing, plain = Growing(open_transformer(letters)), open_transformer(letters, NeuralSettings(end="none"))
    growing.log_probs(["The dog", "A cat"], np.array([0, 0]))
    assert growing.log_probs(["The dog ran"], np.array([1]))[0] == pytest.approx(
        plain.log_probs(["The dog ran"])[0], rel=ROUNDING
    )
    assert growing._seen is not None
    growing._seen.keys = [keys.clone() * 2.0 for keys in growing._seen.keys]  # damaged
    assert growing.log_probs(["The dog ran."], np.array([0]))[0] != pytest.approx(
        plain.log_probs(["The dog ran."])[0], rel=1e-3
    )
