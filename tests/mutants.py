"""Spoil each log-ratio term of `samplers/` in turn, and require that the exactness tests fail for every mutant.

    python -m tests.mutants            # all; a line each, exit code 1 if one survives

Each mutant is a copy of the tree with one line changed, tested in a process of its own with its own compile cache.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

__all__ = ["MUTANTS", "survives"]

ROOT = Path(__file__).resolve().parent.parent

#: What is spoilt, the file, the line as it stands, the line as the mutant has it.
MUTANTS = (
    ("old window's q dropped", "samplers/moves.py", "log_q = log_q_old - log_q_new", "log_q = -log_q_new"),
    ("new window's q dropped", "samplers/moves.py", "log_q = log_q_old - log_q_new", "log_q = log_q_old"),
    ("q ratio negated", "samplers/moves.py", "log_q = log_q_old - log_q_new", "log_q = log_q_new - log_q_old"),
    ("q ratio dropped", "samplers/moves.py", "log_q = log_q_old - log_q_new", "log_q = 0.0 * log_q_old"),
    ("unknown word's choice dropped, new", "samplers/moves.py", "log_q -= np.log(extras)", "log_q -= 0.0"),
    (
        "unknown word's choice dropped, old",
        "samplers/moves.py",
        "log_q_old -= np.log(len(problem.extra))",
        "log_q_old -= 0.0",
    ),
    ("weight of old tokens dropped", "samplers/moves.py", "change_weight -= token.weight", "change_weight -= 0.0"),
    (
        "weight of new tokens negated",
        "samplers/moves.py",
        "change_weight += token.weight",
        "change_weight -= token.weight",
    ),
    ("old log p dropped", "samplers/moves.py", "change_p -= chains.log_p[c, at]", "change_p -= 0.0"),
    (
        "new log p of the wrong place",
        "samplers/moves.py",
        "change_p += draft.log_p[at]",
        "change_p += draft.log_p[start]",
    ),
    ("tail dropped", "samplers/moves.py", "bound + scale * change_tail", "bound"),
    ("tail negated", "samplers/moves.py", "bound + scale * change_tail", "bound - scale * change_tail"),
    ("tail of the wrong state", "samplers/moves.py", "change += log_p - chains.log_p[c, old]", "change += log_p"),
    (
        "temperature left out of the weights",
        "samplers/moves.py",
        "inverse_temperature * change_weight",
        "change_weight",
    ),
    (
        "beta left out",
        "samplers/moves.py",
        "scale = inverse_temperature * problem.beta[0]",
        "scale = inverse_temperature",
    ),
    (
        "log q misplaced under the temperature",
        "samplers/moves.py",
        "change_weight + log_q",
        "change_weight + inverse_temperature * log_q",
    ),
    ("no label inserts a token", "samplers/moves.py", "if old + new]", "if old + new and (old, new) != (0, 1)]"),
    ("relocation one-sided", "samplers/moves.py", "target += 1", "target += 0"),
    ("protected words drawn, never replaced", "samplers/moves.py", "(guarded and token.protected)", "False"),
    (
        "accept rule: old state's half",
        "searchgen/randomness.py",
        "min(1.0, np.exp(log_alpha))",
        "min(1.0, np.exp(0.5 * log_alpha))",
    ),
)


def survives(mutant: tuple[str, str, str, str], folder: Path) -> bool:
    """Return whether the exactness tests pass on a tree that has the mutant's line.

    Raises:
        ValueError: the line is not in the file exactly once, so the list of mutants is out of date.
    """
    name, file, line, spoilt = mutant
    tree = folder / name.replace(" ", "-").replace(":", "").replace("'", "").replace(",", "")
    ignore = shutil.ignore_patterns(".git", "data", "__pycache__", ".*_cache", ".hypothesis", "build", "*.egg-info")
    shutil.copytree(ROOT, tree, symlinks=True, ignore=ignore)
    text = (tree / file).read_text(encoding="utf-8")
    if text.count(line) != 1:
        raise ValueError(f"{name}: {line!r} stands {text.count(line)} times in {file}; correct the list of mutants")
    (tree / file).write_text(text.replace(line, spoilt), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tree), "SEARCHGEN_CACHE": str(tree / ".cache")}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/test_moves.py"]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    shutil.rmtree(tree)
    if done.returncode not in (0, 1):
        raise ValueError(f"{name}: pytest ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return done.returncode == 0


def main() -> int:
    """Test every mutant, two at a time; return 1 if one survives."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        folder = Path(name)
        alive = list(pool.map(lambda mutant: survives(mutant, folder), MUTANTS))
    for mutant, lives in zip(MUTANTS, alive, strict=True):
        print(f"{'SURVIVES' if lives else 'killed  '}  {mutant[0]}")
    return int(any(alive))


if __name__ == "__main__":
    sys.exit(main())
