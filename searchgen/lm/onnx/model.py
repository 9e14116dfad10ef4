"""A transformer in an ONNX file, computed by onnxruntime."""

import hashlib
import importlib.util
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.bpe import BEGIN, END, BytePairs
from searchgen.lm.neural.batches import free_bytes, positions_for
from searchgen.lm.neural.pieces import PieceModel
from searchgen.lm.neural.score_cache import Usage
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.spelling.joint import JointSpelling
from searchgen.lm.neural.spelling.spelling import Spelling
from searchgen.lm.neural.top_pieces import Scored
from searchgen.lm.onnx.graph_file import GraphFile, read_graph_file

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["BEST", "GRAPH", "MOST", "NO_REPORTS", "SHARE", "OnnxModel", "graph_of", "open_graph", "share_with_forks"]

Places = npt.NDArray[np.int64]

#: The file of a folder that holds its network as a graph.
GRAPH = "model.onnx"

#: What a graph calls the number K of the most probable pieces that are wanted, and those: log p (N, K) and pieces (N, K).
MOST, BEST = "most", ("best_log_p", "best")

#: The variable that keeps the library from collecting data about its use and sending it (since 1.32, on Linux too).
NO_REPORTS = "ORT_DISABLE_TELEMETRY"

#: Positions of a pass: with more the scores of all pieces leave the cache of the processor, and memory grows (measured).
POSITIONS = 128

#: Fewest texts that are worth a thread of their own.
SHARE = 3

#: What onnxruntime writes to stderr: fatal errors only, since others are raised as well.
FATAL = 4


#: Processes that have no threads when they fork, so that nobody in a fork waits for one: networks that they have opened go on there.
_SHARED: set[int] = set()


def share_with_forks() -> None:
    """Say that this process has no threads when it forks: what it opens is computed in forks as well, in memory once.

    From now on it gives memory of computations back, which each fork would have anew.
    """
    _SHARED.add(os.getpid())


def _run_options() -> Any:
    """Return how a network is computed in this process, for the library."""
    if os.getpid() not in _SHARED:
        return None
    from onnxruntime import RunOptions

    options = RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def graph_of(name: str) -> Path | None:
    """Return the ONNX file that a model's name stands for, None if torch is to read it.

    That is a file `*.onnx`; and of a folder `model.onnx`, if there are no other weights, or nothing installed that reads them.

    Example:
        >>> graph_of("some/model"), graph_of("missing.onnx")
        (None, PosixPath('missing.onnx'))
    """
    path = Path(name)
    if path.suffix == ".onnx" and not path.is_dir():
        return path
    if not (path / GRAPH).is_file():
        return None
    others = any(True for _ in path.glob("*.safetensors")) and importlib.util.find_spec("torch") is not None
    return None if others else path / GRAPH


class _Engine:
    """A network with the threads that compute it, of one process."""

    def __init__(self, session: "InferenceSession", threads: int) -> None:
        self.process, self.session, self._threads = os.getpid(), session, threads

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._threads)

    def run(self, outputs: list[str], inputs: Mapping[str, Any]) -> list[Any]:
        """Compute the network's outputs."""
        return list(self.session.run(outputs, inputs, _run_options()))


