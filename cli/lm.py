"""`searchgen lm`: build or train, describe and evaluate models."""

import typer

from searchgen.cli import lm_build, lm_eval, lm_export, lm_info, lm_train

__all__ = ["app"]

app = typer.Typer(help="Build or train, describe and evaluate models.", rich_markup_mode=None)
app.command(name="build", help=lm_build.HELP, short_help=lm_build.SHORT)(lm_build.build)
app.command(name="train", help=lm_train.HELP, short_help=lm_train.SHORT)(lm_train.train)
app.command(name="export", help=lm_export.HELP, short_help=lm_export.SHORT)(lm_export.export)
app.command(name="info", help=lm_info.HELP, short_help=lm_info.SHORT)(lm_info.info)
app.command(name="eval", help=lm_eval.HELP, short_help=lm_eval.SHORT)(lm_eval.evaluate)
