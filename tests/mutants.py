"""Spoil each log-ratio and weight term of `samplers/` in turn, and require that the exactness tests fail for every mutant.

    python -m tests.mutants [WORD ...]     # all, or those that have a word in their name

A line each; exit code 1 if one survives, 2 if no name has the word. Each compiles everything anew: about two minutes on a core.

`tests/mutants.toml` lists them. Each mutant is a copy of the tree with one term changed, tested in a process of its own with its own
compile cache; only the suite that its group names is run.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.places import ROOT

__all__ = ["Mutant", "mutants", "spoilt_text", "survives"]

#: A group's suite that is no test file: the registered proof of a sampler.
PROOF = "proof of "


class Mutant(NamedTuple):
    """One term of the code, spoilt."""

    what: str
    file: str
    line: str
    spoilt: str
    suite: str

    @property
    def tests(self) -> list[str]:
        """Arguments of pytest."""
        if not self.suite.startswith(PROOF):
            return [self.suite]
        return ["tests/samplers/test_proofs.py", "-k", f"[{self.suite.removeprefix(PROOF)}-"]


def mutants() -> list[Mutant]:
    """Return the mutants of the list."""
    groups = tomllib.loads((ROOT / "tests/mutants.toml").read_text(encoding="utf-8"))["group"]
    return [Mutant(what, g["file"], line, spoilt, g["suite"]) for g in groups for what, line, spoilt in g["mutants"]]


def spoilt_text(mutant: Mutant) -> str:
    """Return a mutant's file.

    Raises:
        ValueError: the term is not in the file exactly once, so the list of mutants is out of date.
    """
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    if text.count(mutant.line) != 1 or mutant.line == mutant.spoilt:
        times = text.count(mutant.line)
        raise ValueError(
            f"{mutant.what}: {mutant.line!r} stands {times} times in {mutant.file}; correct tests/mutants.toml"
        )
    return text.replace(mutant.line, mutant.spoilt)


def survives(mutant: Mutant, folder: Path) -> bool:
    """Return whether the exactness tests pass on a tree that has the mutant's term.

    Raises:
        ValueError: the tests could not be run.
    """
    tree = Path(tempfile.mkdtemp(dir=folder)) / "tree"
    ignore = shutil.ignore_patterns(
        ".git", "data", "corpora", "__pycache__", ".*_cache", ".hypothesis", "build", "*.egg-info"
    )
    shutil.copytree(ROOT, tree, symlinks=True, ignore=ignore)
    (tree / mutant.file).write_text(spoilt_text(mutant), encoding="utf-8")
    # less optimised machine code computes the same and is made in half the time
    settings = {"PYTHONPATH": str(tree), "SEARCHGEN_CACHE": str(tree / ".cache"), "NUMBA_OPT": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", *mutant.tests]
    done = subprocess.run(
        command, cwd=tree, env={**os.environ, **settings}, capture_output=True, text=True, check=False
    )
    shutil.rmtree(tree)
    if done.returncode not in (0, 1):
        raise ValueError(f"{mutant.what}: pytest ended with {done.returncode}: {(done.stdout + done.stderr)[-500:]}")
    return done.returncode == 0


def main(words: list[str]) -> int:
    """Test the chosen mutants, two at a time; return 1 if one survives, 2 if none is chosen."""
    chosen = [one for one in mutants() if not words or any(word in one.what for word in words)]
    if not chosen:
        print(f"no mutant has {' or '.join(words)} in its name; tests/mutants.toml lists them", file=sys.stderr)
        return 2
    alive = 0
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        for mutant, lives in zip(chosen, pool.map(lambda one: survives(one, Path(name)), chosen), strict=True):
            alive += lives
            print(f"{'SURVIVES' if lives else 'killed  '}  {mutant.what}  ({mutant.suite})", flush=True)
    print(f"{len(chosen) - alive} of {len(chosen)} killed")
    return int(alive > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
