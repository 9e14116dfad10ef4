"""Writes docs/commands.md from the commands themselves: python -m tests.commands_page"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import typer

from searchgen.cli.main import app
from searchgen.constraints.length import MOST_WORDS
from searchgen.record import Record
from searchgen.request.request import (
    CHAINS_PER_TEXT,
    MOST_SECONDS,
    MOST_TEXTS,
    STEPS_PER_SECOND,
    Annealing,
)
from tests.places import ROOT

PAGE = ROOT / "docs" / "commands.md"

INTRODUCTION = """\
# Commands

Written by `python -m tests.commands_page` from the commands themselves; a test fails when this page is out of date.

Texts go to stdout, one a line; everything else goes to stderr. Input and output are UTF-8 whatever the locale. Warnings and log lines of
libraries are dropped; `SEARCHGEN_DEBUG=1` shows them, and where an unexpected error came from.

| exit code | meaning |
|---|---|
| 0 | done |
| 2 | the request is malformed: empty list, min > max, unknown name, unreadable file |
| 3 | well formed, but impossible or not found; with `--keywords -`: at least one line had no answer; `check`: a line fails |
| 130, 143, 141 | interrupted (Ctrl-C), terminated (SIGTERM), closed pipe |
| 1 | anything else; `selftest`: a property does not hold |

Lists (`--keywords`, `--forbid`) are split at `,`, `，` and `、`; the flags may be repeated. `|` separates alternatives, a backslash makes
any of these signs a plain one, and `@FILE` stands for the lines of a UTF-8 file, each one entry with its commas kept.
"""

FIELDS = """\
## JSON lines

One object a line, the same in every command that prints texts and in the results of a batch; `searchgen/schema/record.json` is its JSON
Schema. Null: the field does not apply to the command, or there is no such text. A line of stdin without an answer has `text` "".

| field | value |
|---|---|
"""

BESIDE = {
    "status": '"ok"; else "malformed", "impossible" or "not found".',
    "error": "why there is no text; null for a text.",
    "terms": "of `score`: parts of log_prob, the model's and the spelling of unknown words.",
    "log_p": "of `score`: natural log of each token's probability, and of the end's.",
    "reason": "of `score`: why log_prob is null for a text: its probability is 0; absent otherwise.",
    "unknown": "of `score`: the tokens that the model does not know.",
    "passes": "of `check`: whether the line satisfies every constraint.",
}


def page() -> str:
    """Return the text of the page."""
    command = typer.main.get_command(app)
    sections = [
        INTRODUCTION,
        *_sections("searchgen", command),
        _budgets(),
        FIELDS.rstrip("\n") + "\n" + "".join(_fields()),
    ]
    return "\n".join(sections)


def _sections(path: str, command: Any) -> Iterator[str]:
    inner = (
        {name: command.get_command(None, name) for name in command.list_commands(None)}
        if hasattr(command, "get_command")
        else {}
    )
    if not inner:
        yield _section(path, command)
    for name, child in inner.items():
        yield from _sections(f"{path} {name}", child)


def _section(path: str, command: Any) -> str:
    help_text = inspect.cleandoc(command.help)
    words, _, example = help_text.partition("Example: ")
    usage = " ".join(
        [path, *(f"{one.metavar}{'...' if one.nargs == -1 else ''}" for one in command.params if not _flags(one))]
    )
    rows = "".join(f"| {_name(one)} | {_explained(one)} |\n" for one in command.params)
    block = f"\nExample: `{example.strip()}`\n" if example else ""
    table = f"\n| | |\n|---|---|\n{rows}" if rows else ""
    return f"## {path}\n\n    {usage}{' [OPTIONS]' if rows else ''}\n\n{words.strip()}\n{block}{table}"


def _flags(parameter: Any) -> list[str]:
    return [flag for flag in (*parameter.opts, *parameter.secondary_opts) if flag.startswith("-")]


def _name(parameter: Any) -> str:
    shown = "" if getattr(parameter, "is_flag", False) or not _flags(parameter) else f" {parameter.metavar}"
    return f"`{', '.join(_flags(parameter)) or parameter.metavar}{shown}`"


def _explained(parameter: Any) -> str:
    default = parameter.default
    plain = default is None or default is False or default == [] or not _flags(parameter) or callable(default)
    if parameter.required or plain or "Ellipsis" in repr(default):
        return str(parameter.help)
    shown = parameter.opts[0] if default is True else default
    return f"{parameter.help} Default: `{shown}`."


def _budgets() -> str:
    plan = Annealing()
    budgets = {seconds: plan.for_budget(seconds) for seconds in (0.1, 0.6, 1, 6, 60)}
    rows = "".join(f"| {seconds:g} | {budget.chains * budget.steps:,} |\n" for seconds, budget in budgets.items())
    return (
        "## Budgets\n\n"
        "Work is counted in steps, so that a job gives the same texts on every machine. `--budget SECONDS`, for each set, stands\n"
        f"for {STEPS_PER_SECOND:,} steps a second, over {plan.chains} chains, or {CHAINS_PER_TEXT} for each text if those are more.\n"
        f"Without it each chain makes {plan.steps:,} steps.\n\n"
        f"| seconds | steps |\n|---|---|\n{rows}\n"
        "The clock only ends runs that take many times longer than they should; JSON says so (`stopped_early`).\n"
        f"At most {MOST_TEXTS:,} texts, {MOST_WORDS} words and {MOST_SECONDS:,} seconds can be asked for.\n"
    )


def _fields() -> Iterator[str]:
    attributes = re.findall(r"^    (\w+): ((?:.|\n        )+)", inspect.cleandoc(Record.__doc__ or ""), re.MULTILINE)
    for name, meaning in attributes:
        if name != "demanded":
            yield f"| `{name}` | {' '.join(meaning.split()).replace('None', 'null')} |\n"
    yield from (f"| `{name}` | {meaning} |\n" for name, meaning in BESIDE.items())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
