"""Ctrl-C and SIGTERM: a documented exit code and one line, from the first moment to the last, however often they come.

    starting, ending    the process ends at once
    working             an exception unwinds what is going on, so that files are made whole; another signal within a second belongs to the
                        same wish and is passed over, a later one ends the process at once; so does half a minute without an end

Python drops what is raised in a destructor or a callback, and libraries drop what they catch. So an exception that ends unheard sends its
signal again. Within the code of an import nothing is raised, which would leave a module locked for other threads: the signal waits.

Nothing but the standard library is imported here: all else is imported when signals are answered already.
"""

import os
import signal
import sys
import threading
import time
from types import FrameType

__all__ = ["INTERRUPTED", "TERMINATED", "Interrupted", "Sent", "Terminated", "end_at_once", "unwind"]

#: Exit codes, as shells have them.
INTERRUPTED, TERMINATED = 130, 143

#: Seconds in which signals are taken for one: terminals, supervisors and parents send theirs at nearly the same time.
GRACE = 1.0

#: Seconds that unwinding may take.
PATIENCE = 30.0

#: Seconds after which a signal is sent again: by then the destructor, or the step of an import, has been left.
AGAIN = 0.01

#: How the names of the files of Python's own code for imports begin.
IMPORTING = "<frozen importlib"

WORDS = {INTERRUPTED: "interrupted", TERMINATED: "terminated"}


class Sent(BaseException):
    """What a signal raises; it sends the signal again if it ends before the command line has heard of it.

    Attributes:
        number: of the signal.
        heard: whether the process is ending because of it.
    """

    number = int(signal.SIGTERM)
    heard = False

    def __del__(self) -> None:
        """Ask again, if signals still raise."""
        if not self.heard and signal.getsignal(self.number) is _raise_once:
            _first.clear()
            _send_again(self.number)


class Interrupted(Sent, KeyboardInterrupt):
    """Ctrl-C."""

    number = int(signal.SIGINT)


class Terminated(Sent):
    """SIGTERM arrived; half-written files are taken away on the way out."""


#: When the signal came that is being answered; empty: none is.
_first: list[float] = []

#: Ends what does not unwind; the process has at most one.
_watchdogs: list[threading.Timer] = []


def end_at_once() -> None:
    """Let a signal end the process from now on."""
    while _watchdogs:
        _watchdogs.pop().cancel()
    _install(_end)


def unwind() -> None:
    """Let the first signal from now on raise `Interrupted` or `Terminated` in the main thread."""
    others = sys.unraisablehook

    def pass_over_ours(dropped: "sys.UnraisableHookArgs") -> None:
        if not issubclass(dropped.exc_type, Sent):
            others(dropped)

    _first.clear()
    sys.unraisablehook = pass_over_ours
    _install(_raise_once)


def _raise_once(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if _first:
        if now - _first[0] > GRACE:
            _end(number, frame)
        return
    _watch(number)
    if frame is not None and frame.f_code.co_filename.startswith(IMPORTING):
        _send_again(number)
        return
    _first.append(now)
    raise Interrupted if number == signal.SIGINT else Terminated


def _send_again(number: int) -> None:
    again = threading.Timer(AGAIN, os.kill, (os.getpid(), number))
    again.daemon = True
    again.start()


def _watch(number: int) -> None:
    if _watchdogs:
        return
    watchdog = threading.Timer(PATIENCE, _end, (number, None))
    watchdog.daemon = True
    watchdog.start()
    _watchdogs.append(watchdog)


def _install(handler: "signal._HANDLER") -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        if (
            signal.getsignal(number) is not signal.SIG_IGN
        ):  # ignored for a command in the background of a script, and to stay so
            signal.signal(number, handler)


def _end(number: int, _frame: object) -> None:
    code = INTERRUPTED if number == signal.SIGINT else TERMINATED
    try:
        os.write(sys.stderr.fileno(), f"searchgen: {WORDS[code]}\n".encode())
    finally:  # whether or not somebody reads it
        os._exit(code)
