"""What only a process of its own shows: pipes, signals, locales, exit codes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from searchgen.kernels.compiled import compiled_folder
from tests.cli.runner import QUICK, model, searchgen
from tests.places import ROOT

PROGRAM = [sys.executable, "-m", "searchgen"]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and signals of POSIX")


def command(*arguments: str) -> list[str]:
    return [*PROGRAM, "constrain", "--lm", model("en"), *arguments]


@contextmanager
def started(*arguments: str, **options) -> Iterator[subprocess.Popen[bytes]]:
    searchgen("constrain", "--lm", model("en"), "--keywords", "dog", *QUICK)  # so that nothing is left to compile
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    with subprocess.Popen(command(*arguments), **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def test_each_line_is_answered_before_the_next_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "sets"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reading, True)
    with started("--keywords", "-", "--json", *QUICK, stdin=reading) as process, pipe.open("wb", buffering=0) as sets:
        os.close(reading)
        assert process.stdout is not None
        for number, word in enumerate(["dog", "", "park", "mother"], 1):
            sets.write(f"{word}\n".encode())
            row = json.loads(process.stdout.readline())  # would wait for ever if more input were needed
            assert (row["line"], row["status"]) == (number, "ok" if word else "malformed")
        sets.close()
        assert process.stdout.read() == b""
        assert process.wait(20) == 3


def test_a_closed_pipe_is_no_error_to_talk_about() -> None:
    with started("--keywords", "-", *QUICK) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"dog\n")
        process.stdin.flush()
        assert b"dog" in process.stdout.readline().lower()
        process.stdout.close()
        process.stdin.write(b"dog\n" * 3)
        process.stdin.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(20) == 141


@pytest.mark.parametrize(
    ("busy", "sent", "code", "said"),
    [
        pytest.param(False, signal.SIGINT, 130, b"interrupted", id="waiting-interrupted"),
        pytest.param(True, signal.SIGTERM, 143, b"terminated", id="searching-terminated"),
        pytest.param(False, signal.SIGTERM, 143, b"terminated", id="waiting-terminated", marks=pytest.mark.slow),
        pytest.param(True, signal.SIGINT, 130, b"interrupted", id="searching-interrupted", marks=pytest.mark.slow),
    ],
)
def test_signals(sent: signal.Signals, code: int, said: bytes, busy: bool) -> None:
    arguments = ["-n", "200", "--budget", "600"] if busy else QUICK
    with started("--keywords", "-", *arguments) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"dog\n")
        process.stdin.flush()
        if busy:
            time.sleep(3)
        else:
            process.stdout.readline()
        process.send_signal(sent)
        assert process.wait(20) == code
        assert process.stderr.read() == b"searchgen: " + said + b"\n"


@pytest.mark.parametrize("utf8_mode", ["0", "1"])
def test_utf8_whatever_the_locale(utf8_mode: str) -> None:
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": utf8_mode, "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    flags = ["constrain", "--lm", model("zh"), "--keywords", "公园", "--seed", "1", *QUICK]
    ran = subprocess.run([*PROGRAM, *flags], env=plain, capture_output=True, check=False)
    assert ran.stderr == b""
    assert "公园" in ran.stdout.decode("utf-8")
    assert ran.stdout.decode("utf-8") == searchgen(*flags).out


def test_a_full_disk_is_said_in_one_line() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(command("--keywords", "dog", *QUICK), stdout=full, stderr=subprocess.PIPE, check=False)
    assert ran.returncode == 1
    assert ran.stderr.count(b"\n") == 1
    assert b"No space left" in ran.stderr


@pytest.mark.parametrize(("closed", "code", "said"), [(1, 1, b"stdout is closed"), (2, 0, b"")])
def test_closed_streams(closed: int, code: int, said: bytes) -> None:
    line = ["sh", "-c", f'"$@" {closed}>&-', "sh", *command("--keywords", "dog", "--seed", "1", *QUICK)]
    ran = subprocess.run(line, capture_output=True, check=False)
    assert ran.returncode == code
    assert said in ran.stderr
    assert ran.stderr.count(b"\n") == bool(said)


def test_a_second_installation_has_nothing_to_compile(tmp_path: Path) -> None:
    """What is compiled depends on the sources, not on where they lie or when they were written."""
    arguments = ("--keywords", "dog", "--seed", "1", *QUICK)
    first = subprocess.run(command(*arguments), capture_output=True, check=False)
    before = compiled_files()
    package = ROOT / "searchgen"
    shutil.copytree(package, tmp_path / "searchgen", ignore=shutil.ignore_patterns("__pycache__", "data"))
    os.utime(tmp_path / "searchgen" / "samplers" / "chains" / "moves.py")
    elsewhere = {**os.environ, "PYTHONPATH": str(tmp_path)}
    second = subprocess.run(command(*arguments), env=elsewhere, cwd=tmp_path, capture_output=True, check=False)
    assert (second.returncode, second.stdout, second.stderr) == (0, first.stdout, b"")
    assert compiled_files() == before


def compiled_files() -> dict[Path, int]:
    """Return when each piece of machine code was written, in nanoseconds; other tests may be compiling their own at the same time."""
    found = compiled_folder().rglob("*.nbc")
    return {path: path.stat().st_mtime_ns for path in found if not path.parent.name.startswith("tests.")}


def test_no_terminal_signs_in_a_pipe() -> None:
    ran = subprocess.run(command("--keywords", "dog", "--seed", "1", *QUICK), capture_output=True, check=False)
    assert ran.returncode == 0
    assert b"\x1b" not in ran.stdout + ran.stderr
