"""`lm train` against a bare torch loop of the same shape, and scoring by onnxruntime against torch."""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import best, options

CORPUS = Path(__file__).resolve().parents[1] / "corpora" / "everyday-en.txt"


def flags_of(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this benchmark."""
    parser.add_argument("--size", default="tiny", help="tiny, small or base")
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--model", type=Path, help="a folder that lm train wrote; by default random weights are scored")


def main() -> None:
    """Measure, and print the table."""
    import torch

    torch.set_num_threads(1)
    with options("train_transformer", flags_of) as (flags, report), tempfile.TemporaryDirectory() as name:
        training(report, flags.size, flags.batch, flags.quick)
        resuming(report, Path(name) / "resumed")
        folder = flags.model or random_model(Path(name) / "random", flags.size)
        scoring(report, folder, Path(name), flags.quick)


def training(report: Any, size: str, batch: int, quick: bool) -> None:
    """Time steps in turns: ours, with packing, masks, clipping and schedule, and a bare loop on ready batches, both in the same numbers."""
    import torch
    from torch.nn import functional

    from searchgen.lm.neural.architectures.llama import Llama
    from searchgen.lm.training.optimiser import Optimiser
    from searchgen.lm.training.packing import pack, rows_of_step
    from searchgen.lm.training.products import product_dtype
    from searchgen.lm.training.recipe import ROW
    from searchgen.lm.training.steps import Stepper, rate_of_step

    shape = shape_of(size)
    rows = pack([[2 + (7 * i + j) % 8000 for j in range(5 + i % 40)] for i in range(4000)], ROW, 0)
    stepper = Stepper(Llama(shape).initialise(0))
    optimiser = Optimiser(stepper.network)
    bare = Llama(shape).initialise(0)
    bare_optimiser = torch.optim.AdamW(bare.parameters(), lr=1e-3, fused=True)
    ready = torch.from_numpy(rows[: batch // ROW].astype(np.int64))
    following = ready.roll(-1, 1)
    steps, products = iter(range(10**6)), product_dtype(stepper.device)

    def ours() -> None:
        step = next(steps)
        stepper.step(
            optimiser, rows[rows_of_step(step, batch // ROW, len(rows), 0)], rate_of_step(step, 100, 1e-3), step
        )

    def loop() -> None:
        with torch.autocast("cpu", products, enabled=products != torch.float32):
            scores = functional.linear(bare(ready).flatten(0, 1), bare.head)
        loss = functional.cross_entropy(scores.float(), following.flatten())
        loss.backward()
        bare_optimiser.step()
        bare_optimiser.zero_grad()

    took = in_turns({"ours": ours, "bare": loop}, 2 if quick else 5)
    ratio = took["bare"] / took["ours"]
    report.row(
        f"training, {size}, {shape.parameters / 1e6:.1f} M weights", f"{batch / took['ours']:,.0f} pieces/s of CPU time"
    )
    report.row("  of a bare torch loop, causal mask", f"{ratio:.1%}", ">= 85 %", ratio >= 0.85)
    report.numbers |= {"pieces": batch / took["ours"], "ratio": ratio}


def resuming(report: Any, output: Path) -> None:
    """Stop a training and measure the time until its next step."""
    from searchgen.lm.training import train
    from searchgen.lm.training.recipe import Recipe

    class Stop(Exception):
        pass

    def stop(line: str) -> None:
        if line.startswith("step "):
            raise Stop

    recipe, train.BETWEEN = Recipe(tokens=20480, batch=512), 0.0
    for turn in range(2):
        begun = time.perf_counter()
        try:
            train.train_transformer([CORPUS], output, recipe, device="cpu", say=stop)
        except Stop:
            took = time.perf_counter() - begun
        if turn:
            report.row("going on after a stop, until the next measurement", f"{took:.1f} s", "< 10 s", took < 10)


def random_model(folder: Path, size: str) -> Path:
    """Write a model with random weights and a tokenizer of the everyday sentences, padded to its size."""
    from safetensors.torch import save_file

    from searchgen.lm.neural.architectures.llama import Llama
    from searchgen.lm.training.tokenizer import CONFIG, train_tokenizer

    shape = shape_of(size)
    folder.mkdir()
    weights = Llama(shape).initialise(0, deviation=0.1).published()
    save_file({name: weight.contiguous() for name, weight in weights.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(shape.config(0, 1)), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    made = json.loads(train_tokenizer(CORPUS.read_text(encoding="utf-8").splitlines(), shape.vocabulary).to_str())
    pieces = made["model"]["vocab"]
    pieces |= {f"unused{number}": number for number in range(len(pieces), shape.vocabulary)}
    (folder / "tokenizer.json").write_text(json.dumps(made), encoding="utf-8")
    return folder


def scoring(report: Any, folder: Path, into: Path, quick: bool) -> None:
    """Score the same texts by torch and by onnxruntime, in turns, one thread."""
    from searchgen.lm.neural.transformer import open_transformer
    from searchgen.lm.onnx.export import export

    texts = CORPUS.read_text(encoding="utf-8").splitlines()[: 100 if quick else 400]
    models = {"torch, 32 bits": open_transformer(str(folder))}
    for bits in (32, 8):
        size = export(folder, into / f"{bits}.onnx", bits)
        models[f"onnxruntime, {bits} bits"] = open_transformer(str(into / f"{bits}.onnx"))
        report.row(f"file of {bits} bits", f"{size / 1e6:.1f} MB")
    pieces = sum(map(len, models["torch, 32 bits"].spelling.spell(texts)))
    scores = {name: model.log_probs(texts) for name, model in models.items()}
    reference = scores["torch, 32 bits"]

    def score(model: Any) -> None:
        model.forget()
        model.log_probs(texts)

    took = in_turns({name: lambda model=model: score(model) for name, model in models.items()}, 2 if quick else 5)
    for name, seconds in took.items():
        times = took["torch, 32 bits"] / seconds
        whole = name.endswith(" 8 bits")
        report.row(f"scoring by {name}", f"{len(texts) / seconds:,.0f} texts/s of CPU time")
        report.row("  over torch", f"{times:.2f} x", ">= 1.5 x" if whole else "", times >= 1.5 if whole else None)
        apart = np.abs(scores[name] - reference)
        told = f"{apart.mean():.2g}, most {apart.max():.2g}; in all {(scores[name].sum() - reference.sum()) / pieces:+.2g} a piece"
        report.row("  log p of a text, apart", told)


def shape_of(size: str) -> Any:
    """Return the shape of a size with 8,192 pieces."""
    from searchgen.lm.neural.architectures.llama_shape import Shape
    from searchgen.lm.training.recipe import ROW, SIZES

    one = SIZES[size]
    return Shape(8192, one.width, one.layers, one.heads, one.inner, ROW)


def in_turns(works: dict[str, Any], times: int) -> dict[str, float]:
    """Return the least CPU time of each, done in turns after one warm-up each."""
    for work in works.values():
        work()
    found = dict.fromkeys(works, float("inf"))
    for _ in range(times):
        for name, work in works.items():
            found[name] = min(found[name], best(work, 1))
    return found


if __name__ == "__main__":
    main()
