"""Calls of an OpenAI-compatible completions server: tries, pauses, and what is said of each failure."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from searchgen.errors import Outage, RequestError

__all__ = ["KEY", "Server"]

#: The environment variable with the server's key; it is sent to the server and shown nowhere.
KEY = "SEARCHGEN_API_KEY"

#: Seconds to wait for an answer; tries; seconds before the second, doubled each time; the longest that a server may ask for.
PATIENCE, TRIES, PAUSE, LONGEST_PAUSE = 60.0, 4, 0.5, 30.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Answers elsewhere are refused: the key is for the named server only."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(eq=False)
class Server:
    """A server that is asked again after a failure that may pass.

    Attributes:
        address: of its completions, without their last part.
        on_call: called before each call.
        patience: seconds to wait for an answer.
        pause: seconds before a second try.
    """

    address: str
    on_call: Callable[[], None]
    patience: float = PATIENCE
    pause: float = PAUSE

    def __post_init__(self) -> None:
        handlers: list[Any] = [_NoRedirects()]
        if urlsplit(self.address).hostname in ("127.0.0.1", "localhost", "::1"):
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def answer(self, body: bytes) -> Any:
        """Return the server's answer, asked again after a while where that may help.

        Args:
            body: JSON.

        Raises:
            RequestError: the server refuses the request, or answers with something else than JSON.
            Outage: it cannot be reached, or fails.
        """
        reason = ""
        for attempt in range(TRIES):
            request = urllib.request.Request(f"{self.address}/completions", body, {"Content-Type": "application/json"})
            if key := os.environ.get(KEY):
                request.add_header("Authorization", f"Bearer {key}")
            pause = self.pause * 2**attempt
            self.on_call()
            try:
                with self._opener.open(request, timeout=self.patience) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                reason = f"answers {error.code}: {_said(error)}"
                if error.code != 429 and error.code < 500:
                    raise RequestError(f"{self.address} {reason}; check address, model name and {KEY}") from None
                asked = error.headers.get("Retry-After", "")
                pause = min(LONGEST_PAUSE, float(asked)) if asked.isdecimal() else pause
            except (OSError, HTTPException) as error:
                reason = f"cannot be reached: {getattr(error, 'reason', error) or type(error).__name__}"
            except ValueError:
                raise RequestError(
                    f"{self.address} answers with something else than JSON; is it a completions server?"
                ) from None
            if attempt < TRIES - 1:
                time.sleep(pause)
        raise Outage(f"{self.address} {reason} ({TRIES} tries); start the server, or try again later")


def _said(error: urllib.error.HTTPError) -> str:
    """Return what a server says of an error, on one line and without the key."""
    try:
        said = " ".join(error.read(2000).decode("utf-8", "replace").split())[:200]
    except (OSError, HTTPException):
        said = ""
    key = os.environ.get(KEY)
    return (said.replace(key, "***") if key else said) or str(error.reason)
