"""score, check, explain, compare, selftest and --report: the commands about laws."""

import json
import math
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from searchgen.cli import loading
from searchgen.cli.loading import compiling
from searchgen.cli.output import complain
from searchgen.cli.parts.compare_table import lines
from searchgen.errors import RequestError
from searchgen.jobs.compare import Row
from searchgen.kernels import precompile
from tests.cli.runner import searchgen
from tests.cli.schema import faults, schema
from tests.places import DATA

TOY = DATA / "kenlm" / "order3.arpa"
SMALL = ("--lm", str(TOY), "--raw-tokens")
LAW = ("--keywords", "doctor,letter", "--max-words", "8")


def test_scores_are_those_of_constrain() -> None:
    flags = ("--lm", "en-ngram", "--keywords", "zorblax,dog", "--seed", "1", "--budget", "0.01", "--json")
    row = searchgen("constrain", *flags).rows[0]
    found = searchgen("score", "--json", stdin=row["text"].encode()).rows[0]
    assert found["log_prob"] == pytest.approx(row["log_prob"])
    assert found["unknown"] == ["zorblax"]
    assert found["tokens"] == row["tokens"]
    assert sum(found["terms"].values()) == pytest.approx(found["log_prob"])
    plain = searchgen("score", stdin=row["text"].encode()).lines[0]
    assert plain.split("\t") == [f"{row['log_prob']:.6f}", row["text"]]


def test_scores_of_the_target_are_those_of_sample() -> None:
    flags = ("--keywords", "zorblax,dog", "--max-words", "8", "--beta", "0.9")
    drawn = searchgen("sample", *flags, "-n", "3", "--seed", "1", "--json").rows
    texts = [row["text"] for row in drawn] + ["A dog ran to the zorblax and the zarblox.", "The dog ran."]
    found = searchgen("score", *flags, "--json", stdin="\n".join(texts).encode()).rows
    for row, scored in zip(drawn, found, strict=False):
        assert scored["log_density"] == pytest.approx(row["log_density"])
        assert all(scored["satisfied"].values())
        assert scored["satisfied"].items() >= row["satisfied"].items()
    assert found[3]["log_density"] is found[4]["log_density"] is None
    assert [part for part, holds in found[3]["satisfied"].items() if not holds] == [
        "words 1 to 8",
        "words known or demanded",
    ]
    lines = [line.split("\t") for line in searchgen("score", *flags, stdin="\n".join(texts).encode()).lines]
    assert [cells[1] for cells in lines] == ["ok"] * 3 + [
        "words 1 to 8; words known or demanded",
        "keyword zorblax",
    ]
    assert [cells[2] for cells in lines] == texts


def test_lines_without_a_score_are_told_and_the_run_goes_on() -> None:
    found = searchgen("score", stdin=b"A dog.\n\n\xff\nA cat.\n")
    assert found.code == 3
    assert [bool(line) for line in found.lines] == [True, False, False, True]
    assert "line 2" in found.err
    assert "line 3: not UTF-8" in found.err


def test_rows_of_score_and_check_are_records() -> None:
    stdin = "The doctor read the letter.\nThe zorblax ran.\n\n\u00ff\n".encode("latin-1")
    plain = searchgen("score", "--json", stdin=stdin).rows
    constrained = searchgen("score", *LAW, "--json", stdin=stdin).rows
    checked = searchgen("check", *LAW, "--json", stdin=stdin[:-3]).rows
    flags = ("--lm", "en-ngram", "--keywords", "-", "--budget", "0.001", "--json")
    answered = searchgen("constrain", *flags, stdin=b"dog\n\n\xff\n").rows
    rows = [*plain, *constrained, *checked, *answered]
    assert len(rows) == 13
    for row in rows:
        assert not faults(row, schema("record.json")), row
        assert list(row)[: len(answered[0]) - 2] == list(answered[0])[:-2]  # the same fields in the same order
    assert [row["status"] for row in plain] == ["ok", "ok", "malformed", "malformed"]
    assert [row["satisfied"] for row in plain] == [None] * 4
    assert constrained[0]["satisfied"].items() >= checked[0]["satisfied"].items()
    assert [row["line"] for row in checked] == [1, 2]


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
    assert row["log_p_given_window"] == pytest.approx(row["log_p_joint"] - row["log_p_window"])
    for name, cost in row["factor"].items():
        assert cost == pytest.approx(row["log_p_given_window"] - row["without"][name])
    assert row["bottleneck"] == min(row["factor"], key=row["factor"].get)
    assert row["needed"]["rejection"] == pytest.approx(math.exp(-row["log_p_model"]))
    assert row["needed"]["importance"] == pytest.approx(100 * row["draws"] / row["ess"])
    assert row["needed"]["smc"] >= 100
    assert row["log_p_exact"] is None
    assert row["log_p_joint"] < row["log_p_window"] < 0
    assert set(row["alone"]) == {"keyword doctor", "keyword letter"}
    assert row["bottleneck"] in row["alone"]
    # under the guide both alternatives of one keyword are alone what they are together without the other
    assert row["without"]["keyword doctor"] == pytest.approx(row["alone"]["keyword letter"], abs=1e-5)
    assert row["advice"] in ("rejection", "importance", "smc")
    lines = searchgen("explain", *LAW).lines
    assert lines[-1].startswith(f"use --sampler {row['advice']}: ")
    assert next(line for line in lines if line.endswith("<- bottleneck")).startswith(row["bottleneck"])


