"""`searchgen lm list`: models that can be fetched, those that are here, conversions, and what other programs have."""

from collections.abc import Iterator
from typing import Annotated, Any

from searchgen.cli import options
from searchgen.cli.output import write_json, write_line

__all__ = ["HELP", "SHORT", "listing"]

SHORT = "List the models of the catalogue and of this machine."

HELP = """List the models of the catalogue, each with the command that fetches it. All conversions follow, with their sizes.

The GGUF files of Ollama ($OLLAMA_MODELS, ~/.ollama/models) and LM Studio on this machine come last. --lm takes the names and the paths.

Example: searchgen lm list
"""


def listing(json: Annotated[bool, options.Json] = False) -> None:
    """Print a line for each."""
    rows = [*_catalogue(), *_conversions(), *_of_others()]
    if json:
        for row in rows:
            write_json(row)
        return
    cells = [(row["kind"], row["name"], f"{row['bytes'] / 1e6:,.0f} MB", row["about"]) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for kind, name, size, about in cells:
        write_line(f"{kind:<{widths[0]}}  {name:<{widths[1]}}  {size:>{widths[2]}}  {about}".rstrip())


def _row(kind: str, name: str, size: int, about: str, **more: Any) -> dict[str, Any]:
    row = {"kind": kind, "name": name, "bytes": size, "about": about}
    return row | {"path": None, "languages": None, "licence": None, "default_of": None, "bits": None} | more


def _catalogue() -> Iterator[dict[str, Any]]:
    from searchgen.lm.catalogue.entries import entries
    from searchgen.lm.catalogue.folder import is_whole, place_of
    from searchgen.request.default_models import LANGUAGES, default_models

    mine = default_models()
    for entry in entries().values():
        here = is_whole(entry)
        of = [language for language, name in mine.items() if name == entry.name]
        default = f", the default of {' and '.join(LANGUAGES[one] for one in of)}" if of else ""
        state = f"here{default}" if here else f"searchgen lm get {entry.name}"
        writes = " and ".join(LANGUAGES[one] for one in entry.languages)
        yield _row(
            "catalogue",
            entry.name,
            entry.size,
            f"{state}; {entry.about}, {writes}, {entry.licence}",
            path=str(place_of(entry)) if here else None,
            languages=list(entry.languages),
            licence=entry.licence,
            default_of=of,
        )


def _conversions() -> Iterator[dict[str, Any]]:
    from searchgen.lm.catalogue.entries import entries
    from searchgen.lm.conversion.cached import conversions, digest_of

    names = {entry.sha256: entry.name for entry in entries().values()}
    for one in conversions():
        bits, licence = one.facts.get("bits"), one.facts.get("licence") or None
        name = names.get(digest_of(one)) or str(one.facts.get("file", one.folder.name))
        yield _row(
            "conversion", name, one.size, f"{bits} bits a weight", path=str(one.folder), licence=licence, bits=bits
        )


def _of_others() -> Iterator[dict[str, Any]]:
    from searchgen.lm.catalogue.lm_studio import found_files
    from searchgen.lm.catalogue.ollama import found_models

    for name, path, size in found_models():
        yield _row("Ollama", name, size, "", path=str(path))
    for path in found_files():
        yield _row("LM Studio", str(path), path.stat().st_size, "", path=str(path))
