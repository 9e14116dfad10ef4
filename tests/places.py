"""Where things are in the repository."""

from pathlib import Path

__all__ = ["CORPORA", "DATA", "EXAMPLES", "ROOT"]

#: The folder that holds pyproject.toml.
ROOT = Path(__file__).resolve().parents[1]

CORPORA = ROOT / "corpora"

#: Specs that docs name.
EXAMPLES = ROOT / "examples"

#: Small files that tests read.
DATA = ROOT / "tests" / "data"
