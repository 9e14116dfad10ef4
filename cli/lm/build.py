"""`searchgen lm build`: a model file from text."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchgen.cli.lm.texts import language_of, refuse_second_stdin
from searchgen.cli.numbers import decimal, whole
from searchgen.cli.output import Shown, complain, progress
from searchgen.cli.parts.outputs import output_place
from searchgen.errors import RequestError

if TYPE_CHECKING:
    from searchgen.lm.ngram.estimation.train import Recipe, Trained

__all__ = ["HELP", "SHORT", "build"]

SHORT = "Build an n-gram model from text."

HELP = """Build an n-gram model from text: files, folders (every .txt below them) or '-' for stdin.

Each line is a paragraph or a sentence, in UTF-8.

Output that ends in .arpa or .arpa.gz is ARPA text. Any other file has searchgen's own compressed format.

Example: searchgen lm build mytexts/ -o my.lm
"""

Output = typer.Option("--output", "-o", metavar="FILE", help="The file to write; it appears once it is complete.")
Cut = typer.Option(
    "--cut", metavar="LIST", help="Drop n-grams that occur at most this often: one number for each order."
)
MinCount = typer.Option("--min-count", metavar="N", parser=whole, help="Count words that occur less often as unknown.")
Language = typer.Option("--lang", metavar="LANG", help="en or zh; by default the language in which the text begins.")
Limit = typer.Option("--limit-vocab", metavar="N", parser=whole, help="Keep only the N most frequent words.")
HeldOut = typer.Option(
    "--held-out", metavar="PERCENT", parser=decimal, help="Leave out this share of the sentences, always the same ones."
)
HeldOutFile = typer.Option(
    "--held-out-file", metavar="FILE", help="Write the sentences left out to this file, one a line."
)
Repeats = typer.Option("--no-dedupe", help="Count repeated sentences each time.")
Raw = typer.Option("--raw-tokens", help="Split and print text at spaces only; no language is needed.")

STAGES = {"read": "reading", "count": "counting", "pack": "packing", "write": "writing"}


def build(
    texts: Annotated[list[str], typer.Argument(metavar="TEXT", help="Files, folders, or '-' for stdin.")],
    output: Annotated[Path, Output],
    order: Annotated[
        int, typer.Option("--order", metavar="N", parser=whole, help="Length of the longest n-grams, 1 to 6.")
    ] = 5,
    cut: Annotated[str, Cut] = "0,0,0,1,1",
    min_count: Annotated[int, MinCount] = 2,
    lang: Annotated[str | None, Language] = None,
    limit_vocab: Annotated[int | None, Limit] = None,
    held_out: Annotated[float, HeldOut] = 0.0,
    held_out_file: Annotated[Path | None, HeldOutFile] = None,
    no_dedupe: Annotated[bool, Repeats] = False,
    raw_tokens: Annotated[bool, Raw] = False,
) -> None:
    """Check what can be checked before the work, train, write, and say what came out."""
    from searchgen.lm.ngram.estimation.train import Recipe

    if bool(held_out) != (held_out_file is not None):
        raise RequestError("--held-out PERCENT and --held-out-file FILE go together; give both, or neither")
    _refuse_outputs(texts, [output] + ([held_out_file] if held_out_file else []))
    output = output_place("-o", output)
    held_out_file = output_place("--held-out-file", held_out_file) if held_out_file else None
    recipe = Recipe(
        order=order,
        cut=_numbers(cut),
        min_count=min_count,
        limit_vocabulary=limit_vocab,
        dedupe=not no_dedupe,
        held_out=held_out,
    )
    recipe = replace(recipe, form=_form(texts, lang, raw_tokens))
    with progress("reading") as show:
        trained = _Training(texts, output, recipe, show).trained()
    if held_out_file:
        _write_lines(held_out_file, trained.held_out)
    facts = trained.metadata
    complain(
        f"{output}: {facts['words']:,} words from {facts['sentences']:,} sentences ({facts['tokens']:,} tokens; "
        f"{facts['repeated_sentences']:,} repetitions left out), {_size(trained.size)}"
    )


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def _numbers(cut: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in cut.split(","))
    except ValueError:
        raise RequestError(
            f"--cut {cut!r}: give whole numbers with commas between them, one for each order, as in 0,0,0,1,1"
        ) from None


def _form(texts: Sequence[str], lang: str | None, raw_tokens: bool) -> str:
    if raw_tokens:
        if lang:
            raise RequestError(f"--raw-tokens has no language; drop it, or drop --lang {lang}")
        return "raw"
    if lang is None:
        lang = language_of(texts, "lm build -")
    if lang not in ("en", "zh"):
        raise RequestError(f"--lang {lang!r} is unknown; give en or zh, or --raw-tokens for text that is already split")
    return lang


def _refuse_outputs(texts: Sequence[str], outputs: Sequence[Path]) -> None:
    refuse_second_stdin(texts, "lm build -")
    for output in outputs:
        if output.is_dir():
            raise RequestError(f"{output} is a folder; name the file to write")
        if output.exists() and not output.is_file():  # a device would be replaced by the file
            raise RequestError(f"{output} is not a regular file; name another file to write")
        if not output.parent.is_dir():
            raise RequestError(f"{output}: there is no folder {output.parent}; make it, or name another file")
        if not os.access(output.parent, os.W_OK):
            raise RequestError(f"{output}: the folder {output.parent} cannot be written; name another file")
        for text in texts:
            with suppress(OSError):
                if output.samefile(text):
                    raise RequestError(f"{output} is one of the texts; name another file to write")
    if len(outputs) > 1 and outputs[0].resolve() == outputs[1].resolve():
        raise RequestError(f"{outputs[0]} cannot hold both the model and the held-out sentences; name two files")


@dataclass(frozen=True)
class _Training:
    texts: Sequence[str]
    output: Path
    recipe: "Recipe"
    show: Shown | None

    def trained(self) -> "Trained":
        """Train and write the file in the format that its name asks for."""
        from searchgen.lm.ngram.estimation.train import train

        about = {"sources": ", ".join(Path(text).name or text for text in self.texts)}
        if not self.output.name.endswith((".arpa", ".arpa.gz")):
            return train(self.texts, self.output, self.recipe, about=about, progress=self._tell)
        with tempfile.TemporaryDirectory() as folder:
            packed = train(self.texts, Path(folder) / "model", self.recipe, about=about, progress=self._tell)
            self._tell("write", 0.0)
            self._write_arpa(packed.path)
            self._tell("write", 1.0)
        return packed._replace(path=self.output, size=self.output.stat().st_size)

    def _write_arpa(self, packed: Path) -> None:
        from searchgen.lm.ngram.model import NGram
        from searchgen.lm.ngram.storage.arpa_writing import write_arpa
        from searchgen.lm.ngram.storage.unpacked import unpack

        # Not through `open_model`: the cache of decoded models is no place for one that is read once.
        counts, words, metadata, _ = unpack(packed)
        form = metadata["form"]
        write_arpa(NGram.from_counts(counts, words.split("\n"), form=form, name="", metadata=metadata), self.output)

    def _tell(self, stage: str, share: float) -> None:
        if self.show:
            self.show(STAGES.get(stage, stage), share)


def _write_lines(output: Path, lines: Sequence[str]) -> None:
    from searchgen.files.whole import write_whole

    write_whole(output, "".join(f"{line}\n" for line in lines).encode())
