"""Shards have the rows of the whole, byte for byte, and are joined only if none is missing, unfinished or of another run."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from searchgen.batch.journal import encode_entry
from searchgen.batch.shards import Shard
from searchgen.cli.main import answer
from tests.batch.files import snapshot
from tests.cli.runner import QUICK, Ran, model, searchgen
from tests.places import ROOT

#: One line is no job, two jobs have one id, one line is blank.
JOBS = """{"keywords": "dog", "id": "a"}
{"keywords": "cat|dog"}
{oops

{"keywords": "park", "id": "a"}
{"keywords": "tea", "n": 2}
{"keywords": "house"}
{"keywords": "cat", "max_words": 1, "min_words": 1}
"""
COUNT = 7


def run(*arguments: str) -> Ran:
    return searchgen("batch", *arguments, "--lm", model("en"), *QUICK, "--quiet")


def joined(folder: Path, *names: str, output: str = "joined") -> Ran:
    return searchgen("batch", "--join", *(str(folder / name) for name in names), "-o", str(folder / output))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the rows of all jobs and of three shards."""
    folder = tmp_path_factory.mktemp("done")
    jobs = folder / "jobs.jsonl"
    jobs.write_text(JOBS, encoding="utf-8")
    assert run(str(jobs), "-o", str(folder / "whole")).code == 3
    for which in (1, 2, 3):
        run(str(jobs), "-o", str(folder / f"out.{which}"), "--shard", f"{which}/3")
    return folder


@pytest.fixture
def folder(done: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(done, tmp_path / "copy"))


@pytest.mark.parametrize("of", [1, 2, 3, 9])
def test_each_job_is_in_one_shard(of: int) -> None:
    shards = [Shard(which, of) for which in range(1, of + 1)]
    assert [[shard.has(job) for shard in shards].count(True) for job in range(1, 20)] == [1] * 19


def test_shards_joined_are_the_whole(folder: Path) -> None:
    ran = joined(folder, "out.3", "out.1", "out.2")
    assert (folder / "joined").read_bytes() == (folder / "whole").read_bytes()
    assert (ran.code, ran.err) == (3, "searchgen: 5 ok, 0 infeasible, 2 error, from 3 shards\n")
    command = [sys.executable, "-m", "searchgen", "batch", "--join", "out.1", "out.2", "out.3"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.stdout == (folder / "whole").read_bytes()


def test_rows_that_were_joined_go_on(folder: Path) -> None:
    joined(folder, "out.1", "out.2", "out.3")
    jobs = folder / "jobs.jsonl"
    jobs.write_text(JOBS + '{"keywords": "tree"}\n', encoding="utf-8")
    ran = run(str(jobs), "-o", str(folder / "joined"), "--resume")
    assert f"{COUNT} rows are kept" in ran.err
    assert (folder / "joined").read_bytes().startswith((folder / "whole").read_bytes())
    assert len((folder / "joined").read_bytes().splitlines()) == COUNT + 1


def test_a_shard_goes_on(folder: Path) -> None:
    """Cut in its last row, a shard is unfinished; resumed, it is what it was."""
    rows, journal = folder / "out.2", folder / "out.2.journal"
    whole, entries = rows.read_bytes(), journal.read_bytes()
    rows.write_bytes(whole[:-3])
    journal.write_bytes(entries.rsplit(b"\n", 4)[0] + b"\n")
    before = snapshot(folder)
    refused = joined(folder, "out.1", "out.2", "out.3")
    assert (refused.code, snapshot(folder)) == (2, before)
    assert "shard 2/3 is not finished; continue it with --resume" in refused.err
    run(str(folder / "jobs.jsonl"), "-o", str(rows), "--shard", "2/3", "--resume")
    assert rows.read_bytes() == whole
    assert joined(folder, "out.1", "out.2", "out.3").code == 3


def test_what_is_refused_leaves_nothing(folder: Path) -> None:
    jobs = folder / "jobs.jsonl"
    run(str(jobs), "-o", str(folder / "seed"), "--shard", "3/3", "--seed", "1")
    run(str(jobs), "-o", str(folder / "half"), "--shard", "1/2")
    jobs.write_text(JOBS + '{"keywords": "tree"}\n', encoding="utf-8")
    run(str(jobs), "-o", str(folder / "longer"), "--shard", "3/3")
    changed = folder / "changed"
    changed.write_bytes((folder / "out.3").read_bytes().replace(b"id", b"no"))
    shutil.copy(folder / "out.3.journal", folder / "changed.journal")
    odd = folder / "odd"
    shutil.copy(folder / "out.3", odd)
    (folder / "odd.journal").write_bytes((folder / "out.3.journal").read_bytes() + encode_entry(["dog", 1]))
    before = snapshot(folder)
    for third, said in {
        "out.2": "are both shard 2/3; give each shard once",
        "whole": "is no shard: its run did all jobs",
        "jobs.jsonl": "a shard needs its journal in the same folder",
        "nowhere": "cannot read",
        "seed": "is of a run with seed 1, and",
        "half": "is shard 1/2, and",
        "longer": "has seen 7 jobs, and other shards 8; continue it with --resume",
        "changed": "has changed since it was written",
        "odd": "which no run writes; do the shard again with --overwrite",
    }.items():
        ran = joined(folder, "out.1", "out.2", third)
        assert ran.code == 2, third
        assert said in ran.err
        assert ran.err.count("\n") == 1
    ran = joined(folder, "out.1", "out.2")
    assert "shard 3/3 is missing; give the outputs of all 3 shards" in ran.err
    ran = joined(folder, "out.1", "out.2", "out.3", output="out.3")
    assert "is a shard itself" in ran.err
    ran = joined(folder, "out.1", "out.2", "out.3", output="whole")
    assert "--overwrite begins again" in ran.err
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda whole: b"", "ends in its first line; do the shard again with --overwrite"),
        (lambda whole: whole[:40], "ends in its first line; do the shard again with --overwrite"),
        (lambda whole: whole.replace(b'"seed":0', b'"seed":1', 1), "its first line was changed"),
        (lambda whole: b"hello\n" + whole, "it is not a journal of searchgen"),
    ],
    ids=["empty", "torn", "changed", "foreign"],
)
def test_a_journal_without_a_header_is_named(folder: Path, damage: Callable[[bytes], bytes], said: str) -> None:
    journal = folder / "out.2.journal"
    journal.write_bytes(damage(journal.read_bytes()))
    before = snapshot(folder)
    ran = joined(folder, "out.1", "out.2", "out.3")
    assert (ran.code, ran.out, ran.err.count("\n"), snapshot(folder)) == (2, "", 1, before)
    assert journal.name in ran.err
    assert said in ran.err


def test_shards_are_joined_into_a_file_where_stdout_is_closed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = StringIO()
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", said)
    shards = [str(folder / f"out.{which}") for which in (1, 2, 3)]
    assert answer(["batch", "--join", *shards, "-o", str(folder / "joined")]) == 3
    assert said.getvalue() == "searchgen: 5 ok, 0 infeasible, 2 error, from 3 shards\n"
    assert (folder / "joined").read_bytes() == (folder / "whole").read_bytes()


@pytest.mark.parametrize("shard", ["0/3", "4/3", "1/0", "1", "a/b", "1/2000", "-1/3", ""])
def test_a_wrong_shard(shard: str) -> None:
    ran = run("-", "--shard", shard)
    assert ran.code == 2
    assert ran.err.startswith(f"searchgen: --shard {shard!r}: give I/N, such as 3/8")


def test_flags_that_do_not_go_together(tmp_path: Path) -> None:
    assert "drop --workers" in searchgen("batch", "--join", "a", "b", "--workers", "2").err
    assert "2 job files are given" in searchgen("batch", "a", "b").err
