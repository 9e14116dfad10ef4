"""Where the user's own files may lie: the places of the system, and those of freedesktop.org, which Linux has and others had before."""

import os
import sys
from pathlib import Path
from typing import Literal

__all__ = ["user_places"]

#: The variable that names the folder of each kind, and the folder in the user's home without it.
FREEDESKTOP = {
    "cache": ("XDG_CACHE_HOME", ".cache"),
    "config": ("XDG_CONFIG_HOME", ".config"),
    "data": ("XDG_DATA_HOME", os.path.join(".local", "share")),
}

#: The kinds of files, as annotations name them.
Kind = Literal["cache", "config", "data"]

#: Systems with places of their own; the other ones have those of freedesktop.org, for which nothing need be imported.
OTHERS = ("darwin", "win32")


def user_places(kind: Kind) -> list[Path]:
    """Return the folders of searchgen that may hold the user's files of a kind, the usual one first; a user without a home has no folder.

    Example:
        >>> {place.name for place in user_places("cache")} <= {"searchgen", "Cache"}
        True
    """
    variable, folder = FREEDESKTOP[kind]
    named = os.environ.get(variable)
    if named:
        return [Path(named) / "searchgen"]
    home = Path(os.path.expanduser("~"))  # Path.expanduser raises where there is no home
    common = [home / folder / "searchgen"] if home.is_absolute() else []
    return [*_native(kind), *common] if sys.platform in OTHERS else common


def _native(kind: Kind) -> list[Path]:
    """Return the place of a system that is not freedesktop.org's; the list is empty where the user has no home."""
    import platformdirs

    places = platformdirs.PlatformDirs("searchgen", appauthor=False)
    try:
        place: Path = getattr(places, f"user_{kind}_path")
    except (OSError, RuntimeError):
        return []
    return [place] if place.is_absolute() else []  # older releases leave a ~ that stands for nothing
