"""The parts of `architectures`: trials, their training rows, learning, and the speed of steps and of edits."""

import time
from collections import Counter
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from benchmarks.architecture_options import Network, Options, Seen
from searchgen.lm.neural.architectures.llama_shape import Shape
from searchgen.lm.training.corpus import read_sentences
from searchgen.lm.training.packing import NOTHING, pack, rows_of_step, targets, visible
from searchgen.lm.training.steps import Stepper, rate_of_step
from searchgen.lm.training.tokenizer import train_tokenizer

__all__ = ["TRIALS", "Rows", "Trial", "edits", "english", "learn", "speeds", "verse"]

#: Positions of a row, and held-out pieces that are scored.
ROW, MEASURED = 128, 1 << 14

#: Pieces of verse: the commonest characters, begin and end.
CHARACTERS = 2048

#: Pieces that linear attention reads together: within them its time is quadratic.
TOGETHER = 32


#: AdamW: decay of the two moments, and of matrices; longer gradients are shortened to this norm.
MOMENTS, DECAY, LONGEST = (0.9, 0.95), 0.1, 1.0


@dataclass(frozen=True)
class Trial:
    """One variant: a network, and how it learns.

    Attributes:
        options: of the network.
        muon: whether the blocks' matrices learn by Muon (Jordan et al. 2024).
        batch: times the positions of a step, at equal pieces.
        verse: whether on poems.
    """

    options: Options = field(default_factory=Options)
    muon: bool = False
    batch: int = 1
    verse: bool = False


#: By name; the most important first.
TRIALS = {
    "baseline": Trial(),
    "positions: learned": Trial(Options(positions="learned")),
    "positions: sinusoidal": Trial(Options(positions="sinusoidal")),
    "positions: none": Trial(Options(positions="none")),
    "residual attention logits": Trial(Options(residual=True)),
    "post-norm": Trial(Options(norm="post")),
    "deviation 1 / sqrt(width)": Trial(Options(deviation="width")),
    "untied": Trial(Options(output="untied")),
    "tied, scaled": Trial(Options(output="tied, scaled")),
    "untied, scaled": Trial(Options(output="untied, scaled")),
    "Muon": Trial(muon=True),
    "linear attention": Trial(Options(linear=True)),
    "verse: baseline": Trial(verse=True),
    "verse: rotary over line and column": Trial(Options(positions="lines"), verse=True),
    "verse: positions none": Trial(Options(positions="none"), verse=True),
    "plain GELU": Trial(Options(inner="gelu")),
    "plain squared ReLU": Trial(Options(inner="squared")),
    "deviation by arithmetic mean": Trial(Options(deviation="arithmetic")),
    "deviation by geometric mean": Trial(Options(deviation="geometric")),
    "deviation by quadratic mean": Trial(Options(deviation="quadratic")),
    "batch x 2": Trial(batch=2),
    "batch x 4": Trial(batch=4),
    "Muon, positions learned": Trial(Options(positions="learned"), muon=True),
    "Muon, positions sinusoidal": Trial(Options(positions="sinusoidal"), muon=True),
    "Muon, positions none": Trial(Options(positions="none"), muon=True),
    "Muon, residual attention logits": Trial(Options(residual=True), muon=True),
    "Muon, post-norm": Trial(Options(norm="post"), muon=True),
    "Muon, deviation 1 / sqrt(width)": Trial(Options(deviation="width"), muon=True),
    "Muon, untied": Trial(Options(output="untied"), muon=True),
    "Muon, untied, scaled": Trial(Options(output="untied, scaled"), muon=True),
    "Muon, plain squared ReLU": Trial(Options(inner="squared"), muon=True),
    "Muon, linear attention": Trial(Options(linear=True), muon=True),
}


