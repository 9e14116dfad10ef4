"""A causal model behind an OpenAI-compatible completions server that returns the log-probabilities of its prompt (vLLM and others).

    log p(text) = sum of the log-probabilities of the tokens of   text + end   in   before + text + end,

`before` the prompt, or a line end where none is given: a server has no probability of a first token. Named `http://HOST:PORT/v1#MODEL`.
"""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.lm.neural.score_cache import Kept, Usage
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.prefix_scores import ReadAnew
from searchgen.lm.protocol import ModelType, PrefixScorer

if TYPE_CHECKING:
    from searchgen.lm.server.completions import Server

__all__ = ["SERVER", "Remote", "is_remote", "open_remote"]

Floats = npt.NDArray[np.float64]

#: Texts of one call, and calls at once.
TOGETHER, CALLS = 16, 8


def is_remote(name: str) -> bool:
    """Return whether a model's name is the address of a server.

    Example:
        >>> is_remote("http://127.0.0.1:8000/v1#my-model"), is_remote("gpt2")
        (True, False)
    """
    return name.startswith(("http://", "https://"))


@dataclass(eq=False)
class Remote:
    """A model behind a server as a law over printed texts.

    Attributes:
        name: as the user named it.
        settings: end and prompt.
        usage: counts so far; `forwards` are calls.
    """

    name: str
    settings: NeuralSettings
    usage: Usage = field(default_factory=Usage)

    def __post_init__(self) -> None:
        self._kept, self._counting = Kept(self.usage), Lock()
        self._address, _, self._model = self.name.partition("#")

    @cached_property
    def server(self) -> "Server":
        """What answers."""
        from searchgen.lm.server.completions import Server  # libraries of the net take a while to import

        return Server(self._address, self._count_call)

    def _count_call(self) -> None:
        with self._counting:
            self.usage.forwards += 1

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

    def growing(self) -> PrefixScorer:
        """Return what scores prefixes of texts that grow: each is sent anew."""
        return ReadAnew(self.usage, self.without_end)

    def without_end(self, texts: Sequence[str]) -> Floats:
        """Return natural log p of prefixes, (n,) float64."""
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
        answer = self.server.answer(json.dumps(body).encode())
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


def open_remote(name: str, settings: NeuralSettings, threads: int = 1) -> Remote:
    """Return the model behind a server; nothing is sent yet, and threads are the server's own matter.

    Raises:
        RequestError: the address has no model or a password, or the settings are for models here.
    """
    from searchgen.lm.server.completions import KEY

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


#: Models behind servers, as the registry of models lists them.
SERVER = ModelType("server", is_remote, open_remote)
