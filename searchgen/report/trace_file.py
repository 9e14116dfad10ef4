"""The moves of a run as JSON lines: first what the file holds, then a move a line."""

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from searchgen.files.whole import replacing
from searchgen.samplers.chains.frames import difference
from searchgen.samplers.chains.observer import MOST_MOVES, Event, Observer
from searchgen.version import __version__

__all__ = ["trace_rows", "write_trace"]

#: Decimals of a temperature, which is the inverse of what the chain has.
DECIMALS = 9


def write_trace(path: Path, observer: Observer, signature: str) -> None:
    """Write the moves that an observer has kept.

    Args:
        path: the file; it is there whole or not at all.
        observer: has seen the run.
        signature: replays the run.

    Raises:
        OSError: it cannot be written.
    """
    with replacing(path) as file:
        for row in trace_rows(observer, signature):
            file.write(json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n")


def trace_rows(observer: Observer, signature: str) -> Iterator[dict[str, Any]]:
    """Yield the first line of the file, then each kept move.

    Args:
        observer: has seen the run.
        signature: replays the run.
    """
    observer.settle()
    yield {
        "searchgen": __version__,
        "trace": observer.recorded,
        "moves": observer.made,
        "kept": observer.kept,
        "bound": f"of a run at most {MOST_MOVES:,} moves are kept: the last of each chain, and those of later stages first",
        "stages": {stage.name: stage.made for stage in observer.stages},
        "signature": signature,
    }
    target = observer.target
    if target is None:
        return
    printed = lru_cache(maxsize=4096)(target.printed)
    token = lru_cache(maxsize=65536)(lambda i: target.vocabulary.decode([i])[0])
    for event in observer.events():
        row = {
            "stage": event.stage,
            "chain": event.chain if event.chain >= 0 else None,
            "step": event.step,
            "move": event.move,
            "verdict": event.verdict,
            "temperature": None if event.temperature is None else round(event.temperature, DECIMALS),
            "log_density": event.after,
            "change": None if event.after is None or event.before is None else event.after - event.before,
        }
        yield {**row, **_edit(event, token), "text": None if event.after is None else printed(event.text)}


def _edit(event: Event, token: Any) -> dict[str, Any]:
    """Return the place of a move and the tokens that it takes and gives; null where they are not known."""
    if event.parent is None or event.verdict == "not legal":
        return {"at": None, "old": None, "new": None}
    at, old, new = difference(event.parent, event.text)
    return {"at": at, "old": [token(i) for i in old], "new": [token(i) for i in new]}
