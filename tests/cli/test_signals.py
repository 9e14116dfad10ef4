"""Ctrl-C and SIGTERM at any moment and twice in a row: the documented exit code, one line, no traceback."""

import gc
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from searchgen.cli.signals import AGAIN, GRACE, Interrupted, Sent, Terminated, end_at_once, unwind
from tests.cli.runner import QUICK, model, searchgen

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="/proc says when signals are answered")

SIGNALS = {signal.SIGINT: (130, b"searchgen: interrupted\n"), signal.SIGTERM: (143, b"searchgen: terminated\n")}


def answers_signals(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process has come to its first line, which says what SIGTERM does; Python itself leaves that to the system."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def ended(arguments: list[str], delay: float, *sent: signal.Signals) -> tuple[int, bytes]:
    """Start a command, send signals so many seconds after its first line, and return exit code and stderr."""
    line = [sys.executable, "-m", "searchgen", *arguments]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not answers_signals(process):
            time.sleep(0.001)
        time.sleep(delay)
        for one in sent:
            process.send_signal(one)
        begun = time.monotonic()
        process.wait(30)
        assert time.monotonic() - begun < 5
        assert process.stderr is not None
        return process.returncode, process.stderr.read()


def endless(tmp_path: Path) -> list[list[str]]:
    """Commands that have no end of their own: stdin stays open, and a job file has many jobs."""
    jobs = tmp_path / "jobs.jsonl"
    jobs.write_text('{"keywords": "dog"}\n' * 20_000)
    waits = ["constrain", "--lm", model("en"), "--keywords", "-", *QUICK]
    works = ["batch", str(jobs), "--lm", model("en"), *QUICK, "-q", "-o", str(tmp_path / "out"), "--overwrite"]
    return [waits, works, [*works, "--workers", "2"]]


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    searchgen("constrain", "--lm", model("en"), "--keywords", "dog", *QUICK)  # nothing left to compile


@pytest.mark.parametrize("sent", SIGNALS)
@pytest.mark.parametrize("delay", [0.0, 0.05, 0.3, 1.0])
def test_the_first_moments(tmp_path: Path, sent: signal.Signals, delay: float) -> None:
    code, said = ended(endless(tmp_path)[0], delay, sent)
    assert (code, said) == SIGNALS[sent]


@pytest.mark.parametrize(
    ("delay", "sent"),
    [
        (0.0, signal.SIGINT),
        (2.0, signal.SIGTERM),
        pytest.param(0.0, signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(2.0, signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_twice_in_a_row(tmp_path: Path, delay: float, sent: signal.Signals) -> None:
    code, said = ended(endless(tmp_path)[1], delay, sent, sent)
    assert (code, said.splitlines(keepends=True)[-1]) == SIGNALS[sent]
    assert b"Traceback" not in said


@pytest.mark.parametrize("sent", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_chain_that_runs_for_weeks(sent: signal.Signals) -> None:
    line = ["sample", "--keywords", "dog", "--sampler", "mh", "--lm", model("en"), "-n", "1"]
    line += ["--option", "thin=1000000000"]
    code, said = ended(line, 3.0, sent)
    assert (code, said.splitlines(keepends=True)[-1]) == SIGNALS[sent]


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep what this process does with signals."""
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    kept = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    end_at_once()
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_what_does_not_unwind_is_ended(monkeypatch: pytest.MonkeyPatch, handlers: None) -> None:
    codes: list[int] = []
    monkeypatch.setattr("searchgen.cli.signals.os._exit", codes.append)
    monkeypatch.setattr("searchgen.cli.signals.PATIENCE", 0.05)
    for expected in ([143], [143]):  # the second one ends in time
        unwind()
        with pytest.raises(Terminated) as caught:
            os.kill(os.getpid(), signal.SIGTERM)
        caught.value.heard = True
        if codes:
            end_at_once()
        time.sleep(0.3)
        assert codes == expected


@pytest.mark.slow
@pytest.mark.parametrize("sent", SIGNALS)
def test_fifty_random_moments(tmp_path: Path, sent: signal.Signals) -> None:
    moments = random.Random(int(sent))
    for _ in range(50):
        commands, delay = endless(tmp_path), moments.uniform(0, 3)
        code, said = ended(moments.choice(commands), delay, *[sent] * moments.choice((1, 2)))
        assert (code, said.splitlines(keepends=True)[-1]) == SIGNALS[sent], delay
        assert b"Traceback" not in said


class Ended:
    """What sends a signal when it ends, to this process."""

    def __init__(self, sent: signal.Signals) -> None:
        self.sent = sent

    def __del__(self) -> None:
        os.kill(os.getpid(), self.sent)
        time.sleep(0.01)


def in_a_destructor(sent: signal.Signals) -> None:
    """Python drops what is raised there."""
    Ended(sent)
    time.sleep(5)


def in_a_library(sent: signal.Signals) -> None:
    """Some drop what they catch, whatever it is."""
    with suppress(BaseException):
        os.kill(os.getpid(), sent)
        time.sleep(0.01)
    time.sleep(5)


def in_an_import(sent: signal.Signals) -> None:
    """A module that is being imported stays locked if its import is left at the wrong moment."""
    code = compile(
        "import os, time\nos.kill(os.getpid(), sent)\ntime.sleep(0.005)\nover = True", "<frozen importlib>", "exec"
    )
    names = {"sent": sent}
    exec(code, names)
    assert names["over"]
    time.sleep(5)


@pytest.mark.parametrize(("sent", "raised"), [(signal.SIGINT, Interrupted), (signal.SIGTERM, Terminated)])
@pytest.mark.parametrize("dropped", [in_a_destructor, in_a_library, in_an_import])
def test_a_signal_is_not_lost(
    handlers: None, dropped: Callable[[signal.Signals], None], sent: signal.Signals, raised: type[Sent]
) -> None:
    unwind()
    with pytest.raises(raised) as caught:
        dropped(sent)
    caught.value.heard = True


def test_a_signal_that_was_heard_is_sent_once(handlers: None) -> None:
    unwind()
    with pytest.raises(Terminated) as caught:
        os.kill(os.getpid(), signal.SIGTERM)
    caught.value.heard = True
    del caught
    gc.collect()
    time.sleep(10 * AGAIN)


def test_other_faults_of_destructors_are_reported(monkeypatch: pytest.MonkeyPatch, handlers: None) -> None:
    """By the hook that was there before, which may keep them off stderr."""
    told: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: told.append(str(dropped.exc_value)))

    class Faulty:
        def __del__(self) -> None:
            raise ValueError("a fault")

    unwind()
    Faulty()
    assert told == ["a fault"]


def test_a_second_signal_is_of_the_same_wish_for_a_second(monkeypatch: pytest.MonkeyPatch, handlers: None) -> None:
    now, codes = [100.0], []
    monkeypatch.setattr("searchgen.cli.signals.time.monotonic", lambda: now[0])
    monkeypatch.setattr("searchgen.cli.signals.os._exit", codes.append)
    unwind()
    with pytest.raises(Terminated) as caught:
        os.kill(os.getpid(), signal.SIGTERM)
    now[0] += GRACE
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    assert codes == []
    now[0] += 0.1
    os.kill(os.getpid(), signal.SIGINT)
    assert codes == [130]
    end_at_once()
    os.kill(os.getpid(), signal.SIGTERM)
    assert codes == [130, 143]
    caught.value.heard = True
