"""`searchgen lm eval`: how well a model predicts text."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchgen.cli.output import complain, write_json, write_line
from searchgen.errors import RequestError

if TYPE_CHECKING:
    from searchgen.text import TextForm

__all__ = ["HELP", "SHORT", "evaluate"]

SHORT = "Measure how well a model predicts text."

HELP = """Measure how well a model predicts text: files, folders (every .txt below them) or '-' for stdin.

The text is read as it is in training: a paragraph or sentence a line.

Example: searchgen lm eval en held-out.txt
"""

Raw = typer.Option(
    "--raw-tokens", help="The model's tokens are raw, and the text is split at spaces: say that you know."
)


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="en, zh, or a model or ARPA file.")],
    texts: Annotated[list[str], typer.Argument(metavar="TEXT", help="Files, folders, or '-' for stdin.")],
    raw_tokens: Annotated[bool, Raw] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure, and print the figures."""
    from searchgen.lm import load
    from searchgen.lm.ngram.evaluate import evaluate as measured

    opened = load(model, complain)
    if raw_tokens and opened.form != "raw":
        raise RequestError(f"--raw-tokens: {model} is a model of printed text ({opened.form}); drop the flag")
    found = measured(opened, _sentences(texts, opened.text_form))
    if json:
        write_json({"model": opened.name, **found._asdict(), "unknown_rate": found.unknown_rate})
        return
    write_line(f"sentences             {found.sentences:,}")
    write_line(f"tokens                {found.tokens:,}")
    write_line(f"unknown words         {found.unknown:,} ({found.unknown_rate:.2%})")
    write_line(f"perplexity            {found.perplexity:.2f}")
    write_line(f"without unknown words {found.perplexity_known:.2f}")
    write_line(f"bits per character    {found.bits_per_character:.3f}")


def _sentences(texts: Sequence[str], form: "TextForm") -> Iterator[str]:
    from searchgen.cli.stdin import standard_input
    from searchgen.lm.ngram.reading import text_files
    from searchgen.text.sentences import sentences, training_text

    if texts.count("-") > 1:
        raise RequestError("- stands for stdin, which can be read once; give it once")
    for file in text_files(texts):
        content = standard_input("lm eval -").read() if file is None else _content(file)
        for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
            try:
                paragraph = line.decode()
            except UnicodeDecodeError:
                raise RequestError(f"{file or 'standard input'}, line {number}: not UTF-8") from None
            for sentence in sentences(paragraph, form):
                yield training_text(sentence, form)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise RequestError(f"{file}: cannot be read ({error.strerror})") from None
