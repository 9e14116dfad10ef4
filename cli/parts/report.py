"""A run's diagnostics as a file: whole, or not at all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from searchgen.files.whole import replacing

__all__ = ["write_report"]


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write a report under a temporary name and rename it, so that a reader never sees half of it.

    Raises:
        OSError: it cannot be written.
    """
    content = json.dumps(report, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    with replacing(path) as file:
        file.write(content.encode())
