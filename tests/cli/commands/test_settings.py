"""Settings of the user, lists of what there is, completions of the shell."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from searchgen.constraints import CONSTRAINTS
from searchgen.lm.embedded import EMBEDDED
from searchgen.request.user_settings import SETTINGS
from searchgen.samplers.registry import names
from tests.cli.runner import QUICK, model, searchgen


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    monkeypatch.setenv("SEARCHGEN_CONFIG", str(path))
    return path


def shown(name: str) -> tuple[object, str]:
    rows = {row["name"]: row for row in searchgen("config", "--json").rows}
    assert set(rows) == {"file", "cache", *SETTINGS}
    return rows[name]["value"], rows[name]["source"]


def test_environment_before_file_before_default(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown("lm") == (None, "default")
    file.write_text('lm = "zh"\nworkers = 2\n')
    assert shown("lm") == ("zh", str(file))
    monkeypatch.setenv("SEARCHGEN_LM", "en")
    assert shown("lm") == ("en", "SEARCHGEN_LM")
    assert shown("workers") == (2, str(file))


def test_a_misspelt_variable_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SEARCHGEN_WORKER", "SEARCHGEN_DEBUG", "SEARCHGEN_SHARED", "OTHER_WORKER"):
        monkeypatch.setenv(name, "2")
    ran = searchgen("config")
    assert (ran.code, ran.err) == (0, "searchgen: SEARCHGEN_WORKER is not a setting; did you mean SEARCHGEN_WORKERS?\n")


def test_settings_are_defaults_and_flags_win(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(f'lm = "{model("en")}"\nbudget = 0.001\njson = true\n')
    row = searchgen("constrain", "-k", "dog", "--seed", "1").rows[0]
    assert (row["lm"].partition("@")[0], row["steps"]) == (model("en"), 960)
    assert searchgen("constrain", "-k", "dog", "--budget", "0.002").rows[0]["steps"] == 2000
    assert searchgen("constrain", "--again", row["signature"]).rows[0] == row
    monkeypatch.setenv("SEARCHGEN_JSON", "no")
    assert searchgen("constrain", "-k", "dog", "--seed", "1").out == row["text"] + "\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lmm = 'en'\n", "did you mean 'lm'"),
        ("workers = 'two'\n", "workers = 'two': give a whole number"),
        ("lm = \n", "cannot read"),
        ("quiet = 1\n", "quiet = 1: give true or false"),
    ],
)
def test_a_bad_file(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    ran = searchgen("config")
    assert (ran.code, said in ran.err, ran.err.count("\n")) == (2, True, 1)


def test_a_bad_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCHGEN_BUDGET", "much")
    ran = searchgen("constrain", "-k", "dog")
    assert (ran.code, "SEARCHGEN_BUDGET='much'" in ran.err) == (2, True)


def test_lists_are_the_registries() -> None:
    for what, known in [
        ("constraints", list(CONSTRAINTS)),
        ("samplers", names()),
        ("models", [*EMBEDDED]),
    ]:
        assert [row["name"] for row in searchgen("list", what, "--json").rows] == known
        assert [line.split()[0] for line in searchgen("list", what).lines] == known


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions(shell: str) -> None:
    assert "_SEARCHGEN_COMPLETE" in searchgen("completion", shell).out
    assert searchgen("completion", "tcsh").code == 2


def test_the_shell_is_answered() -> None:
    asked = {
        **os.environ,
        "_SEARCHGEN_COMPLETE": "complete_bash",
        "COMP_WORDS": "searchgen batch --worke",
        "COMP_CWORD": "2",
    }
    command = [sys.executable, "-c", "from searchgen.cli.main import run; run()"]
    ran = subprocess.run(command, env=asked, capture_output=True, text=True, check=False)
    assert ran.stdout.split() == ["--workers"]
    assert json.dumps(ran.stderr) == '""'


def test_quiet_leaves_notes_out_and_no_error() -> None:
    flags = ("constrain", "--lm", model("en"), "-k", "xqzt", "--seed", "1", *QUICK)
    loud, quiet = searchgen(*flags), searchgen(*flags, "--quiet")
    assert "does not know xqzt" in loud.err
    assert (quiet.out, quiet.err) == (loud.out, "")
    assert "does not know xqzt" in searchgen(*flags).err  # of one command only
    drawn = ("sample", "--lm", model("en"), "-k", "xqzt", "--seed", "1")
    assert searchgen(*drawn).err
    assert searchgen(*drawn, "-q").err == ""
    assert "is both a keyword and forbidden" in searchgen(*flags, "--forbid", "xqzt", "-q").err
