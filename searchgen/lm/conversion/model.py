"""A converted model as a law over printed texts, computed by onnxruntime on the CPU."""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError
from searchgen.kernels.processor import instruction_set
from searchgen.lm.conversion.cached import GRAPH, Converted
from searchgen.lm.conversion.prefix_tree import FEWEST, PrefixTree, common_beginning, nodes_of
from searchgen.lm.conversion.probe import Probe
from searchgen.lm.neural.batches import free_bytes, positions_for
from searchgen.lm.neural.spelling.spelling import UNSPELLED
from searchgen.lm.neural.top_pieces import Scored
from searchgen.lm.onnx.model import NO_REPORTS, SHARE, OnnxModel

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["ConvertedModel", "open_session"]

Places = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Odds = npt.NDArray[np.float64]

#: Nodes of a pass, behind the context: with 1,024 the numbers leave the cache of the processor, and memory grows (measured).
POSITIONS = 160

#: Places of texts for each node, at most: texts of unlike length have places without a node.
PLACES = 4

#: Positions that have scores for all pieces at a time: 8 take a tenth more time, 32 no less time and more memory (measured).
TOGETHER = 16

#: What is computed of texts: log p of pieces, and of the most probable ones in their places with these; and the states that a probe reads.
SCORES, STATE = ["log_p", "best_log_p", "best"], "state"

#: Contexts that are kept of a model.
MOST_CONTEXTS = 32

#: Bytes of the hash before a stored context.
MARK = 32

#: Of the libraries only errors are heard.
ERRORS = 3


