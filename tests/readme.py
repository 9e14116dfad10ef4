"""The outputs shown in README.md, README.zh.md and docs/: run again, compared, refreshed.

    python -m tests.readme             # which differ; exit code 1 if one does
    python -m tests.readme --write     # put what the commands print now in their place

A block that begins with three backquotes and `console` holds commands after `$ `, each followed by what it prints on stdout and
stderr. Commands of one document that name a file in common are a chain. The commands of a chain run one after the other in one temporary
folder that holds the corpora, the specs and nothing else. Chains know nothing of each other. A line with pipes or other signs of the shell
runs in a shell. Every `searchgen` runs in this process, which has its compiled code and its models at hand.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, chdir
from itertools import pairwise
from math import isclose
from pathlib import Path
from select import select
from typing import NamedTuple
from unittest.mock import patch

from searchgen.cli.main import answer
from tests.cli.runner import searchgen
from tests.places import ROOT

__all__ = ["Shown", "chains", "documents", "printed", "readmes", "refreshed", "same", "shown"]

BLOCK = re.compile(r"(?<=^```console\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)

#: The names of files in a command, those of the corpora apart.
FILE = re.compile(r"(?<![\w./-])[\w-]+\.[a-z]\w*")

#: Lines that depend on what the cache holds.
NOISE = re.compile(r"^searchgen: compiling the .*\n", re.MULTILINE)

#: Numbers printed to their last bit. Those of a transformer differ there from processor to processor: onnxruntime has a kernel for each.
EXACT = re.compile(r"(-?\d+\.\d{9,}(?:e-?\d+)?)")

#: By how much they may differ, relatively: ten times the rounding of 32-bit floats.
ROUNDING = 1e-6

#: What no document may show: a fault of ours, not an output.
FAULT = re.compile(r"^Traceback|^searchgen: unexpected|command not found", re.MULTILINE)

#: The program `searchgen` of a shell. It keeps its standard files open, leaves its words in a file, says its process, and waits for a code.
SHIM = """#!/bin/sh
exec 3<&0 4>&1 5>&2
folder=$(dirname "$0")
printf '%s\\0' "$@" > "$folder/$$"
echo $$ > "$folder/asked"
read -r code < "$folder/code"
exit "$code"
"""

#: The numbers that it gives them, and how they are opened.
FILES = ((3, "r"), (4, "a"), (5, "a"))

#: What a program reads of the terminal that it does not have here.
PAPER = {"COLUMNS": "80", "LC_ALL": "C.UTF-8"}


class Shown(NamedTuple):
    """A command in a document with what is shown to come out, and where both stand."""

    command: str
    output: str
    span: tuple[int, int]  # of the output


def documents() -> list[Path]:
    """Return the pages that show commands: README.md in each language, and those of docs/."""
    return [path for path in (*readmes(), *sorted((ROOT / "docs").glob("*.md"))) if shown(_text(path))]


def readmes() -> list[Path]:
    """Return README.md in each language, English first."""
    return sorted(ROOT.glob("README*.md"))


def shown(text: str) -> list[Shown]:
    """Return the commands of a document.

    Example:
        >>> shown("```console\\n$ echo 1\\n1\\n$ true\\n```\\n")
        [Shown(command='echo 1', output='1\\n', span=(20, 22)), Shown(command='true', output='', span=(29, 29))]
    """
    found = []
    for block in BLOCK.finditer(text):
        edges = [match.start() for match in re.finditer(r"^\$ ", block[0], re.MULTILINE)] + [len(block[0])]
        for start, end in pairwise(edges):
            command = block[0][start + 2 : block[0].index("\n", start)]
            low = block.start() + start + 2 + len(command) + 1
            found.append(Shown(command, text[low : block.start() + end], (low, block.start() + end)))
    return found


def same(shown: str, printed: str) -> bool:
    """Return whether an output is what a document shows, the last bits of its numbers apart.

    Example:
        >>> same("p -31.2237884665", "p -31.2237873714"), same("p -31.2237884665", "p -31.2236873714"), same("a 1", "a 2")
        (True, False, False)
    """
    before, after = EXACT.split(shown), EXACT.split(printed)
    if before[::2] != after[::2]:
        return False
    numbers = zip(map(float, before[1::2]), map(float, after[1::2]), strict=True)
    return all(isclose(one, other, rel_tol=ROUNDING) for one, other in numbers)


def chains(commands: Sequence[Shown]) -> list[list[Shown]]:
    """Return the commands of a document by chains: those that share files, directly or by others between, in their order.

    Example:
        >>> given = ["a > x.txt", "b corpora/en.txt", "c x.txt -o y.lm", "d corpora/en.txt", "e y.lm"]
        >>> [[one.command[0] for one in chain] for chain in chains([Shown(command, "", (0, 0)) for command in given])]
        [['a', 'c', 'e'], ['b'], ['d']]
    """
    found: list[tuple[set[str], list[int]]] = []
    for number, one in enumerate(commands):
        files, members = set(FILE.findall(one.command)), [number]
        for other in [other for other in found if other[0] & files]:
            found.remove(other)
            files, members = files | other[0], [*other[1], *members]
        found.append((files, sorted(members)))
    return [[commands[i] for i in members] for _, members in sorted(found, key=lambda each: each[1])]


def printed(chain: Sequence[Shown]) -> list[str]:
    """Return what the commands of a chain print now."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for name in ("corpora", "examples"):
            shutil.copytree(ROOT / name, folder / name)
        (folder / ".bin").mkdir()
        shim = folder / ".bin" / "searchgen"
        shim.write_text(SHIM, encoding="utf-8")
        shim.chmod(0o755)
        for name in ("asked", "code"):
            os.mkfifo(folder / ".bin" / name)
        return [_output(one.command, folder) for one in chain]


