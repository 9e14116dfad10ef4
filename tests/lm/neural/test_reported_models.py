"""The folders of models that were reported, where they are at hand: rows 1a to 1c, 8a and 8b of their list, and the program that forks."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from tests.cli.runner import searchgen
from tests.places import ROOT

pytestmark = pytest.mark.slow

LINE = b"The dog is in the park.\n"


@pytest.fixture(scope="module")
def models(shared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    script = shared_folder / "cases" / "hf" / "make_models.py"
    if not script.is_file():
        pytest.skip(f"no file {script}")
    folder = tmp_path_factory.mktemp("models")
    environment = {**os.environ, "PROJECT": str(ROOT)}
    subprocess.run([sys.executable, script, folder], env=environment, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize(
    ("name", "weight"),
    [
        ("one_matrix_missing", "model.layers.1.mlp.up_proj.weight"),
        ("embedding_missing", "model.embed_tokens.weight"),
        ("untied_without_lm_head", "lm_head.weight"),
    ],
)
def test_a_weight_that_is_not_there(models: Path, name: str, weight: str) -> None:
    ran = searchgen("score", "--lm", str(models / name), stdin=LINE)
    assert (ran.code, ran.out, ran.err) == (
        2,
        "",
        f"searchgen: {models / name} lacks {weight}; fetch the model again\n",
    )


@pytest.mark.parametrize("name", ["prefix_module", "prefix_peft"])
def test_a_prefix_is_taken_off(models: Path, name: str) -> None:
    expected = searchgen("score", "--lm", str(models / "qwen2"), stdin=LINE)
    assert searchgen("score", "--lm", str(models / name), stdin=LINE) == expected
    assert expected.code == 0


@pytest.mark.parametrize(
    ("name", "keywords"), [("unk_letters", "dog,park"), ("gpt2_chinese", "猫,桌子"), ("unk_words", "dog")]
)
def test_a_proposal_that_cannot_be_spelled_ends_no_search(models: Path, name: str, keywords: str) -> None:
    ran = searchgen("constrain", "-k", keywords, "--lm", str(models / name), "--seed", "1")
    assert ran.code == 0, ran.err
    assert all(word in ran.out.lower() for word in keywords.split(","))


def test_the_program_that_forks(shared_folder: Path) -> None:
    script = shared_folder / "cases" / "reliability" / "13-fork.py"
    if not script.is_file():
        pytest.skip(f"no file {script}")
    # The class has moved since.
    program = re.sub(
        r"from searchgen\.request import Annealing", "from searchgen import Annealing", script.read_text("utf-8")
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert [line.partition(" ")[0] for line in ran.stdout.splitlines()] == ["en-ngram", "en"]
    assert "no answer" not in ran.stdout
