"""`searchgen lm info`: what a model is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from searchgen.cli.output import complain, write_json, write_line

if TYPE_CHECKING:
    from searchgen.lm.ngram.model import NGram

__all__ = ["HELP", "SHORT", "info"]

SHORT = "Describe a model."

HELP = """Describe a model: language, order, words, n-grams, and how it was made; of a transformer its sizes.

Example: searchgen lm info en
"""


def info(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="en, zh, a model or ARPA file, or a transformer.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Open the model and print its facts."""
    from searchgen.lm import DATA, EMBEDDED, load
    from searchgen.lm.neural import is_transformer

    if is_transformer(model):
        from searchgen.lm.neural.describe import describe

        facts = describe(model)
    else:
        opened = load(model, complain)
        path = DATA / f"{model}.sgm" if model in EMBEDDED else Path(model)
        facts = _facts(opened, path.stat().st_size)
    if json:
        write_json(facts)
        return
    for name, value in facts.items():
        write_line(f"{name.replace('_', ' '):<20} {_shown(value)}")


def _facts(model: "NGram", size: int) -> dict[str, Any]:
    known = dict(model.metadata)
    counts = known.pop("counts", None)
    for internal in ("counts_of_counts", "lengths", "codecs", "more", "form", "order", "words"):
        known.pop(internal, None)
    return {
        "model": model.name,
        "text_form": model.form,
        "order": model.order,
        "words": model.size - 3,
        "ngrams": counts,
        "bytes": size,
        "hash": model.hash,
        **known,
    }


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    return f"{value:,}" if isinstance(value, int) else str(value)
