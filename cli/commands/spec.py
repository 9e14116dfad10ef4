"""`searchgen spec`: check a spec."""

from typing import Annotated

import typer

from searchgen.cli.output import write_json
from searchgen.errors import RequestError

__all__ = ["app"]

VALIDATE = """Check a spec: every key and value, the sampler's options, and that the model exists.

The values that differ from the defaults are printed as one line of JSON.

Example: searchgen spec validate target.toml
"""

app = typer.Typer(name="spec", help="Check a spec file.", rich_markup_mode=None)


@app.callback()
def _common() -> None:
    pass


@app.command(name="validate", help=VALIDATE, short_help="Check every key and value of a spec.")
def validate(file: Annotated[str, typer.Argument(metavar="FILE", help="Spec file.")]) -> None:
    """Read it, and print its request."""
    from searchgen.cli.requests import refuse_unusable
    from searchgen.request.from_toml import read_spec

    request = read_spec(file).request({}, 0)
    try:
        refuse_unusable(request)
    except RequestError as error:
        raise RequestError(f"{file}: {error}") from None
    write_json(request.differences())
