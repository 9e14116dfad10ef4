"""`score`, `check` and `sample` under a transformer, as whole commands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from searchgen.cli import loading
from searchgen.kernels import precompile
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.transformer import open_transformer
from tests.cli.runner import QUICK, searchgen
from tests.lm.neural.tiny_transformer import by_bytes, by_words


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(by_bytes(tmp_path_factory.mktemp("bytes")))


def test_score_prints_the_transformers_log_probability(letters: str) -> None:
    texts = ["The dog ran.", "A cat.", "The dog ran."]
    stdin = "".join(f"{text}\n" for text in texts).encode()
    ran = searchgen("score", "--lm", letters, "--json", "--end", "none", "--prompt", "He said:", stdin=stdin)
    assert ran.code == 0, ran.err
    model = open_transformer(letters, NeuralSettings(end="none", prompt="He said:"))
    assert [row["log_prob"] for row in ran.rows] == pytest.approx(model.log_probs(texts).tolist(), rel=1e-5)
    assert [row["line"] for row in ran.rows] == [1, 2, 3]
    assert ran.rows[1]["log_prob_per_token"] == pytest.approx(ran.rows[1]["log_prob"] / 4)
    assert {row["lm"] for row in ran.rows} == {model.label}


def test_the_librarys_own_chatter_is_not_heard(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = str(by_bytes(tmp_path, kind="llama"))
    capfd.readouterr()
    open_transformer(folder, NeuralSettings(dtype="bfloat16"))  # in 32 bits onnxruntime computes a LLaMA
    assert capfd.readouterr() == ("", "")


#: Imported by Python before all else: a cache that says, in every way, what libraries say outside their loading.
CHATTER = """
import logging, os, warnings
import transformers, transformers.utils.logging

silent = transformers.DynamicCache.__init__

def chatter(*given, **named):
    warnings.simplefilter("always")
    warnings.warn("a deprecation", FutureWarning)
    transformers.utils.logging.get_logger("transformers.models").warning("a log line")
    logging.getLogger("numba").error("a lone logger")
    os.write(2, b"a line past Python\\n")
    silent(*given, **named)

