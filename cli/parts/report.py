"""A run's diagnostics as a file: whole, or not at all."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from searchgen.errors import RequestError
from searchgen.files.whole import replacing

__all__ = ["refuse_unwritable", "write_report"]


def refuse_unwritable(name: str) -> None:
    """Refuse a report that could not be written, before the work is done.

    Raises:
        RequestError: the folder is missing or read-only, or the name is a folder's.
    """
    path = Path(name)
    if path.is_dir():
        raise RequestError(f"--report {name} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise RequestError(f"--report {name}: there is no folder {path.parent}; make it first")
    if not os.access(path.parent, os.W_OK):
        raise RequestError(f"--report {name}: the folder {path.parent} cannot be written")


def write_report(name: str, report: Mapping[str, Any]) -> None:
    """Write a report under a temporary name and rename it, so that a reader never sees half of it.

    Raises:
        OSError: it cannot be written.
    """
    content = json.dumps(report, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    with replacing(Path(name)) as file:
        file.write(content.encode())
