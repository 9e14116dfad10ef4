"""Model files that are sent to other machines, and kept there under their hash."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from searchgen.files.cache_folder import cache_folder
from searchgen.files.whole import write_whole

__all__ = ["sent_files", "written"]


def sent_files(names: Iterable[str]) -> dict[str, bytes]:
    """Return the contents of the models that are files with a relative path, by that path.

    Args:
        names: of models, as `--lm` gives them; others than such files are left out.

    Example:
        >>> sent_files(["en", "/nowhere/my.sgm"])
        {}
    """
    paths = {name: Path(name) for name in names}
    return {
        name: path.read_bytes()
        for name, path in paths.items()
        if not path.is_absolute() and ".." not in path.parts and path.is_file()
    }


def written(contents: Mapping[str, bytes]) -> Path:
    """Return the folder that holds files at their relative paths; one that is there already is not written again."""
    digest = hashlib.sha256()
    for name, content in sorted(contents.items()):
        digest.update(f"{name} {len(content)} ".encode() + hashlib.sha256(content).digest())
    folder = cache_folder() / "sent" / digest.hexdigest()[:32]
    for name, content in contents.items():
        path = folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
    return folder
