"""Prefixes that grow: from keys and values kept the scores are those of the whole prefixes read anew."""

import inspect
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaModel

from searchgen.lm.neural.architectures.library_reader import NAMES, Trial, library_reader
from searchgen.lm.neural.causal import CausalModel
from searchgen.lm.neural.incremental import Incremental
from searchgen.lm.neural.network import Network
from searchgen.lm.neural.pieces import PieceModel
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.transformer import open_transformer
from tests.lm.neural.tiny_transformer import CONFIGS, by_bytes

#: 32-bit numbers.
ROUNDING = 1e-5

#: Generations, each text with the one of the generation before that it grows out of; the last are no longer prefixes of it.
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
    assert (not model.uncached) is kept
    assert kept or "does not take a cache of keys and values (" in model.uncached[folder]


class Named:
    """A network of the library whose cache has another name; `spoil` sees what every call is given."""

    device = torch.device("cpu")

    def __init__(self, name: str, spoil: Any = None) -> None:
        network: Any = LlamaModel(LlamaConfig(vocab_size=8, **CONFIGS["llama"]))
        network.eval()
        self._own = next(one for one in NAMES if one in inspect.signature(network.forward).parameters)
        self._network, self._name, self._spoil = network, name, spoil or dict
        taken = inspect.signature(network.forward).parameters.values()
        renamed = [one.replace(name=name) if one.name == self._own else one for one in taken]
        self.__signature__ = inspect.Signature(renamed)

    def __call__(self, input_ids: Tensor, **given: Any) -> Any:
        given = self._spoil(given)
        if self._name in given:
            given[self._own] = given.pop(self._name)
        return self._network(input_ids=input_ids, **given)

    @property
    def forward(self) -> Any:
        return self

    def trial(self) -> Trial:
        return library_reader(self, lambda output: output[0], lambda pieces: self(pieces, use_cache=False)[0], 256)


@pytest.mark.parametrize("name", NAMES)
def test_the_cache_has_the_name_that_the_network_gives_it(name: str) -> None:
    trial = Named(name).trial()
    assert trial.reader is not None
    assert trial.reason == ""


def refusing(given: dict[str, Any]) -> dict[str, Any]:
    raise ValueError("no such\ncache")


def unmasked(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name != "attention_mask"}


@pytest.mark.parametrize(
    ("name", "spoil", "reason"),
    [
        ("memory", None, "does not take a cache of keys and values (TypeError: no argument of that name)"),
        ("cache", refusing, "does not take a cache of keys and values (ValueError: no such cache)"),
        ("cache", unmasked, "states read in parts differ from states read at once by "),
    ],
)
def test_a_network_without_a_cache_says_why(name: str, spoil: Any, reason: str) -> None:
    trial = Named(name, spoil).trial()
    assert trial.reader is None
    assert reason in trial.reason


def test_a_warning_made_an_error_is_no_result_of_a_trial() -> None:
    """Control: what the library says of an argument that it will drop would have gone unheard, and the cache with it."""

    def deprecated(given: dict[str, Any]) -> dict[str, Any]:
        warnings.warn("`cache` is deprecated", FutureWarning, stacklevel=2)
        return given

    with pytest.raises(FutureWarning, match="deprecated"):
        Named("cache", deprecated).trial()


def test_out_of_memory_reads_anew(letters: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, plain = open_transformer(letters), open_transformer(letters, NeuralSettings(end="none"))
    growing = Incremental(model, network_of(model))
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
    growing = Incremental(model, network_of(model), cached)
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
        growing = Incremental(model, network_of(model), cached)
        for n in range(1, len(words) + 1):
            growing.log_probs([" ".join(words[:n])] * 5, np.zeros(5, np.int64))
        tokens[cached] = model.usage.tokens
        assert model.usage.duplicates == 4 * len(words)
    assert tokens[True] == len(" ".join(words))  # every piece once
    assert tokens[False] > 5 * tokens[True]


def network_of(model: PieceModel) -> Network:
    assert isinstance(model, CausalModel)
    return model.network


def test_wrong_parents_are_found_by_their_pieces(letters: str) -> None:
    """Control: values of another text are never used, whatever parent is named; without the cut-back they would be."""
    model, plain = open_transformer(letters), open_transformer(letters, NeuralSettings(end="none"))
    growing = Incremental(model, network_of(model))
    growing.log_probs(["The dog", "A cat"], np.array([0, 0]))
    assert growing.log_probs(["The dog ran"], np.array([1]))[0] == pytest.approx(
        plain.log_probs(["The dog ran"])[0], rel=ROUNDING
    )
    assert growing._seen is not None
    growing._seen.keys = [keys.clone() * 2.0 for keys in growing._seen.keys]  # damaged
    assert growing.log_probs(["The dog ran."], np.array([0]))[0] != pytest.approx(
        plain.log_probs(["The dog ran."])[0], rel=1e-3
    )
