"""Names in place of files: those of the catalogue, and those of models that Ollama has."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.catalogue.entries import entries, entry_of
from searchgen.lm.catalogue.folder import is_whole, place_of
from searchgen.lm.catalogue.ollama import PREFIX, find_model
from searchgen.lm.conversion.gguf_model import open_gguf
from searchgen.lm.conversion.model import ConvertedModel
from searchgen.lm.decoder.content_hash import TOKENIZER, WEIGHTS
from searchgen.lm.folders.source import folder_shape
from searchgen.lm.gguf.file import is_gguf
from searchgen.lm.neural.config_file import check_files
from searchgen.lm.protocol import ModelType

if TYPE_CHECKING:
    from searchgen.lm.neural.settings import NeuralSettings

__all__ = ["CATALOGUE", "OLLAMA", "convertible", "file_behind"]


def file_behind(name: str) -> Path:
    """Return the GGUF file that a name stands for.

    Args:
        name: of the catalogue, of Ollama's, or the path of a file.

    Raises:
        RequestError: there is no such file; the message names the command that fetches it.
    """
    if name in entries():
        return _fetched(name)
    if name.startswith(PREFIX):
        return find_model(name)
    path = Path(os.path.expanduser(name))
    if not is_gguf(path):
        raise RequestError(
            f"{name}: neither a name of the catalogue nor a GGUF file; searchgen lm list shows all models"
        )
    return path


def convertible(name: str) -> Path:
    """Return the GGUF file that a name stands for, or the folder in Hugging Face format that it names.

    Raises:
        RequestError: there is none, or the folder's network is not one that can be converted.
    """
    path = Path(os.path.expanduser(name))
    if name in entries() or not path.is_dir():
        return file_behind(name)
    check_files(path)
    if folder_shape(path) is None:
        raise RequestError(
            f"{name}: a LLaMA, Mistral, Qwen 2 or Qwen 3 with {WEIGHTS} and {TOKENIZER} is converted; --lm takes other folders as they are"
        )
    return path


def open_named(name: str, settings: "NeuralSettings", threads: int = 1) -> ConvertedModel:
    """Open a model of the catalogue, or of Ollama's.

    Raises:
        RequestError: it is not here, or cannot be opened.
    """
    return open_gguf(name, settings, threads, file_behind(name))


def _fetched(name: str) -> Path:
    entry = entry_of(name)
    place = place_of(entry)
    if not place.is_file():
        raise RequestError(
            f"{name} is not here; searchgen lm get {name} fetches it, {entry.size / 1e6:,.0f} MB, {entry.licence}"
        )
    if not is_whole(entry):
        raise ModelFileError(f"{place} is damaged, or of another version; searchgen lm get {name} fetches it again")
    return place


#: Models of the catalogue, as the registry of models lists them.
CATALOGUE = ModelType("catalogue", lambda name: name in entries(), open_named, large=lambda name: True)

#: Models that Ollama has.
OLLAMA = ModelType(
    "ollama", lambda name: name.startswith(PREFIX) and "," not in name, open_named, large=lambda name: True
)
