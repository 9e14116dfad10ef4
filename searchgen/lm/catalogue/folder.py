"""Where fetched models lie: the user's folder for data, which nothing empties, unlike the cache."""

import os
from pathlib import Path

from searchgen.files.user_places import user_places
from searchgen.lm.catalogue.entries import Entry
from searchgen.lm.decoder.content_hash import hash_of

__all__ = ["VARIABLE", "is_whole", "models_folder", "place_of"]

#: The environment variable that names another folder.
VARIABLE = "SEARCHGEN_MODELS"


def models_folder() -> Path:
    """Return the folder of fetched models, which need not be there; for a user without a home one that cannot be written.

    Example:
        >>> models_folder().name != ""
        True
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    places = [place / "models" for place in user_places("data")] or [Path(os.devnull) / "models"]
    return next((place for place in places if place.is_dir()), places[0])


def place_of(entry: Entry) -> Path:
    """Return where the file of a model is, or would be."""
    return models_folder() / f"{entry.name}.gguf"


def is_whole(entry: Entry) -> bool:
    """Return whether the file of a model is here, and is the right one.

    Raises:
        ModelFileError: it cannot be read.
    """
    place = place_of(entry)
    return place.is_file() and place.stat().st_size == entry.size and hash_of(place) == entry.sha256
