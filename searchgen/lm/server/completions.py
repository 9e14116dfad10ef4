"""Calls of an OpenAI-compatible completions server: several at once, tried again after a failure that may pass, each with a time limit.

A call is made in a thread that nobody waits for: when its time is over, or Ctrl-C arrives, it is left alone and ends with the process.
"""

import json
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from searchgen.errors import ModelRefusal, Outage, RequestError
from searchgen.lm.server.discretion import KEY, key, shown

__all__ = ["Refused", "Server"]

#: Seconds for a whole answer; tries; seconds before the second, doubled each time; the longest that a server may ask for.
PATIENCE, TRIES, PAUSE, LONGEST_PAUSE = 60.0, 4, 0.5, 30.0

#: Seconds after which no further try begins.
LONGEST_WAIT = 120.0

#: Calls at once, and the bytes of an answer and of an error that are read.
CALLS, LARGEST, LARGEST_ERROR = 8, 16_000_000, 100_000

#: What may be refused because of a single text: bad request, too large, cannot be processed.
OF_A_TEXT = (400, 413, 422)

#: What may pass: timeout, too early, too many requests; so may all of 500 and more.
MAY_PASS = (408, 425, 429)


class Refused(RequestError):
    """The server refuses a call, perhaps for the sake of one text only."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Answers elsewhere are refused: the key is for the named server only."""

    def redirect_request(self, *_: Any) -> None:
        return None


class _Failure(NamedTuple):
    """Why a call has no answer; `error` is of the kind that ends all work, None: it may pass.

    Attributes:
        reason: behind the address, for a message.
        pause: seconds that the server asks for, None: it does not.
        error: the kind of error that the failure is at once, if trying again is of no use.
    """

    reason: str
    pause: float | None = None
    error: type[RequestError] | None = None


@dataclass(eq=False)
class _Call:
    """A call and how far it is; only the last of its tries counts."""

    number: int
    body: bytes
    tries: int = 0
    first: float = 0.0  # when the first try began
    begun: float = 0.0  # when the last one did
    ready: float = 0.0  # not before this time


#: Where threads put calls, which try it was, and what came of it.
_Heard = SimpleQueue[tuple[_Call, int, Any]]


