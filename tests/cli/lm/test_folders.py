"""`lm get`, `lm list`, `lm info` and `lm remove` on folders in Hugging Face format."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gguf")
pytest.importorskip("torch")

from searchgen.kernels.processor import instruction_set
from searchgen.lm.conversion import bits, cached
from searchgen.lm.decoder import content_hash
from searchgen.lm.neural.transformer import open_transformer
from tests.cli.runner import QUICK, searchgen
from tests.lm.folders.tiny_folder import change, written
from tests.lm.neural.tiny_transformer import by_bytes


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    kept = tmp_path / "kept"
    kept.mkdir()
    for module in (bits, cached, content_hash):
        monkeypatch.setattr(module, "cache_folder", lambda: kept)
    monkeypatch.setenv("HOME", str(tmp_path))
    return written(tmp_path / "my-lm", "qwen3")[0]


def conversions() -> list[tuple[str, int, str]]:
    rows = searchgen("lm", "list", "--json").rows
    return [(row["name"], row["bits"], row["about"]) for row in rows if row["kind"] == "conversion"]


def score(folder: Path, *flags: str) -> list[float]:
    ran = searchgen("score", "--lm", str(folder), "--json", *flags, stdin=b"The dog ran.\nA cat.\n")
    assert ran.code == 0, ran.err
    return [row["log_prob"] for row in ran.rows]


def test_eight_bits_and_back(folder: Path) -> None:
    exact = score(folder)
    assert conversions() == [(str(folder), 32, "32 bits a weight")]
    ran = searchgen("lm", "get", "--from", str(folder), "--bits", "8")
    assert (ran.code, ran.out) == (0, "")
    assert f"{folder} is ready: --lm {folder}" in ran.err
    assert sorted(row[1] for row in conversions()) == [8, 32]
    eight = score(folder)
    assert np.abs(np.subtract(eight, exact)).max() > 1e-4
    assert searchgen("lm", "get", "--from", str(folder)).code == 0
    assert score(folder) == eight
    assert searchgen("lm", "get", "--from", str(folder), "--bits", "32").code == 0
    assert score(folder) == exact


def test_info_says_what_computes_it(folder: Path, tmp_path: Path) -> None:
    (row,) = searchgen("lm", "info", str(folder), "--json").rows
    assert (row["kind"], row["computed_by"], row["bits"]) == ("qwen3", "onnxruntime", 32)
    assert row["hash"] == open_transformer(str(folder)).hash
    other = by_bytes(tmp_path / "gpt2")
    (row,) = searchgen("lm", "info", str(other), "--json").rows
    assert (row["computed_by"], row["bits"]) == ("torch", None)
    assert row["hash"] == open_transformer(str(other)).hash


def test_only_conversions_are_removed(folder: Path) -> None:
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert searchgen("lm", "get", "--from", str(folder), "--bits", "8").code == 0
    score(folder)
    ran = searchgen("lm", "remove", str(folder))
    assert (ran.code, ran.out) == (0, "")
    assert f"{folder}: 0 MB are free" in ran.err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    assert conversions() == []
    assert bits.chosen_bits(folder) == 32


def test_conversions_of_a_folder_that_has_changed_are_removed_too(folder: Path) -> None:
    score(folder)
    change(folder, lambda weights: {name: weight * 2 for name, weight in weights.items()})
    score(folder)
    assert len(conversions()) == 2
    assert searchgen("lm", "remove", str(folder)).code == 0
    assert conversions() == []


def test_folders_that_are_not_converted(folder: Path, tmp_path: Path) -> None:
    other, empty = by_bytes(tmp_path / "gpt2"), tmp_path / "empty"
    empty.mkdir()
    for path in (other, empty):
        ran = searchgen("lm", "get", "--from", str(path), "--bits", "8")
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
        assert "a LLaMA, Mistral, Qwen 2 or Qwen 3 with model.safetensors and tokenizer.json is converted" in ran.err
    ran = searchgen("lm", "get", "--from", str(folder), "--bits", "5")
    assert (ran.code, ran.err) == (2, "searchgen: --bits 5: give 8, 4 or 32\n")
    assert conversions() == []


def test_a_signature_names_the_instruction_set(folder: Path) -> None:
    search = ("--keywords", "dog", "--lm", str(folder), "--end", "none", "--seed", "3", "--examples", "none")
    (row,) = searchgen("constrain", *search, *QUICK, "--json").rows
    instructions = instruction_set()
    assert f"+{instructions}:" in row["signature"]
    again = searchgen("constrain", "--again", row["signature"], "--json")
    assert (again.code, again.rows[0]["text"]) == (0, row["text"])
    other = searchgen("constrain", "--again", row["signature"].replace(f"+{instructions}:", "+other:"))
    assert (other.code, other.out) == (2, "")