class Rows(NamedTuple):
    """Packed rows to learn from and to measure with.

    Attributes:
        learnt: (R, ROW) uint16.
        held_out: (M, ROW) uint16.
        bytes: of the held-out text.
        vocabulary: number of pieces.
        breaks: the pieces that begin a line.
    """

    learnt: npt.NDArray[np.uint16]
    held_out: npt.NDArray[np.uint16]
    bytes: int
    vocabulary: int
    breaks: tuple[int, ...] = ()


def english(folder: Path, vocabulary: int) -> Rows:
    """Return the rows of everyday sentences, Tatoeba and Conan Doyle, split as `lm train` splits."""
    paths = [folder / "everyday.txt", folder / "tatoeba.txt", *sorted((folder / "books").glob("arthur-conan-doyle_*"))]
    found = read_sentences(paths, "en", 5.0, None)
    learnt, held_out = found.learnt, found.held_out
    tokenizer = train_tokenizer(learnt, vocabulary)
    spelled = [[one.ids for one in tokenizer.encode_batch(texts)] for texts in (learnt, held_out)]
    return rows_of(spelled[0], spelled[1], [len(text.encode()) for text in held_out], tokenizer.get_vocab_size())


def verse(file: Path) -> Rows:
    """Return the rows of Tang poems in the commonest characters, each a piece; marks between lines are breaks."""
    poems = list(dict.fromkeys(file.read_text(encoding="utf-8").split()))
    common = [sign for sign, _ in Counter("".join(poems)).most_common(CHARACTERS - 2)]
    ids = {sign: number for number, sign in enumerate(common, 2)}
    known = [poem for poem in poems if ids.keys() >= set(poem)]
    learnt = [[ids[sign] for sign in poem] for i, poem in enumerate(known) if i % 20]
    held_out = known[::20]
    breaks = tuple(number for sign, number in ids.items() if not sign.isalnum())
    spelled = [[ids[sign] for sign in poem] for poem in held_out]
    return rows_of(learnt, spelled, [len(poem.encode()) for poem in held_out], len(ids) + 2, breaks)


def rows_of(
    learnt: list[list[int]], held_out: list[list[int]], sizes: list[int], vocabulary: int, breaks: tuple[int, ...] = ()
) -> Rows:
    """Pack pieces; of the held-out texts, of `sizes` bytes, pack the first that fit into a row."""
    chosen, pieces = [], 0
    for number, text in enumerate(held_out):
        if len(text) < ROW and pieces < MEASURED:
            chosen.append(number)
            pieces += len(text) + 1
    measured = pack([held_out[i] for i in chosen], ROW, 0)
    return Rows(pack(learnt, ROW, 0), measured, sum(sizes[i] for i in chosen), vocabulary, breaks)


