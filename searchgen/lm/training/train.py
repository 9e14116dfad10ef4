"""Training from beginning to end: prepare or go on, step, measure, keep, and write the model's folder."""

import copy
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, inf, isnan, log
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save

from searchgen.errors import Outage, RequestError, SearchgenError
from searchgen.files.locked import open_locked
from searchgen.files.whole import write_whole
from searchgen.lm.neural.architectures.llama import Llama
from searchgen.lm.neural.architectures.llama_shape import Shape
from searchgen.lm.neural.batches import is_memory
from searchgen.lm.neural.opening import device_of
from searchgen.lm.ngram.estimation.reading import Progress as Shown
from searchgen.lm.training.card import card, loss_plot
from searchgen.lm.training.checkpoints import Progress, State, read_newest, write_checkpoint
from searchgen.lm.training.optimiser import Optimiser
from searchgen.lm.training.packing import BEGIN, END, rows_of_step
from searchgen.lm.training.prepared import Prepared, prepare, reopen
from searchgen.lm.training.recipe import ROW, SIZES, Recipe
from searchgen.lm.training.steps import Stepper, rate_of_step
from searchgen.lm.training.tokenizer import CONFIG

__all__ = ["Trained", "train_transformer"]

#: How often the held-out loss is measured, and after how many measurements in a row, none lower than the one before, training stops:
#: above the best one it may stay for long while the rate is high, where it begins with weights that have learnt.
MEASUREMENTS, PATIENCE = 20, 5

#: The file that one training holds while it runs: of two, the first to end would take away the other's checkpoints.
LOCK = "lock"

#: Seconds between checkpoints.
BETWEEN = 120.0

#: A plan that changes by a smaller share than this stays.
CHANGE = 0.02

#: Steps whose time makes minutes a number of steps, after one that warms up.
TRIAL = 2


class Trained(NamedTuple):
    """What training gave."""

    path: Path
    parameters: int
    progress: Progress
    facts: dict[str, int]


