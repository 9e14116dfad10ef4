"""Runs that begin at once, on a cache that lacks what all of them need: each gives what it gives alone."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import searchgen as package
from searchgen.kernels.compiled import compiled_folder
from tests.cli.runner import model, searchgen
from tests.places import ROOT

FLAGS = ("constrain", "-k", "学校", "--lm", "zh-ngram", "--budget", "0.001", "--seed", "7")


def all_at_once(number: int, cache: Path, *flags: str) -> set[tuple[int, str]]:
    """Return the different exit codes and texts of so many processes."""
    environment = {**os.environ, "SEARCHGEN_CACHE": str(cache)}
    command = [sys.executable, "-m", "searchgen", *flags]
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True) for _ in range(number)
    ]
    try:
        ended = [(process, *process.communicate()) for process in running]
    finally:
        for process in running:
            process.kill()
    assert all("compiling the inner loops, once" in err or not err for _, _, err in ended)
    return {(process.returncode, out) for process, out, _ in ended}


def leftovers(cache: Path) -> list[str]:
    """Return the files that a run should not have left."""
    return [path.name for path in cache.rglob("*") if path.name.startswith(".") or ".tmp." in path.name]


def test_two_runs_that_decode_a_model_at_once(tmp_path: Path) -> None:
    alone = searchgen(*FLAGS)
    shutil.copytree(compiled_folder(), tmp_path / "compiled" / compiled_folder().name)
    assert all_at_once(2, tmp_path, *FLAGS) == {(0, alone.out)}
    assert len(list((tmp_path / "models").iterdir())) == 1
    assert leftovers(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [2, 50])
def test_runs_on_an_empty_cache(tmp_path: Path, number: int) -> None:
    """One of them compiles, one of them decodes, and the others wait."""
    alone = searchgen(*FLAGS)
    assert all_at_once(number, tmp_path / "cache", *FLAGS) == {(0, alone.out)}
    assert len([path for path in (tmp_path / "cache" / "models").iterdir() if path.suffix != ".whole"]) == 1
    assert leftovers(tmp_path) == []


def drawn(seed: int) -> list[str]:
    """Return the texts of one call of the Python interface."""
    plan = package.Annealing(chains=8, steps=200)
    return [record.text for record in package.constrain("dog,park", n=3, lm=model("en"), seed=seed, annealing=plan)]


def test_two_threads_of_one_process() -> None:
    alone = {seed: drawn(seed) for seed in range(4)}
    together: dict[int, list[str]] = {}
    threads = [threading.Thread(target=lambda seed=seed: together.update({seed: drawn(seed)})) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


#: Two threads of a process for which nothing is compiled and no model is decoded.
THREADS = """
import threading
import searchgen
texts = {}
def draw(seed):
    texts[seed] = [record.text for record in searchgen.constrain("学校", lm="zh-ngram", seed=7)]
threads = [threading.Thread(target=draw, args=(seed,)) for seed in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(texts[0] == texts[1] != [])
"""


@pytest.mark.slow
def test_two_threads_on_an_empty_cache(tmp_path: Path) -> None:
    environment = {**os.environ, "SEARCHGEN_CACHE": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", THREADS], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "True\n", "")
