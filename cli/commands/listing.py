"""`searchgen list`: constraints, samplers and models, from the registries themselves."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from searchgen.cli import options
from searchgen.cli.output import terminal_width, write_json, write_line
from searchgen.cli.parts.columns import columns

if TYPE_CHECKING:
    from searchgen.constraints.flags import Flag

__all__ = ["app"]

LANGUAGES = {"en": "English", "zh": "Chinese"}

HELP = "List the constraints, samplers and models."
CONSTRAINTS = "List the constraints with their flags.\n\nExample: searchgen list constraints\n"
SAMPLERS = "List the samplers with the kind of their draws.\n\nExample: searchgen list samplers --json\n"
MODELS = "List the models that come with searchgen.\n\nExample: searchgen list models\n"

app = typer.Typer(name="list", help=HELP, rich_markup_mode=None)


@app.command(name="constraints", help=CONSTRAINTS, short_help="List the constraints with their flags.")
def constraints(json: Annotated[bool, options.Json] = False) -> None:
    """Print name, flags and first sentence of each."""
    from searchgen.constraints import CONSTRAINTS as registry

    rows = [
        {
            "name": name,
            "flags": ", ".join(f"--{flag.name}" for flag in constraint.flags),
            "summary": _first_line(constraint.__doc__),
        }
        for name, constraint in registry.items()
    ]
    spelled = [", ".join(map(_spelled, constraint.flags)) for constraint in registry.values()]
    _print(rows, [[row["name"], flags, row["summary"]] for row, flags in zip(rows, spelled, strict=True)], json)


@app.command(name="samplers", help=SAMPLERS, short_help="List the samplers with the kind of their draws.")
def samplers(json: Annotated[bool, options.Json] = False) -> None:
    """Print name, kind and summary of each."""
    from searchgen.samplers.registry import methods

    rows = [{"name": sampler.name, "kind": sampler.kind, "summary": sampler.summary} for sampler in methods()]
    _print(rows, [list(row.values()) for row in rows], json)


@app.command(name="models", help=MODELS, short_help="List the models that come with searchgen.")
def models(json: Annotated[bool, options.Json] = False) -> None:
    """Print name, size and summary of each."""
    from searchgen.lm.embedded import EMBEDDED, MIXED, data_file

    rows: list[dict[str, Any]] = []
    for name in EMBEDDED:
        mixed = name in MIXED
        files = [data_file(name), *([data_file(name, ".onnx")] if mixed else [])]
        language = LANGUAGES[name.removesuffix("-ngram")]
        kind = "n-grams mixed with a small transformer; constrain uses it by default" if mixed else "n-grams alone"
        row = {"name": name, "bytes": sum(file.stat().st_size for file in files)}
        rows.append({**row, "summary": f"{language}: {kind}."})
    _print(rows, [[row["name"], f"{row['bytes'] / 1e6:.1f} MB", row["summary"]] for row in rows], json)


def _print(rows: Sequence[Mapping[str, object]], cells: Sequence[Sequence[str]], json: bool) -> None:
    """Print JSON, or the cells as columns."""
    if json:
        for row in rows:
            write_json(row)
        return
    for line in columns(cells, terminal_width()):
        write_line(line)


def _spelled(flag: "Flag") -> str:
    """Return a flag as a reader sees it, its opposite included."""
    negated = flag.type is bool and flag.usual and flag.free
    name = f"--no-{flag.name}" if negated else f"--{flag.name}"
    name = f"--[no-]{flag.name}" if flag.type is bool and flag.usual != flag.free else name
    return f"{name} ({', '.join(flag.also)})" if flag.also else name


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n")[0].replace("`", "")
