"""Models that Ollama has on this machine: manifests that name files, which are GGUF files.

FOLDER/manifests/HOST/OWNER/MODEL/TAG     JSON; one of its layers is the model's file, by its SHA-256
FOLDER/blobs/sha256-HASH                  the file
"""

import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.gguf.file import is_gguf

__all__ = ["PREFIX", "OllamaModel", "find_model", "found_models"]

#: What names of such models begin with.
PREFIX = "ollama:"

VARIABLE = "OLLAMA_MODELS"

#: The folder of the service that Ollama's installer makes on Linux.
SERVICE = Path("/usr/share/ollama/.ollama/models")

#: What stands for the parts of a name that are not written.
HOST, OWNER, TAG = "registry.ollama.ai", "library", "latest"

#: A part of a name: no way out of the folder.
PART = re.compile(r"[A-Za-z0-9_][\w.-]*")

DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")

#: Kinds of layers: the model's file, and weights to be added to it.
MODEL, ADAPTER = "application/vnd.ollama.image.model", "application/vnd.ollama.image.adapter"


class OllamaModel(NamedTuple):
    """A model that Ollama has.

    Attributes:
        name: as `--lm` takes it.
        path: of its file.
        size: of the file, in bytes.
    """

    name: str
    path: Path
    size: int


def folders() -> list[Path]:
    """Return where Ollama may keep its models: where its variable says, else in the user's home and its service's."""
    named = os.environ.get(VARIABLE)
    if named:
        return [Path(named)]
    home = Path(os.path.expanduser("~")) / ".ollama" / "models"
    return [home, SERVICE] if home.is_absolute() else [SERVICE]


def found_models() -> list[OllamaModel]:
    """Return the models that Ollama has whose files can be read here, by name."""
    found: dict[str, OllamaModel] = {}
    for folder in folders():
        for manifest in _manifests(folder):
            try:
                name = _name(manifest.relative_to(folder / "manifests"))
                path = _blob(name, folder, manifest)
                found.setdefault(name, OllamaModel(name, path, path.stat().st_size))
            except (RequestError, OSError):
                continue  # what cannot be taken is not shown
    return [found[name] for name in sorted(found)]


def find_model(name: str) -> Path:
    """Return the file of a model that Ollama has.

    Args:
        name: as `--lm` takes it: ollama:[[HOST/]OWNER/]MODEL[:TAG].

    Raises:
        RequestError: it has no such model, or one that is no single GGUF file.
        ModelFileError: its file is missing or damaged.
    """
    place = _place(name)
    for folder in folders():
        manifest = folder / "manifests" / place
        try:
            there = manifest.is_file()
        except OSError:  # the folder of a service may be closed to others
            continue
        if there:
            return _blob(name, folder, manifest)
    known = ", ".join(one.name for one in found_models()[:8])
    where = " and ".join(map(str, folders()))
    raise RequestError(
        f"{name}: Ollama has no such model in {where} ({known or 'nothing is there'}); "
        f"give ollama pull {name.removeprefix(PREFIX)}, or name another folder with {VARIABLE}"
    )


def _place(name: str) -> Path:
    """Return where the manifest of a model stands below the folder of manifests."""
    model, _, tag = name.removeprefix(PREFIX).partition(":")
    parts = [*model.split("/"), tag or TAG]
    if len(parts) > 4 or not all(PART.fullmatch(part) for part in parts):
        raise RequestError(f"{name[:80]!r} is no name of Ollama's; give ollama:MODEL:TAG, as in ollama:qwen2.5:0.5b")
    return Path(*(HOST, OWNER)[: 4 - len(parts)], *parts)


def _name(place: Path) -> str:
    """Return the name of the model whose manifest stands there.

    Example:
        >>> _name(Path("registry.ollama.ai/library/qwen2.5/0.5b")), _name(Path("hf.co/someone/some/latest"))
        ('ollama:qwen2.5:0.5b', 'ollama:hf.co/someone/some:latest')
    """
    host, owner, model, tag = place.parts
    owners = [] if (host, owner) == (HOST, OWNER) else [owner] if host == HOST else [host, owner]
    return f"{PREFIX}{'/'.join([*owners, model])}:{tag}"


def _manifests(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in (folder / "manifests").glob("*/*/*/*") if path.is_file())
    except OSError:
        return []


def _blob(name: str, folder: Path, manifest: Path) -> Path:
    """Return the file that a manifest names."""
    layers = _layers(name, manifest)
    kinds = [layer.get("mediaType") for layer in layers]
    if kinds.count(MODEL) != 1 or ADAPTER in kinds:
        raise RequestError(f"{name} is not made of one GGUF file; name another model")
    digest = DIGEST.fullmatch(str(layers[kinds.index(MODEL)].get("digest")))
    if digest is None:
        raise ModelFileError(f"{manifest} is damaged: it names no file; give ollama pull {name.removeprefix(PREFIX)}")
    path = folder / "blobs" / f"sha256-{digest[1]}"
    if not is_gguf(path):
        raise ModelFileError(
            f"{name}: its file {path} is missing, cannot be read, or is no GGUF file; "
            f"give ollama pull {name.removeprefix(PREFIX)}"
        )
    return path


def _layers(name: str, manifest: Path) -> list[dict[str, Any]]:
    try:
        layers = json.loads(manifest.read_text(encoding="utf-8"))["layers"]
        if all(isinstance(layer, dict) for layer in layers):
            return list(layers)
        reason = "a layer is no object"
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:80]
    raise ModelFileError(
        f"{name}: its manifest {manifest} cannot be read ({reason}); give ollama pull {name.removeprefix(PREFIX)}"
    )
