"""`searchgen lm`: build or train, describe and evaluate models."""

import typer

from searchgen.cli.lm import build, eval, export, info, train

__all__ = ["app"]

app = typer.Typer(help="Build, train, describe and evaluate language models.", rich_markup_mode=None)
app.command(name="build", help=build.HELP, short_help=build.SHORT)(build.build)
app.command(name="train", help=train.HELP, short_help=train.SHORT)(train.train)
app.command(name="export", help=export.HELP, short_help=export.SHORT)(export.export)
app.command(name="info", help=info.HELP, short_help=info.SHORT)(info.info)
app.command(name="eval", help=eval.HELP, short_help=eval.SHORT)(eval.evaluate)
