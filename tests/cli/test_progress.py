"""Progress is drawn on a terminal only, and only of work that takes time."""

import io
import sys
import time

import pytest

from searchgen.cli import output


class Terminal(io.StringIO):
    """A terminal that is read afterwards."""

    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch, quiet_seconds: float) -> Terminal:
    """Make stderr a terminal; not in a fixture, after which pytest sets its own stderr."""
    drawn = Terminal()
    monkeypatch.setattr(sys, "stderr", drawn)
    monkeypatch.setattr(output, "QUIET_SECONDS", quiet_seconds)
    monkeypatch.setattr(output, "_quiet", False)  # an earlier command of this process may have been told --quiet
    monkeypatch.setenv("TERM", "xterm")
    return drawn


def test_long_work_without_a_share_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch, 0.05)
    with output.progress("compiling"):
        until = time.monotonic() + 20
        while "compiling" not in terminal.getvalue() and time.monotonic() < until:
            time.sleep(0.02)
    assert "compiling" in terminal.getvalue()


def test_short_work_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch, 60.0)
    with output.progress("short") as show:
        assert show is not None
        show("short", 0.5)
    assert terminal.getvalue() == ""


def test_without_a_terminal_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with output.progress("work") as show:
        assert show is None