def optimisers_of(network: Network, muon: bool) -> list[torch.optim.Optimizer]:
    """Return AdamW for all weights, or Muon for the blocks' matrices and AdamW for the rest; matrices decay.

    Muon's steps are scaled to the mean square of AdamW's, so both take the same rate.
    """
    hidden = [weight for weight in network.blocks.parameters() if weight.ndim == 2] if muon else []
    taken = set(map(id, hidden))
    rest = [weight for weight in network.parameters() if id(weight) not in taken]
    groups = [
        {"params": [weight for weight in rest if weight.ndim == 2], "weight_decay": DECAY},
        {"params": [weight for weight in rest if weight.ndim != 2], "weight_decay": 0.0},
    ]
    found: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=0.0, betas=MOMENTS, fused=True)]
    if muon:
        found.append(torch.optim.Muon(hidden, lr=0.0, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw"))
    return found


def make_step(
    network: Network, optimisers: list[torch.optim.Optimizer], rows: npt.NDArray[np.uint16], rate: float
) -> float:
    """Make a step; return the loss before it, nats per piece. If loss or gradient is not finite, change nothing."""
    pieces = torch.from_numpy(rows.astype(np.int64))
    hidden = network(pieces, visible(pieces))
    scores = functional.linear(hidden.flatten(0, 1), network.head)
    loss = functional.cross_entropy(scores, targets(pieces).flatten(), ignore_index=NOTHING)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(network.parameters(), LONGEST)
    finite = bool(loss.isfinite() and norm.isfinite())
    for optimiser in optimisers if finite else []:
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()
    network.zero_grad(set_to_none=True)
    return loss.item() if finite else float("nan")


def learn(trial: Trial, rows: Rows, shape: Shape, seed: int, rate: float, steps: int, batch: int) -> dict[str, Any]:
    """Train; return held-out bits per byte (None: diverged), the first loss above ln V, pieces learnt and CPU seconds.

    Args:
        trial: the variant.
        rows: of its texts.
        shape: of the network.
        seed: of weights and order of rows.
        rate: the highest.
        steps: of `batch` positions; trials of larger batches make fewer.
        batch: positions of a step.
    """
    network = Network(shape, trial.options, rows.breaks).initialise(seed)
    optimisers = optimisers_of(network, trial.muon)
    together, steps, losses = batch * trial.batch // ROW, steps // trial.batch, []
    begun = time.process_time()
    for step in range(steps):
        chosen = rows.learnt[rows_of_step(step, together, len(rows.learnt), seed)]
        losses.append(make_step(network, optimisers, chosen, rate_of_step(step, steps, rate)))
        if not np.isfinite(losses[-1]):
            break
    took = time.process_time() - begun
    nats = Stepper(cast(Any, network)).loss(rows.held_out) if np.isfinite(losses[-1]) else float("nan")
    return {
        "bits": nats / log(2) / rows.bytes if np.isfinite(nats) else None,
        "first": losses[0] - log(rows.vocabulary),
        "pieces": len(losses) * together * ROW,
        "cpu": took,
    }


def edits(options: Options, shape: Shape, length: int, whole: bool, count: int = 32) -> float:
    """Return the texts with one piece changed in the middle that are scored in a second of CPU time.

    Args:
        options: of the network.
        shape: its sizes.
        length: pieces of the text.
        whole: whether from the beginning, or from the state kept before the change.
        count: texts of a batch.
    """
    network = Network(shape, options).initialise(0)
    text = torch.randint(2, shape.vocabulary, (1, length), generator=torch.Generator().manual_seed(0))
    texts, middle = text.repeat(count, 1), length // 2
    texts[:, middle] = 2 + torch.arange(count)
    begin, together = 0 if whole else middle, TOGETHER if options.linear else length
    found = []
    with torch.inference_mode():
        kept = None if whole else network.read(text[:, :middle])[1]
        for _ in range(6):
            begun = time.process_time()
            seen = kept and [Seen(*(part.expand(count, *part.shape[1:]) for part in one)) for one in kept]
            for start in range(begin, length, together):
                hidden, seen = network.read(texts[:, start : start + together], seen, start)
                following = texts[:, start + 1 : start + together + 1]
                scores = functional.linear(hidden[:, : following.shape[1]].flatten(0, 1), network.head)
                functional.cross_entropy(scores, following.flatten(), reduction="sum")
            found.append(time.process_time() - begun)
    return count / min(found)


def speeds(
    trials: dict[str, Trial], sets: dict[bool, Rows], shapes: dict[bool, Shape], batch: int, turns: int = 5
) -> dict[str, float]:
    """Return the pieces a second of CPU time of each trial: the best of several turns, one step of each in a turn."""
    works, found = {}, dict.fromkeys(trials, 0.0)
    for name, trial in trials.items():
        rows = sets[trial.verse]
        network = Network(shapes[trial.verse], trial.options, rows.breaks).initialise(0)
        works[name] = network, optimisers_of(network, trial.muon), rows.learnt[: batch * trial.batch // ROW]
    for turn in range(turns + 1):
        for name, work in works.items():
            begun = time.process_time()
            make_step(*work, 1e-3)
            if turn:
                found[name] = max(found[name], work[2].size / (time.process_time() - begun))
    return found
