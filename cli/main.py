"""The `searchgen` command: its verbs, and what becomes of every error."""

import atexit
import errno
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

import typer

from searchgen.cli.commands import completion
from searchgen.cli.garbage import begin_loading
from searchgen.cli.output import complain, complain_of, hush, hush_libraries, utf8
from searchgen.cli.parts.demands import expanded
from searchgen.cli.signals import INTERRUPTED, TERMINATED, Sent, Terminated, end_at_once, unwind
from searchgen.errors import RequestError, SearchgenError
from searchgen.files.notices import hear_notices
from searchgen.lm import torch_threads
from searchgen.request.user_settings import in_force
from searchgen.version import __version__

__all__ = ["answer", "app", "run"]

HELP = "Generate text that is guaranteed to contain your words, by search or by sampling, offline."

#: One line a command: its file in `commands/`, or where `ELSEWHERE` says, and the function there, have its name.
COMMANDS = (
    "constrain",
    "infill",
    "rewrite",
    "fix",
    "similar",
    "sample",
    "score",
    "check",
    "compare",
    "explain",
    "selftest",
    "batch",
    "init",
    "config",
    "completion",
    "warm-up",
)

#: Commands that work and are on no list: their results are not good enough.
HIDDEN = ("shorten", "paraphrase")

#: Files of commands in other folders.
ELSEWHERE = {
    **{name: f"searchgen.cli.commands.texts.{name}" for name in ("infill", "rewrite", "fix", "shorten")},
    **{name: f"searchgen.cli.meaning.{name}" for name in ("similar", "paraphrase")},
}

#: Commands with commands of their own: the file that has their `app`.
GROUPS = {"lm": "searchgen.cli.lm.app", "spec": "searchgen.cli.commands.spec", "list": "searchgen.cli.commands.listing"}


