"""Batches of job files under a small model, and what they leave in a folder."""

import json
from pathlib import Path
from typing import Any

from tests.cli.runner import QUICK, Ran, model, searchgen
from tests.cli.schema import faults, schema


def batch(*arguments: str, stdin: bytes = b"") -> Ran:
    return searchgen("batch", *arguments, "--lm", model("en"), *QUICK, stdin=stdin)


def rows(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]
    assert not any(faults(row, schema("row.json")) for row in found)
    return found


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
