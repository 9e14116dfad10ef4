"""What a user reads: short sentences in help and messages, and lines that a terminal does not break inside a word."""

import ast
import inspect
import os
import re
import struct
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from searchgen import errors
from searchgen.cli.main import app
from searchgen.cli.output import complain
from tests.layout import modules

#: Words of a sentence at most.
MOST_WORDS = 22

#: Columns that an example has in a terminal of 80, where help is indented.
EXAMPLE_COLUMNS = 76

#: Functions that take a message for the user.
SPEAKERS = {"complain", "note", "notes.append", "BadParameter", *errors.__all__}

#: Words that are no plain English in a message.
ODD = re.compile(r"\b(so many|beside|told|anew|none of|what stands)\b")


def helps(path: str, command: Any) -> Iterator[tuple[str, str]]:
    """Yield each paragraph of help with the command, or the flag, that it explains."""
    for text in (command.help, command.short_help):
        for paragraph in re.split(r"\n\n|\n- ", inspect.cleandoc(text or "")):
            yield path, " ".join(paragraph.split())
    for parameter in command.params:
        yield f"{path} {parameter.opts[0]}", getattr(parameter, "help", None) or ""
    if hasattr(command, "list_commands"):
        for name in command.list_commands(None):
            yield from helps(f"{path} {name}", command.get_command(None, name))


HELPS = list(helps("searchgen", typer.main.get_command(app)))


def messages() -> Iterator[tuple[str, str]]:
    """Yield the messages of errors and notes in the sources, "X" for each value, with their place."""
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and node.args:
                name = ast.unparse(node.func)
                if any(name == speaker or name.endswith(f".{speaker}") for speaker in SPEAKERS):
                    yield f"{module.path}:{node.lineno}", "".join(literals(node.args[0]))


def literals(node: ast.AST) -> Iterator[str]:
    """Yield the parts of a message in order."""
    if isinstance(node, ast.JoinedStr):
        for value in node.values:
            yield from literals(value) if isinstance(value, ast.Constant) else ("X",)
    elif isinstance(node, ast.BinOp):
        yield from literals(node.left)
        yield from literals(node.right)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def long_sentences(text: str, ends: str) -> list[str]:
    """Return the sentences of a text that have too many words."""
    return [part for part in re.split(rf"(?<=[{ends}])\s+", text) if len(part.split()) > MOST_WORDS]


def test_help_has_short_sentences() -> None:
    examples = {path: text for path, text in HELPS if text.startswith("Example: ")}
    long = [
        (path, part) for path, text in HELPS if text not in examples.values() for part in long_sentences(text, ".!?")
    ]
    assert not long
    assert not [text for text in examples.values() if len(text) > EXAMPLE_COLUMNS]
    assert len(HELPS) > 300
    assert len(examples) > 20
    assert long_sentences("word " * MOST_WORDS + "word.", ".!?")


def test_json_is_explained_alike_everywhere() -> None:
    texts = [text for path, text in HELPS if path.endswith(" --json")]
    assert len(texts) > 10
    assert len(set(texts)) == 1


def test_help_and_messages_are_plain() -> None:
    spoken = [*HELPS, *messages()]
    assert len(spoken) > len(HELPS) + 200
    assert not [(place, text) for place, text in spoken if ODD.search(text)]


def test_messages_have_short_sentences() -> None:
    """A semicolon or a colon parts the fault from the way out."""
    assert not [(place, part) for place, text in messages() for part in long_sentences(text, ".!?;:")]


def on_a_terminal(message: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the lines that a terminal of this width shows."""
    fcntl, pty, termios = (pytest.importorskip(name) for name in ("fcntl", "pty", "termios"))  # not on Windows
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        complain(message)
        shown = os.read(ours, 10_000).decode()
    os.close(ours)
    return shown.splitlines()


def test_a_terminal_breaks_messages_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    message = "the folder /home/somebody/a-rather-long-name/of-a-folder cannot be written; name another folder"
    shown = on_a_terminal(message, 40, monkeypatch)
    assert " ".join(shown) == f"searchgen: {message}"
    assert len(shown) > 2
    assert all(len(line) <= 40 or " " not in line for line in shown)
    assert on_a_terminal(message, 120, monkeypatch) == [f"searchgen: {message}"]
    wide = on_a_terminal("猫 " * 10 + "狗", 30, monkeypatch)
    assert [len(line) for line in wide] == [22, 9]  # two columns a character
    complain(message)
    assert capsys.readouterr().err == f"searchgen: {message}\n"  # no terminal, one line