class Commands(typer.core.TyperGroup):
    """The commands, each made when it is used: the flags of constraints take libraries that `--help` does without."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names."""
        return [*COMMANDS, *GROUPS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by name, None: there is none."""
        if cmd_name not in self.commands and cmd_name in (*COMMANDS, *HIDDEN, *GROUPS):
            self.commands[cmd_name] = _made(cmd_name)
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the names with what they do, without making the commands."""
        short = {name: _module(name).SHORT for name in COMMANDS}
        short |= {name: self.get_command(ctx, name).get_short_help_str(formatter.width) for name in GROUPS}
        with formatter.section("Commands"):
            formatter.write_dl(list(short.items()))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that a line names; a typing mistake is answered with the names that are near."""
        try:
            return super().resolve_command(ctx, args)
        except Exception as error:
            near = get_close_matches(args[0], self.list_commands(ctx)) if args else []
            if near and hasattr(error, "message") and "Did you mean" not in error.message:
                error.message = f"{error.message.rstrip('.')}. Did you mean {', '.join(map(repr, near))}?"
            raise


def _module(name: str) -> Any:
    return import_module(ELSEWHERE.get(name, f"searchgen.cli.commands.{name.replace('-', '_')}"))


def _made(name: str) -> Any:
    if name in GROUPS:
        group = typer.main.get_group(import_module(GROUPS[name]).app)
        group.name = name
        return group
    module, only = _module(name), typer.Typer(add_completion=False, rich_markup_mode=None)
    function = expanded(getattr(module, name.replace("-", "_")))
    only.command(name=name, help=module.HELP, short_help=module.SHORT)(function)
    return typer.main.get_command(only)


app = typer.Typer(name="searchgen", help=HELP, cls=Commands, add_completion=False, rich_markup_mode=None)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"searchgen {__version__}")
        raise typer.Exit()


@app.callback()
def _common(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def run() -> None:
    """Run the command line and exit with the code that `answer` returns."""
    # numpy's own matrix library would start a thread a core, which takes a twentieth of a second and is never used here
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    begin_loading()
    end_at_once()
    if not os.environ.get("SEARCHGEN_DEBUG"):
        hush_libraries()
    if completion.VARIABLE in os.environ:  # a shell asks how a line goes on
        typer.completion.completion_init()  # type: ignore[attr-defined]
        app(prog_name="searchgen")
    try:
        unwind()
        code = answer(sys.argv[1:])
    except (KeyboardInterrupt, Terminated) as ended:  # while an error was being written
        code = _ended(ended)
    end_at_once()
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        # What is left cannot be written; without this Python would try again at its end, and say so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = code or 141
    if code in (INTERRUPTED, TERMINATED):
        # Threads that load, compile or wait for a server would be waited for.
        atexit._run_exitfuncs()
        os._exit(code)
    sys.exit(code)


def answer(arguments: Sequence[str]) -> int:
    """Do what the arguments ask for, and return the exit code.

    Args:
        arguments: the words after `searchgen`; none of them asks for help.

    Returns:
        0 done; 2 the request is malformed; 3 well formed, but impossible or not found; 130 interrupted; 143 terminated;
        141 closed pipe; 1 anything else.
    """
    utf8()
    hush(False)
    hear_notices(complain)
    try:
        with torch_threads.claimed("a command"):
            _perform([_as_utf8(argument) for argument in arguments] or ["--help"])
    except SearchgenError as error:
        complain_of(error)
        return error.exit_code
    except (KeyboardInterrupt, Terminated) as ended:
        return _ended(ended)
    except BrokenPipeError:
        return 141
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort:
        return _ended(KeyboardInterrupt())
    except Exception as error:
        return _unexpected(error, arguments)
    return 0


def _perform(arguments: list[str]) -> None:
    # Not `app()`: it answers a closed pipe and an interruption with exit codes of its own.
    command = _command()
    with command.make_context("searchgen", arguments, default_map=_settled()) as context:
        command.invoke(context)


@cache
def _command() -> typer.core.TyperGroup:
    return typer.main.get_group(app)


def _settled() -> dict[str, dict[str, Any]]:
    """Return the user's settings as defaults of every command that has them."""
    values = {name: value for name, value, _ in in_force() if value is not None}
    return {command: values for command in COMMANDS if command != "config"}


def _as_utf8(argument: str) -> str:
    try:
        return os.fsencode(argument).decode()
    except UnicodeError:
        shown = argument.encode("ascii", "backslashreplace").decode()[:60]
        raise RequestError(f"argument {shown!r} is not UTF-8; write it in UTF-8") from None


def _named_by(arguments: Sequence[str]) -> str:
    """Return the command that a line names, as far as it names one."""
    path: list[str] = ["searchgen"]
    command: Any = _command()
    for name in arguments:
        below = getattr(command, "get_command", None)
        command = below and below(None, name)
        if command is None:
            break
        path.append(name)
    return " ".join(path)


def _unexpected(error: Exception, arguments: Sequence[str]) -> int:
    """Return the exit code of what typer refused (shown in its words) or of a fault of ours (shown in one line)."""
    if hasattr(error, "format_message"):
        complain(f"{error.format_message().rstrip('.')}; see: {_named_by(arguments)} --help")
        return 2
    if isinstance(error, MemoryError):
        complain("out of memory; ask for fewer keywords or a narrower window")
        return 1
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        if error.errno == errno.ENAMETOOLONG:
            complain(f"{where[:40]}... is too long to be the name of a file; name another")
            return 2
        complain(f"{where}{error.strerror or error}")
        return 1
    if os.environ.get("SEARCHGEN_DEBUG"):
        raise error
    complain(f"unexpected {type(error).__name__}: {error}; please report it (SEARCHGEN_DEBUG=1 shows where)")
    return 1


def _ended(ended: BaseException) -> int:
    """Return the exit code of a signal, said in one line."""
    if isinstance(ended, Sent):
        ended.heard = True
    is_terminated = isinstance(ended, Terminated)
    complain("terminated" if is_terminated else "interrupted")
    return TERMINATED if is_terminated else INTERRUPTED
