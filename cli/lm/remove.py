"""`searchgen lm remove`: what `lm get` fetched, and what was converted, deleted."""

import os
from pathlib import Path
from typing import Annotated

import typer

from searchgen.cli.output import complain
from searchgen.errors import RequestError

__all__ = ["HELP", "SHORT", "remove"]

SHORT = "Delete a fetched model and its conversions."

HELP = """Delete a model that lm get fetched, and its conversions. Your own files and Ollama's stay; only their conversions are deleted.

If the model was the default of a language, the embedded model takes its place.

Example: searchgen lm remove smollm2
"""


def remove(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="As --lm takes it: smollm2, ollama:NAME, FILE.gguf, FOLDER.")
    ],
) -> None:
    """Delete, reset and say both."""
    from searchgen.lm.catalogue.entries import entries
    from searchgen.request.default_models import LANGUAGES, default_models, use_model

    # First, so that no default is left that is not here.
    names = (name, str(Path(os.path.expanduser(name)).resolve()))  # lm use keeps whole paths
    mine = {language for language, model in default_models().items() if model in names}
    freed = _fetched_freed(name) if name in entries() else _converted_freed(name)
    if not freed and not mine:
        raise RequestError(f"{name}: nothing is fetched or converted; searchgen lm list shows all models")
    for language in sorted(mine):
        use_model(language, None)
        complain(f"{name} was the default of {LANGUAGES[language]}, which is {language} again")
    complain(f"{name}: {freed / 1e6:,.0f} MB are free")


def _fetched_freed(name: str) -> int:
    from searchgen.lm.catalogue.entries import entry_of
    from searchgen.lm.catalogue.fetching import remove_file
    from searchgen.lm.conversion.cached import remove_conversions

    entry = entry_of(name)
    return remove_file(entry) + remove_conversions(entry.sha256)


def _converted_freed(name: str) -> int:
    """Delete the conversions of a file that is not ours; it may be gone meanwhile."""
    from searchgen.lm.catalogue.model import convertible
    from searchgen.lm.conversion.cached import remove_conversions
    from searchgen.lm.decoder.content_hash import hash_of

    try:
        path = convertible(name)
        return remove_conversions(hash_of(path), path)
    except RequestError:
        return remove_conversions("", Path(os.path.expanduser(name)))
