"""A causal model behind an OpenAI-compatible completions server that returns the log-probabilities of its prompt (vLLM and others).

    log p(text) = sum of the log-probabilities of the tokens of   text + end   in   before + text + end,

`before` the prompt, or a line end where none is given: a server has no probability of a first token. Named `http://HOST:PORT/v1#MODEL`.
"""

import hashlib
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from http.client import HTTPException
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from searchgen.errors import Outage, RequestError
from searchgen.lm.neural.score_cache import Kept, Usage
from searchgen.lm.neural.settings import NeuralSettings

__all__ = ["KEY", "Remote", "open_remote"]

Floats = npt.NDArray[np.float64]

#: The environment variable with the server's key; it is sent to the server and shown nowhere.
KEY = "SEARCHGEN_API_KEY"

#: Texts of one call, and calls at once.
TOGETHER, CALLS = 16, 8

#: Seconds to wait for an answer; tries; seconds before the second, doubled each time; the longest that a server may ask for.
PATIENCE, TRIES, PAUSE, LONGEST_PAUSE = 60.0, 4, 0.5, 30.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Answers elsewhere are refused: the key is for the named server only."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(eq=False)
class Remote:
    """A model behind a server as a law over printed texts.

    Attributes:
        name: as the user named it.
        settings: end and prompt.
        usage: counts so far; `forwards` are calls.
        patience: seconds to wait for an answer.
        pause: seconds before a second try.
    """

    name: str
    settings: NeuralSettings
    usage: Usage = field(default_factory=Usage)
    patience: float = PATIENCE
    pause: float = PAUSE

    def __post_init__(self) -> None:
        self._kept, self._counting = Kept(self.usage), Lock()
        self._address, _, self._model = self.name.partition("#")
        handlers: list[Any] = [_NoRedirects()]
        if urlsplit(self._address).hostname in ("127.0.0.1", "localhost", "::1"):
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    @property
    def hash(self) -> str:
        """A hash of the name and the settings; what the server holds cannot be seen."""
        return hashlib.sha256(repr((self.name, self.settings.end, self.settings.prompt)).encode()).hexdigest()

    @property
    def label(self) -> str:
        """Name and hash, as records show them."""
        return f"{self.name}@{self.hash[:12]}"

    def forget(self) -> None:
        """Drop the scores kept."""
        self._kept.scores.clear()

    def counted(self) -> dict[str, int]:
        """Return what it has done so far, by name."""
        return asdict(self.usage)

    def log_probs(self, texts: Sequence[str]) -> Floats:
        """Return natural log p of printed texts, (n,) float64; a text that was scored before keeps its score.

        Raises:
            RequestError: the server refuses the request, or gives no log-probabilities.
            Outage: it cannot be reached, or fails.
        """
        end = "\n" if self.settings.end == "newline" else ""
        return self._kept.of(texts, lambda new: self._scored(new, end))

    def growing(self) -> "RemoteBeginnings":
        """Return what scores beginnings of texts that grow: each is sent anew."""
        return RemoteBeginnings(self)

    def without_end(self, texts: Sequence[str]) -> Floats:
        """Return natural log p of beginnings, (n,) float64."""
        return self._scored(texts, "")

    def _scored(self, texts: Sequence[str], end: str) -> Floats:
        parts = [texts[i : i + TOGETHER] for i in range(0, len(texts), TOGETHER)]
        pool = ThreadPoolExecutor(CALLS)
        try:
            return np.concatenate([*pool.map(lambda part: self._part(part, end), parts), np.zeros(0)])
        finally:
            # After Ctrl-C or an outage nobody waits for the other calls, and those not yet made are not made.
            pool.shutdown(wait=False, cancel_futures=True)

    def _part(self, texts: Sequence[str], end: str) -> Floats:
        before = self.settings.prompt or "\n"
        glue = "" if before[-1].isspace() else " "
        prompts = [before + glue + text + end for text in texts]
        # One token more is asked for, and dropped: not every server answers a request for none.
        body = {"model": self._model, "prompt": prompts, "max_tokens": 1, "echo": True, "logprobs": 1, "temperature": 0}
        answer = self._asked(json.dumps(body).encode())
        try:
            choices = sorted(answer["choices"], key=lambda choice: choice["index"])
            if len(choices) != len(texts):
                raise RequestError(
                    f"{self._address} answered {len(texts)} texts with {len(choices)}; is it a completions server?"
                )
            return np.array(
                [self._sum(c["logprobs"], len(before), len(p)) for c, p in zip(choices, prompts, strict=True)]
            )
        except (KeyError, TypeError, IndexError, ValueError):
            raise RequestError(
                f"{self._address} gives no log-probabilities of its prompt (echo with logprobs); use a server that does, such as vLLM"
            ) from None

    def _sum(self, found: dict[str, Any], low: int, high: int) -> float:
        """Return the sum over the tokens that begin at `low` or later and before `high`."""
        offsets, log_p = found["text_offset"], found["token_logprobs"]
        inside = [i for i, offset in enumerate(offsets) if low <= offset < high]
        if offsets[inside[0]] != low:
            raise RequestError(f"{self._address}: a token reaches across the end of the prompt; end --prompt at a word")
        with self._counting:
            self.usage.texts += 1
            self.usage.tokens += len(inside)
        total = float(sum(log_p[i] for i in inside))
        if np.isnan(total):
            raise RequestError(f"{self._address} scores a text as not a number")
        return total

    def _asked(self, body: bytes) -> Any:
        """Return the server's answer, asked again after a while where that may help."""
        reason = ""
        for attempt in range(TRIES):
            request = urllib.request.Request(f"{self._address}/completions", body, {"Content-Type": "application/json"})
            if key := os.environ.get(KEY):
                request.add_header("Authorization", f"Bearer {key}")
            pause = self.pause * 2**attempt
            with self._counting:
                self.usage.forwards += 1
            try:
                with self._opener.open(request, timeout=self.patience) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                reason = f"answers {error.code}: {_said(error)}"
                if error.code != 429 and error.code < 500:
                    raise RequestError(f"{self._address} {reason}; check address, model name and {KEY}") from None
                asked = error.headers.get("Retry-After", "")
                pause = min(LONGEST_PAUSE, float(asked)) if asked.isdecimal() else pause
            except (OSError, HTTPException) as error:
                reason = f"cannot be reached: {getattr(error, 'reason', error) or type(error).__name__}"
            except ValueError:
                raise RequestError(
                    f"{self._address} answers with something else than JSON; is it a completions server?"
                ) from None
            if attempt < TRIES - 1:
                time.sleep(pause)
        raise Outage(f"{self._address} {reason} ({TRIES} tries); start the server, or try again later")