transformers.DynamicCache.__init__ = chatter
"""
SAID = ("FutureWarning: a deprecation", "a log line", "a lone logger", "a line past Python")


@pytest.mark.parametrize("debug", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_libraries_are_not_heard_of_a_command_line(tmp_path: Path, debug: bool) -> None:
    """Control: SEARCHGEN_DEBUG lets them speak."""
    (tmp_path / "sitecustomize.py").write_text(CHATTER, encoding="utf-8")
    folder = str(by_bytes(tmp_path, kind="mamba"))  # the library itself warns of it, too
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    variables = {"PYTHONPATH": paths, "SEARCHGEN_DEBUG": "1" if debug else "", "PYTHONWARNINGS": "default"}
    command = [sys.executable, "-m", "searchgen", "constrain", "--lm", folder, "--keywords", "dog", "-v", *QUICK]
    ran = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=True)
    assert "dog" in ran.stdout
    assert [words in ran.stderr for words in SAID] == [debug] * len(SAID)
    assert ("[transformers]" in ran.stderr) is debug
    assert debug or all(line.startswith("searchgen: ") for line in ran.stderr.splitlines())
    assert f"{folder} keeps no keys and values" in ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_stderr_that_cannot_be_written_changes_no_exit_code() -> None:
    command = [sys.executable, "-m", "searchgen", "constrain", "--lm", "nowhere.onnx", "--keywords", "dog"]
    with Path("/dev/full").open("wb") as full:
        assert subprocess.run(command, stderr=full, check=False).returncode == 2


def test_why_a_network_keeps_no_keys_and_values_is_told(tmp_path: Path, letters: str) -> None:
    folder = str(by_bytes(tmp_path, kind="mamba"))
    facts = searchgen("lm", "info", folder, "--json").rows[0]
    assert facts["keys_and_values_kept"] is False
    assert "keys and values kept no\nnot kept because     the network does not" in searchgen("lm", "info", folder).out
    ran = searchgen("constrain", "--lm", folder, "--keywords", "dog", "--verbose", *QUICK)
    assert ran.err.count(f"searchgen: {folder} keeps no keys and values: {facts['not_kept_because']}\n") == 1
    assert "keeps no keys" not in searchgen("constrain", "--lm", folder, "--keywords", "dog", *QUICK).err
    assert "keeps no keys" not in searchgen("constrain", "--lm", letters, "--keywords", "dog", "-v", *QUICK).err
    kept = searchgen("lm", "info", letters, "--json").rows[0]
    assert (kept["keys_and_values_kept"], "not_kept_because" in kept) == (True, False)
    (tmp_path / "model.safetensors").unlink()
    facts = searchgen("lm", "info", folder, "--json").rows[0]
    assert facts["keys_and_values_kept"] is None
    assert facts["not_kept_because"].startswith("the network was not tried (")


def test_a_line_that_has_no_score_spoils_no_other(tmp_path: Path) -> None:
    ran = searchgen("score", "--lm", str(by_words(tmp_path)), stdin=b"a b\n\na dog\n\xff\nc\n")
    assert ran.code == 3
    assert [line.partition("\t")[2] for line in ran.lines] == ["a b", "", "a dog", "", "c"]
    assert "line 2: the line has no words" in ran.err
    assert "cannot spell the text, whose probability is zero" in ran.err.splitlines()[1]
    assert "line 4: not UTF-8" in ran.err
    assert "no score for 2 of 5 lines" in ran.err


def test_check_judges_what_a_transformer_made(letters: str) -> None:
    ran = searchgen("check", "--lm", letters, "--keywords", "dog", stdin=b"The dog ran.\nNo.\n")
    assert ran.code == 3
    assert ran.lines == ["2\tkeyword dog\tNo."]


def test_sample_takes_the_sampler_that_serves_a_transformer(letters: str) -> None:
    given = ("--keywords", "dog", "--max-words", "4", "--seed", "3", "--option", "burn_in=4", "--json")
    ran = searchgen("sample", "--lm", letters, *given)
    assert ran.code == 0, ran.err
    assert (ran.rows[0]["sampler"], ran.rows[0]["kind"]) == ("surrogate", "markov")


@pytest.mark.parametrize("sampler", ["rejection", "mh", "tempering"])
def test_a_sampler_that_looks_into_the_model_is_refused_before_its_loops_are_compiled(
    letters: str, sampler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "PATIENCE", 0.0)
    monkeypatch.setattr(loading, "note", fail)
    monkeypatch.setattr(precompile, "marker", lambda name: tmp_path / name)
    for command in (("sample", "--sampler", sampler), ("compare", "--samplers", f"smc,{sampler}")):
        ran = searchgen(*command, "--lm", letters, "--keywords", "dog", "--seed", "1")
        assert (ran.code, ran.lines) == (2, [])
        assert f"--sampler {sampler} needs the parts of the target" in ran.err
        assert "use surrogate, smc, importance" in ran.err


def fail(line: str) -> None:
    raise AssertionError(line)


def test_explain_names_the_model_that_proposes_and_a_sampler_that_serves_the_transformer(letters: str) -> None:
    asked = ("explain", "--keywords", "the", "--max-words", "4")
    ran = searchgen(*asked, "--lm", letters)
    assert ran.code == 0
    assert "these numbers are those of en-ngram" in ran.err
    assert "importance, smc no estimate" in ran.out
    row = searchgen(*asked, "--lm", letters, "--json").rows[0]
    assert row["needed"]["rejection"] is None
    assert row["advice"] == "surrogate"  # under en-ngram alone it is rejection, which a transformer refuses
    assert searchgen(*asked, "--lm", "en-ngram", "--json").rows[0]["advice"] == "rejection"
    raw = searchgen("score", "--lm", letters, "--raw-tokens")
    assert raw.code == 2
    assert "drop the flag" in raw.err
