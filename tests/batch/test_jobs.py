"""`searchgen batch`: what is a job, what becomes of a bad one, and that a row depends on its job and seed only."""

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest

from searchgen.batch.jobs import Job, read_jobs
from searchgen.files.locked import write_all
from searchgen.jobs.batch_job import crashed
from searchgen.request.from_values import Defaults, seed_of
from tests.cli.runner import QUICK, Ran, constrain, model, searchgen
from tests.cli.schema import faults, schema

PROGRAM = [sys.executable, "-c", "from searchgen.cli.main import run; run()"]

JOBS: list[dict] = [
    {"keywords": "dog"},
    {"id": "a", "keywords": ["dog", ["park", "garden"]], "n": 2},
    {"id": "b", "keywords": "dog,park", "seed": 3, "min_words": 4},
    {"id": "none", "keywords": "dog,park", "ordered": True, "starts_with": "park", "max_words": 2},
    {"id": "drawn", "keywords": "dog", "sampler": "mh", "max_words": 6, "n": 2, "budget": None},
]


def lines(jobs: list) -> bytes:
    return "".join(json.dumps(job) + "\n" for job in jobs).encode()


def batch(*arguments: str, stdin: bytes = b"") -> Ran:
    return searchgen("batch", *arguments, "--lm", model("en"), *QUICK, stdin=stdin)


def run(tmp_path: Path, source: bytes, *arguments: str, name: str = "jobs.jsonl") -> tuple[Ran, list[dict]]:
    (tmp_path / name).write_bytes(source)
    ran = batch(str(tmp_path / name), "-o", str(tmp_path / "out.jsonl"), *arguments)
    out = tmp_path / "out.jsonl"
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()] if out.exists() else []
    return ran, rows


def last(ran: Ran) -> str:
    return ran.err.splitlines()[-1]


def test_one_row_a_job_in_order(tmp_path: Path) -> None:
    ran, rows = run(tmp_path, lines(JOBS))
    assert ran.code == 3
    assert ran.out == ""
    assert last(ran).startswith("searchgen: 4 ok, 1 infeasible, 0 error, 0:0")
    assert [(row["id"], row["status"]) for row in rows] == [
        (1, "ok"),
        ("a", "ok"),
        ("b", "ok"),
        ("none", "infeasible"),
        ("drawn", "ok"),
    ]
    assert [len(row["results"]) for row in rows] == [1, 2, 1, 0, 2]
    assert rows[3]["diagnostics"]["proved"]
    assert [rows[i]["results"][0]["seed"] for i in (0, 1, 2)] == [seed_of(0, 1), seed_of(0, "a"), 3]
    assert rows[4]["results"][0]["kind"] == "markov"
    for row in rows:
        assert not faults(row, schema("row.json"))


def test_records_are_those_of_constrain(tmp_path: Path) -> None:
    record = constrain("--keywords", "dog,park", "--seed", "3", "--json").rows[0]
    assert not faults(record, schema("record.json"))
    _, rows = run(tmp_path, b'{"keywords": "dog,park", "seed": 3}\n')
    assert rows[0]["results"] == [{name: value for name, value in record.items() if name not in ("status", "error")}]
    assert faults({**record, "kind": "best"}, schema("record.json"))
    assert faults({**record, "more": 1}, schema("record.json"))
    drawn = searchgen("sample", "--lm", model("en"), "--keywords", "dog", "--seed", "3", "--json").rows[0]
    assert not faults(drawn, schema("record.json"))


def test_what_contradicts_itself_is_infeasible_and_proved(tmp_path: Path) -> None:
    jobs = [{"keywords": "dog", "forbid": ["dog"]}, {"keywords": "dog,cat,sea", "max_words": 2}]
    ran, rows = run(tmp_path, lines(jobs))
    assert ran.code == 3
    assert [(row["status"], row["diagnostics"]["proved"], row["results"]) for row in rows] == [
        ("infeasible", True, [])
    ] * 2
    assert not any(faults(row, schema("row.json")) for row in rows)


def test_options_of_the_sampler_and_numbers_that_are_not_finite(tmp_path: Path) -> None:
    source = b'{"keywords": "dog", "max_words": 6}\n{"keywords": "dog", "sampler": "mh"}\n'
    _, rows = run(tmp_path, source, "--sampler", "importance", "--option", "order=3")
    assert [row["status"] for row in rows] == ["ok", "error"]  # mh has no option of that name
    assert rows[0]["diagnostics"]["counts"]["order"] == 3
    assert rows[0]["diagnostics"]["log_z_error"] is None  # of a single draw


def test_signatures_replay_rows(tmp_path: Path) -> None:
    _, rows = run(tmp_path, lines(JOBS[:1]))
    again = searchgen("constrain", "--again", rows[0]["signature"])
    assert again.out == rows[0]["results"][0]["text"] + "\n"