def test_explain_is_exact_for_a_small_model() -> None:
    row = searchgen("explain", *SMALL, "--keywords", "scoring", "--max-words", "4", "--json").rows[0]
    assert abs(row["log_p_exact"] - row["log_p_model"]) < 5 * row["log_p_model_error"] + 1e-5
    assert row["needed"]["rejection"] == pytest.approx(math.exp(-row["log_p_exact"]))
    easy = searchgen("explain", *SMALL, "--keywords", "the", "--max-words", "20", "--json").rows[0]
    assert easy["advice"] == "rejection"
    assert easy["bottleneck"] == "keyword the"
    model = [line for line in searchgen("explain", *SMALL, "--keywords", "the").lines if line.startswith("  model")]
    assert len(model) == 1
    assert model[0].endswith("  exact")


def test_explain_knows_a_model_of_single_words_whole(tmp_path: Path) -> None:
    built = ("lm", "build", "-", "-o", str(tmp_path / "one.lm"), "--order", "1", "--min-count", "1", "--raw-tokens")
    assert searchgen(*built, stdin=b"the dog ran\na cat sat\nthe cat saw a dog\n").code == 0
    asked = ("--lm", str(tmp_path / "one.lm"), "--raw-tokens", "--keywords", "dog", "--max-words", "3")
    ran = searchgen("explain", *asked, "--json")
    assert ran.code == 0, ran.err
    row = ran.rows[0]
    assert row["log_p_model"] == pytest.approx(row["log_p_joint"], abs=1e-5)
    assert row["log_p_exact"] == pytest.approx(row["log_p_joint"], abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--keywords doctor,letter,zebra,dog,sea --max-words 1", "takes 5 words, and a text may have only 1"),
        ("--keywords doctor --forbid doctor,Doctor", "impossible"),
        ("--keywords dog --starts-with the|dog --ends-with a|dog --max-words 3 --forbid -,", "impossible"),
    ],
)
def test_explain_says_why_nothing_can_be(arguments: str, said: str) -> None:
    found = searchgen("explain", *(word.replace("|", " ") for word in arguments.split()))
    assert (found.code, found.lines) == (3, [])
    assert "impossible" in found.err
    assert said in found.err


def test_compare_runs_each_within_its_evaluations_and_keeps_searches_apart() -> None:
    arguments = ("compare", *LAW, "--samplers", "anneal,mh,importance", "--evaluations", "4000", "--seed", "1")
    rows = searchgen(*arguments, "--repeat", "2", "--json").rows
    assert [row["sampler"] for row in rows] == ["mh", "mh", "importance", "importance", "anneal", "anneal"]
    assert [row["kind"] for row in rows] == ["markov"] * 2 + ["weighted"] * 2 + ["search"] * 2
    assert [row["run"] for row in rows] == [1, 2] * 3
    assert all(row["satisfied"] == 1.0 and 2000 <= row["evaluations"] <= 4000 for row in rows)
    assert rows[2]["log_z"] != rows[3]["log_z"]
    assert rows[-1]["ess"] is rows[-1]["log_z"] is rows[-1]["trusted"] is None
    easy = ("compare", *SMALL, "--keywords", "the", "--max-words", "4", "--samplers", "anneal,mh,importance")
    table = searchgen(*easy, "--evaluations", "4000", "--seed", "1").lines
    names = [line.split()[0] for line in table if line and line.split()[0] in ("mh", "importance", "anneal")]
    assert names == ["mh", "importance", "anneal"]
    assert table[table.index(next(line for line in table if line.startswith("anneal"))) - 1] == ""
    assert any(line.startswith("log Z is") for line in table)


def test_compare_knows_the_exact_mass_of_a_small_model() -> None:
    arguments = ("--lm", str(TOY), "--raw-tokens", "--keywords", "scoring", "--max-words", "4", "--seed", "1", "--json")
    rows = searchgen("compare", *arguments, "--samplers", "importance,sir", "--evaluations", "4000").rows
    for row in rows:
        assert abs(row["log_z"] - row["log_z_exact"]) < 5 * row["log_z_error"] + 1e-5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--samplers mhh", "did you mean mh"),
        ("--samplers ,", "--samplers is empty"),
        ("--budget 0", "--budget 0: give a number of seconds above 0"),
        ("--repeat 0", "--repeat 0: give at least 1"),
        ("--evaluations 0", "--evaluations 0: give at least 1"),
        ("--samplers mh --evaluations 3", "--evaluations 3 is too small: one draw of mh takes"),
        ("--samplers importance --budget 0.00001", "--budget 1e-05 is too small: one draw of importance takes"),
    ],
)
def test_compare_refuses(arguments: str, said: str) -> None:
    found = searchgen("compare", *LAW, *arguments.split())
    assert (found.code, found.lines) == (2, [])
    assert said in found.err
    assert found.err.count("\n") == 1


