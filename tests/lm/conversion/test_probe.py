"""A probe reads the hidden states of the transformers library, whatever stands beside a text, behind the lines that it was taught with."""

from pathlib import Path

import numpy as np
import pytest

from searchgen.lm.conversion import probe as probes
from searchgen.lm.conversion.gguf_model import open_gguf
from searchgen.lm.conversion.graph import read_layer
from searchgen.lm.conversion.model import ConvertedModel
from searchgen.lm.conversion.probe import Probe, probe_of, probe_path
from searchgen.lm.decoder.content_hash import hash_of
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.search.lockstep import SharedPasses
from tests.lm.conversion.test_scores import CONTEXT, TEXTS, opened
from tests.lm.gguf.tiny_gguf import network, tables, torch, written
from tests.places import ROOT

WIDTH = 24


def probe(seed: int = 0) -> Probe:
    rng = np.random.default_rng(seed)
    return Probe(rng.normal(size=WIDTH), rng.normal(size=WIDTH), 0.5)


@pytest.mark.parametrize("kind", ["llama tied", "qwen2"])
def test_it_reads_the_states_two_thirds_of_the_way_up(kind: str, tmp_path: Path) -> None:
    model = opened(tmp_path, kind, 32)
    made = network(kind, len(tables()["tokens"]), 0)
    model.probe = probe()
    found = model.sense(TEXTS)
    assert found is not None
    layers = int(model.facts["layers"])
    for text, row, sense in zip(TEXTS, model.spelling.spell(TEXTS), found.tolist(), strict=True):
        with torch.no_grad():
            states = made(torch.tensor([row]), output_hidden_states=True).hidden_states[read_layer(layers)][0].numpy()
        own = states[len(model.spelling.before) : -1]
        wanted = own.mean(axis=0) @ model.probe.mean + own[-1] @ model.probe.last + model.probe.constant
        assert sense == pytest.approx(wanted, abs=1e-3), text
    assert found.std() > 0.1


@pytest.mark.parametrize("bits", [8, 32])
@pytest.mark.parametrize("threads", [1, 2])
def test_it_says_the_same_alone_and_in_every_batch(bits: int, threads: int, tmp_path: Path) -> None:
    model = opened(tmp_path, "llama", bits, threads=threads)
    model.probe = probe()
    alone = []
    for text in TEXTS:
        model.forget()
        alone.append(model.sense([text]))
    model.forget()
    model.log_probs(TEXTS)
    read = model.usage.forwards
    together = model.sense(TEXTS)
    assert together is not None
    assert model.usage.forwards == read, "texts that were scored just now are known"
    assert together.tobytes() == np.concatenate([one for one in alone if one is not None]).tobytes()
    shared = SharedPasses(model).sense(TEXTS)
    assert shared is not None
    assert shared.tobytes() == together.tobytes()


def test_beginnings_have_scores_beside_it(tmp_path: Path) -> None:
    """Of nothing there is no sense, and no score."""
    model = opened(tmp_path, "llama", 8)
    rows = model.spelling.spell_begun(["", "a", "It was"])
    wanted = model.scored_rows(["", "a", "It was"], rows)
    model.probe = probe()
    for one, other in zip(model.scored_rows(["", "a", "It was"], rows), wanted, strict=True):
        assert one.tobytes() == other.tobytes()


def test_a_model_without_one_says_nothing(tmp_path: Path) -> None:
    model = opened(tmp_path, "llama", 8)
    assert model.sense(TEXTS) is None
    assert SharedPasses(model).sense(TEXTS) is None


def test_it_is_found_by_the_hash_of_the_file_and_only_behind_the_lines_it_was_taught_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = written(tmp_path / "tiny.gguf", "llama")
    monkeypatch.setattr(probes, "DATA", tmp_path)

    def model(settings: NeuralSettings) -> ConvertedModel:
        return open_gguf(str(path), settings)

    taught = NeuralSettings(examples="default-en")
    without = model(taught)
    assert without.probe is None
    numbers = np.arange(2 * WIDTH + 1, dtype=np.float32)
    np.save(probe_path(hash_of(path), "en"), numbers)
    found = model(taught)
    assert found.probe is not None
    assert np.concatenate([found.probe.mean, found.probe.last, [found.probe.constant]]).tolist() == numbers.tolist()
    assert found.hash != without.hash, "its searches find other texts"
    others = ("", "none", "default-zh", str(ROOT / "README.md"))
    for settings in (NeuralSettings(prompt=CONTEXT), *(NeuralSettings(examples=value) for value in others)):
        assert model(settings).probe is None, settings
    np.save(probe_path(hash_of(path), "en"), numbers + 1)
    assert model(taught).hash != found.hash


def test_the_one_that_comes_with_searchgen_is_whole() -> None:
    smollm2 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    found = probe_of(smollm2, NeuralSettings(examples="default-en"))
    assert found is not None
    assert found.mean.shape == found.last.shape == (576,)
    assert np.isfinite([*found.mean, *found.last, found.constant]).all()
