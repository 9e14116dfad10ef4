"""How far a batch is: rate and time left, on a terminal and without one."""

from io import BytesIO
from pathlib import Path

import pytest

from searchgen.batch.jobs import Job, read_jobs
from searchgen.cli.parts.batches.progress import Pace, clock


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that is set by hand."""
    time = [100.0]
    monkeypatch.setattr("searchgen.cli.parts.batches.progress.time.monotonic", lambda: time[0])
    return time


def shown_lines(path: Path, now: list[float], kept: int, seconds: float) -> list[tuple[str, float]]:
    """Return what is shown of four jobs of 25 bytes, `kept` of them by an earlier run, the others one in `seconds`."""
    shown: list[tuple[str, float]] = []
    path.write_bytes(b"x" * 100)
    with path.open("rb") as stream:
        pace = Pace(stream, lambda line, share: shown.append((line, share)))
        for number in range(kept + 1, 5):
            now[0] += seconds
            pace.update(Job(number, "", {}, end=25 * number), {"ok": number, "infeasible": 0, "error": 0})
    return shown


def test_rate_and_time_left_are_of_this_run(tmp_path: Path, now: list[float]) -> None:
    rest = " ok, 0 infeasible, 0 error"
    assert shown_lines(tmp_path / "jobs", now, 0, 30.0) == [
        (f"1{rest}", 0.25),
        (f"2{rest}, 0.0/s, 0:01:00 left", 0.5),
        (f"3{rest}, 0.0/s, 0:00:30 left", 0.75),
        (f"4{rest}, 0.0/s, 0:00:00 left", 0.999),
    ]
    assert shown_lines(tmp_path / "jobs", now, 2, 0.5)[-1] == (f"4{rest}, 2.0/s, 0:00:00 left", 0.999)


def test_one_line_a_minute_without_a_terminal(now: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    pace = Pace(BytesIO(), None)  # of a pipe it is not known how much is left
    for number in range(1, 200):
        now[0] += 1.0
        pace.update(Job(number, "", {}, end=number), {"ok": number, "infeasible": 0, "error": 0})
    assert capsys.readouterr().err.splitlines() == [
        f"searchgen: {minute * 60} ok, 0 infeasible, 0 error, 1.0/s" for minute in (1, 2, 3)
    ]


@pytest.mark.parametrize("form", ["jsonl", "txt", "csv"])
def test_jobs_know_where_they_end(form: str) -> None:
    data = b'id\n{}\n\n{"a": 1}\r\n' + b"x" * 1_000_001 + b'\n"two\nlines"\n[1]'
    ends = [job.end for job in read_jobs(BytesIO(data), form)]
    assert ends == sorted(ends)
    assert ends[-1] == len(data)
    assert all(end == len(data) or data[end - 1 : end] == b"\n" for end in ends)


def test_the_clock() -> None:
    assert [clock(seconds) for seconds in (0.4, 59.6, 3730.4, 360000)] == ["0:00:00", "0:01:00", "1:02:10", "100:00:00"]