@dataclass(eq=False)
class Server:
    """A server that is asked again after a failure that may pass.

    Attributes:
        address: of its completions, without their last part.
        on_call: called before each try.
        patience: seconds for a whole answer.
        pause: seconds before a second try.
    """

    address: str
    on_call: Callable[[], None]
    patience: float = PATIENCE
    pause: float = field(default_factory=lambda: PAUSE)

    def __post_init__(self) -> None:
        handlers: list[Any] = [_NoRedirects()]
        if urlsplit(self.address).hostname in ("127.0.0.1", "localhost", "::1"):
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def answers(self, bodies: Sequence[bytes]) -> list[Any]:
        """Return the server's answers, each asked for again after a while where that may help.

        Args:
            bodies: JSON, one a call.

        Raises:
            ModelRefusal: the server refuses key, model or address, or answers with something other than JSON.
            Refused: it refuses a call.
            Outage: it cannot be reached, or fails.
        """
        heard: _Heard = SimpleQueue()  # one a list: what calls of another list still say is of no interest
        waiting = deque(_Call(number, body) for number, body in enumerate(bodies))
        running: list[_Call] = []
        results: dict[int, Any] = {}
        while waiting or running:
            now = time.monotonic()
            while len(running) < CALLS and (call := _ready(waiting, now)):
                self._begin(call, now, heard)
                running.append(call)
            for call, result in self._over(waiting, running, now, heard):
                running.remove(call)
                if isinstance(result, _Failure):
                    self._try_again(call, result)
                    waiting.append(call)
                else:
                    results[call.number] = result
        return [results[number] for number in range(len(bodies))]

    def _begin(self, call: _Call, now: float, heard: _Heard) -> None:
        self.on_call()
        call.tries, call.begun, call.first = call.tries + 1, now, call.first if call.tries else now
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key()}"} if key() else {})}
        request = urllib.request.Request(f"{self.address}/completions", call.body, headers)
        attempt = call.tries
        Thread(target=lambda: heard.put((call, attempt, self._attempt(request))), daemon=True).start()

    def _over(
        self, waiting: Sequence[_Call], running: Sequence[_Call], now: float, heard: _Heard
    ) -> list[tuple[_Call, Any]]:
        """Wait for an answer, the end of a call's time or of a pause; return the calls that are over, with their results."""
        events = [call.begun + self.patience for call in running]
        if len(running) < CALLS:
            events += [call.ready for call in waiting]
        try:
            call, attempt, result = heard.get(timeout=max(0.0, min(events) - now))
        except Empty:
            over = time.monotonic() - self.patience
            late = _Failure(f"gives no whole answer within {self.patience:g} s")
            return [(call, late) for call in running if call.begun <= over]
        return [(call, result)] if call in running and attempt == call.tries else []

    def _try_again(self, call: _Call, failure: _Failure) -> None:
        """Set the time of a call's next try.

        Raises:
            SearchgenError: there is none.
        """
        if failure.error is not None:
            raise failure.error(f"{self.address} {failure.reason}")
        pause = self.pause * 2 ** (call.tries - 1) if failure.pause is None else failure.pause
        call.ready = time.monotonic() + pause
        if call.tries >= TRIES or call.ready > call.first + LONGEST_WAIT:
            tries = "1 try" if call.tries == 1 else f"{call.tries} tries"
            raise Outage(f"{self.address} {failure.reason} ({tries}); start the server, or try again later")

    def _attempt(self, request: urllib.request.Request) -> Any:
        """Return the answer to one call as JSON values, or a failure; it raises nothing."""
        try:
            with self._opener.open(request, timeout=self.patience) as answer:
                content = answer.read(LARGEST + 1)
            if len(content) > LARGEST:
                return _Failure(
                    f"answers with more than {LARGEST:,} bytes; is it a completions server?", error=ModelRefusal
                )
            return json.loads(content)
        except urllib.error.HTTPError as error:
            return _refusal(error)
        except HTTPException:
            return _Failure("does not answer as HTTP does, or breaks off")
        except OSError as error:
            reason = getattr(error, "reason", error)
            text = "timed out" if isinstance(reason, TimeoutError) else shown(str(reason))
            return _Failure(f"cannot be reached: {text or type(error).__name__}")
        except (ValueError, RecursionError, MemoryError):
            return _Failure("answers with something other than JSON; is it a completions server?", error=ModelRefusal)
        except Exception as error:  # a thread that ended without an answer would never be heard of
            return _Failure(f"cannot be asked ({type(error).__name__})", error=ModelRefusal)


def _ready(waiting: "deque[_Call]", now: float) -> _Call | None:
    """Take a call whose pause is over, None: there is none."""
    call = next((call for call in waiting if call.ready <= now), None)
    if call is not None:
        waiting.remove(call)
    return call


def _refusal(error: urllib.error.HTTPError) -> _Failure:
    """Return what an answer with an error's status means."""
    try:
        message = shown(error.read(LARGEST_ERROR).decode("utf-8", "replace")) or shown(str(error.reason))
    except (OSError, HTTPException):
        message = ""
    reason = f"answers {error.code}" + (f": {message}" if message else "")
    if error.code in MAY_PASS or error.code >= 500:
        asked = error.headers.get("Retry-After", "").strip()
        return _Failure(reason, min(LONGEST_PAUSE, float(asked)) if asked.isdecimal() and len(asked) < 9 else None)
    if error.code in (401, 403):
        return _Failure(f"refuses the key (answers {error.code}); check {KEY}", error=ModelRefusal)
    if error.code in OF_A_TEXT:
        return _Failure(reason, error=Refused)
    return _Failure(f"{reason}; check address, model name and {KEY}", error=ModelRefusal)
