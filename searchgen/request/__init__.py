"""What a user asks for, as one typed value: from values, from TOML, from the user's settings."""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """Return a class of `searchgen.request.request` by its name here, where it stood in 0.1."""
    if name in ("Annealing", "Request", "Terms"):
        return getattr(import_module("searchgen.request.request"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
