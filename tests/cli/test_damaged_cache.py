"""A cache that was damaged gives the same texts as a whole one, and is whole afterwards. In separate processes: bad links end one."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from searchgen.kernels.compiled import compiled_folder
from tests.cli.runner import searchgen
from tests.places import ROOT

FLAGS = ("constrain", "-k", "学校", "--lm", "zh-ngram", "--budget", "0.001", "--seed", "7")


def ran(cache: Path) -> tuple[int, str, str]:
    environment = {**os.environ, "SEARCHGEN_CACHE": str(cache)}
    command = [sys.executable, "-m", "searchgen", *FLAGS]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with all that one request needs."""
    shutil.copytree(compiled_folder(), tmp_path / "compiled" / compiled_folder().name)
    assert ran(tmp_path)[0] == 0
    return tmp_path


def damage(path: Path, places: int, seed: int) -> None:
    """Write into a file where it lies."""
    rng = random.Random(seed)
    with path.open("r+b") as file:
        for _ in range(places):
            file.seek(rng.randrange(8192, path.stat().st_size - 8192))
            file.write(rng.randbytes(64))


@pytest.mark.parametrize("places", [1, pytest.param(300, marks=pytest.mark.slow)])
def test_a_decoded_model_that_was_changed_is_made_anew(cache: Path, places: int) -> None:
    expected = (0, searchgen(*FLAGS).out, "")
    (model,) = (cache / "models").iterdir()
    whole = model.read_bytes()
    damage(model, places, seed=places)
    assert model.read_bytes() != whole
    assert ran(cache) == expected
    assert model.read_bytes() == whole


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["*.nbi", "*.nbc"])
@pytest.mark.parametrize("content", [b"", bytes(5000), None], ids=["empty", "zeros", "bits"])
def test_compiled_code_that_was_changed_is_compiled_again(cache: Path, ending: str, content: bytes | None) -> None:
    expected = (0, searchgen(*FLAGS).out, "")
    files = sorted((cache / "compiled").rglob(ending))
    assert files
    for path in files:
        whole = bytearray(path.read_bytes())
        whole[len(whole) // 2] ^= 4
        path.write_bytes(bytes(whole) if content is None else content)
    for _ in range(2):
        assert ran(cache) == expected
