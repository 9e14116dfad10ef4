"""A process that has computed a network and forks: the child computes it, too, without the threads that stayed behind."""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from searchgen.errors import ModelFileError  # noqa: E402
from searchgen.lm.neural.settings import NeuralSettings  # noqa: E402
from searchgen.lm.neural.transformer import open_any_transformer  # noqa: E402
from searchgen.lm.onnx.export import export  # noqa: E402
from searchgen.lm.onnx.model import open_graph  # noqa: E402
from tests.lm.neural.tiny_transformer import by_bytes, masked_by_words  # noqa: E402
from tests.lm.onnx.test_onnx import written  # noqa: E402
from tests.places import ROOT  # noqa: E402

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes do not fork here")

TEXTS = ["a b", "b c a", "a", "c c c c", "b", "a a a", "c b"]

#: Seconds after which a child is taken to hang.
PATIENCE = 60


def in_a_child(compute: Callable[[], Any]) -> Any:
    """Return what a forked process computes; it is ended if it hangs."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(PATIENCE)
        try:
            answer = compute()
        except BaseException as error:
            answer = repr(error)
        os.write(write, pickle.dumps(answer))
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        content = pipe.read()
    os.waitpid(child, 0)
    assert content, "the child hangs, or died"
    return pickle.loads(content)


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Have torch start threads in this process: a product of large matrices is shared out."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.ones(600, 600) @ torch.ones(600, 600)
    torch.ones(1 << 20).exp()
    yield
    torch.set_num_threads(before)


def folder_of(kind: str, folder: Path) -> Path:
    return masked_by_words(folder) if kind == "bert" else by_bytes(folder, kind=kind)


@pytest.mark.parametrize("kind", ["gpt2", "llama plain", "qwen2", "bert"])
def test_torch(kind: str, tmp_path: Path) -> None:
    model = open_any_transformer(str(folder_of(kind, tmp_path / "a")))
    other = str(folder_of("gpt2", tmp_path / "b"))
    torch.set_num_threads(1)  # so that the child's numbers are the parent's
    expected = model.log_probs(TEXTS)
    torch.set_num_threads(2)

    def compute() -> Any:
        model.forget()
        again = model.log_probs(TEXTS)
        grown = None if kind == "bert" else model.growing().log_probs(TEXTS, np.zeros(len(TEXTS), np.int64))
        return again, grown, open_any_transformer(other).log_probs(TEXTS), torch.get_num_threads()

    scores, grown, others, threads = in_a_child(compute)
    assert np.array_equal(scores, expected)
    assert grown is None or (grown >= scores).all()
    assert len(others) == len(TEXTS)
    assert threads == 1
    assert torch.get_num_threads() == 2


def test_onnx(tmp_path: Path) -> None:
    """The texts of a pass are shared out to threads, which a child has none of."""
    path = tmp_path / "8.onnx"
    export(written(tmp_path, True), path, 8)
    model = open_graph("tiny", path, NeuralSettings(), threads=2)
    expected = model.log_probs(TEXTS)

    def compute() -> Any:
        model.forget()
        return model.log_probs(TEXTS)

    assert np.array_equal(in_a_child(compute), expected)
    assert np.array_equal(compute(), expected)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert np.array_equal(compute(), expected)  # this process has it open
    assert ModelFileError.__name__ in in_a_child(compute)


PROGRAM = """
import os, signal, sys
from pathlib import Path
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.onnx.model import open_graph
opened = open_graph("tiny", Path(sys.argv[1]), NeuralSettings(), threads=2)
assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
texts = ["a b", "b c a", "a", "c c c c", "b", "a a a", "c b"]
opened.log_probs(texts)
child = os.fork()
if child:
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
else:
    signal.alarm(30)
    opened.forget()
    opened.log_probs(texts)
"""


def test_a_child_that_ends_as_programs_do(tmp_path: Path) -> None:
    """It takes everything apart that it has from its parent."""
    path = tmp_path / "8.onnx"
    export(written(tmp_path, True), path, 8)
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ("0\n", "")
    assert not list(tmp_path.glob("**/*onnxruntime*"))  # nothing about the use of the library is collected


def test_a_grandchild(tmp_path: Path) -> None:
    model = open_any_transformer(str(by_bytes(tmp_path)))
    expected = model.log_probs(TEXTS)
    assert in_a_child(lambda: in_a_child(lambda: model.log_probs(TEXTS))) == pytest.approx(expected)