def train_transformer(
    paths: Sequence[str | Path],
    output: Path,
    recipe: Recipe,
    *,
    device: str = "auto",
    threads: int = 1,
    compiled: bool = False,
    command: str = "",
    show: Shown | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Trained:
    """Train a causal transformer on text and write its folder; an unfinished training there goes on.

    Args:
        paths: UTF-8 files, folders (all `*.txt` below them) and `-`; a paragraph or sentence a line.
        output: the folder to write.
        recipe: how.
        device: auto (the first GPU, else the CPU), cpu, cuda or cuda:N.
        threads: of a CPU to compute with.
        compiled: whether torch is to compile the loss first.
        command: what the card names as the command.
        show: is told of a stage and how much of it is done.
        say: is told, line by line, what happens.

    Raises:
        RequestError: texts or folder are not as they must be; the message names the way out.
        SearchgenError: the loss is no number, or there is no room; what was kept is named.
    """
    with _computing_with(threads):
        where = device_of(device)
        kept = output / "checkpoint"
        if kept.is_dir():
            data = reopen(paths, kept, recipe)
        elif output.exists() and (
            not output.is_dir() or any(not entry.name.startswith(f".{kept.name}.") for entry in output.iterdir())
        ):
            raise RequestError(f"{output} exists and holds no unfinished training; name another folder with -o")
        else:
            data = prepare(paths, kept, recipe, show)
        lock = open_locked(kept / LOCK)
        try:
            training = _Training(recipe, data, kept, show or (lambda stage, share: None), say, where, compiled)
            state = training.run()
            _write_model(output, training, state, command)
        except KeyboardInterrupt:
            say(f"interrupted: the same command goes on from the newest checkpoint in {kept}")
            raise
        except (RuntimeError, MemoryError) as error:  # portions of a step are halved; this is what is there besides
            if not is_memory(error):
                raise
            raise Outage(f"out of memory on {where}: try a smaller --size; what was kept is in {kept}") from error
        except _NotANumber as stopped:
            raise SearchgenError(_diverged(training, stopped, output, command)) from None
        finally:
            os.close(lock)
        # What is cut off while it is removed is no training any more.
        shutil.rmtree(kept.rename(kept.with_name(f".{kept.name}.done")))
        return Trained(output, state.network.shape.parameters, state.progress, data.facts)


@contextmanager
def _computing_with(threads: int) -> Iterator[None]:
    """Have torch compute with so many threads; afterwards the number is what it was."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _NotANumber(Exception):
    """The loss of a step is no number."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state


@dataclass(eq=False)
class _Training:
    recipe: Recipe
    data: Prepared
    folder: Path
    show: Shown
    say: Callable[[str], None]
    device: torch.device
    compiled: bool = False

    def __post_init__(self) -> None:
        size = SIZES[self.recipe.size]
        shape = Shape(
            self.data.facts["vocabulary"],
            size.width,
            size.layers,
            size.heads,
            size.inner,
            ROW,
            tied=not self.recipe.untied,
        )
        network = Llama(shape, self.recipe.dropout).initialise(self.recipe.seed).to(self.device)
        self.stepper = Stepper(network, self.recipe.seed, compiled=self.compiled)
        self.state = State(network, Optimiser(network), {}, Progress(0))
        self.written = time.monotonic()
        self.pace = 0, 0.0  # steps and seconds at the last measurement

    def run(self) -> State:
        """Train until the end or until nothing gets better; return where it ended.

        Raises:
            _NotANumber: it went astray.
        """
        if not read_newest(self.folder, self.state, self.say):
            self._begin()
            self._plan(self._planned())
            self._keep()
        progress = self.state.progress
        timed = False
        if progress.step:
            self.say(f"going on after step {progress.step:,} of {progress.steps:,}")
        while progress.step < progress.steps and progress.waiting < PATIENCE:
            started = time.monotonic()
            self._step()
            measured = progress.step >= min(progress.due, progress.steps)
            if measured:
                self._measure()
            progress.seconds += time.monotonic() - started
            if not timed:  # the first step warms up, and may compile: its time tells no speed
                timed, self.pace = True, (progress.step, progress.seconds)
            if measured:
                self._plan_again()
            self.show(f"{self._where()}, {self._left()} left", progress.step / progress.steps)
            if time.monotonic() - self.written > BETWEEN:
                self._keep()
        return self.state

    def _begin(self) -> None:
        """Take over the weights to go on with, if any. Their loss is told, not to be beaten: a risen rate unsettles them at first."""
        weights = self.data.weights
        if weights is not None:
            self.state.network.take({name: torch.from_numpy(weight) for name, weight in weights.items()})
            bits = self._held_out()
            self.state.progress.held_out.append((0, bits))
            self.say(f"{self.recipe.start_from}: {bits:.4f} bits a byte held out")

    def _plan_again(self) -> None:
        """Plan when to measure next, and make what is left of the minutes steps again, for a machine's speed changes with its load.

        A changed plan is kept at once: it is a part of what makes the curve.
        """
        progress, (steps, seconds) = self.state.progress, self.pace
        self.pace = progress.step, progress.seconds
        planned = progress.steps
        if self.recipe.minutes is not None and progress.step > steps:
            seconds_each = (progress.seconds - seconds) / (progress.step - steps)
            left = max(0, int((60 * self.recipe.minutes - progress.seconds) / seconds_each))
            planned = int(min(self._most(), progress.step + left))
        changed = abs(planned - progress.steps) > CHANGE * progress.steps
        self._plan(planned if changed else progress.steps)
        if changed:
            self._keep()

    def _plan(self, steps: int) -> None:
        progress = self.state.progress
        progress.steps, progress.due = steps, progress.step + max(1, steps // MEASUREMENTS)

    def _most(self) -> float:
        """Return how many steps the tokens allow."""
        return inf if self.recipe.tokens is None else ceil(self.recipe.tokens / self.recipe.batch)

    def _planned(self) -> int:
        """Return how many steps tokens and minutes allow; the speed of some steps on a copy makes minutes steps."""
        most = self._most()
        if self.recipe.minutes is not None:
            trial = Stepper(copy.deepcopy(self.stepper.network), portion=self.stepper.portion, compiled=self.compiled)
            optimiser = Optimiser(trial.network)
            for step in range(1 + TRIAL):
                if step == 1:
                    started = time.monotonic()
                trial.step(optimiser, self._rows(step), 0.0, step)
            seconds_each = (time.monotonic() - started) / TRIAL
            started = time.monotonic()
            trial.loss(self.data.measured)
            measuring = MEASUREMENTS * (time.monotonic() - started)
            most = min(most, max(1, int((60 * self.recipe.minutes - measuring) / seconds_each)))
            self.stepper.portion = trial.portion
        return int(most) if most < inf else ceil(self.data.facts["pieces"] / self.recipe.batch)

    def _rows(self, step: int) -> npt.NDArray[np.uint16]:
        rows = self.data.rows
        return rows[rows_of_step(step, self.recipe.batch // ROW, len(rows), self.recipe.seed)]

    def _step(self) -> None:
        progress = self.state.progress
        rate = rate_of_step(progress.step, progress.steps, self.recipe.peak)
        loss = self.stepper.step(self.state.optimiser, self._rows(progress.step), rate, progress.step)
        if isnan(loss):
            raise _NotANumber(self.state)
        progress.step += 1
        progress.recent = (progress.recent[0] + 1, progress.recent[1] + loss)

    def _measure(self) -> None:
        progress = self.state.progress
        bits = self._held_out()
        count, total = progress.recent
        progress.learnt.append((progress.step, total / count))
        before = progress.held_out[-1][1] if progress.held_out else inf
        progress.waiting = 0 if bits < before else progress.waiting + 1
        progress.held_out.append((progress.step, bits))
        progress.recent = (0, 0.0)
        if bits < progress.best:
            progress.best, progress.best_step = bits, progress.step
            self.state.best = {name: weight.clone() for name, weight in self.state.network.published().items()}
        self.say(
            f"step {progress.step:,} of {progress.steps:,}: {bits:.4f} bits a byte held out, "
            f"{total / count:.3f} nats a piece learnt from, {self._left()} left"
        )

    def _held_out(self) -> float:
        """Return bits a byte of what is held out."""
        return self.stepper.loss(self.data.measured) / log(2) / self.data.facts["measured_bytes"]

    def _keep(self) -> None:
        write_checkpoint(self.folder, self.state)
        self.written = time.monotonic()

    def _where(self) -> str:
        progress = self.state.progress
        best = f", {progress.best:.3f} bits a byte" if progress.best_step else ""
        return f"step {progress.step:,} of {progress.steps:,}{best}"

    def _left(self) -> str:
        """Return the time left in words: what the steps so far say, but never more than what is left of the minutes."""
        progress = self.state.progress
        seconds = progress.seconds / max(progress.step, 1) * (progress.steps - progress.step)
        if self.recipe.minutes is not None:
            seconds = max(0.0, min(seconds, 60 * self.recipe.minutes - progress.seconds))
        return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _diverged(training: _Training, stopped: _NotANumber, output: Path, command: str) -> str:
    progress = stopped.state.progress
    kept = f"the last good checkpoint is kept in {training.folder}"
    if stopped.state.best:
        _write_model(output, training, stopped.state, command)
        kept = f"the model of step {progress.best_step:,}, the best until then, is in {output}"
    return (
        f"the loss is not a number at step {progress.step + 1:,}: training stopped; {kept}; "
        f"try again with another -o and a lower --rate than {training.recipe.peak:g}"
    )


def _write_model(output: Path, training: _Training, state: State, command: str) -> None:
    """Write the folder, the weights last: what is read as a model is whole."""
    shape = state.network.shape
    weights = state.best or state.network.published()
    weights = {name: weight.to("cpu", torch.float32).contiguous() for name, weight in weights.items()}
    facts = {**training.data.facts, "parameters": shape.parameters}
    files = {
        "tokenizer.json": training.data.tokenizer,
        "tokenizer_config.json": json.dumps({**CONFIG, "model_max_length": shape.context}, indent=1),
        "README.md": card(output.name, training.recipe, facts, state.progress, command),
        "loss.svg": loss_plot(state.progress),
        "config.json": json.dumps(shape.config(BEGIN, END), indent=1),
    }
    for name, content in files.items():
        write_whole(output / name, content.encode())
    write_whole(output / "model.safetensors", save(weights, {"format": "pt"}))
