"""The student's training: the teacher's order of its own candidates, and the usual loss on everyday text, so that it stays a law of texts.

    python -m benchmarks.teaching.train FOLDER ... -o STUDENT [--start-from en] [--minutes 40] [--temperature 2] [--lists 4] [--rows 12]

    loss = weight * mean over requests of sum over texts of -softmax(teacher / t) log softmax(student / t)
           + stretches * mean over the stretches of these texts of Huber's loss of log p(stretch | before), student - teacher
           + mean over the pieces of rows of text of -log p

Texts are scored by log p of the whole, ends included (Cao et al., "Learning to rank: from pairwise approach to listwise approach", ICML
2007; Hinton et al., "Distilling the knowledge in a neural network", 2015). The architecture stays. Checkpoints lie in STUDENT; the same
command goes on from the newest. Requests and sentences that are held out are measured on the way.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import cos, log, pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from benchmarks.teaching.lists import Pieces, agreement, labelled, pieces_of, split
from benchmarks.teaching.texts import Texts, texts_of
from searchgen.lm.neural.architectures.llama import Llama
from searchgen.lm.training.loss import summed_loss
from searchgen.lm.training.optimiser import Optimiser
from searchgen.lm.training.packing import BEGIN, END, NOTHING, rows_of_step, targets, visible
from searchgen.lm.training.products import product_dtype
from searchgen.lm.training.steps import Stepper
from searchgen.lm.training.tokenizer import CONFIG
from searchgen.lm.training.warm_start import read_warm_start

__all__ = ["Training", "list_loss", "log_probs", "stretch_loss", "write"]

#: Shares of the time in which the rate rises, and its last value as a share of the highest.
RISE, LOWEST = 0.04, 0.05

#: From so many nats on the value of a stretch counts straight.
WIDE = 2.0

#: Flags that a training keeps.
RECIPE = ("start_from", "minutes", "rate", "temperature", "weight", "stretches", "lists", "rows", "seed")

#: Longest gradient, and seconds between checkpoints.
LONGEST, KEEP = 1.0, 120.0


def main() -> None:
    """Train, going on where an earlier run stopped."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.teaching.train", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="of the rounds; the first has the text")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--start-from", default="en")
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--rate", type=float, default=0.0006)
    parser.add_argument("--temperature", type=float, default=2.0)
    parser.add_argument("--weight", type=float, default=0.3)
    parser.add_argument("--stretches", type=float, default=0.1)
    parser.add_argument("--lists", type=int, default=4)
    parser.add_argument("--rows", type=int, default=12)
    parser.add_argument("--measurements", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    flags = parser.parse_args()
    torch.set_num_threads(flags.threads)
    start = read_warm_start(flags.start_from)
    tokenizer = Tokenizer.from_str(start.tokenizer)

    def requests() -> tuple[list[Pieces], list[Pieces]]:
        learnt, held_out = split(labelled(flags.folders))
        return [pieces_of(tokenizer, one) for one in learnt], [pieces_of(tokenizer, one) for one in held_out]

    network = Llama(start.shape).take({name: torch.from_numpy(value) for name, value in start.weights.items()})
    training = Training(
        flags,
        network,
        texts_of(flags.folders[0] / "texts.npz"),
        *requests(),
        more=lambda: requests()[0],
    )
    training.run()
    write(flags.output, network, start.tokenizer)


@dataclass
class Training:
    """A training under way.

    Attributes:
        flags: of the command.
        network: the student.
        texts: everyday text.
        learnt: requests to learn from.
        held_out: requests to measure with.
        more: reads the requests to learn from again, after each measurement, for labels may still be written; None: they are all there.
        step: steps made.
        seconds: that they took.
        measured: lines of the measurements so far.
    """

    flags: Any
    network: Llama
    texts: Texts
    learnt: list[Pieces]
    held_out: list[Pieces]
    more: Callable[[], list[Pieces]] | None = None
    step: int = 0
    seconds: float = 0.0
    measured: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.optimiser = Optimiser(self.network)
        self.stepper = Stepper(self.network)
        self.products = product_dtype(torch.device("cpu"))

    @property
    def _recipe(self) -> dict[str, Any]:
        """What a training cannot go on without; where its files lie, and how fast it is, may change."""
        return {name: value for name, value in vars(self.flags).items() if name in RECIPE}

    def run(self) -> None:
        """Step until the minutes are over."""
        self.resume()
        limit, kept, recent = 60 * self.flags.minutes, time.monotonic(), [0.0, 0.0, 0.0]
        while True:
            if self.seconds >= limit * len(self.measured) / self.flags.measurements or self.seconds >= limit:
                self._measure(recent)
                recent = [0.0, 0.0, 0.0]
            if self.seconds >= limit:
                return
            begun = time.monotonic()
            losses = self.make_step(self.seconds / limit)
            recent = [one + more for one, more in zip(recent, (1.0, *losses), strict=True)]
            self.seconds += time.monotonic() - begun
            if time.monotonic() - kept > KEEP:
                self.keep()
                kept = time.monotonic()

    def make_step(self, share: float) -> tuple[float, float]:
        """Make a step at a share of the time; return the loss of the text and that of the lists before it."""
        flags, network = self.flags, self.network
        network.train()
        of_text = of_lists = 0.0
        if flags.rows:
            numbers = rows_of_step(self.step, flags.rows, len(self.texts.rows), flags.seed)
            rows = torch.from_numpy(self.texts.rows[numbers].astype(np.int64))
            following = targets(rows).reshape(-1)
            with torch.autocast("cpu", self.products, enabled=self.products != torch.float32):
                hidden = network(rows, visible(rows)).flatten(0, 1)
                loss = summed_loss(hidden, network.head, following, self.products) / (following != NOTHING).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            of_text = float(loss.detach())
        for number in rows_of_step(self.step, flags.lists, len(self.learnt), flags.seed + 1) if flags.lists else ():
            one = self.learnt[number]
            texts, stretches = self._scored(one)
            loss = list_loss(texts, torch.from_numpy(one.log_p), flags.temperature)
            of_lists += float(loss.detach()) / flags.lists
            loss = flags.weight * loss + flags.stretches * stretch_loss(stretches, torch.from_numpy(one.stretch_log_p))
            (loss / flags.lists).backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), LONGEST)
        if bool(norm.isfinite()):
            rise = min(1.0, share / RISE)
            self.optimiser.step(flags.rate * rise * (LOWEST + (1 - LOWEST) * (1 + cos(pi * share)) / 2))
        network.zero_grad(set_to_none=True)
        self.step += 1
        return of_text, of_lists

    def _scored(self, one: Pieces) -> tuple[Tensor, Tensor]:
        with torch.autocast("cpu", self.products, enabled=self.products != torch.float32):
            return log_probs(self.network, one)

    def _measure(self, recent: list[float]) -> None:
        self.network.eval()
        with torch.inference_mode():
            pairs = [log_probs(self.network, one) for one in self.held_out]
            scores = [texts for texts, _ in pairs]
            crossed = [
                float(list_loss(score, torch.from_numpy(one.log_p), self.flags.temperature))
                for score, one in zip(scores, self.held_out, strict=True)
            ]
            apart = [
                stretch_loss(stretches, torch.from_numpy(one.stretch_log_p))
                for (_, stretches), one in zip(pairs, self.held_out, strict=True)
            ]
        agreed = agreement([one.log_p for one in self.held_out], [score.double().numpy() for score in scores])
        bits = self.stepper.loss(self.texts.measured) / log(2) / self.texts.measured_bytes
        line = {
            "step": self.step,
            "minutes": round(self.seconds / 60, 1),
            "bits": bits,
            "lists": float(np.mean(crossed)),
        }
        line["stretches"], line["requests"] = float(np.mean(apart)), len(self.learnt)
        line |= agreed
        if recent[0]:
            line |= {"text_learnt": recent[1] / recent[0], "lists_learnt": recent[2] / recent[0]}
        self.measured.append(line)
        print(json.dumps({name: round(value, 4) for name, value in line.items()}), flush=True)
        self.keep()
        if self.more is not None:
            self.learnt = self.more()

    def keep(self) -> None:
        """Write the checkpoint."""
        self.flags.output.mkdir(parents=True, exist_ok=True)
        path = self.flags.output / "checkpoint.pt"
        state = {
            "weights": self.network.state_dict(),
            "optimiser": self.optimiser.tensors(),
            "step": self.step,
            "seconds": self.seconds,
            "measured": self.measured,
            "recipe": self._recipe,
        }
        torch.save(state, path.with_suffix(".new"))
        os.replace(path.with_suffix(".new"), path)

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one, of the same recipe."""
        path = self.flags.output / "checkpoint.pt"
        if path.exists():
            state = torch.load(path)
            for name, value in self._recipe.items():
                if state["recipe"].get(name) != value:
                    sys.exit(
                        f"{path} has {name} {state['recipe'].get(name)}, not {value}; give the same, or another -o"
                    )
            self.network.load_state_dict(state["weights"])
            self.optimiser.take(state["optimiser"])
            self.step, self.seconds, self.measured = state["step"], state["seconds"], state["measured"]
            print(f"going on after step {self.step:,}", flush=True)


def log_probs(network: Llama, one: Pieces) -> tuple[Tensor, Tensor]:
    """Return log p of the texts of a request, (n,) float32, and of each of their stretches after those before, (stretches,)."""
    hidden = network(torch.from_numpy(one.rows))
    scores = functional.linear(hidden, network.head).float()
    following = torch.from_numpy(one.following)
    nats = functional.cross_entropy(scores.flatten(0, 1), following.flatten(), ignore_index=NOTHING, reduction="none")
    stretches = torch.zeros(len(one.stretch_log_p)).index_add(0, torch.from_numpy(one.stretch).flatten(), -nats)
    return -nats.view(following.shape).sum(1), stretches


def list_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return the cross-entropy of a student's order of texts to the teacher's.

    Args:
        student: (n,) log p of the texts.
        teacher: (n,) the same under the teacher.
        temperature: that both are divided by.

    Example:
        >>> round(float(list_loss(torch.zeros(4), torch.tensor([9.0, 0.0, 0.0, 0.0]), 1.0)), 3)  # ln 4
        1.386
    """
    wanted = (teacher.float() / temperature).softmax(0)
    return -(wanted * (student.float() / temperature).log_softmax(0)).sum()


def stretch_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean over stretches of Huber's loss of their log p: a square up to WIDE nats, straight beyond.

    Example:
        >>> float(stretch_loss(torch.tensor([-1.0, -9.0]), torch.tensor([-2.0, -1.0])))  # (1 / 2 + 2 (8 - 2 / 2)) / 2
        7.25
    """
    return functional.huber_loss(student.float(), teacher.float(), delta=WIDE)


def write(output: Path, network: Llama, tokenizer: str) -> None:
    """Write the folder that `lm export` reads."""
    (output / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    about = {**CONFIG, "model_max_length": network.shape.context}
    (output / "tokenizer_config.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
    (output / "config.json").write_text(json.dumps(network.shape.config(BEGIN, END), indent=1), encoding="utf-8")
    weights = {name: weight.contiguous() for name, weight in network.published().items()}
    save_file(weights, output / "model.safetensors", {"format": "pt"})


if __name__ == "__main__":
    main()
