"""`searchgen lm info`: what a model is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from searchgen.cli import options
from searchgen.cli.output import complain, note, write_json, write_line

if TYPE_CHECKING:
    from searchgen.lm.ngram.model import NGram
    from searchgen.lm.protocol import ModelType

__all__ = ["HELP", "SHORT", "info"]

SHORT = "Describe a model."

HELP = """Describe a model: language, order, words, n-grams and training texts; or the sizes of a transformer.

Example: searchgen lm info en
"""


def info(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="As --lm takes it: en, zh, a file, a transformer, a server, a mixture."),
    ],
    json: Annotated[bool, options.Json] = False,
) -> None:
    """Open the model and print its facts."""
    from searchgen.lm.embedded import EMBEDDED, MIXED, data_file
    from searchgen.lm.neural.transformer import TRANSFORMER
    from searchgen.lm.ngram.load import load
    from searchgen.lm.open import model_type

    kind = model_type(model)
    if model in MIXED:
        facts = _facts_of_mixture(model)
    elif kind is TRANSFORMER:
        from searchgen.lm.neural.describe import describe

        facts = describe(model)
    elif kind is not None and kind.kind in ("gguf", "catalogue", "ollama"):
        facts = _facts_of_gguf(model, kind)
    elif kind is not None:
        facts = _facts_of_text_model(model, kind)
    else:
        opened = load(model, complain)
        path = data_file(model) if model in EMBEDDED else Path(model)
        facts = _facts(opened, path.stat().st_size)
    if json:
        write_json(facts)
        return
    for name, value in facts.items():
        write_line(f"{name.replace('_', ' '):<20} {_shown(value)}")


def _facts_of_text_model(name: str, kind: "ModelType") -> dict[str, Any]:
    """Return what is known of a model of any other kind: a server, a mixture, one that a contributor added."""
    from searchgen.lm.neural.settings import NeuralSettings
    from searchgen.lm.server.model import SERVER

    settings = NeuralSettings(end="newline") if kind is SERVER else NeuralSettings()  # a server has no end token
    return {"model": name, "kind": kind.kind, "hash": kind.open(name, settings, 1).hash}


def _facts_of_gguf(name: str, kind: "ModelType") -> dict[str, Any]:
    """Return what a GGUF file says of its model, and how it was converted; that is done now if it was not."""
    from searchgen.lm.catalogue.model import file_behind
    from searchgen.lm.conversion.bits import chosen_bits
    from searchgen.lm.conversion.converting import convert
    from searchgen.lm.conversion.gguf_model import require_extra
    from searchgen.lm.decoder.content_hash import hash_of

    path = file_behind(name)
    require_extra(f"{path}, a GGUF file,")
    digest = hash_of(path)
    converted = convert(path, chosen_bits(path), note)
    shown = ("architecture", "parameters", "layers", "width", "vocabulary", "context", "bits", "licence")
    facts = {key: converted.facts[key] for key in shown}
    files = {"file": str(path), "bytes": path.stat().st_size, "conversion": str(converted.folder)}
    about = {"model": name, "kind": kind.kind, "name": converted.facts["name"]}
    return {**about, **facts, **files, "converted_bytes": converted.size, "sha256": digest}


def _facts_of_mixture(name: str) -> dict[str, Any]:
    """Return what the parts of an embedded mixture are."""
    from searchgen.lm.embedded import MIXED, data_file, ngram_name
    from searchgen.lm.neural.describe import describe
    from searchgen.lm.open import open_text_model

    transformer = describe(str(data_file(name, ".onnx")))
    size = transformer["bytes"] + data_file(name).stat().st_size
    parts = [f"{ngram_name(name)} {1 - MIXED[name]:g}", f"transformer {MIXED[name]:g}"]
    about = {"model": name, "kind": "mixture", "parts": parts}
    return {**transformer, **about, "bytes": size, "hash": open_text_model(name).hash}


def _facts(model: "NGram", size: int) -> dict[str, Any]:
    about = dict(model.metadata)
    counts = about.pop("counts", None)
    for internal in ("counts_of_counts", "lengths", "codecs", "more", "form", "order", "words"):
        about.pop(internal, None)
    return {
        "model": model.name,
        "text_form": model.form,
        "order": model.order,
        "words": model.size - 3,
        "ngrams": counts,
        "bytes": size,
        "hash": model.hash,
        **about,
    }


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    return f"{value:,}" if isinstance(value, int) else str(value)
