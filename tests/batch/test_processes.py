"""Batches killed, cut and signalled as processes: resumed, they write what an unbroken run writes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.runner import model, searchgen

PROGRAM = [sys.executable, "-c", "from searchgen.cli.main import run; run()"]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
#: More than a busy machine answers between two looks of a test that waits for some of them.
JOBS = 200
WORDS = ("dog", "cat", "park", "mother", "school", "house", "water", "book")


def jobs_file(folder: Path, count: int) -> Path:
    path = folder / "jobs.jsonl"
    lines = [json.dumps({"id": f"job {i}", "keywords": WORDS[i % len(WORDS)]}) + "\n" for i in range(count)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def command(jobs: Path, out: Path, *arguments: str) -> list[str]:
    flags = ["--lm", model("en"), "--budget", "0.001", "-o", str(out), *arguments]
    return [*PROGRAM, "batch", str(jobs), *flags]


def rows(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def run(line: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(line, capture_output=True, check=False)


def stop_after(
    line: list[str], out: Path, count: int, sent: signal.Signals, size: int = 0
) -> subprocess.CompletedProcess[bytes]:
    """Start a run and send it a signal when it has written so many rows and bytes."""
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while (not out.exists() or out.stat().st_size < size or rows(out) < count) and process.poll() is None:
        time.sleep(0.003)
    process.send_signal(sent)
    said = process.communicate(timeout=60)
    return subprocess.CompletedProcess(line, process.returncode, *said)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    folder = tmp_path_factory.mktemp("unbroken")
    jobs, out = jobs_file(folder, JOBS), folder / "out.jsonl"
    searchgen("constrain", "--lm", model("en"), "--keywords", "dog", "--budget", "0.001")  # nothing left to compile
    assert run(command(jobs, out)).returncode == 0
    assert rows(out) == JOBS
    return jobs, out.read_bytes()


def test_two_workers_write_the_same_bytes(tmp_path: Path, unbroken: tuple[Path, bytes]) -> None:
    out = tmp_path / "out.jsonl"
    assert run(command(unbroken[0], out, "--workers", "2")).returncode == 0
    assert out.read_bytes() == unbroken[1]


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_and_resumed(tmp_path: Path, unbroken: tuple[Path, bytes], workers: int) -> None:
    out, report = tmp_path / "out.jsonl", tmp_path / "report.json"
    for count in (7, 31):
        line = command(unbroken[0], out, "--workers", str(workers), "--resume")
        assert stop_after(line, out, count, signal.SIGKILL).returncode == -signal.SIGKILL
    there = rows(out)
    assert 0 < there < JOBS
    assert run(command(unbroken[0], out, "--resume", "--report", str(report))).returncode == 0
    assert out.read_bytes() == unbroken[1]
    counted = json.loads(report.read_text())
    assert counted["kept"] >= there - 1  # no more than the row that had no journal line yet is made again
    assert counted["kept"] + counted["computed"] == JOBS


@pytest.mark.parametrize(
    ("workers", "sent", "code", "said"),
    [
        (1, signal.SIGTERM, 143, b"terminated"),
        (2, signal.SIGINT, 130, b"interrupted"),
        pytest.param(1, signal.SIGINT, 130, b"interrupted", marks=pytest.mark.slow),
        pytest.param(2, signal.SIGTERM, 143, b"terminated", marks=pytest.mark.slow),
    ],
)
def test_signals_flush(
    tmp_path: Path, unbroken: tuple[Path, bytes], sent: signal.Signals, code: int, said: bytes, workers: int
) -> None:
    out = tmp_path / "out.jsonl"
    ended = stop_after(command(unbroken[0], out, "--workers", str(workers)), out, 9, sent)
    assert ended.returncode == code
    assert ended.stderr.splitlines()[-1] == b"searchgen: " + said
    assert b" ok, 0 infeasible, 0 error, 0:00:" in ended.stderr
    assert unbroken[1].startswith(out.read_bytes())
    last = (tmp_path / "out.jsonl.journal").read_bytes().splitlines()[-1]
    synced = int(last.removeprefix(b'["synced",').split(b"]")[0])
    # The signal may come between a row and its line in the journal: that row is made again, no other.
    assert out.read_bytes()[synced:].count(b"\n") <= 1
    assert synced > 0
    assert run(command(unbroken[0], out, "--resume")).returncode == 0
    assert out.read_bytes() == unbroken[1]


def test_a_file_that_grew_goes_on_and_one_that_changed_is_refused(tmp_path: Path) -> None:
    jobs, out = jobs_file(tmp_path, 6), tmp_path / "out.jsonl"
    assert run(command(jobs, out)).returncode == 0
    jobs_file(tmp_path, 8)
    assert run(command(jobs, out, "--resume")).returncode == 0
    assert rows(out) == 8
    written = out.read_bytes()
    jobs.write_bytes(jobs.read_bytes().replace(b"cat", b"cow", 1))
    ended = run(command(jobs, out, "--resume"))
    assert (ended.returncode, out.read_bytes()) == (2, written)
    assert b"line 2 is not the job its row was made of" in ended.stderr
    jobs_file(tmp_path, 5)
    ended = run(command(jobs, out, "--resume"))
    assert ended.returncode == 2
    assert b"3 jobs fewer" in ended.stderr


def test_another_model_is_refused(tmp_path: Path) -> None:
    jobs, out = jobs_file(tmp_path, 3), tmp_path / "out.jsonl"
    mine = tmp_path / "my.lm"
    mine.write_bytes(Path(model("en")).read_bytes())
    line = [*PROGRAM, "batch", str(jobs), "--lm", str(mine), "--budget", "0.001", "-o", str(out)]
    assert run(line).returncode == 0
    mine.write_bytes(Path(model("zh")).read_bytes())
    ended = run([*line, "--resume"])
    assert ended.returncode == 2
    assert b"has changed" in ended.stderr


def test_a_full_disk(tmp_path: Path, unbroken: tuple[Path, bytes]) -> None:
    """No file may grow beyond so many bytes, more than the cache needs: the system says so in a row, as when a disk is full."""
    resource = pytest.importorskip("resource")
    out, report, room = tmp_path / "out.jsonl", tmp_path / "report.json", 200_000
    ended = subprocess.run(
        command(unbroken[0], out),
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )
    assert ended.returncode == 1
    assert b"File too large; make room, then continue with --resume" in ended.stderr.splitlines()[-1]
    assert out.stat().st_size == room
    assert run(command(unbroken[0], out, "--resume", "--report", str(report))).returncode == 0
    assert out.read_bytes() == unbroken[1]
    assert json.loads(report.read_text())["kept"] == unbroken[1][:room].count(b"\n")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_twenty_five_random_moments(tmp_path: Path, workers: int) -> None:
    jobs, whole, count = jobs_file(tmp_path, 300), tmp_path / "whole.jsonl", 300
    assert run(command(jobs, whole)).returncode == 0
    moments = random.Random(workers)
    lost = []
    for trial in range(25):
        out, report = tmp_path / f"out{trial}.jsonl", tmp_path / "report.json"
        line = command(jobs, out, "--workers", str(workers))
        bound = int(whole.stat().st_size * moments.uniform(0.0, 0.95))
        assert stop_after(line, out, 0, signal.SIGKILL, bound).returncode == -signal.SIGKILL
        written = rows(out)
        assert run([*line, "--resume", "--report", str(report)]).returncode == 0
        assert out.read_bytes() == whole.read_bytes()
        counted = json.loads(report.read_text())
        assert counted["kept"] + counted["computed"] == count
        lost.append(written - counted["kept"])
    assert set(lost) <= {0, 1}  # no row is made again but one that had no line in the journal yet


@pytest.mark.slow
@pytest.mark.parametrize("which", ["out.jsonl", "out.jsonl.journal"])
def test_cut_at_two_hundred_random_bytes(tmp_path: Path, unbroken: tuple[Path, bytes], which: str) -> None:
    out, report = tmp_path / "out.jsonl", tmp_path / "report.json"
    assert run(command(unbroken[0], out)).returncode == 0
    places = random.Random(which)
    resume = command(unbroken[0], out, "--resume", "--report", str(report))[len(PROGRAM) :]
    for _ in range(200):
        path = tmp_path / which
        os.truncate(path, places.randrange(1, path.stat().st_size))
        whole = [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
        left = sum(which == "out.jsonl" or line.startswith(b'["row"') for line in whole)
        assert searchgen(*resume).code == 0
        assert out.read_bytes() == unbroken[1]
        assert json.loads(report.read_text())["computed"] == JOBS - left
