"""A constraint is one file and one line: a throw-away one, in a copy of the tree, is found by commands, specs, jobs and Python."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT

#: What somebody who has read the page writes: a file, and a line.
PAGE = (ROOT / "docs/constraints.md").read_text(encoding="utf-8")
FILE = PAGE.partition("```python\n# searchgen/constraints/max_commas.py\n")[2].partition("```")[0]
LINE = next(f"{line}\n" for line in PAGE.splitlines() if line.startswith('    "max_commas:'))

WITH_COMMA, WITHOUT = "Well, the dog ran home.", "The dog ran home."


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project with the constraint."""
    copy = tmp_path_factory.mktemp("copy") / "tree"
    ignore = shutil.ignore_patterns(".git", "corpora", "tests", "benchmarks", "docs", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, copy, symlinks=True, ignore=ignore)
    (copy / "searchgen/constraints/max_commas.py").write_text(FILE, encoding="utf-8")
    registry = copy / "searchgen/constraints/__init__.py"
    before = registry.read_text(encoding="utf-8")
    registry.write_text(before.replace('    "length:Length",\n', LINE + '    "length:Length",\n'), encoding="utf-8")
    return copy


def run(tree: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "searchgen", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(tree), "SEARCHGEN_DEBUG": "1"}
    return subprocess.run(
        command, cwd=tree, env=environment, input=stdin, capture_output=True, encoding="utf-8", check=False
    )


def test_it_is_one_file_and_one_line() -> None:
    assert len(FILE.splitlines()) <= 40
    assert len(LINE.splitlines()) == 1


@pytest.mark.parametrize("command", ["constrain", "sample", "batch", "score", "check", "compare", "explain"])
def test_every_command_has_its_flag(tree: Path, command: str) -> None:
    shown = run(tree, command, "--help")
    assert shown.returncode == 0, shown.stderr
    assert "--max-commas N" in shown.stdout


def test_commands_heed_it(tree: Path) -> None:
    listed = run(tree, "list", "constraints")
    assert "max-commas" in listed.stdout
    texts = f"{WITH_COMMA}\n{WITHOUT}\n"
    checked = run(tree, "check", "--max-commas", "0", stdin=texts)
    assert checked.stdout == f"1\tat most 0 commas\t{WITH_COMMA}\n", checked.stderr
    scored = run(tree, "score", "--max-commas", "0", "--json", stdin=texts)
    assert [json.loads(row)["satisfied"]["at most 0 commas"] for row in scored.stdout.splitlines()] == [False, True]
    refused = run(tree, "check", "--max-commas", "-1", stdin=texts)
    assert (refused.returncode, refused.stderr) == (2, "searchgen: --max-commas -1: give 0 to 200\n")
    explained = run(tree, "explain", "--max-commas", "0", "--keywords", "dog", "--max-words", "8")
    assert "max-commas" in explained.stdout, explained.stderr


def test_searches_specs_jobs_and_python_heed_it(tree: Path, tmp_path: Path) -> None:
    quick = ("--lm", "en-ngram", "--seed", "1", "--budget", "0.05", "--json")
    found = run(tree, "constrain", "--keywords", "dog", "--max-commas", "0", *quick)
    record = json.loads(found.stdout)
    assert record["satisfied"]["at most 0 commas"], found.stderr
    assert '"max_commas":0' in record["signature"]
    spec = tmp_path / "spec.toml"
    spec.write_text("[constraints]\nkeywords = ['dog']\nmax_commas = 0\n", encoding="utf-8")
    assert json.loads(run(tree, "constrain", "--spec", str(spec), *quick).stdout)["text"] == record["text"]
    jobs = '{"keywords": "dog", "max_commas": 0, "seed": 1, "budget": 0.05}\n'
    rows = run(tree, "batch", "-", "--lm", "en-ngram", "-q", stdin=jobs)
    assert json.loads(rows.stdout)["results"][0]["text"] == record["text"], rows.stderr
    script = (
        "import searchgen\n"
        "record = searchgen.constrain('dog', lm='en-ngram', seed=1, max_commas=0)[0]\n"
        "print(record.satisfied['at most 0 commas'])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    asked = subprocess.run(
        [sys.executable, "-c", script], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    assert asked.stdout == "True\n", asked.stderr


def test_nonsense_is_refused(tree: Path) -> None:
    refused = run(tree, "constrain", "--keywords", "dog", "--max-comas", "0")
    assert refused.returncode == 2
    assert "--max-commas" in refused.stderr
