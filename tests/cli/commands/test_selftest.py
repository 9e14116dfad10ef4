"""`searchgen selftest`: the table, and samplers of other packages, right and wrong ones."""

from pathlib import Path

import pytest

from tests.cli.runner import searchgen

#: A package with three samplers: one that is exact, one at the wrong temperature, one without a proof.
PACKAGE = """
from searchgen.samplers.proofs.exactness import prove_kernel
from searchgen.samplers.method import Draws, Job, Method
from searchgen.samplers.chains.moves import labels, step

def draw(job: Job) -> Draws:
    raise NotImplementedError

def proven(inverse_temperature):
    table = labels(span=1, any_span=1, relocate=1, longest=2)
    return lambda world: prove_kernel("plain", world, step, table, inverse_temperature)

GOOD = Method("plain", "markov", "the moves", draw, proven(1.0))
WRONG = Method("plain-wrong", "markov", "the moves, too hot", draw, proven(0.5))
BARE = Method("plain-bare", "markov", "no proof", draw, None)
"""

ENTRIES = """[searchgen.samplers]
plain = foreign_samplers:GOOD
plain-wrong = foreign_samplers:WRONG
plain-bare = foreign_samplers:BARE
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package as pip would have installed it."""
    (tmp_path / "foreign_samplers.py").write_text(PACKAGE, encoding="utf-8")
    about = tmp_path / "foreign_samplers-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-samplers\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(ENTRIES, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)


def test_every_line_says_world_beta_error_tolerance_and_verdict() -> None:
    found = searchgen("selftest", "--sampler", "mh")
    assert found.code == 0
    head, *lines = found.lines
    assert head.split() == ["verdict", "sampler", "world", "beta", "error", "tolerance", "property"]
    assert {tuple(line.split()[1:4]) for line in lines} == {
        ("mh", world, beta) for world in ("keyword", "phrase", "punctuated", "joined") for beta in ("1", "0.7", "2")
    }
    assert all(line.startswith("ok ") and float(line.split()[4]) <= float(line.split()[5]) for line in lines)
    rows = searchgen("selftest", "--sampler", "mh", "--json").rows
    assert len(rows) == len(lines)
    assert all(row["holds"] and row["deviation"] <= row["tolerance"] for row in rows)


def test_a_search_has_nothing_to_prove() -> None:
    found = searchgen("selftest", "--sampler", "anneal")
    assert (found.code, found.lines) == (2, [])
    assert "nothing to prove" in found.err


@pytest.mark.usefixtures("package")
def test_a_sampler_of_another_package_is_proved() -> None:
    listed = searchgen("list", "samplers", "--json").rows
    assert {"plain", "plain-wrong", "plain-bare", "mh"} <= {row["name"] for row in listed}
    found = searchgen("selftest", "--sampler", "plain", "--json")
    assert found.code == 0
    assert found.err.endswith("every property holds: plain\n")


@pytest.mark.usefixtures("package")
def test_a_wrong_sampler_of_another_package_fails() -> None:
    found = searchgen("selftest", "--sampler", "plain", "--sampler", "plain-wrong")
    assert found.code == 1
    verdicts = {(line.split()[1], line.split()[0]) for line in found.lines[1:] if "stationary" in line}
    assert verdicts == {("plain", "ok"), ("plain-wrong", "FAILS")}
    assert "do not hold: plain-wrong" in found.err


@pytest.mark.usefixtures("package")
def test_a_sampler_without_a_proof_is_not_called_right() -> None:
    found = searchgen("selftest", "--sampler", "plain-bare")
    assert (found.code, found.lines) == (2, [])
    assert "no proof" in found.err