@dataclass(eq=False)
class OnnxModel(PieceModel):
    """A causal transformer as a law over printed texts.

    Attributes:
        name: as the user named it.
        hash: of the contents of its file and of the settings.
        open_session: returns the network anew.
        facts: what `lm export` wrote of it.
        spelling: texts to pieces.
        usage: counts so far.
        threads: that share out the texts of a pass; what a text scores does not depend on them.
    """

    name: str
    hash: str
    open_session: "Callable[[], InferenceSession]"
    facts: Mapping[str, Any]
    spelling: Spelling
    usage: Usage = field(default_factory=Usage)
    threads: int = 1

    def __post_init__(self) -> None:
        self._ready(int(self.facts["context"]), self._largest_pass())
        self._engine = _Engine(self.open_session(), self.threads)

    def _largest_pass(self) -> int:
        """Return how many positions a pass may have."""
        width, vocabulary = int(self.facts["width"]), int(self.facts["vocabulary"])
        return positions_for(free_bytes(None), width, vocabulary, POSITIONS)

    def _compute(self, padded: Places, at: Places, target: Places, most: int) -> Scored:
        shares = min(self.threads, len(padded) // SHARE)
        if shares < 2:
            return self._computed(padded, at, target, most)
        width = padded.shape[1]
        rows = np.linspace(0, len(padded), shares + 1).astype(np.int64)
        cuts = np.searchsorted(at, rows * width)  # places rise from row to row

        def share(i: int) -> Scored:
            part = slice(cuts[i], cuts[i + 1])
            return self._computed(padded[rows[i] : rows[i + 1]], at[part] - rows[i] * width, target[part], most)

        return Scored.joined(list(self.engine.pool.map(share, range(shares))))

    @property
    def engine(self) -> "_Engine":
        """What computes, in the process that asks: threads stay behind where a process forks, and with them whoever waits for one."""
        if self._engine.process != os.getpid():
            shared = self._engine.process in _SHARED
            self._engine = _Engine(self._engine.session if shared else self.open_session(), self.threads)
        return self._engine

    def _computed(self, padded: Places, at: Places, target: Places, most: int) -> Scored:
        inputs = {"pieces": np.ascontiguousarray(padded), "at": at, "target": target}
        run = self.engine.run
        if self.spelling.vocabulary is None:
            (log_p,) = run(["log_p"], inputs)
            return Scored(log_p.astype(np.float64), np.zeros((len(at), 0), np.int64), np.zeros((len(at), 0)))
        log_p, best, piece = run(
            ["log_p", *BEST], {**inputs, MOST: np.array([min(most, int(self.facts["vocabulary"]))])}
        )
        return Scored(log_p.astype(np.float64), piece, best.astype(np.float64))


def open_graph(name: str, path: Path, settings: NeuralSettings, threads: int = 1) -> OnnxModel:
    """Open a file that `lm export` wrote.

    Args:
        name: as the user named it.
        path: the file.
        settings: how texts are scored; the device is the CPU.
        threads: to compute with.

    Raises:
        ModelFileError: it is missing, damaged, or not of that command.
        RequestError: the settings ask for another device or number format.
    """
    if settings.device not in ("auto", "cpu"):
        raise RequestError(
            f"--device {settings.device}: {path} runs on the CPU; name the folder that it was exported from"
        )
    if settings.dtype not in ("auto", "float32"):
        raise RequestError(f"--dtype {settings.dtype}: {path} keeps the number format of its export; drop --dtype")
    file = read_graph_file(path)
    pairs = _tokenizer(path, file)
    special = pairs.vocabulary[BEGIN], pairs.vocabulary[END]
    content_hash = hashlib.sha256(file.content).digest()
    session = _session(path, file.content)
    # Files of older versions cannot tell what they expect.
    vocabulary = (lambda: pairs.vocabulary) if MOST in [entry.name for entry in session.get_inputs()] else None
    spelling: Spelling
    if settings.examples_text:
        spelling = JointSpelling.behind(
            name, pairs.encode, pairs.offsets, special[0], None, frozenset(special), settings, vocabulary
        )
    else:
        spelling = Spelling.around(name, pairs.encode, pairs.offsets, special, settings, vocabulary)
    spelling = spelling.within(name, file.shape.vocabulary)
    digest = hashlib.sha256(repr((settings.end, settings.prompt)).encode() + settings.examples_text.encode())
    digest.update(content_hash)

    def again() -> "InferenceSession":
        content = read_graph_file(path).content
        if hashlib.sha256(content).digest() != content_hash:
            raise ModelFileError(f"{path} has changed since this program opened it; start the program again")
        return _session(path, content)

    opened = [session]  # for the first that asks; others are processes of their own
    return OnnxModel(
        name,
        digest.hexdigest(),
        lambda: opened.pop() if opened else again(),
        file.facts,
        spelling,
        threads=threads,
    )


def _session(path: Path, content: bytes) -> "InferenceSession":
    """Open a network that has no threads but ours: where a process forks, the library waits for its own for ever."""
    # Reports to the makers of the library: nobody has asked for them, they need a thread, and a fork waits for it when it ends.
    os.environ.setdefault(NO_REPORTS, "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise RequestError(f"{path} needs onnxruntime ({error}): pip install onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = FATAL
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        session._model_bytes = None  # the library would keep the file's content, which it needs no more
        return session
    except Exception as error:  # the library's own, of many kinds
        reason = " ".join(str(error).split())[:160]
        raise ModelFileError(f"{path} is damaged or no ONNX file ({reason}); export or fetch it again") from None


def _tokenizer(path: Path, file: GraphFile) -> BytePairs:
    """Return the tokenizer of a file.

    Raises:
        ModelFileError: it is damaged, or has not as many pieces as the network.
    """
    try:
        pairs = BytePairs.of(file.tokenizer)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    pieces = len(pairs.vocabulary)
    if pieces != file.shape.vocabulary:
        raise ModelFileError(
            f"{path}: the tokenizer has {pieces:,} pieces, and the network {file.shape.vocabulary:,}; export the model again"
        )
    return pairs
