"""Specs: the example is right, every mistake is named with its way out, flags win."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from searchgen.lm.neural.settings import NeuralSettings
from searchgen.request.from_toml import EXAMPLE, TABLES, read_spec
from searchgen.request.request import Annealing, Request, Terms
from tests.cli.runner import QUICK, model, searchgen
from tests.cli.schema import faults, schema


def written(folder: Path, text: str) -> str:
    path = folder / "target.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_example_names_every_key_and_its_values_are_the_defaults(tmp_path: Path) -> None:
    assert searchgen("init").out == EXAMPLE
    for table, keys in TABLES.items():
        assert not table or f"[{table}]" in EXAMPLE
        missing = [key for key in keys if f"{key} = " not in EXAMPLE]
        assert set(missing) <= {"class_weight", "association_weight", "blocks", "opaque"}
    request = read_spec(written(tmp_path, EXAMPLE)).request({}, 0)
    assert (request.terms, request.annealing, request.neural) == (Terms(), Annealing(), NeuralSettings())
    every = EXAMPLE.replace("# starts", "starts").replace("# ends", "ends").replace("# word =", "word =")
    assert read_spec(written(tmp_path, every)).request({}, 0).starts_with == "The"


def test_the_example_is_toml_with_each_of_its_keys_and_with_all() -> None:
    lines = EXAMPLE.splitlines()
    bare = [re.sub(r"^# (?=\w+ = )", "", line) for line in lines]
    hidden = [number for number, (line, key) in enumerate(zip(lines, bare, strict=True)) if line != key]
    assert hidden
    for number in hidden:
        tomllib.loads("\n".join([*lines[:number], bare[number], *lines[number + 1 :]]))
    assert tomllib.loads("\n".join(bare))["constraints"]["line_words"] == ["2=sea"]
    assert sum(line.startswith("line_words = ") for line in bare) == 1


def test_an_empty_spec_is_the_default_request(tmp_path: Path) -> None:
    assert read_spec(written(tmp_path, "")).request({}, 0) == Request()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[constraint]\n", "unknown key 'constraint'; did you mean 'constraints'?"),
        ("[constraints]\nkeyword = 'a'\n", "unknown key 'constraints.keyword'; did you mean 'keywords'?"),
        ("[lengths]\ncount = 2\n", "unknown key 'lengths.count'; it belongs under [output]"),
        ("keywords = 'a'\n", "unknown key 'keywords'; it belongs under [constraints]"),
        ("[lengths]\nseed = 2\n", "it belongs at the top"),
        ("[lengths]\nmin_words = 'six'\n", "field 'min_words' cannot be \"six\""),
        (
            "[lengths]\nmin_words = 9\nmax_words = 3\n",
            "--min-words (--min-chars) 9 is more than --max-words (--max-chars) 3",
        ),
        ("[terms]\ncomma = true\n", "field 'terms.comma' cannot be true"),
        ("[schedule]\nbudget = 1\nsteps = 5\n", "schedule.budget stands for the schedule"),
        ("[neural]\nend = 'eot'\n", "--end 'eot': give one of eos, newline, none"),
        ("[neural]\ndevice = 3\n", "field 'neural.device' cannot be 3"),
        ("[neural]\nprompts = 'A'\n", "unknown key 'neural.prompts'; did you mean 'prompt'?"),
        ("lm = 'en-ngram'\n[neural]\nend = 'none'\n", "--end is for transformers, and --lm en-ngram is not one"),
        ("[output]\njson = 1\n", "output.json = 1"),
        ("lengths = 3\n", "lengths is a table; write [lengths]"),
        ("a = \n", "not TOML"),
        ("seed = -1\n", "--seed -1"),
        ("seed = 1979-05-27\n", "a date or a time"),
        ("lm = inf\n", "field 'lm' cannot be"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    ran = searchgen("spec", "validate", path)
    assert ran.code == 2
    assert ran.err.startswith(f"searchgen: {path}: ")
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_a_missing_spec(tmp_path: Path) -> None:
    ran = searchgen("constrain", "--spec", str(tmp_path / "none.toml"))
    assert (ran.code, "cannot read the spec" in ran.err) == (2, True)


def test_flags_win_and_the_signature_holds_it_all(tmp_path: Path) -> None:
    spec = (
        f"lm = '{model('en')}'\nseed = 5\n[constraints]\nkeywords = 'dog'\nforbid = ['cat']\n"
        "[schedule]\nbudget = 0.001\n[output]\njson = true\n"
    )
    path = written(tmp_path, spec)
    row = searchgen("constrain", "--spec", path).rows[0]
    plain = searchgen("constrain", "--lm", model("en"), "--seed", "5", "-k", "dog", "--forbid", "cat", "--json", *QUICK)
    assert row == plain.rows[0]
    other = searchgen("constrain", "--spec", path, "-k", "park", "--seed", "6").rows[0]
    assert (other["seed"], other["satisfied"]["keyword park"], other["satisfied"]["without cat"]) == (6, True, True)
    Path(path).unlink()
    assert searchgen("constrain", "--again", row["signature"]).out == row["text"] + "\n"


def test_a_transformer_is_read_as_the_spec_says_and_flags_win(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from tests.lm.neural.tiny_transformer import by_bytes

    lm = str(by_bytes(tmp_path))
    path = written(tmp_path, f"lm = '{lm}'\n[neural]\nend = 'none'\nprompt = 'So:'\n")
    jobs = tmp_path / "jobs.jsonl"
    jobs.write_text('{"keywords": "dog", "budget": 0.001, "max_words": 5}\n')
    draws = ["--sampler", "surrogate", "--option", "burn_in=1", "--max-words", "5", "--seed", "1", "--json"]
    for command in (["constrain", "-k", "dog", *QUICK, "--max-words", "5", "--json"], ["sample", "-k", "dog", *draws]):
        for flags, neural in (([], ("none", "So:")), (["--end", "eos"], ("eos", "So:"))):
            ran = searchgen(*command, "--spec", path, *flags)
            assert ran.code == 0, ran.err
            request, _ = Request.from_signature(ran.rows[0]["signature"])
            assert request.neural == NeuralSettings(*neural)
    out = tmp_path / "out.jsonl"
    ran = searchgen("batch", str(jobs), "--spec", path, "--prompt", "A", "-o", str(out))
    assert ran.code == 0, ran.err
    request, _ = Request.from_signature(json.loads(out.read_text())["signature"])
    assert request.neural == NeuralSettings("none", "A")


@pytest.mark.parametrize("command", [["constrain", "-k", "dog"], ["sample", "-k", "dog"], ["batch", "-"]])
def test_what_no_model_would_heed_is_refused(tmp_path: Path, command: list[str]) -> None:
    """Control: with the embedded mixture of the spec it is taken."""
    path = written(tmp_path, "lm = 'en'\n[neural]\nprompt = 'So:'\n")
    ran = searchgen(*command, "--spec", path, "--lm", model("en"))
    assert (ran.code, "--prompt is for transformers" in ran.err) == (2, True)
    assert searchgen("spec", "validate", path).rows == [{"neural": {"prompt": "So:"}}]


def test_keywords_from_stdin_beside_a_spec(tmp_path: Path) -> None:
    path = written(tmp_path, f"lm = '{model('en')}'\n[schedule]\nbudget = 0.001\n")
    ran = searchgen("constrain", "--spec", path, "--keywords", "-", stdin=b"dog\npark\n")
    assert ran.code == 0
    assert [word in line.lower() for word, line in zip(["dog", "park"], ran.lines, strict=True)] == [True, True]


def test_a_spec_holds_the_defaults_of_a_batch(tmp_path: Path) -> None:
    path = written(tmp_path, f"lm = '{model('en')}'\nseed = 5\n[lengths]\nmax_words = 7\n[schedule]\nbudget = 0.001\n")
    (tmp_path / "jobs.jsonl").write_text('{"keywords": "dog"}\n{"keywords": "dog", "max_words": 5}\n')
    out = tmp_path / "out.jsonl"
    ran = searchgen("batch", str(tmp_path / "jobs.jsonl"), "--spec", path, "-o", str(out))
    assert ran.code == 0, ran.err
    assert [json.loads(line)["results"][0]["window"][1] for line in out.read_text().splitlines()] == [7, 5]
    assert json.loads((tmp_path / "out.jsonl.journal").read_text().split("\n")[0][:-9])[2]["seed"] == 5


def test_sample_honours_a_spec_and_flags_win(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        f"lm = '{model('en')}'\nseed = 4\n[constraints]\nkeywords = 'dog'\n[lengths]\nmax_words = 6\n"
        "[sampler]\nbeta = 1.0\n[output]\njson = true\n",
    )
    plain = searchgen("sample", "--lm", model("en"), "--keywords", "dog", "--max-words", "6", "--seed", "4", "--json")
    ran = searchgen("sample", "--spec", path)
    assert (ran.code, ran.out) == (0, plain.out)
    assert not faults(ran.rows[0], schema("record.json"))
    cat = searchgen("sample", "--spec", path, "--keywords", "cat", "-n", "2", "--seed", "5").rows
    assert len(cat) == 2
    assert all("cat" in row["text"].lower() and row["seed"] == 5 for row in cat)


def test_a_signature_holds_the_hash_of_the_file_of_a_term(tmp_path: Path) -> None:
    code = tmp_path / "short.py"
    code.write_text("def short(text):\n    return -0.1 * len(text)\n")
    flags = ["--lm", model("en"), "--keywords", "dog", "--max-words", "6", "--seed", "1", "--json"]
    row = searchgen("sample", *flags, "--sampler", "surrogate", "--term", f"{code}:short").rows[0]
    assert "short.py:short@" in row["signature"]
    assert searchgen("sample", "--again", row["signature"], "--json", "--lm", model("en")).rows[0] == row
    code.write_text("def short(text):\n    return -0.2 * len(text)\n")
    changed = searchgen("sample", "--again", row["signature"], "--lm", model("en"))
    assert changed.code == 2
    assert "has changed" in changed.err
    code.unlink()
    assert searchgen("sample", "--again", row["signature"], "--lm", model("en")).code == 2