class RemoteBeginnings:
    """Beginnings under a remote model; what was scored once is kept."""

    def __init__(self, remote: Remote) -> None:
        """Begin with no text."""
        self._remote, self._kept = remote, Kept(remote.usage)

    def log_probs(self, texts: Sequence[str], parents: npt.NDArray[np.int64]) -> Floats:
        """Return natural log p of beginnings, (n,) float64; what they grow out of does not matter."""
        del parents
        return self._kept.of(texts, self._remote.without_end)


def _said(error: urllib.error.HTTPError) -> str:
    """Return what a server says of an error, on one line and without the key."""
    try:
        said = " ".join(error.read(2000).decode("utf-8", "replace").split())[:200]
    except (OSError, HTTPException):
        said = ""
    key = os.environ.get(KEY)
    return (said.replace(key, "***") if key else said) or str(error.reason)


def open_remote(name: str, settings: NeuralSettings) -> Remote:
    """Return the model behind a server; nothing is sent yet.

    Raises:
        RequestError: the address has no model or a password, or the settings are for models here.
    """
    address, _, model = name.partition("#")
    parts = urlsplit(address)
    if not parts.hostname or not model:
        raise RequestError(f"--lm {address}: name server and model, as in http://127.0.0.1:8000/v1#MODEL")
    if parts.username or parts.password:
        raise RequestError(f"--lm: an address with a password would stand in every record; put the key into {KEY}")
    if settings.end == "eos":
        raise RequestError(
            "--end eos: a server scores text only, and an end token is none; give --end newline or --end none"
        )
    if (settings.device, settings.dtype) != ("auto", "auto"):
        raise RequestError("--device and --dtype are the server's own; drop them")
    return Remote(name, settings)
