"""How many threads torch computes with: a command chooses, a Python program keeps what it has."""

from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import searchgen as library  # noqa: E402
from searchgen.batch.pool import in_order  # noqa: E402
from searchgen.lm import torch_threads  # noqa: E402
from searchgen.lm.neural import opening  # noqa: E402
from searchgen.lm.neural.transformer import open_transformer  # noqa: E402
from searchgen.request.request import Annealing  # noqa: E402
from tests.cli.runner import QUICK, searchgen  # noqa: E402
from tests.lm.neural.asker import make_asker  # noqa: E402
from tests.lm.neural.tiny_transformer import by_bytes  # noqa: E402
from tests.lm.training.toy_training import trained_once  # noqa: E402

MINE = 3


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(by_bytes(tmp_path_factory.mktemp("bytes")))


@pytest.fixture(autouse=True)
def number() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(MINE)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What torch is told, by any thread."""
    told: list[int] = []
    real = torch.set_num_threads

    def tell(count: int) -> None:
        told.append(count)
        real(count)

    monkeypatch.setattr(torch, "set_num_threads", tell)
    return told


def test_a_python_program_keeps_its_number(letters: str, chosen: list[int]) -> None:
    open_transformer(letters, threads=2)
    library.constrain("dog", lm=letters, seed=1, annealing=Annealing(2, 40, blocks=2))
    assert (chosen, torch.get_num_threads()) == ([], MINE)


@pytest.mark.parametrize(("small", "threads"), [(opening.SMALL, 1), (0, 2)])
def test_a_command_chooses(
    letters: str, chosen: list[int], monkeypatch: pytest.MonkeyPatch, small: int, threads: int
) -> None:
    """One thread for a small model, those of the command for a large one."""
    monkeypatch.setattr(opening, "SMALL", small)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    for command in (["score", "--lm", letters], ["constrain", "--lm", letters, "-k", "dog", *QUICK]):
        chosen.clear()
        assert searchgen(*command, stdin=b"A dog.\n").code == 0
        assert chosen == [threads]
    assert not torch_threads.are_ours()


def test_training_leaves_the_number_as_it_was(tmp_path: Path, chosen: list[int]) -> None:
    trained_once(tmp_path / "model", threads=2)
    assert (chosen, torch.get_num_threads()) == ([2, MINE], MINE)


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_are_processes_of_ours(workers: int) -> None:
    """Control: work done in this process is not."""
    done = in_order(range(3), make_asker, (), workers, lambda task, how: how)
    assert [result for _, result in done] == [workers > 1] * 3