def test_verbose_has_a_line_for_each_row(tmp_path: Path) -> None:
    ran, _ = run(tmp_path, lines(JOBS[:1]) + b"{oops\n", "--verbose")
    *each, first, counted = ran.err.splitlines()
    assert [line.rpartition(", ")[0] for line in each] == ["searchgen: line 1: ok", "searchgen: line 2: error"]
    assert first.startswith("searchgen: first error: line 2: not JSON")
    assert counted.startswith("searchgen: 1 ok, 0 infeasible, 1 error, ")


BAD = [
    (b'{"keywords": "dog"', "not JSON"),
    (b"[1]", "a job is an object"),
    (b"dog,park", "plain keyword sets give --format txt"),
    (b'{"keyword": "dog"}', "did you mean 'keywords'"),
    (b'{"keywords": 7}', "field 'keywords' cannot be 7; give a list"),
    (b'{"keywords": "dog", "n": "two"}', "field 'count' cannot be \"two\"; give a whole number"),
    (b'{"keywords": "dog", "n": 0}', "at least one text"),
    (b'{"keywords": "@/etc/passwd"}', "can name a file"),
    (b'{"keywords": "dog", "opaque": ["x.py:f"]}', "names code to run"),
    (b'{"keywords": "dog", "lm": "eng"}', "did you mean 'en'"),
    (b'{"keywords": "dog", "id": 1.5}', "id 1.5: give a text"),
    (b'{"keywords": "dog", "id": "first"}', "id 'first' is already taken by line 1"),
    (b'{"keywords": "dog", "keywords": "cat"}', "given twice"),
    (b'{"keywords": "dog", "beta": NaN}', "NaN is not a JSON number"),
    (b'{"keywords": "\\ud800"}', "surrogate"),
    (b'{"keywords": "dog\x00"}', "a NUL at character 18"),
    (b'{"keywords": "\xff"}', "not UTF-8"),
    (b'{"keywords": ' + b"[" * 100_000 + b"}", "too deeply"),
    (b'{"seed": ' + b"9" * 5000 + b"}", "number is too long"),
    (b'{"keywords": "' + b"x" * 10_000_000 + b'"}', "the line has 10,000,017 bytes"),
]


def test_a_bad_line_is_an_error_row_and_the_run_goes_on(tmp_path: Path) -> None:
    first, end = b'{"id": "first", "keywords": "dog"}\n', b'{"id": "last", "keywords": "dog"}'
    ran, rows = run(tmp_path, first + b"".join(line + b"\n" for line, _ in BAD) + end)
    assert ran.code == 3
    assert last(ran).startswith(f"searchgen: 2 ok, 0 infeasible, {len(BAD)} error, ")
    assert rows[-1]["id"] == "last"
    for number, (row, (_, said)) in enumerate(zip(rows[1:-1], BAD, strict=True), 2):
        assert row["status"] == "error"
        assert said in row["diagnostics"]["error"]
        assert row["diagnostics"]["line"] == number
        assert not faults(row, schema("row.json"))


def test_a_job_that_ends_its_worker_has_an_error_row() -> None:
    answer = crashed(Job(7, "", {"id": "x", "keywords": "dog"}), "signal 11", Defaults({}))
    row = json.loads(answer.row)
    assert (row["id"], row["status"], row["diagnostics"]["line"]) == ("x", answer.status, 7) == ("x", "error", 7)
    assert "signal 11" in row["diagnostics"]["error"]
    assert not faults(row, schema("row.json"))


def test_strict_stops_and_resume_goes_on_once_the_line_is_mended(tmp_path: Path) -> None:
    good, bad = lines(JOBS[:2]), b"{oops\n"
    ran, rows = run(tmp_path, good + bad + lines(JOBS[2:3]), "--strict")
    assert ran.code == 3
    assert "line 3: not JSON" in last(ran)
    assert len(rows) == 2
    ran, rows = run(tmp_path, good + b'{"keywords": "cat"}\n' + lines(JOBS[2:3]), "--strict", "--resume")
    assert (ran.code, [row["id"] for row in rows]) == (0, [1, "a", 3, "b"])


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("sets.txt", "dog\ndog,park\n"),
        ("sets.csv", 'keywords,n\ndog,\n"dog,park",1\n'),
        ("sets.tsv", "\ufeffkeywords\tn\ndog\t1\ndog,park\t\n"),
        ("sets.jsonl", '{"keywords": "dog"}\n{"keywords": ["dog", "park"]}'),
    ],
)
def test_formats(tmp_path: Path, name: str, source: str) -> None:
    ran, rows = run(tmp_path, source.encode(), name=name)
    assert ran.code == 0, ran.err
    assert [[name for name in row["results"][0]["satisfied"] if name.startswith("keyword")] for row in rows] == [
        ["keyword dog"],
        ["keyword dog", "keyword park"],
    ]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("keywords,keywords\na,b\n", "names each field once"),
        ("keywords,,\na,b\n", "names each field once"),
    ],
)
def test_bad_headers(tmp_path: Path, source: str, said: str) -> None:
    ran, _ = run(tmp_path, source.encode(), name="sets.csv")
    assert ran.code == 2
    assert said in ran.err


