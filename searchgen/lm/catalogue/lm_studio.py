"""Models that LM Studio has on this machine: GGUF files, which `--lm` takes by their paths."""

import os
from contextlib import suppress
from pathlib import Path

from searchgen.lm.gguf.file import is_gguf

__all__ = ["found_files"]

#: Where it notes its folder, and where it was before it had one of that name.
POINTER, FORMER = ".lmstudio-home-pointer", Path(".cache") / "lm-studio"

#: What the names of files begin with that hold the eyes of a model, and no words.
EYES = "mmproj"


def found_files() -> list[Path]:
    """Return the GGUF files in LM Studio's folder."""
    home = Path(os.path.expanduser("~"))
    if not home.is_absolute():
        return []
    places = [home / ".lmstudio", home / FORMER]
    with suppress(OSError, ValueError):
        places.insert(0, Path((home / POINTER).read_text(encoding="utf-8").strip()))
    folder = next((place / "models" for place in places if (place / "models").is_dir()), None)
    if folder is None:
        return []
    try:
        files = sorted(folder.glob("*/*/*.gguf"))
    except OSError:
        return []
    return [path for path in files if not path.name.lower().startswith(EYES) and is_gguf(path)]
