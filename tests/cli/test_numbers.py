"""Numbers of hundreds of digits, wherever one can be given: refused as malformed in one short line, or taken."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from searchgen.cli.main import app
from searchgen.demands.demands import demand_flags
from searchgen.errors import RequestError
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.request.from_toml import read_spec
from searchgen.request.from_values import Defaults, request_of
from searchgen.request.request import Annealing, Request, Terms
from searchgen.samplers.method import parse_options
from searchgen.samplers.registry import methods
from tests.cli.runner import QUICK, model, searchgen

NINES = 10**400 - 1
#: No field of a request can be one of these.
NUMBERS = [NINES, -NINES, 10**5000, 1e308, -1e308]


def request_fields() -> Iterator[tuple[str, ...]]:
    """Yield the places of a job where a number may stand."""
    yield from ((name,) for name in demand_flags())
    yield from ((f.name,) for f in fields(Request) if f.name not in ("demands", "opaque"))
    yield from (("budget",), ("n",), ("id",))
    for name, kind in (("terms", Terms), ("annealing", Annealing), ("neural", NeuralSettings)):
        yield from ((name, f.name) for f in fields(kind))


def nested(place: tuple[str, ...], value: Any) -> dict[str, Any]:
    return {place[0]: value if len(place) == 1 else {place[1]: value}}


@pytest.mark.parametrize("place", list(request_fields()), ids=".".join)
def test_a_job(place: tuple[str, ...]) -> None:
    for number in NUMBERS:
        for value in (number, [number], [[number]], {"a": number}):
            with pytest.raises(RequestError) as raised:
                request_of({"keywords": "dog", **nested(place, value)}, 1, Defaults({"lm": "en-ngram"}))
            assert len(str(raised.value)) < 300
            name = {"count": "n", "n": "n"}.get(place[-1], place[-1])
            assert name in str(raised.value).replace("-", "_") or place[0] == "annealing"


def test_rows_and_signatures(tmp_path: Path) -> None:
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out"
    jobs.write_text("".join(json.dumps({"keywords": "dog", name: NINES}) + "\n" for name in ("beta", "budget", "seed")))
    assert searchgen("batch", str(jobs), "-o", str(out), "--lm", model("en"), *QUICK, "-q").code == 3
    errors = [json.loads(line)["diagnostics"]["error"] for line in out.read_text().splitlines()]
    assert errors == [
        "field 'beta' cannot be a number of 400 digits; give a number",
        "field 'budget' cannot be a number of 400 digits; give a number",
        "--seed a number of 400 digits: give a whole number from 0 to 2^63 - 1",
    ]
    begin = (
        searchgen("constrain", "--lm", model("en"), "-k", "dog", *QUICK, "--json").rows[0]["signature"].split("{")[0]
    )
    for body in (
        f'{{"beta":{NINES}}}',
        '{"seed":' + "9" * 5000 + "}",
        '{"beta":1e999}',
        f'{{"annealing":{{"steps":{NINES}}}}}',
    ):
        ran = searchgen("constrain", "--again", begin + body)
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
        assert "unexpected" not in ran.err


def test_specs(tmp_path: Path) -> None:
    spec = tmp_path / "spec.toml"
    for line in (
        "seed = {}",
        "[lengths]\nmin_words = {}",
        "[terms]\nword = {}",
        "[schedule]\nsteps = {}",
        "[output]\ncount = {}",
    ):
        for number in (str(NINES), "-" + str(NINES), "9" * 5000, "1e400", "1e308"):
            spec.write_text(line.format(number))
            with pytest.raises(RequestError) as raised:
                read_spec(str(spec))
            assert len(str(raised.value)) < 300 + len(str(spec))


def test_options_of_samplers() -> None:
    tried = 0
    for sampler in methods():
        for option in fields(sampler.options()):
            if isinstance(getattr(sampler.options(), option.name), str):
                continue
            for number in (str(NINES), "9" * 5000, "1e400"):
                tried += 1
                with pytest.raises(RequestError) as raised:
                    parse_options(sampler, [f"{option.name}={number}"])
                assert len(str(raised.value)) < 200
    assert tried > 60


def numeric_flags() -> Iterator[list[str]]:
    """Yield each command with a flag that takes a number, all but what follows."""
    from typer.main import get_command

    def leaves(command: Any, path: list[str]) -> Iterator[tuple[list[str], Any]]:
        if not hasattr(command, "list_commands"):
            yield path, command
            return
        for name in command.list_commands(None):
            yield from leaves(command.get_command(None, name), [*path, name])

    for path, command in leaves(get_command(app), []):
        needed = ["x" for one in command.params if one.param_type_name == "argument" and one.required]
        for one in command.params:
            if one.param_type_name == "option" and type(one.type).__name__ == "FuncParamType":
                yield [*path, *needed, one.opts[0]]


@pytest.mark.parametrize("line", list(numeric_flags()), ids=" ".join)
def test_flags(line: list[str]) -> None:
    for number in (str(NINES), "-" + str(NINES), "9" * 5000, "1e400"):
        ran = searchgen(*line, number)
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), ran
        assert len(ran.err) < 300
        assert "unexpected" not in ran.err


def test_a_name_that_no_file_can_have() -> None:
    for line in (["score", "--lm", "9" * 400], ["batch", "9" * 400], ["lm", "info", "9" * 400]):
        ran = searchgen(*line)
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), ran
        assert "unexpected" not in ran.err


def test_weights_and_powers_beyond_sense_prove_nothing(tmp_path: Path) -> None:
    """The automaton decides whether there is a text; a mass that underflows says only that nothing can be counted."""
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out"
    tried: list[dict[str, Any]] = [
        {"beta": 100},
        {"terms": {"word": 100}},
        {"terms": {"word": -100}},
        {"terms": {"unigram": 10}},
    ]
    tried += [{"terms": {"comma": -100, "proper_noun": -100}}, {"beta": 100, "sampler": "beam"}]
    jobs.write_text("".join(json.dumps({"keywords": "dog", **values}) + "\n" for values in tried))
    searchgen("batch", str(jobs), "-o", str(out), "--lm", "en-ngram", *QUICK, "-q")
    for line in out.read_text().splitlines():
        row = json.loads(line)
        assert row["status"] == "ok" or (row["status"] == "infeasible" and not row["diagnostics"]["proved"]), row
    impossible = {"keywords": "dog", "starts_with": "x dog", "beta": 100, "max_words": 1}
    jobs.write_text(json.dumps(impossible) + "\n")
    searchgen("batch", str(jobs), "-o", str(out), "--lm", "en-ngram", *QUICK, "-q", "--overwrite")
    assert json.loads(out.read_text())["diagnostics"]["proved"]
