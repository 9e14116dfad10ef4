"""score, check, explain, compare, selftest and --report: the commands about laws."""

import json
from pathlib import Path

import pytest

from tests.cli_runner import searchgen

LAW = ("--keywords", "doctor,letter", "--max-words", "8")


def test_scores_are_those_of_constrain() -> None:
    row = searchgen("constrain", "--keywords", "zorblax,dog", "--seed", "1", "--budget", "0.01", "--json").rows[0]
    found = searchgen("score", "--json", stdin=row["text"].encode()).rows[0]
    assert found["log_prob"] == pytest.approx(row["log_prob"])
    assert found["unknown"] == ["zorblax"]
    assert found["tokens"] == row["tokens"]
    assert sum(found["terms"].values()) == pytest.approx(found["log_prob"])
    plain = searchgen("score", stdin=row["text"].encode()).lines[0]
    assert plain.split("\t") == [f"{row['log_prob']:.6f}", row["text"]]


def test_lines_without_a_score_are_told_and_the_run_goes_on() -> None:
    found = searchgen("score", stdin=b"A dog.\n\n\xff\nA cat.\n")
    assert found.code == 3
    assert [bool(line) for line in found.lines] == [True, False, False, True]
    assert "line 2" in found.err
    assert "line 3: not UTF-8" in found.err


def test_check_names_what_is_lacking() -> None:
    lines = "The doctor read the letter.\nThe doctor ran.\nA letter for the zorblax doctor.\n"
    found = searchgen("check", *LAW, stdin=lines.encode())
    assert found.code == 3
    assert found.lines == ["2\tkeyword letter\tThe doctor ran."]
    assert "2 of 3 lines pass" in found.err
    rows = searchgen("check", *LAW, "--json", stdin=lines.encode()).rows
    assert [row["passes"] for row in rows] == [True, False, True]
    assert searchgen("check", *LAW, stdin=b"The doctor read the letter.\n").code == 0
    assert searchgen("check", *LAW, stdin=b"").code == 2


def test_what_sample_prints_passes_check() -> None:
    drawn = searchgen("sample", *LAW, "-n", "20", "--seed", "2")
    assert searchgen("check", *LAW, stdin=drawn.out.encode()).code == 0


def test_explain_gives_exact_masses_and_advice() -> None:
    row = searchgen("explain", *LAW, "--json").rows[0]
    assert row["log_p_joint"] < row["log_p_window"] < 0
    assert set(row["alone"]) == {"keyword doctor", "keyword letter"}
    assert row["bottleneck"] in row["alone"]
    # under the guide both alternatives of one keyword are alone what they are together without the other
    assert row["without"]["keyword doctor"] == pytest.approx(row["alone"]["keyword letter"], abs=1e-5)
    assert row["advice"] in ("rejection", "importance", "smc")
    assert "take --sampler" in searchgen("explain", *LAW).out
    assert searchgen("explain", "--keywords", "a,b,c", "--max-words", "2").code == 2


def test_compare_runs_each_and_keeps_searches_apart() -> None:
    found = searchgen(
        "compare", *LAW, "--samplers", "anneal,mh,importance", "--evaluations", "100", "--seed", "1", "--json"
    )
    assert found.code == 0
    assert [row["sampler"] for row in found.rows] == ["mh", "importance", "anneal"]
    assert [row["kind"] for row in found.rows] == ["markov", "weighted", "search"]
    assert all(row["satisfied"] == 1.0 for row in found.rows)
    assert found.rows[-1]["ess"] is None
    assert searchgen("compare", *LAW, "--samplers", "mhh").code == 2
    assert searchgen("compare", *LAW, "--budget", "0").code == 2


def test_a_report_is_written_whole_or_refused_before_the_work(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    found = searchgen("sample", *LAW, "-n", "8", "--seed", "1", "--report", str(target))
    report = json.loads(target.read_text(encoding="utf-8"))
    assert found.code == 0
    assert report["trusted"] is False
    assert "fewer than 4 draws a chain" in report["doubts"][0]
    many = searchgen("sample", *LAW, "-n", "256", "--option", "thin=1", "--option", "burn_in=1", "--seed", "1")
    assert "not to be trusted" in many.err
    assert report["draws"] == 8
    refused = searchgen("sample", *LAW, "--report", str(tmp_path / "no" / "report.json"))
    assert refused.code == 2
    assert "no folder" in refused.err
    assert refused.lines == []


def test_selftest_prints_what_holds() -> None:
    rows = searchgen("selftest", "--sampler", "mh", "--json").rows
    assert rows
    assert all(row["holds"] for row in rows)
    assert searchgen("selftest", "--sampler", "anneal").code == 2


@pytest.mark.parametrize("schedule", ["geometric", "linear", "logarithmic"])
def test_annealing_by_every_schedule(schedule: str) -> None:
    options = ("--option", f"schedule={schedule}", "--option", "steps=400", "--option", "hot=0")
    row = searchgen("sample", *LAW, "--sampler", "anneal", *options, "--seed", "1", "--json").rows[0]
    assert row["kind"] == "search"
    assert all(row["satisfied"].values())
