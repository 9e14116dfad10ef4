"""Writes docs/commands.md from the commands themselves: python -m tests.commands_page"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import typer

from searchgen.cli.main import app
from searchgen.constraints.length import MOST_WORDS
from searchgen.record import SHOWN_ONLY, Record
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

`python -m tests.commands_page` writes this page from the help of the commands. A test fails if the page is out of date.

Texts go to stdout, one per line; everything else goes to stderr. Input and output are UTF-8 in every locale. Warnings and log lines of
libraries are hidden. `SEARCHGEN_DEBUG=1` shows them, and the traceback of an unexpected error.

| exit code | meaning |
|---|---|
| 0 | done |
| 2 | the request is malformed: an empty list, min > max, an unknown name, an unreadable file |
| 3 | the request is well formed, but impossible, or no text was found; `--keywords -`: a line has no answer; `check`: a line fails |
| 130, 143, 141 | interrupted (Ctrl-C), terminated (SIGTERM), closed pipe |
| 1 | any other error; `selftest`: a property does not hold |

The entries of a list (`--keywords`, `--forbid`) are separated by `,`, `，` or `、`; the flags may be repeated. `|` or `｜` separates
alternatives. Straight quotation marks around an entry are taken off. A backslash makes any of these signs literal. `@FILE` stands for
the lines of a UTF-8 file; each line is one entry and keeps its commas.
"""

FIELDS = """\
## JSON lines

Each line is one object. Its fields are the same in every command that prints texts, and in the results of a batch. Their JSON Schema is
`searchgen/schema/record.json`. Null means that the field does not apply, or that there is no text. A line of stdin without an answer has
the `text` "".

| field | value |
|---|---|
"""

OTHER_FIELDS = {
    "status": '"ok", "malformed", "impossible" or "not found".',
    "error": "the reason why there is no text; else null.",
    "terms": "of `score`: the parts of log_prob, from the model and from the spelling of unknown words.",
    "log_p": "of `score`: natural log of the probability of each token, and of the end.",
    "reason": "of `score`: the reason why log_prob is null for a text: its probability is 0; else absent.",
    "unknown": "of `score`: the tokens that the model does not know.",
    "passes": "of `check`: whether the line satisfies every constraint.",
    "edits": "of commands that change texts: how many words and marks differ from `source`.",
    "similarity": "of these, and of `similar`: to `source`, from -1 to 1; null: there are no vectors for the language.",
    "overlap": "of these: twice the words in common with `source` over the words of both, 0 to 1.",
    "changes": "of these: for each stretch that differs its old and new characters, and where the new ones start.",
    "trail": "of these: the edits that led to the text, each with its kind, the text and the gain in nats.",
    "among": "of `similar`: the number of the line in the file, from 1.",
    "vectors": "of `similar`: what the vectors are of, `#` and their hash.",
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
    help_text = inspect.cleandoc(command.help).replace("\b\n", "")  # the sign that keeps lines apart in a terminal
    words, _, example = help_text.partition("Example: ")
    usage = " ".join(
        [path, *(f"{part.metavar}{'...' if part.nargs == -1 else ''}" for part in command.params if not _flags(part))]
    )
    rows = "".join(f"| {_name(part)} | {_explained(part)} |\n" for part in command.params)
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
    plain = default in (None, False, [], "") or not _flags(parameter) or callable(default)
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
        "Work is counted in steps, so that a job gives the same texts on every machine. `--budget SECONDS` is the time per set.\n"
        f"It stands for {STEPS_PER_SECOND:,} steps per second, shared by {plan.chains} chains, or by {CHAINS_PER_TEXT} per text if\n"
        f"that is more. Without `--budget`, each chain makes {plan.steps:,} steps.\n\n"
        f"| seconds | steps |\n|---|---|\n{rows}\n"
        "The clock only ends runs that take many times longer than planned; the JSON field is `stopped_early`.\n"
        f"The limits are {MOST_TEXTS:,} texts, {MOST_WORDS} words and {MOST_SECONDS:,} seconds.\n"
    )


def _fields() -> Iterator[str]:
    attributes = re.findall(r"^    (\w+): ((?:.|\n        )+)", inspect.cleandoc(Record.__doc__ or ""), re.MULTILINE)
    for name, meaning in attributes:
        if name not in SHOWN_ONLY:
            yield f"| `{name}` | {' '.join(meaning.split()).replace('None', 'null')} |\n"
    yield from (f"| `{name}` | {meaning} |\n" for name, meaning in OTHER_FIELDS.items())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
