"""Ctrl-C and SIGTERM: a documented exit code and one line, from the first moment to the last, however often they come.

    starting, ending    the process ends at once
    working             an exception unwinds what is going on, so that files are made whole; another signal within a second belongs to the
                        same wish and is passed over, a later one ends the process at once; so does half a minute without an end.
                        Python drops what is raised in a destructor or a callback: then the signal is sent again

Nothing but the standard library is imported here: all else is imported when signals are answered already.
"""

import os
import signal
import sys
import threading
import time

__all__ = ["INTERRUPTED", "TERMINATED", "Terminated", "end_at_once", "unwind"]

#: Exit codes, as shells have them.
INTERRUPTED, TERMINATED = 130, 143

#: Seconds in which signals are taken for one: terminals, supervisors and parents send theirs at nearly the same time.
GRACE = 1.0

#: Seconds that unwinding may take.
PATIENCE = 30.0

#: Seconds after which a signal is sent again: by then the destructor that has dropped it has been left.
AGAIN = 0.01

WORDS = {INTERRUPTED: "interrupted", TERMINATED: "terminated"}


class Terminated(BaseException):
    """SIGTERM arrived; half-written files are taken away on the way out."""


#: Ends what does not unwind; the process has at most one.
_watchdogs: list[threading.Timer] = []


def end_at_once() -> None:
    """Let a signal end the process from now on."""
    while _watchdogs:
        _watchdogs.pop().cancel()
    _install(_end)


def unwind() -> None:
    """Let the first signal from now on raise `KeyboardInterrupt` or `Terminated` in the main thread."""
    first: list[float] = []

    def raise_once(number: int, frame: object) -> None:
        now = time.monotonic()
        if not first:
            first.append(now)
            _watch(number)
            raise KeyboardInterrupt if number == signal.SIGINT else Terminated
        if now - first[0] > GRACE:
            _end(number, frame)

    def raise_again(dropped: "sys.UnraisableHookArgs") -> None:
        if dropped.exc_type not in (KeyboardInterrupt, Terminated):
            sys.__unraisablehook__(dropped)
            return
        first.clear()
        number = signal.SIGINT if dropped.exc_type is KeyboardInterrupt else signal.SIGTERM
        again = threading.Timer(AGAIN, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()

    sys.unraisablehook = raise_again
    _install(raise_once)


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
