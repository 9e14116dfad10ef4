"""Architectures and ways to learn, one change at a time against the network of `lm train`, at equal steps on the same rows.

A file keeps each finished run, and those runs are not repeated. So the same command continues after a stop.
"""

import argparse
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple

import torch

from benchmarks.architecture_options import Options
from benchmarks.architecture_trials import ROW, TRIALS, Rows, Trial, edits, english, learn, speeds, verse
from benchmarks.common import options, shared
from searchgen.lm.neural.architectures.llama_shape import Shape

#: Further rates, as multiples of the rate of the seeds.
FACTORS = {"rate / 3": 1 / 3, "rate x 3": 3.0}

#: Lengths of the texts that are edited.
LENGTHS = (32, 128, 512)


class Run(NamedTuple):
    """One training."""

    trial: str
    seed: int
    factor: float


def flags_of(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this benchmark."""
    parser.add_argument("--results", type=Path, default=Path("architectures.jsonl"), help="file of finished runs")
    parser.add_argument("--table", action="store_true", help="only print the finished runs")
    parser.add_argument(
        "--only", metavar="TEXT", help="trials with this in their name, beside those they are compared with"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=1024, help=f"positions of a step, a multiple of {ROW}")
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--heads", type=int, default=3)
    parser.add_argument("--inner", type=int, default=256)
    parser.add_argument("--vocab", type=int, default=1024)


def main() -> None:
    """Make the runs that are missing, and print the table."""
    torch.set_num_threads(1)
    with options("architectures", flags_of) as (flags, report):
        if flags.quick:
            flags.steps, flags.seeds = 8, 1
        trials = {
            name: trial
            for name, trial in TRIALS.items()
            if not flags.only or flags.only in name or name in ("baseline", "verse: baseline")
        }
        book = Book(flags)
        if not flags.table:
            measure(flags, trials, book)
        print_table(trials, book, flags.seeds)
        for line in book.edits():
            print(line)
        report.numbers["results"] = book.records


class Book:
    """The file of finished runs; only those with the same settings count."""

    def __init__(self, flags: argparse.Namespace) -> None:
        names = ("steps", "batch", "rate", "width", "layers", "heads", "inner", "vocab")
        self.file, self.settings = flags.results, {name: getattr(flags, name) for name in names}
        written = self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []
        every = [record for line in written if (record := self._read(line))]
        self.records = [one for one in every if one["settings"] == self.settings]

    def _read(self, line: str) -> dict[str, Any]:
        with suppress(ValueError):  # a line that was cut off
            found: dict[str, Any] = json.loads(line)
            return found
        return {}

    def add(self, kind: str, **found: Any) -> None:
        """Keep and write a finding."""
        self.records.append({"kind": kind, "settings": self.settings, **found})
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write("\n" * self._is_cut() + json.dumps(self.records[-1]) + "\n")

    def _is_cut(self) -> bool:
        return self.file.exists() and self.file.read_bytes()[-1:] not in (b"", b"\n")

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the findings of a kind."""
        return [one for one in self.records if one["kind"] == kind]

    def runs(self) -> dict[Run, dict[str, Any]]:
        """Return the finished runs."""
        return {Run(one["trial"], one["seed"], one["factor"]): one for one in self.of("run")}

    def speeds(self) -> dict[str, float]:
        """Return pieces a second by trial, as measured last."""
        return {name: speed for one in self.of("speeds") for name, speed in one["speeds"].items()}

    def edits(self) -> Iterator[str]:
        """Give a line for each measurement of edits."""
        for one in self.of("edits"):
            told = ", ".join(f"{name} {count:,.0f}" for name, count in one["edits"].items())
            yield f"edits a second of CPU time, texts of {one['length']} pieces: {told}"


def measure(flags: argparse.Namespace, trials: dict[str, Trial], book: Book) -> None:
    """Make the runs: all trials with a seed, then with the next, then with other rates."""
    texts, poems = shared("corpora", "en"), shared("corpora", "zh", "tang.txt")
    if not texts or not poems:
        return
    sets = {False: english(texts, flags.vocab), True: verse(poems)}
    shapes = {kind: shape_of(flags, rows) for kind, rows in sets.items()}
    runs = [Run(name, seed, 1.0) for seed in range(flags.seeds) for name in trials]
    runs += [Run(name, 0, factor) for factor in FACTORS.values() for name in trials]
    for number, run in enumerate(runs):
        if number == len(trials):
            measure_speed(trials, sets, shapes, flags.batch, book)
        if run in book.runs():
            continue
        trial, rate = trials[run.trial], flags.rate * run.factor
        found = learn(trial, sets[trial.verse], shapes[trial.verse], run.seed, rate, flags.steps, flags.batch)
        book.add("run", **run._asdict(), **found)
        told = f"{found['bits']:.4f} bits a byte" if found["bits"] else "diverged"
        print(f"{run.trial}, seed {run.seed}, rate x {run.factor:.2g}: {told}, {found['cpu']:.0f} s", flush=True)


def shape_of(flags: argparse.Namespace, rows: Rows) -> Shape:
    """Return the shape of the network for some texts."""
    return Shape(rows.vocabulary, flags.width, flags.layers, flags.heads, flags.inner, ROW)


def measure_speed(
    trials: dict[str, Trial], sets: dict[bool, Rows], shapes: dict[bool, Shape], batch: int, book: Book
) -> None:
    """Time steps and edits, once."""
    if not trials.keys() <= book.speeds().keys():
        book.add("speeds", speeds=speeds(trials, sets, shapes, batch))
    for length in LENGTHS[len(book.of("edits")) :]:
        kinds = {"softmax": Options(), "linear": Options(linear=True)}
        found = {
            f"{name} {'whole' if whole else 'from the change'}": edits(one, shapes[False], length, whole)
            for name, one in kinds.items()
            for whole in (True, False)
        }
        book.add("edits", length=length, edits=found)


def print_table(trials: dict[str, Trial], book: Book, seeds: int) -> None:
    """Print the results as a table in Markdown."""
    runs, fast = book.runs(), book.speeds()
    print("| change | bits a byte | seeds | first loss above ln V | speed", *FACTORS, sep=" | ", end=" |\n")
    print("|---" * 7 + "|")
    for name, trial in trials.items():
        done = [runs[run] for seed in range(seeds) if (run := Run(name, seed, 1.0)) in runs]
        if not done:
            continue
        first = mean(one["first"] for one in done)
        like = fast.get("verse: baseline" if trial.verse else "baseline")
        speed = f"{fast[name] / like:.2f}" if like and name in fast else ""
        others = [bits_of(runs.get(Run(name, 0, factor))) for factor in FACTORS.values()]
        print(
            f"| {name} | {spread([one['bits'] for one in done])} | {len(done)} | {first:.2f} | {speed}",
            *others,
            sep=" | ",
            end=" |\n",
        )
    for name in ("baseline", "verse: baseline"):
        if name in fast:
            print(f"{name}: {fast[name]:,.0f} pieces a second of CPU time")


def bits_of(found: dict[str, Any] | None) -> str:
    """Write bits a byte of a run."""
    if found is None:
        return ""
    return "diverged" if found["bits"] is None else f"{found['bits']:.3f}"


def spread(bits: list[float | None]) -> str:
    """Write mean and standard deviation."""
    numbers = [one for one in bits if one is not None]
    if len(numbers) < len(bits):
        return f"diverged {len(bits) - len(numbers)} times"
    return f"{mean(numbers):.3f}" + (f" ± {stdev(numbers):.3f}" if len(numbers) > 1 else "")


if __name__ == "__main__":
    main()