@dataclass(eq=False)
class ConvertedModel(OnnxModel):
    """A converted model: an ONNX network that reads texts behind a context which was read before.

    Attributes:
        folder: its conversion, which keeps contexts too.
        probe: tells from its hidden states whether a text makes sense; None: nobody has taught it that.
    """

    folder: Path = Path()
    probe: Probe | None = None

    def _largest_pass(self) -> int:
        # Each position has a score for every piece of the context in every head; those of the vocabulary are there for few at a time.
        width, size = int(self.facts["width"]), int(self.facts["head_size"])
        return positions_for(free_bytes(None), width, -(-width // size) * self._read_before, POSITIONS)

    def _batches(self, rows: Sequence[list[int]]) -> Iterator[list[int]]:
        """Yield the indices of rows that go through the network together: those that begin alike."""
        batch: list[int] = []
        nodes = longest = 0
        own = [row[self._read_before :] for row in rows]
        for i in sorted(range(len(own)), key=lambda i: own[i]):
            length = len(own[i])
            longest = max(longest, length)
            new = length - (common_beginning(own[batch[-1]], own[i]) if batch else 0)
            if batch and (nodes + new > self._positions or (len(batch) + 1) * longest > PLACES * self._positions):
                yield batch
                batch, nodes, longest, new = [], 0, length, length
            batch.append(i)
            nodes += new
        if batch:
            yield batch

    def _pass(self, rows: list[list[int]]) -> list[Scored]:
        _ = self._context_read  # once, before threads share the texts
        shares = max(1, min(self.threads, len(rows) // SHARE))
        cuts = np.linspace(0, len(rows), shares + 1).astype(int).tolist()
        parts = [rows[start:end] for start, end in pairwise(cuts)]
        found = [self._read(rows)] if shares == 1 else list(self.engine.pool.map(self._read, parts))
        # Threads read apart what stands on both sides of a cut; counts do not depend on that.
        nodes = nodes_of([row[self._read_before :] for row in rows])
        self.usage.forwards += 1
        self.usage.texts += len(rows)
        self.usage.tokens += nodes
        self.usage.spared += sum(len(row) - 1 for row in rows) - nodes
        return [one for scored in found for one in scored]

    def _read(self, rows: list[list[int]]) -> list[Scored]:
        """Return the scored pieces of each row."""
        # What stands before all texts was read once; each row has it in front.
        tree = PrefixTree.of([[max(piece, 0) for piece in row[self._read_before :]] for row in rows])
        together = max(FEWEST, -(-len(tree.at) // max(1, -(-len(tree.at) // TOGETHER))))
        more = -len(tree.at) % together if len(tree.at) else together
        wanted = {
            **tree.inputs(),
            "start": np.array(self._read_before, np.int64),
            "at": np.pad(tree.at, (0, more)),
            "target": np.pad(tree.target, (0, more)),
            "most": np.array([min(self._noted, int(self.facts["vocabulary"]))]),
            "together": np.array([together]),
            **self._context_read,
        }
        found = self.engine.run([*SCORES, STATE] if self.probe else SCORES, wanted)
        log_p, best, piece = (one[tree.pair] for one in found[: len(SCORES)])
        unspelled = np.array([piece == UNSPELLED for row in rows for piece in row[self._read_before + 1 :]], bool)
        scored = Scored(np.where(unspelled, -np.inf, log_p.astype(np.float64)), piece, best.astype(np.float64))
        texts = scored.split(np.cumsum(tree.lengths)[:-1])
        if self.probe:
            sense = self.probe.sense(tree, found[-1])
            texts = [replace(text, sense=odds) for text, odds in zip(texts, sense, strict=True)]
        return texts

    def sense(self, texts: Sequence[str]) -> Odds | None:
        """Return the sense of texts, (n,) float64 natural log odds; None: it has no probe. The texts scored last are known."""
        return None if self.probe is None else np.array([scored.sense for scored in self._pieces(texts)], np.float64)

    @property
    def instructions(self) -> str:
        """The instruction set that its products are computed with."""
        return instruction_set()

    @property
    def _read_before(self) -> int:
        return len(self.spelling.before) - 1

    @cached_property
    def _context_read(self) -> dict[str, Floats]:
        """Keys and values of what stands before every text, but for its last piece; kept beside the network."""
        pieces = np.array([self.spelling.before[: self._read_before]], np.int64)
        layers, heads, size = (int(self.facts[name]) for name in ("layers", "heads", "head_size"))
        # The last bits are those of the processor.
        digest = hashlib.sha256(f"{self.instructions} ".encode() + pieces.tobytes())
        place = self.folder / "contexts" / digest.hexdigest()[:32]
        shape = (layers, 2, heads, pieces.shape[1], size)
        stored = _stored(place, shape)
        if stored is None:
            stored = self._read_context(pieces, shape)
            _store(place, stored)
        keys = {f"key.{i}": np.ascontiguousarray(stored[i, 0].transpose(0, 2, 1)) for i in range(layers)}
        return keys | {f"value.{i}": np.ascontiguousarray(stored[i, 1]) for i in range(layers)}

    def _read_context(self, pieces: Places, shape: tuple[int, ...]) -> Floats:
        layers, _, heads, length, size = shape
        stored = np.zeros(shape, np.float32)
        if length == 0:
            return stored
        unused = np.zeros(FEWEST, np.int64)
        tree = PrefixTree.of([[*pieces[0].tolist(), 0]])
        wanted: dict[str, Any] = {
            **tree.inputs(),
            "start": np.array(0),
            "at": unused,
            "target": unused,
            "most": np.array([0]),
            "together": np.array([FEWEST]),
        }
        for i in range(layers):
            wanted[f"key.{i}"] = np.zeros((heads, size, 0), np.float32)
            wanted[f"value.{i}"] = np.zeros((heads, 0, size), np.float32)
        names = [f"new_{what}.{i}" for i in range(layers) for what in ("key", "value")]
        for number, value in enumerate(self.engine.run(names, wanted)):
            own = value[:, :length] if number % 2 else value[..., :length].transpose(0, 2, 1)
            stored[number // 2, number % 2] = own
        return stored


def _stored(place: Path, shape: tuple[int, ...]) -> Floats | None:
    """Return an array that `_store` has written; None where it is missing or damaged."""
    try:
        content = place.read_bytes()
    except OSError:
        return None
    mark, numbers = content[:MARK], content[MARK:]
    if len(numbers) != 4 * prod(shape) or hashlib.sha256(numbers).digest() != mark:
        return None
    return np.frombuffer(numbers, np.float32).reshape(shape)


def _store(place: Path, content: Floats) -> None:
    """Write an array that can be computed again, behind the hash of its bytes."""
    numbers = content.tobytes()
    with suppress(OSError):
        place.parent.mkdir(exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=place.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(numbers).digest() + numbers)
            os.replace(draft, place)
            _forget_old(place.parent)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)
            raise


def _forget_old(folder: Path) -> None:
    """Delete all but the newest contexts: prompts may be as many as jobs."""
    stored = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)
    for path in stored[:-MOST_CONTEXTS]:
        path.unlink()


def open_session(converted: Converted) -> "InferenceSession":
    """Open a network that has no threads but ours, as `searchgen.lm.onnx.model` does."""
    os.environ.setdefault(NO_REPORTS, "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS
    # A plan of the memory for each shape of a pass saves 3 % of the time and keeps 80 MB.
    options.enable_mem_pattern = False
    # Weights stay as they lie in the mapped file, so that workers share them; those of 4 bits would become floats at each product.
    if converted.facts["bits"] != 4:
        options.add_session_config_entry("session.disable_prepacking", "1")
    path = converted.folder / GRAPH
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's own, of many kinds
        reason = " ".join(str(error).split())[:160]
        raise ModelFileError(f"{path} is damaged ({reason}); delete the folder {converted.folder}") from None