def test_a_sampler_that_the_budget_does_not_pay_for_is_a_row_with_the_reason() -> None:
    found = searchgen("compare", *LAW, "--samplers", "mh,importance", "--evaluations", "100", "--seed", "1", "--json")
    assert found.code == 0
    assert "one draw of mh takes" in found.rows[0]["error"]
    assert (found.rows[1]["error"], found.rows[1]["evaluations"]) == ("", 100)


def test_compare_refuses_a_folder_that_is_no_transformer(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    found = searchgen("compare", "--keywords", "dog", "--lm", str(tmp_path))
    assert (found.code, found.lines) == (2, [])
    assert str(tmp_path) in found.err


def test_a_sampler_is_said_to_be_compiled_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line the first time; none for a sampler of another package, and none is taken for done that failed."""
    monkeypatch.setattr(precompile, "compiled_folder", lambda: tmp_path)
    monkeypatch.setattr(loading, "PATIENCE", 0.0)
    shown = Event()

    def note(line: str) -> None:
        complain(line)
        shown.set()

    monkeypatch.setattr(loading, "note", note)
    with suppress(RequestError), compiling("mh"):
        assert shown.wait(20)
        raise RequestError("refused later")
    shown.clear()
    with compiling("mh", "smc", "foreign"):
        assert shown.wait(20)
    with compiling("smc"):
        pass
    assert [line.partition(" (searchgen")[0] for line in capsys.readouterr().err.splitlines()] == [
        "searchgen: compiling the loops of mh, once: up to a minute",
        "searchgen: compiling the loops of mh and smc, once: up to a minute each",
    ]


def test_a_run_that_is_refused_at_once_shows_the_reason_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(precompile, "compiled_folder", lambda: tmp_path)
    monkeypatch.setattr(loading, "PATIENCE", 600.0)
    with pytest.raises(RequestError), compiling("mh"):
        raise RequestError("refused")
    with compiling("mh"):
        pass
    assert capsys.readouterr().err == ""


def test_a_report_is_written_whole_or_refused_before_the_work(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    found = searchgen("sample", *LAW, "-n", "8", "--seed", "1", "--report", str(target))
    report = json.loads(target.read_text(encoding="utf-8"))
    assert found.code == 0
    assert report["trusted"] is False
    assert "fewer than 4 draws a chain" in report["doubts"][0]
    many = searchgen("sample", *LAW, "-n", "256", "--option", "thin=1", "--option", "burn_in=1", "--seed", "1")
    assert "cannot be trusted" in many.err
    assert report["draws"] == 8
    refused = searchgen("sample", *LAW, "--report", str(tmp_path / "no" / "report.json"))
    assert refused.code == 2
    assert "no folder" in refused.err
    assert refused.lines == []


@pytest.mark.parametrize("schedule", ["geometric", "linear", "logarithmic"])
def test_annealing_by_every_schedule(schedule: str) -> None:
    options = ("--option", f"schedule={schedule}", "--option", "steps=400", "--option", "hot=0")
    row = searchgen("sample", *LAW, "--sampler", "anneal", *options, "--seed", "1", "--json").rows[0]
    assert row["kind"] == "search"
    assert all(row["satisfied"].values())


@pytest.mark.parametrize("width", [80, 120, None])
def test_the_table_fits_the_terminal(width: int | None) -> None:
    """The longest names and numbers that there are, at both widths and in a pipe: nothing is cut off or wrapped."""
    row = Row(
        sampler="importance",
        kind="weighted",
        run=2,
        satisfied=1.0,
        mean=-123.45,
        best=-101.23,
        distinct=262144,
        evaluations=123456789,
        ess_per_second=98765.0,
        r_hat=11.25,
        log_z=-123.45,
        log_z_error=0.25,
        trusted=False,
        doubts=("effective sample size is 3, below 100",),
    )
    found = lines([row, replace(row, sampler="anneal", kind="search")], None, "too large", width)
    assert max(map(len, found)) <= (width or 120)
    assert "…" not in "".join(found)
    assert "log Z is estimated only: too large" in found
    assert len([line for line in found if line.startswith(("importance", "anneal"))]) == 2
    assert found[3] == ""
    assert len({line.rindex("11.25") for line in found if "11.25" in line}) == 1
