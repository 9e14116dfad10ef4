"""Files of models with anything in them: each is opened or refused in one line, and takes neither minutes nor gigabytes."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from tests.lm.neural.mutations import KINDS, faults, mutated, originals, tried

#: Mutations of each kind, here and in the long run.
FEW, MANY = 40, 3000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mutations")
    originals(folder)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_as_they_are_they_are_opened(kind: str, folder: Path) -> None:
    for name in KINDS[kind]:
        path = folder / name
        assert tried(path if kind == "onnx" else path.parent) == "opened"


@pytest.mark.parametrize("kind", KINDS)
def test_some(kind: str, folder: Path) -> None:
    """Whatever is raised other than a refusal fails the test."""
    outcomes = [tried(mutated(kind, number, folder)) for number in range(FEW)]
    assert all("\n" not in outcome for outcome in outcomes)
    assert 0 < sum(outcome.startswith("refused") for outcome in outcomes) < FEW


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many(kind: str, folder: Path) -> None:
    found, counts = faults(kind, 0, MANY, folder)
    assert found == []
    assert sum(counts.values()) == MANY
    assert min(counts.values()) > 0
