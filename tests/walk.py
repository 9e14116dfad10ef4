"""Follows one request through the project's files, and counts where it goes.

    python -m tests.walk                 # both walks, a line a stay

A **stay** is a call from one file of the project into a function of another that is handed the request, or what it has become: flags, a
`Request`, its model, its `Target`, the guide, the run of a search, an `Outcome`, a `Record`; of a batch a job and its row. What a value is
asked about itself (`target.form`) is none. A call counts once, however often it is made. A **climb** is a stay in a higher layer of
`tests.layout.LAYERS` than the one it came from.
"""

import contextlib
import io
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

from searchgen.cli.main import answer
from tests.layout import FOLDERS, layer_of
from tests.places import ROOT

__all__ = ["Stay", "climbs", "keywords_walk", "row_walk", "walk"]

#: Of what the request is on its way, by the names of the types, those that do nothing: what one is asked about itself is no stay.
VALUES = {
    "Context",
    "Request",
    "ModelRef",
    "Source",
    "Target",
    "Guide",
    "Annealed",
    "Outcome",
    "Record",
    "Job",
    "Answer",
}

#: All that the request is on its way.
NOUNS = VALUES | {"Searcher", "NGramRun", "TransformerRun", "Prepared"}


class Stay(NamedTuple):
    """A call into another file: both files, relative to the repository, and both functions."""

    caller: str
    calling: str
    file: str
    function: str

    def __str__(self) -> str:
        return f"{self.caller}:{self.calling} -> {self.file}:{self.function}"


def walk(perform: Callable[[], Any]) -> list[Stay]:
    """Return the stays of whatever the requests of this thread go through, in the order in which they are first made."""
    stays: dict[Stay, None] = {}

    def follow(frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call":
            return
        file, caller = _file(frame.f_code), frame.f_back
        while caller is not None and _file(caller.f_code) is None:
            caller = caller.f_back
        if file is None or caller is None or frame.f_code.co_name.startswith("<"):
            return
        calling = _file(caller.f_code)
        if calling is not None and calling != file and _is_handed_on(frame):
            stays[Stay(calling, caller.f_code.co_name, file, frame.f_code.co_name)] = None

    before = sys.getprofile()
    sys.setprofile(follow)
    try:
        perform()
    finally:
        sys.setprofile(before)
    return list(stays)


def climbs(stays: list[Stay]) -> list[Stay]:
    """Return the stays in a higher layer than the one they came from."""
    return [stay for stay in stays if layer_of(stay.file) > layer_of(stay.caller)]


def keywords_walk() -> list[Stay]:
    """Return the walk from `--keywords` to the printed text, under the default model."""
    return walk(lambda: _answered("constrain", "--keywords", "dog,park,ball", "--seed", "7"))


def row_walk() -> list[Stay]:
    """Return the walk of a job of a batch to its row, under the default model."""
    with tempfile.TemporaryDirectory() as folder:
        jobs = Path(folder) / "jobs.jsonl"
        jobs.write_text('{"keywords": "dog,park", "seed": 3}\n', encoding="utf-8")
        return walk(lambda: _answered("batch", str(jobs), "-q", "-o", str(Path(folder) / "rows.jsonl")))


def _answered(*arguments: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = answer(arguments)
    if code != 0:
        raise RuntimeError(f"{' '.join(arguments)} ended with {code}")


@cache
def _file(code: CodeType) -> str | None:
    """Return the project's file that a function stands in, None: it is of a library, of a test, or generated."""
    path = Path(code.co_filename)
    if not path.is_absolute() or not path.resolve().is_relative_to(ROOT):
        return None
    found = path.resolve().relative_to(ROOT)
    return found.as_posix() if found.parts[0] in FOLDERS else None


def _is_handed_on(frame: FrameType) -> bool:
    names = frame.f_code.co_varnames[: frame.f_code.co_argcount + frame.f_code.co_kwonlyargcount]
    values = [frame.f_locals.get(name) for name in names]
    if names[:1] == ("self",) and type(values[0]).__name__ in VALUES:
        values = values[1:]
    return any(map(_holds_a_noun, values))


def _holds_a_noun(value: Any, depth: int = 2) -> bool:
    if depth and isinstance(value, list | tuple):
        return any(_holds_a_noun(each, depth - 1) for each in value[:50])
    return type(value).__name__ in NOUNS


def main() -> None:
    """Print both walks."""
    for name, found in (("--keywords to the text", keywords_walk()), ("a job to its row", row_walk())):
        print(f"{name}: {len(found)} stays, {len(climbs(found))} climbs")
        for stay in found:
            print(f"  {'^' if stay in climbs(found) else ' '} {stay}")


if __name__ == "__main__":
    main()