def refreshed(path: Path) -> str:
    """Return a document with the outputs that its commands have now."""
    text = _text(path)
    outputs = {
        one.span: output for chain in chains(shown(text)) for one, output in zip(chain, printed(chain), strict=True)
    }
    for (low, high), output in sorted(outputs.items(), reverse=True):
        text = text[:low] + output + text[high:]
    return text


def _output(command: str, folder: Path) -> str:
    words = _one_command(command)
    if words[0] != "searchgen":
        output = _output_of_shell(command, folder)
    else:
        with chdir(folder), patch.dict(os.environ, PAPER):
            output = searchgen(*words[1:], together=True).out
    if FAULT.search(output):
        raise RuntimeError(f"$ {command}\n{output[-2000:]}")
    return NOISE.sub("", output)


def _one_command(line: str) -> list[str]:
    """Return the words of a line that a shell reads as one command without signs of its own; else one empty word."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()$`*~")
    lexer.commenters = ""
    lexer.whitespace_split = True
    words = list(lexer)
    of_shell = "$" in line or any(set(word) <= set(lexer.punctuation_chars) for word in words)
    return [""] if of_shell else words


def _output_of_shell(command: str, folder: Path) -> str:
    environment = {**os.environ, **PAPER, "PATH": f"{folder / '.bin'}{os.pathsep}{os.environ['PATH']}"}
    # Opened for writing, too: so there is no end of what is asked, whoever closes it.
    asked = os.open(folder / ".bin" / "asked", os.O_RDWR)
    with open(folder / ".bin" / "printed", "a+b") as output, chdir(folder), patch.dict(os.environ, PAPER):
        output.truncate(0)
        shell = subprocess.Popen(
            ["sh", "-c", command], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        while shell.poll() is None:
            if select([asked], [], [], 0.01)[0]:
                code = _answered(os.read(asked, 64).decode().strip(), folder / ".bin")
                (folder / ".bin" / "code").write_text(f"{code}\n", encoding="ascii")
        os.close(asked)
        output.seek(0)
        return output.read().decode()


def _answered(process: str, folder: Path) -> int:
    """Run a command with the open files of a process of the shell, and return its exit code."""
    words = (folder / process).read_text(encoding="utf-8").split("\0")[:-1]
    with ExitStack() as files:
        streams = [files.enter_context(open(f"/proc/{process}/fd/{number}", mode)) for number, mode in FILES]
        with patch.multiple(sys, stdin=streams[0], stdout=streams[1], stderr=streams[2]):
            return answer(words)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def main() -> int:
    """Compare or refresh; return 1 when something differed and was not refreshed."""
    write = "--write" in sys.argv[1:]
    differing = 0
    with ProcessPoolExecutor(2) as pool:
        for path, new in zip(documents(), pool.map(refreshed, documents()), strict=True):
            old = shown(_text(path))
            for before, after in zip(old, shown(new), strict=True):
                if not same(before.output, after.output):
                    differing += 1
                    print(f"{path.relative_to(ROOT)}: $ {before.command}\n- {before.output}+ {after.output}")
            if write:
                path.write_text(new, encoding="utf-8")
    return int(differing > 0 and not write)


if __name__ == "__main__":
    sys.exit(main())
