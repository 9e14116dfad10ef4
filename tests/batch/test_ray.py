"""Batches by Ray: the bytes of the local pool, whoever ends meanwhile. What needs Ray is skipped without it."""

import importlib.util
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from searchgen.batch.sent_files import sent_files
from tests.batch.test_processes import PROGRAM, jobs_file, rows
from tests.cli.runner import model, searchgen
from tests.places import ROOT

needs_ray = [pytest.mark.slow, pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray")]

JOBS = 120


def test_without_ray_a_line_says_what_installs_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    ran = searchgen("batch", "-", "-o", str(tmp_path / "out"), "--engine", "ray", "--lm", "en-ngram")
    assert (ran.code, ran.err) == (2, "searchgen: --engine ray needs Ray: pip install 'searchgen[ray]'\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--engine", "spark"), "--engine spark: give local or ray"),
        (("--address", "10.0.0.1:6379"), "--address names a Ray cluster; give --engine ray, too"),
    ],
)
def test_wrong_engines(flags: tuple[str, ...], said: str) -> None:
    ran = searchgen("batch", "-", "--lm", "en-ngram", *flags)
    assert (ran.code, ran.err) == (2, f"searchgen: {said}\n")


def test_only_model_files_with_a_relative_path_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.sgm").write_bytes(b"a model")
    (tmp_path / "in").mkdir()
    names = ["my.sgm", "in/../my.sgm", str(tmp_path / "my.sgm"), "in", "en", "missing.sgm"]
    assert sent_files(names) == {"my.sgm": b"a model"}


def start(folder: Path, out: str, *flags: str) -> subprocess.Popen[bytes]:
    """Begin a batch in a folder that has the model as small.sgm."""
    line = [*PROGRAM, "batch", "jobs.jsonl", "-o", out, "--lm", "small.sgm", "--budget", "0.02", "--quiet", *flags]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(line, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(process: subprocess.Popen[bytes]) -> str:
    out, said = process.communicate(timeout=500)
    assert (process.returncode, out) == (0, b""), said.decode()
    return said.decode()


def workers_of(process: subprocess.Popen[bytes]) -> list[int]:
    """Return the actors of Ray that are working, whoever began them."""
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "ray::Served" in line]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ray")
    jobs_file(folder, JOBS)
    (folder / "small.sgm").write_bytes(Path(model("en")).read_bytes())
    ended(start(folder, "local"))
    return folder


RAY = ("--engine", "ray", "--workers", "2")


class TestWithRay:
    """A Ray of two processors, on this machine."""

    pytestmark = needs_ray

    def test_the_same_bytes_when_workers_are_killed(self, folder: Path) -> None:
        run = start(folder, "killed", *RAY)
        for count in (5, 40):
            while rows(folder / "killed") < count and run.poll() is None:
                time.sleep(0.01)
            os.kill(workers_of(run)[0], signal.SIGKILL)
        ended(run)
        assert (folder / "killed").read_bytes() == (folder / "local").read_bytes()
        journals = [(folder / f"{name}.journal").read_text().splitlines() for name in ("killed", "local")]
        of_rows = [[line.rsplit(",", 1)[0] for line in lines if line.startswith('["row"')] for lines in journals]
        assert of_rows[0] == of_rows[1]  # all but the seconds

    def test_a_killed_run_goes_on(self, folder: Path) -> None:
        run = start(folder, "resumed", *RAY)
        while rows(folder / "resumed") < 10 and run.poll() is None:
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
        run.communicate(timeout=60)
        assert 10 <= rows(folder / "resumed") < JOBS
        assert "rows are kept" in ended(start(folder, "resumed", *RAY, "--resume"))
        assert (folder / "resumed").read_bytes() == (folder / "local").read_bytes()

    def test_no_cluster_is_one_line(self, folder: Path) -> None:
        run = start(folder, "nowhere", "--engine", "ray", "--address", "127.0.0.1:9")
        said = run.communicate(timeout=500)[1].decode()
        assert run.returncode == 1, said
        assert said.startswith("searchgen: Ray does not answer at 127.0.0.1:9")
        assert said.count("\n") == 1
        assert not (folder / "nowhere").exists()