def test_bad_cells_and_rows_of_several_lines(tmp_path: Path) -> None:
    source = b'keywords,id\ndog,x,y\n"dog,\npark",two lines\ndog,"open\n'
    ran, rows = run(tmp_path, source, name="sets.csv")
    assert ran.code == 3
    assert [(row["id"], row["status"]) for row in rows] == [(2, "error"), ("two lines", "ok"), (5, "error")]
    assert "the row has 3 cells, but the header has 2" in rows[0]["diagnostics"]["error"]
    assert "never closed" in rows[2]["diagnostics"]["error"]


def test_a_quotation_mark_that_is_never_closed_costs_its_line_only() -> None:
    source = b'id,keywords\n1,"dog\n2,cat\n,\n3,5" pipe\n4,"two\nlines"\n5,"a"b\n6,"x\n\xff\n7,end'
    found = [(job.line, job.values.get("id"), job.error[:20]) for job in read_jobs(BytesIO(source), "csv")]
    assert found == [
        (2, None, "a quotation mark ope"),
        (3, "2", ""),
        (5, "3", ""),
        (7, "4", ""),
        (8, None, "',' expected after '"),
        (9, None, "a quotation mark ope"),
        (10, None, "not UTF-8: invalid s"),
        (11, "7", ""),
    ]


def test_rows_do_not_depend_on_order_or_neighbours(tmp_path: Path) -> None:
    named = [{**job, "id": str(i)} for i, job in enumerate(JOBS)]
    _, rows = run(tmp_path, lines(named))
    _, backwards = run(tmp_path, lines(named[::-1]), "--overwrite")
    assert backwards[::-1] == rows
    _, alone = run(tmp_path, lines(named[2:3]), "--overwrite", "--threads", "2")
    assert alone == rows[2:3]


def test_stdin_and_stdout(tmp_path: Path) -> None:
    _, rows = run(tmp_path, lines(JOBS))
    command = [*PROGRAM, "batch", "-", "--lm", model("en"), *QUICK]
    ran = subprocess.run(command, input=lines(JOBS), capture_output=True, check=False)
    assert (ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()]) == (3, rows)


def test_files_that_cannot_be(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.jsonl"
    jobs.write_bytes(lines(JOBS[:1]))
    out, foreign = str(tmp_path / "out.jsonl"), str(tmp_path / "notes.txt")
    Path(foreign).write_text("notes\n")
    for arguments, said in [
        ((str(jobs), "-o", str(jobs)), "the same file"),
        ((str(jobs), "-o", str(tmp_path / "none" / "out")), "No such file"),
        ((str(tmp_path / "none"),), "cannot read the job file"),
        ((str(jobs), "-o", out, "--resume", "--overwrite"), "give one of them"),
        ((str(jobs), "-o", out, "--journal", out), "the same file"),
        ((str(jobs), "-o", out, "--journal", "-"), "name of a file"),
        (("-", "-o", out, "--report", "-"), "name of a file"),
        ((str(jobs), "-o", out, "--report", str(tmp_path / "none" / "report")), "there is no folder"),
        ((str(jobs), "-o", "/proc/self/out.jsonl"), "cannot write"),  # read-only, for root as well
        ((str(jobs), "--resume"), "give -o FILE"),
        ((str(jobs), "--workers", "0"), "--workers 0"),
        ((str(jobs), "--format", "xml"), "--format xml"),
        ((str(jobs), "-n", "0"), "at least one text"),
        ((str(jobs), "--sampler", "mhh"), "did you mean mh"),
        ((str(jobs), "--sampler", "mh", "--option", "thn=3"), "did you mean thin"),
        ((str(jobs), "-o", out, "--journal", foreign), "it is not a journal"),
        ((str(jobs), "-o", str(tmp_path)), "is a folder; name a file in it"),
    ]:
        ran = batch(*arguments)
        assert ran.code == 2, (arguments, ran.err)
        assert said in ran.err
        assert ran.err.count("\n") == 1
    assert jobs.read_bytes() == lines(JOBS[:1])
    assert Path(foreign).read_text() == "notes\n"
    ran = searchgen("batch", str(jobs), "--lm", "eng")
    assert (ran.code, "did you mean 'en'" in ran.err) == (2, True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_device_that_is_full(tmp_path: Path) -> None:
    ran, _ = run(tmp_path, lines(JOBS[:1]), "-o", "/dev/full")
    assert ran.code == 1
    assert last(ran) == "searchgen: cannot write /dev/full: No space left on device; make room, then begin again"


def test_no_space_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, written = write_all, []

    def full(descriptor: int, data: bytes) -> None:
        written.append(data)
        if len(written) == 7:
            kept(descriptor, data[: len(data) // 2])
            raise OSError(28, "No space left on device")
        kept(descriptor, data)

    _, rows = run(tmp_path, lines(JOBS))
    monkeypatch.setattr("searchgen.batch.store.write_all", full)
    ran, _ = run(tmp_path, lines(JOBS), "--overwrite", "--sync", "0")
    assert ran.code == 1
    assert "No space left on device" in last(ran)
    monkeypatch.setattr("searchgen.batch.store.write_all", kept)
    ran, again = run(tmp_path, lines(JOBS), "--resume")
    assert (ran.code, again) == (3, rows)
