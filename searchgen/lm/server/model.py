"""A causal model behind an OpenAI-compatible completions server that returns the log-probabilities of its prompt (vLLM and others).

    log p(text) = sum of the log-probabilities of the tokens of   text + end   in   before + text + end,

`before` the prompt, or a line end where none is given: a server has no probability of a first token. Named `http://HOST:PORT/v1#MODEL`.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelRefusal, RequestError
from searchgen.lm.neural.score_cache import Kept, Usage
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.prefix_scores import ReadAnew
from searchgen.lm.protocol import ModelType, PrefixScorer
from searchgen.lm.server.address import address_of, is_remote

if TYPE_CHECKING:
    from searchgen.lm.server.completions import Server
    from searchgen.lm.server.scores import Score

__all__ = ["SERVER", "Remote", "is_remote", "open_remote"]

Floats = npt.NDArray[np.float64]

#: Texts of one call.
TOGETHER = 16

#: A text that every model can score: a server that cannot score this one has no use at all.
PLAIN_TEXT = "The dog ran."


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
        self._kept = Kept(self.usage)
        self._address, self._model = address_of(self.name)

    @cached_property
    def server(self) -> "Server":
        """What answers."""
        from searchgen.lm.server.completions import Server  # libraries of the net take a while to import

        return Server(self._address, self._count_call)

    def _count_call(self) -> None:
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
            ModelRefusal: the server refuses every request, or gives no log-probabilities that can be used.
            RequestError: it refuses these texts, or has no usable score of one of them.
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
        from searchgen.lm.server.completions import Refused
        from searchgen.lm.server.scores import Unscored

        try:
            found = self._ask(texts, end)
        except (Refused, Unscored) as error:
            raise self._of_all_texts(error, end) from None
        self.usage.texts += len(found)
        self.usage.tokens += sum(score.tokens for score in found)
        return np.array([score.log_p for score in found], np.float64)

    def _ask(self, texts: Sequence[str], end: str) -> "list[Score]":
        from searchgen.lm.server.scores import NoScores, Unscored, scores

        before = self.settings.prompt or "\n"
        glue = "" if before[-1].isspace() else " "
        prompts = [before + glue + text + end for text in texts]
        parts = [prompts[i : i + TOGETHER] for i in range(0, len(prompts), TOGETHER)]
        found: list[Score] = []
        try:
            for part, answer in zip(parts, self.server.answers([self._body(part) for part in parts]), strict=True):
                found += scores(answer, part, len(before))
        except NoScores as error:
            raise ModelRefusal(f"{self._address} {error}") from None
        except Unscored as error:
            raise Unscored(f"{self._address}: {error}") from None
        return found

    def _body(self, prompts: Sequence[str]) -> bytes:
        # One token more is asked for, and dropped: not every server answers a request for none.
        body = {"model": self._model, "prompt": prompts, "max_tokens": 1, "echo": True, "logprobs": 1, "temperature": 0}
        return json.dumps(body).encode()

    def _of_all_texts(self, error: Exception, end: str) -> RequestError:
        """Return the error that a failure is: of every text, if a plain one fails as well, or of these texts only."""
        from searchgen.lm.server.completions import Refused
        from searchgen.lm.server.scores import Unscored

        try:
            self._ask([PLAIN_TEXT], end)
        except (Refused, Unscored):
            return ModelRefusal(str(error))
        return RequestError(str(error))


def open_remote(name: str, settings: NeuralSettings, threads: int = 1) -> Remote:
    """Return the model behind a server; nothing is sent yet, and threads are the server's own matter.

    Raises:
        RequestError: the address cannot be, has no model or a password, or the settings are for models here.
    """
    model = Remote(name, settings)
    if settings.end == "eos":
        raise RequestError(
            "--end eos: a server scores text, and an end token is not text; give --end newline or --end none"
        )
    if (settings.device, settings.dtype) != ("auto", "auto"):
        raise RequestError("--device and --dtype are the server's own; drop them")
    return model


#: Models behind servers, as the registry of models lists them.
SERVER = ModelType("server", is_remote, open_remote)
