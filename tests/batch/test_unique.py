"""`--unique`: no text in two rows, whatever the workers, resumption and shards; a row that has to change says so."""

import json
from pathlib import Path
from typing import Any

import pytest

from searchgen.batch.jobs import Job
from searchgen.batch.pool import in_order
from searchgen.batch.texts import Texts
from searchgen.jobs.batch_job import Answer
from searchgen.jobs.new_texts import ATTEMPTS, with_new_texts
from tests.batch.test_pool import crashed
from tests.batch.workers import make_again
from tests.cli.runner import QUICK, Ran, model, searchgen

#: Fewer texts satisfy the first five jobs than all of them ask for; the rest is wide open.
JOBS = (
    '{"keywords": "dog", "max_words": 3, "min_words": 1, "seed": 7}\n' * 5
    + '{"keywords": "cat", "seed": 3, "n": 2}\n' * 5
)


def run(folder: Path, name: str, *arguments: str, jobs: str = JOBS) -> Ran:
    path = folder / "jobs.jsonl"
    path.write_text(jobs, encoding="utf-8")
    flags = ("--lm", model("en"), *QUICK, "--quiet", *arguments)
    return searchgen("batch", str(path), "-o", str(folder / name), "--unique", *flags)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def texts_of(rows: list[dict[str, Any]]) -> list[str]:
    return [record["text"] for row in rows for record in row["results"]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unique")
    run(folder, "whole")
    searchgen("batch", str(folder / "jobs.jsonl"), "-o", str(folder / "any"), "--lm", model("en"), *QUICK, "--quiet")
    return folder


def test_no_text_stands_in_two_rows(whole: Path) -> None:
    unique, usual = rows_of(whole / "whole"), rows_of(whole / "any")
    texts = texts_of(unique)
    assert len(set(texts)) == len(texts)
    assert len(set(texts_of(usual))) < len(texts_of(usual))  # without the flag
    assert unique[0] == usual[0]  # what is new is as it was
    assert unique[1]["diagnostics"]["notes"][-1] == "1 text is that of line 1"
    assert all(all(record["satisfied"].values()) for row in unique for record in row["results"])


def test_workers_change_nothing(whole: Path, tmp_path: Path) -> None:
    run(tmp_path, "out", "--workers", "2")
    assert (tmp_path / "out").read_bytes() == (whole / "whole").read_bytes()


@pytest.mark.parametrize("kept", [1, 4, 8])
def test_what_was_killed_goes_on(whole: Path, tmp_path: Path, kept: int) -> None:
    out, journal = tmp_path / "out", tmp_path / "out.journal"
    rows = (whole / "whole").read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join(rows[:kept]) + rows[kept][:9])  # as a kill leaves it: a torn row
    journal.write_bytes((whole / "whole.journal").read_bytes())
    ran = run(tmp_path, "out", "--resume")
    assert f"{kept} rows are kept" in ran.err
    assert out.read_bytes() == (whole / "whole").read_bytes()
    without = searchgen("batch", str(tmp_path / "jobs.jsonl"), "-o", str(out), "--resume", "--lm", model("en"), *QUICK)
    assert without.code == 2
    assert "run with defaults" in without.err


def test_shards_lose_the_texts_of_earlier_rows_when_they_are_joined(tmp_path: Path) -> None:
    for which in ("1", "2"):
        run(tmp_path, f"out.{which}", "--shard", f"{which}/2")
    shards = [rows_of(tmp_path / f"out.{which}") for which in (1, 2)]
    assert len({*texts_of(shards[0])} & {*texts_of(shards[1])}) > 1  # found by both
    outputs = []
    for order in ("12", "21"):
        ran = searchgen("batch", "--join", *(str(tmp_path / f"out.{w}") for w in order), "-o", str(tmp_path / order))
        assert ran.code == 3, ran.err
        outputs.append((tmp_path / order).read_bytes())
    assert outputs[0] == outputs[1]
    joined = rows_of(tmp_path / "12")
    texts = texts_of(joined)
    assert len(set(texts)) == len(texts)
    assert {*texts} == {*texts_of(shards[0]), *texts_of(shards[1])}  # none is lost
    lost = joined[1]
    assert (lost["status"], lost["results"], lost["diagnostics"]["proved"]) == ("infeasible", [], False)
    assert "the first in that of line 1" in lost["diagnostics"]["error"]
    jobs = run(tmp_path, "12", "--resume", jobs=JOBS + '{"keywords": "tea"}\n')
    assert "10 rows are kept" in jobs.err
    assert len(rows_of(tmp_path / "12")) == 11


def test_a_job_is_done_again_with_other_seeds_and_then_given_up() -> None:
    """Its only text is taken, until the attempt that finds another; without one it is infeasible."""
    asked: list[int] = []

    def answers(last: int):
        for line in (1, 2):
            job = Job(line, "", {})
            while True:
                asked.append(job.attempt)
                text = "new" if job.attempt == last else "old"
                row = {"id": line, "results": [{"text": text}], "diagnostics": {"notes": []}, "signature": "s"}
                again = yield job, Answer(json.dumps(row).encode(), "ok", 1.0, None)
                if again is None:
                    break
                job = again

    _, (_, second) = with_new_texts(answers(3), Texts())
    assert (asked, second.status, second.seconds) == ([0, 0, 1, 2, 3], "ok", 4.0)
    asked.clear()
    _, (_, second) = with_new_texts(answers(99), Texts())
    assert (asked, second.status) == ([0, *range(ATTEMPTS)], "infeasible")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_task_sent_back_is_done_in_its_place(workers: int) -> None:
    results = in_order(range(20), make_again, (), workers, crashed)
    done = []
    again = None
    while True:
        try:
            task, result = results.send(again)
        except StopIteration:
            break
        again = task + 100 if task in (3, 103, 19) else None  # twice in a row, and the last of all
        done.append((task, result))
    tasks = [*range(4), 103, 203, *range(4, 20), 119]
    assert done == [(task, 2 * task) for task in tasks]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--share", "4", "--lm", "en"), "--unique and --share 4 do not go together"),
        (("--sampler", "mh"), "--unique is for jobs that search; sampler 'mh' draws texts from a law"),
    ],
)
def test_what_does_not_go_with_it(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    ran = searchgen("batch", "-", "-o", str(tmp_path / "out"), "--unique", *arguments)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert said in ran.err
    ran = searchgen("batch", "-", "--journal", str(tmp_path / "journal"), "--unique")
    assert "give -o FILE" in ran.err


def test_a_job_that_samples_is_no_job(tmp_path: Path) -> None:
    run(tmp_path, "out", jobs='{"keywords": "dog", "sampler": "mh"}\n')
    assert "--unique is for jobs that search" in rows_of(tmp_path / "out")[0]["diagnostics"]["error"]
