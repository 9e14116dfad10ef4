"""searchgen: texts that satisfy every hard constraint, sampled or searched under a language model.

The names below are imported when they are first used, so that `import searchgen` costs nothing.
"""

from importlib import import_module
from typing import Any

from searchgen.version import __version__

#: Where each public name is.
PUBLIC = {
    "Request": "searchgen.request.request",
    "Target": "searchgen.target",
    "Terms": "searchgen.request.request",
    "constrain": "searchgen.api",
    "draw": "searchgen.api",
    "load": "searchgen.api",
    "opaque": "searchgen.black_box_terms",
    "sample": "searchgen.api",
}

__all__ = ["__version__", *PUBLIC]


def __getattr__(name: str) -> Any:
    if name in PUBLIC:
        return getattr(import_module(PUBLIC[name]), name)
    raise AttributeError(f"module 'searchgen' has no attribute {name!r}")
