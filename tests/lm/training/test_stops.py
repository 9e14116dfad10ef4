"""What stops a training, and what it loses by that: nothing."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402

from searchgen.errors import ModelFileError, RequestError, SearchgenError  # noqa: E402
from searchgen.files.locked import open_locked  # noqa: E402
from searchgen.lm.training.recipe import SIZES, Recipe  # noqa: E402
from searchgen.lm.training.steps import Stepper  # noqa: E402
from searchgen.lm.training.train import LOCK, Trained  # noqa: E402
from tests.lm.training.toy_training import RECIPE, TEXT, TOY, stopped_at, trained, trained_once  # noqa: E402
from tests.places import ROOT  # noqa: E402


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIZES, "tiny", TOY)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return trained_once(tmp_path_factory.mktemp("whole") / "model")


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.slow
def test_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first step needs is not there: a line, and the same command without the flag goes on."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", (None, "/nowhere/g++"))
    with pytest.raises(RequestError, match=r"--compile: torch cannot compile here .*drop the flag"):
        trained(tmp_path / "model", compiled=True)
    assert trained(tmp_path / "model").progress.step == 20


KILLED = """
import os, signal, sys
from itertools import pairwise
from pathlib import Path
from searchgen.lm.training import train
from searchgen.lm.training.recipe import SIZES, Recipe, Size
SIZES["tiny"] = Size({size})
train.BETWEEN = 0.0
def say(line):
    if line.startswith("step 10 "):
        os.kill(os.getpid(), signal.SIGKILL)
train.train_transformer([{text!r}], Path({output!r}), Recipe(**{recipe!r}), device="cpu", say=say)
"""


@pytest.mark.slow
def test_after_a_kill_the_same_curve(tmp_path: Path, whole: Trained) -> None:
    output = tmp_path / "model"
    size = ", ".join(map(str, vars(TOY).values()))
    script = KILLED.format(size=size, text=str(TEXT), output=str(output), recipe=vars(RECIPE))
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    assert not (output / "config.json").exists()
    said: list[str] = []
    again = trained(output, say=said.append)
    assert said[0] == "going on after step 9 of 20"
    assert again.progress.held_out == whole.progress.held_out
    assert again.progress.learnt == whole.progress.learnt
    ours, theirs = (load_file(one.path / "model.safetensors") for one in (again, whole))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_damaged_checkpoint_is_named_and_the_one_before_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Trained
) -> None:
    output = tmp_path / "model"
    _, newest = stopped_at(10, output, monkeypatch)
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    said: list[str] = []
    assert trained(output, say=said.append).progress.held_out == whole.progress.held_out
    assert str(newest) in said[0]
    assert said[1] == "going on after step 8 of 20"


def test_only_damaged_checkpoints_stop_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in stopped_at(4, tmp_path / "model", monkeypatch):
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelFileError, match="every checkpoint is damaged"):
        trained(tmp_path / "model")


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Trained) -> None:
    output = tmp_path / "model"
    before = stopped_at(10, output, monkeypatch)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(SearchgenError, match=r"No space left on device.*Make room"):
            trained(output)
    assert sorted((output / "checkpoint").glob("step-*")) == before
    assert not list((output / "checkpoint").glob(".*"))
    assert trained(output).progress.held_out == whole.progress.held_out


def test_a_loss_that_is_no_number_stops_it_and_the_best_model_is_kept(tmp_path: Path) -> None:
    output = tmp_path / "model"
    with pytest.raises(SearchgenError, match=r"not a number at step \d+: .* lower --rate than 1e\+30"):
        trained(output, Recipe(tokens=20 * 512, batch=512, vocabulary=400, rate=1e30))
    checkpoint = next((output / "checkpoint").glob("step-*"))
    assert all(weight.isfinite().all() for weight in load_file(checkpoint).values())


def test_it_stops_early_when_nothing_gets_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rising = iter(range(1000, 2000))
    monkeypatch.setattr(Stepper, "loss", lambda self, rows: float(next(rising)))
    done = trained(tmp_path / "model").progress
    assert (done.step, done.best_step) == (6, 1)
    assert "It stopped early, after 6 of 20." in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")


def test_one_training_at_a_time_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "model"
    stopped_at(2, output, monkeypatch)
    held = open_locked(output / "checkpoint" / LOCK)
    with pytest.raises(RequestError, match="is being written by another run"):
        trained(output)
    os.close(held)
    assert trained(output).progress.step == 20


def test_a_loss_that_falls_again_does_not_stop_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays above the first one for long, as where weights that have learnt are unsettled by a risen rate."""
    losses = iter([100.0, 140.0, 160.0, *range(159, 100, -3)])
    monkeypatch.setattr(Stepper, "loss", lambda self, rows: float(next(losses)))
    done = trained(tmp_path / "model").progress
    assert (done.step, done.best_step) == (20, 1)


def test_what_a_kill_left_while_preparing_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "model" / ".checkpoint.abc").mkdir(parents=True)
    done = trained(tmp_path / "model", replace(RECIPE, tokens=512))
    assert not [path for path in done.path.iterdir() if path.name.startswith(".")]
