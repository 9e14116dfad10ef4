"""The `searchgen` command: its verbs, and what becomes of every error."""

import os
import signal
import sys

import typer

from searchgen.cli import constrain, lm, warm_up
from searchgen.cli.output import complain, utf8
from searchgen.errors import SearchgenError
from searchgen.version import __version__

__all__ = ["app", "run"]

app = typer.Typer(
    name="searchgen",
    help="Texts that hold your words, always: sampled or searched under a language model, offline.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command(name="constrain", help=constrain.HELP)(constrain.constrain)
app.add_typer(lm.app, name="lm")
app.command(name="warm-up", help=warm_up.HELP)(warm_up.warm_up)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"searchgen {__version__}")
        raise typer.Exit()


@app.callback()
def _common(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version."),
) -> None:
    """Texts that hold your words, always: sampled or searched under a language model, offline."""


def run() -> None:
    """Run the command line and exit with the documented code.

    0 done; 2 the request is malformed; 3 well formed, but impossible or not found; 130 interrupted; 143 terminated;
    141 closed pipe; 1 anything else.
    """
    utf8()
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = app(standalone_mode=False) or 0
    except SearchgenError as error:
        complain(str(error))
        code = error.exit_code
    except KeyboardInterrupt:
        complain("interrupted")
        code = 130
    except BrokenPipeError:
        code = 141
    except typer.Abort:
        complain("interrupted")
        code = 130
    except Exception as error:
        code = _unexpected(error)
    _leave(code if isinstance(code, int) else 0)


def _unexpected(error: Exception) -> int:
    """Return the exit code of what typer refused (shown in its words) or of a fault of ours (shown in one line)."""
    if hasattr(error, "format_message"):
        context = getattr(error, "ctx", None)
        hint = f"; see: {context.command_path} --help" if context is not None else ""
        complain(f"{error.format_message().rstrip('.')}{hint}")
        return 2
    if isinstance(error, MemoryError):
        complain("out of memory; ask for fewer keywords or a narrower window")
        return 1
    if os.environ.get("SEARCHGEN_DEBUG"):
        raise error
    complain(f"unexpected {type(error).__name__}: {error}; please report it (SEARCHGEN_DEBUG=1 shows where)")
    return 1


def _terminate(_signal: int, _frame: object) -> None:
    complain("terminated")
    _leave(143)


def _leave(code: int) -> None:
    """Flush and exit; a reader that has gone away is no error of ours."""
    try:
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        code = 141
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)
