"""`searchgen list`: what there is, from the registries themselves."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from searchgen.cli.output import write_json, write_line

__all__ = ["app"]

Json = typer.Option("--json", help="One JSON object a line.")

HELP = "List what there is."
CONSTRAINTS = "List the constraints.\n\nExample: searchgen list constraints\n"
SAMPLERS = "List the samplers, each with the kind of its results.\n\nExample: searchgen list samplers --json\n"
MODELS = "List the models that come with searchgen.\n\nExample: searchgen list models\n"

app = typer.Typer(name="list", help=HELP, rich_markup_mode=None)


@app.command(name="constraints", help=CONSTRAINTS, short_help="List the constraints.")
def constraints(json: Annotated[bool, Json] = False) -> None:
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
    _print(rows, json)


@app.command(name="samplers", help=SAMPLERS, short_help="List the samplers.")
def samplers(json: Annotated[bool, Json] = False) -> None:
    """Print name, kind and summary of each."""
    from searchgen.samplers.registry import methods

    _print([{"name": sampler.name, "kind": sampler.kind, "summary": sampler.summary} for sampler in methods()], json)


@app.command(name="models", help=MODELS, short_help="List the models.")
def models(json: Annotated[bool, Json] = False) -> None:
    """Print name and size of each."""
    from searchgen.lm.embedded import EMBEDDED, MIXED, data_file

    rows = []
    for name in EMBEDDED:
        files = [data_file(name), *([data_file(name, ".onnx")] if name in MIXED else [])]
        rows.append({"name": name, "bytes": sum(file.stat().st_size for file in files)})
    _print(rows, json)


def _print(rows: Sequence[Mapping[str, object]], json: bool) -> None:
    if json:
        for row in rows:
            write_json(row)
        return
    cells = [[f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        write_line("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n")[0]
