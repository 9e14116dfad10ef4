"""`searchgen spec`: what can be done with a spec besides using it."""

from typing import Annotated

import typer

from searchgen.cli.output import write_json
from searchgen.errors import RequestError

__all__ = ["app"]

VALIDATE = """Check a spec: every key, every value, the sampler's options, and that its model is there.

What its request has other than the defaults is printed as one line of JSON.

Example: searchgen spec validate target.toml
"""

app = typer.Typer(name="spec", help="Check a spec.", rich_markup_mode=None)


@app.callback()
def _common() -> None:
    pass


@app.command(name="validate", help=VALIDATE, short_help="Check a spec.")
def validate(file: Annotated[str, typer.Argument(metavar="FILE", help="The spec.")]) -> None:
    """Read it, and print its request."""
    from searchgen.cli.requests import refuse_unusable
    from searchgen.request.from_toml import read_spec

    request = read_spec(file).request({}, 0)
    try:
        refuse_unusable(request)
    except RequestError as error:
        raise RequestError(f"{file}: {error}") from None
    write_json(request.differences())
