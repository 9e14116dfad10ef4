"""Where things are in the repository."""

from pathlib import Path

__all__ = ["CORPORA", "DATA", "ROOT"]

#: The folder that holds pyproject.toml.
ROOT = Path(__file__).resolve().parents[1]

CORPORA = ROOT / "corpora"

#: Small files that tests read.
DATA = ROOT / "tests" / "data"
