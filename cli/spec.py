"""`searchgen spec`: what can be done with a spec besides using it."""

from typing import Annotated

import typer

from searchgen.cli.output import write_line

__all__ = ["app"]

VALIDATE = """Check a spec: every key, every value; print the request it stands for as one line of JSON.

Example: searchgen spec validate target.toml
"""

app = typer.Typer(name="spec", help="Check a spec.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _common() -> None:
    pass


@app.command(name="validate", help=VALIDATE, short_help="Check a spec.")
def validate(file: Annotated[str, typer.Argument(metavar="FILE", help="The spec.")]) -> None:
    """Read it, and print its request."""
    from searchgen.spec import read_spec

    write_line(read_spec(file).request({}, 0).canonical())
