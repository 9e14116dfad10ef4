"""`searchgen lm eval`: how well a model predicts text."""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchgen.cli import options
from searchgen.cli.lm.texts import language_of, refuse_second_stdin
from searchgen.cli.output import complain, write_json, write_line
from searchgen.errors import RequestError, not_utf8
from searchgen.plain_json import plain

if TYPE_CHECKING:
    from searchgen.text import TextForm

__all__ = ["HELP", "SHORT", "evaluate"]

#: Endings of files that are models and no texts, even where such a file is missing.
NGRAMS = (".sgm", ".arpa", ".arpa.gz", ".lm", ".lm.gz")

SHORT = "Measure how well a model predicts text."

HELP = """Measure how well a model predicts text: files, folders (every .txt below them) or '-' for stdin.

Each line is a paragraph or a sentence, as in training. Name several models to compare them. Transformers and comparisons are measured in
bits per character; the ends of sentences count. --json prints an object for each model.

Example: searchgen lm eval my-lm en held-out.txt
"""

Raw = typer.Option("--raw-tokens", help="Confirm that the model's tokens are raw: the text is split at spaces only.")


def evaluate(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="en, zh, a model or ARPA file, a transformer, a mixture.")
    ],
    texts: Annotated[
        list[str],
        typer.Argument(metavar="TEXT", help="Files, folders, or '-' for stdin; more models may stand before them."),
    ],
    raw_tokens: Annotated[bool, Raw] = False,
    json: Annotated[bool, options.Json] = False,
) -> None:
    """Measure, and print the figures."""
    from searchgen.lm.open import model_type

    models = [model, *takewhile(_is_model, texts)]
    texts = texts[len(models) - 1 :]
    if not texts:
        unknown = (
            f"there is no file or folder {models[-1]}, and "
            if len(models) > 1 and not Path(models[-1]).exists()
            else ""
        )
        raise RequestError(
            f"{unknown}no text is given to evaluate {models[-1]} on; name files, folders or - (standard input)"
        )
    if len(models) == 1 and model_type(model) is None:
        _evaluate_words(model, texts, raw_tokens, json)
        return
    if raw_tokens:
        raise RequestError("--raw-tokens: a comparison, or a transformer, reads printed text; drop the flag")
    _evaluate_whole(models, texts, json)


def _is_model(name: str) -> bool:
    """Return whether an argument names a model rather than a text."""
    from searchgen.lm.embedded import EMBEDDED
    from searchgen.lm.ngram.storage.format import is_model_file
    from searchgen.lm.open import model_type

    if name == "-":
        return False
    if (name in EMBEDDED and not Path(name).exists()) or name.endswith(NGRAMS) or model_type(name) is not None:
        return True
    return is_model_file(Path(name))


def _evaluate_words(model: str, texts: Sequence[str], raw_tokens: bool, json: bool) -> None:
    from searchgen.lm.ngram.evaluate import evaluate as measured
    from searchgen.lm.ngram.load import load

    opened = load(model, complain)
    if raw_tokens and opened.form != "raw":
        raise RequestError(f"--raw-tokens: {model} is a model of printed text ({opened.form}); drop the flag")
    evaluation = measured(opened, _sentences(texts, opened.text_form))
    if json:
        write_json(plain({"model": opened.name, **evaluation._asdict(), "unknown_rate": evaluation.unknown_rate}))
        return
    if evaluation.reason:
        complain(f"{evaluation.reason}, so the perplexity is infinite")
    write_line(f"sentences             {evaluation.sentences:,}")
    write_line(f"tokens                {evaluation.tokens:,}")
    write_line(f"unknown words         {evaluation.unknown:,} ({evaluation.unknown_rate:.2%})")
    write_line(f"perplexity            {evaluation.perplexity:.2f}")
    write_line(f"without unknown words {evaluation.perplexity_known:.2f}")
    write_line(f"bits per character    {evaluation.bits_per_character:.3f}")


def _evaluate_whole(models: Sequence[str], texts: Sequence[str], json: bool) -> None:
    """Measure models on the same sentences, in units that all have."""
    from searchgen.lm.evaluation import evaluate_texts
    from searchgen.lm.ngram.evaluate import evaluate as measured
    from searchgen.lm.ngram.load import load
    from searchgen.lm.open import model_type, open_text_model
    from searchgen.lm.protocol import FillsMasks, HasContext
    from searchgen.text import text_form

    sentences = list(_sentences(texts, text_form(language_of(texts, "lm eval -"))))
    opened = {model: open_text_model(model) for model in models if model_type(model) is not None}
    for model, transformer in opened.items():
        if isinstance(transformer, FillsMasks):
            raise RequestError(f"{model} is a masked model, which gives a text no probability; name a causal model")
        if isinstance(transformer, HasContext):
            short = [text for text, read in zip(sentences, transformer.fits(sentences), strict=True) if read]
            if len(short) < len(sentences):
                complain(
                    f"{len(sentences) - len(short):,} sentences are too long for {model}; they are left out for all models"
                )
            sentences = short
    for model in models:
        if model in opened:
            figures = evaluate_texts(opened[model], sentences)._asdict()
        else:
            evaluation = measured(load(model, complain), sentences)
            figures = {"sentences": evaluation.sentences, "bits_per_character": evaluation.bits_per_character}
            if evaluation.reason:
                complain(f"{evaluation.reason}, so its bits per character are infinite")
        if json:
            write_json(plain({"model": model, **figures}))
            continue
        write_line(f"model                 {model}")
        for name, value in figures.items():
            write_line(f"{name.replace('_', ' '):<21} {f'{value:,}' if isinstance(value, int) else f'{value:.3f}'}")


def _sentences(texts: Sequence[str], form: "TextForm") -> Iterator[str]:
    from searchgen.cli.stdin import standard_input
    from searchgen.lm.ngram.estimation.reading import text_files
    from searchgen.text.sentences import sentences, training_text

    refuse_second_stdin(texts, "lm eval -")
    for file in text_files(texts):
        content = standard_input("lm eval -").read() if file is None else _content(file)
        for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
            try:
                paragraph = line.decode()
            except UnicodeDecodeError:
                raise RequestError(f"{file or 'standard input'}, line {number}: {not_utf8()}") from None
            for sentence in sentences(paragraph, form):
                yield training_text(sentence, form)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise RequestError(f"{file}: cannot be read ({error.strerror})") from None
