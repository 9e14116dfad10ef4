"""`searchgen lm`: build, describe and evaluate n-gram models."""

import typer

__all__ = ["app"]

app = typer.Typer(help="Build, describe and evaluate n-gram models.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _common() -> None:
    """Build, describe and evaluate n-gram models."""
