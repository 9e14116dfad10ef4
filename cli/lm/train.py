"""`searchgen lm train`: a transformer from text."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING, Annotated

import typer

from searchgen.cli.lm.texts import language_of, refuse_second_stdin
from searchgen.cli.numbers import decimal, whole
from searchgen.cli.output import complain, progress
from searchgen.errors import RequestError

if TYPE_CHECKING:
    from searchgen.lm.training.recipe import Recipe
    from searchgen.lm.training.train import Trained

__all__ = ["HELP", "SHORT", "train"]

SHORT = "Train a small transformer on text."

HELP = """Train a small transformer on text: files, folders (every .txt below them) or '-' for stdin. Needs the extra `neural`.

Each line is a paragraph or a sentence, in UTF-8. The output folder has Hugging Face format; its README.md describes the training and
shows the loss curve. To go on after an interruption, give the same command again.

Example: searchgen lm train mytexts/ -o my-lm/ --size tiny --minutes 60
"""

Output = typer.Option("--output", "-o", metavar="FOLDER", help="The folder to write.")
Size = typer.Option(
    "--size",
    metavar="SIZE",
    help="tiny, small or base: about 6, 12 or 25 million weights; the default is tiny, or the size of --start-from.",
)
Untied = typer.Option(
    "--untied",
    help="Give the output layer its own table: a third more weights for tiny, and a lower loss. --start-from keeps the table it has.",
)
Minutes = typer.Option(
    "--minutes", metavar="M", parser=decimal, help="Train for about M minutes (60 if --tokens is not given either)."
)
Tokens = typer.Option("--tokens", metavar="N", parser=whole, help="Learn from N pieces of text, repeats counted.")
Language = typer.Option("--lang", metavar="LANG", help="en or zh; by default the language in which the text begins.")
Batch = typer.Option(
    "--batch", metavar="N", parser=whole, help="Pieces in a step, a multiple of 256; 32768 suits a GPU."
)
Rate = typer.Option(
    "--rate",
    metavar="R",
    parser=decimal,
    help="The highest learning rate; the default depends on the size, and is halved with --start-from.",
)
Dropout = typer.Option(
    "--dropout", metavar="P", parser=decimal, help="Dropout rate; 0.1 suits texts that are read many times."
)
HeldOut = typer.Option(
    "--held-out", metavar="PERCENT", parser=decimal, help="Leave out this share of the sentences, always the same ones."
)
MaxWords = typer.Option(
    "--max-words",
    "--max-chars",
    metavar="N",
    parser=whole,
    help="Learn only from sentences of at most N words (characters in Chinese).",
)
Vocabulary = typer.Option("--vocab", metavar="N", parser=whole, help="Most pieces in the tokenizer; 8192 by default.")
Tokenizer = typer.Option("--tokenizer", metavar="FOLDER", help="Use the tokenizer of this model.")
StartFrom = typer.Option(
    "--start-from",
    metavar="MODEL",
    help="Begin with the weights and tokenizer of this model: a folder, a file of lm export, en or zh.",
)
Device = typer.Option("--device", metavar="DEVICE", help="auto (the first GPU, else the CPU), cpu, cuda or cuda:N.")
Threads = typer.Option("--threads", metavar="N", parser=whole, help="CPU threads; by default one for each core.")
Compiled = typer.Option(
    "--compile",
    help="Compile the network with torch first. This takes a minute and a C++ compiler; training is then a fifth faster.",
)


def train(
    texts: Annotated[list[str], typer.Argument(metavar="TEXT", help="Files, folders, or '-' for stdin.")],
    output: Annotated[Path, Output],
    size: Annotated[str | None, Size] = None,
    untied: Annotated[bool, Untied] = False,
    minutes: Annotated[float | None, Minutes] = None,
    tokens: Annotated[int | None, Tokens] = None,
    lang: Annotated[str | None, Language] = None,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", parser=whole, help="Seed of the weights and of the order of the text.")
    ] = 0,
    batch: Annotated[int, Batch] = 4096,
    rate: Annotated[float | None, Rate] = None,
    dropout: Annotated[float, Dropout] = 0.0,
    held_out: Annotated[float, HeldOut] = 5.0,
    max_words: Annotated[int | None, MaxWords] = None,
    vocab: Annotated[int | None, Vocabulary] = None,
    tokenizer: Annotated[Path | None, Tokenizer] = None,
    start_from: Annotated[str | None, StartFrom] = None,
    device: Annotated[str, Device] = "auto",
    threads: Annotated[int | None, Threads] = None,
    compiled: Annotated[bool, Compiled] = False,
) -> None:
    """Check what can be checked before the work, train, and say what came out."""
    from searchgen.lm.training.recipe import Recipe

    refuse_second_stdin(texts, "lm train -")
    _refuse(threads, vocab, start_from or tokenizer)
    named, alone = _shape(output, start_from)
    recipe = Recipe(
        size=size or named,
        untied=untied or alone,
        form=lang or "en",
        tokens=tokens,
        minutes=60.0 if minutes is None and tokens is None else minutes,
        seed=seed,
        batch=batch,
        rate=rate,
        dropout=dropout,
        held_out=held_out,
        max_words=max_words,
        vocabulary=Recipe.vocabulary if vocab is None else vocab,
        tokenizer=None if tokenizer is None else str(tokenizer),
        start_from=start_from,
    )
    if lang is None:
        recipe = replace(recipe, form=language_of(texts, "lm train -"))
    _train(texts, output, recipe, device, threads or os.cpu_count() or 1, compiled)


def _train(texts: list[str], output: Path, recipe: "Recipe", device: str, threads: int, compiled: bool) -> None:
    from searchgen.lm.training.train import train_transformer

    with progress("preparing") as show:
        trained = train_transformer(
            texts,
            output,
            recipe,
            device=device,
            threads=threads,
            compiled=compiled,
            command=join(["searchgen", *sys.argv[1:]]),
            show=show,
            say=complain,
        )
    _tell(output, trained, recipe)


def _tell(output: Path, trained: "Trained", recipe: "Recipe") -> None:
    """Say what came out, and if it is no better than what it began with."""
    done = trained.progress
    complain(
        f"{output}: {trained.parameters:,} weights, {done.best:.4f} bits a byte on held-out sentences "
        f"(step {done.best_step:,} of {done.steps:,}), {done.seconds / 60:.1f} minutes"
    )
    first, bits = done.held_out[0]
    if not first and bits <= done.best:
        complain(
            f"{recipe.start_from} began at {bits:.4f} bits a byte: train longer, or give a lower --rate than {recipe.peak:g}"
        )


def _refuse(threads: int | None, vocab: int | None, source: str | Path | None) -> None:
    """Refuse what can be seen to be wrong at once.

    Raises:
        RequestError: the libraries are missing, or a number is impossible.
    """
    from searchgen.lm.neural.opening import require_extra

    require_extra("lm train", "onnx")
    if threads is not None and threads < 1:
        raise RequestError(f"--threads {threads} is impossible; it must be at least 1")
    if vocab is not None and source:
        raise RequestError(f"--vocab {vocab}: the tokenizer of {source} has its pieces already; drop --vocab")


def _shape(output: Path, start_from: str | None) -> tuple[str, bool]:
    """Return size, and whether it is untied, of the model to begin with, which an interrupted training need not read again."""
    from searchgen.lm.training.prepared import kept_shape
    from searchgen.lm.training.warm_start import read_warm_start, size_of

    if start_from is None:
        return "tiny", False
    kept = kept_shape(output / "checkpoint")
    if kept is not None:
        return kept
    model = read_warm_start(start_from)
    return size_of(start_from, model), not model.shape.tied
