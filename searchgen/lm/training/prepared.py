"""What is made once, before the first step, and kept beside the checkpoints: tokenizer, packed rows, the weights to begin with."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from searchgen.errors import ModelFileError, RequestError, SearchgenError
from searchgen.lm.ngram.estimation.reading import Progress, text_files
from searchgen.lm.training.corpus import read_sentences
from searchgen.lm.training.packing import pack
from searchgen.lm.training.recipe import ROW, Recipe
from searchgen.lm.training.tokenizer import read_tokenizer, refuse_other_script, train_tokenizer
from searchgen.lm.training.warm_start import read_warm_start, size_of

__all__ = ["Prepared", "kept_shape", "prepare", "reopen"]

#: Of what is kept, and of the way it is learnt from: another one cannot go on with it.
FORMAT = 2

#: Held-out pieces that are scored at each measurement: the first sentences by their hash.
MEASURED = 1 << 15

#: The file of the weights to begin with.
WEIGHTS = "beginning.safetensors"

#: Sentences encoded at once.
PORTION = 10_000


@dataclass(frozen=True)
class Prepared:
    """Rows to learn from and to measure with.

    Attributes:
        tokenizer: contents of tokenizer.json.
        rows: (R, ROW) uint16 to learn from.
        measured: (M, ROW) uint16 of held-out sentences.
        facts: of the text: vocabulary, sentences, pieces, bytes, measured_bytes and so on.
        weights: to begin with, by the names of the transformers library; None: they are drawn.
    """

    tokenizer: str
    rows: npt.NDArray[np.uint16]
    measured: npt.NDArray[np.uint16]
    facts: dict[str, int]
    weights: dict[str, npt.NDArray[np.float32]] | None = None


def prepare(paths: Sequence[str | Path], folder: Path, recipe: Recipe, progress: Progress | None) -> Prepared:
    """Read the texts, make or take a tokenizer, pack rows, and keep all that in a new folder, which appears when it is whole.

    Raises:
        RequestError: the texts cannot be read, are too little, or in another script than the tokenizer.
        SearchgenError: the folder cannot be written.
    """
    progress = progress or (lambda stage, share: None)
    sources = _sources(paths)
    written, weights = _taken(recipe)
    learnt, held_out, repeated, longer = read_sentences(paths, recipe.form, recipe.held_out, progress, recipe.max_words)
    progress("tokenizer", 0.0)
    pieces_of = Tokenizer.from_str(written) if written else train_tokenizer(learnt, recipe.vocabulary)
    if written:
        refuse_other_script(pieces_of, learnt)
    progress("tokenizer", 1.0)
    encoded = _encoded(pieces_of, learnt, progress)
    rows = pack(encoded, ROW, recipe.seed)
    sample = _measured(_encoded(pieces_of, held_out, lambda stage, share: None))
    if not len(rows) or not sample:
        raise RequestError(
            f"every sentence {'learnt from' if not len(rows) else 'held out'} has more than {ROW - 1} pieces; break the lines, "
            "or end sentences with marks"
        )
    facts = {
        "vocabulary": pieces_of.get_vocab_size(),
        "sentences": len(learnt),
        "pieces": sum(map(len, encoded)) + len(encoded),
        "bytes": sum(len(text.encode()) for text in learnt),
        "longer_than_a_row": sum(len(pieces) >= ROW for pieces in encoded),
        "repeated_sentences": repeated,
        "sentences_of_more_words": longer,
        "held_out_sentences": len(held_out),
        "measured_sentences": len(sample),
        "measured_bytes": sum(len(held_out[i].encode()) for i in sample),
    }
    measured = pack(list(sample.values()), ROW, 0)
    made = Prepared(pieces_of.to_str(), rows, measured, facts, weights)
    _keep(made, folder, {"format": FORMAT, "recipe": asdict(recipe), "sources": sources, "facts": facts})
    return made


def reopen(paths: Sequence[str | Path], folder: Path, recipe: Recipe) -> Prepared:
    """Return what was kept in a folder.

    Raises:
        RequestError: it was made of other texts or by another recipe; the message names the difference.
        ModelFileError: it is damaged.
    """
    try:
        written: dict[str, Any] = json.loads((folder / "prepared.json").read_text(encoding="utf-8"))
        rows, measured = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("rows", "measured"))
        tokenizer = (folder / "tokenizer.json").read_text(encoding="utf-8")
        Tokenizer.from_str(tokenizer)
        weights = load_file(folder / WEIGHTS) if (folder / WEIGHTS).is_file() else None
        then = {**asdict(Recipe()), **written["recipe"]}  # what versions before this one did not know was so
        sources, facts = written["sources"], written["facts"]
    except Exception as error:  # the tokenizers library raises Exception itself
        raise ModelFileError(f"{folder} is damaged ({error}); remove it to begin again") from None
    if written.get("format") != FORMAT:
        raise RequestError(
            f"{folder} holds an unfinished training of another version of searchgen; finish it with that, or remove it"
        )
    for name, value in asdict(recipe).items():
        if then[name] != value:
            raise RequestError(
                f"{folder} holds an unfinished training with {name} {then[name]}, not {value}: give the same command to go on, "
                "another -o, or remove that folder"
            )
    if sources != _sources(paths):
        raise RequestError(
            f"{folder} holds an unfinished training on other texts, or they have changed: give another -o, or remove that folder"
        )
    return Prepared(tokenizer, rows, measured, facts, weights)


def kept_shape(folder: Path) -> tuple[str, bool] | None:
    """Return the size of the network of an unfinished training, and whether it is untied; None: there is none, or it is damaged."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        recipe = json.loads((folder / "prepared.json").read_text(encoding="utf-8"))["recipe"]
        return recipe["size"], recipe.get("untied", False)
    return None


def _taken(recipe: Recipe) -> tuple[str | None, dict[str, npt.NDArray[np.float32]] | None]:
    """Return tokenizer and weights of the models that a recipe names.

    Raises:
        RequestError: they are of another kind or size.
    """
    if recipe.tokenizer:
        return read_tokenizer(Path(recipe.tokenizer)), None
    if not recipe.start_from:
        return None, None
    start = read_warm_start(recipe.start_from)
    size = size_of(recipe.start_from, start)
    if size != recipe.size:
        raise RequestError(f"--start-from {recipe.start_from} is of size {size}, not {recipe.size}; drop --size")
    if not (start.shape.tied or recipe.untied):
        raise RequestError(f"--start-from {recipe.start_from} has an output layer of its own; give --untied")
    weights = dict(start.weights)
    if recipe.untied:  # it begins as what it was tied to
        weights.setdefault("lm_head.weight", weights["model.embed_tokens.weight"])
    return start.tokenizer, weights


def _sources(paths: Sequence[str | Path]) -> list[list[Any]]:
    """Return name and size of each file; what is read from standard input has none."""
    return [[str(file) if file else "-", file.stat().st_size if file else None] for file in text_files(paths)]


def _encoded(tokenizer: Tokenizer, texts: Sequence[str], progress: Progress) -> list[list[int]]:
    rows: list[list[int]] = []
    for start in range(0, len(texts), PORTION):
        progress("encode", start / len(texts))
        portion = list(texts[start : start + PORTION])
        rows += [encoding.ids for encoding in tokenizer.encode_batch(portion, add_special_tokens=False)]
    progress("encode", 1.0)
    return rows


def _measured(encoded: Sequence[Sequence[int]]) -> dict[int, Sequence[int]]:
    """Return the first sentences that fit into a row, as many as are measured, by their numbers."""
    sample: dict[int, Sequence[int]] = {}
    total = 0
    for number, pieces in enumerate(encoded):
        if len(pieces) < ROW and total < MEASURED:
            sample[number] = pieces
            total += len(pieces) + 1
    return sample


def _keep(made: Prepared, folder: Path, about: dict[str, Any]) -> None:
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(f".{folder.name}.*"):  # of a run that was killed here
            shutil.rmtree(left, ignore_errors=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        np.save(temporary / "rows.npy", made.rows)
        np.save(temporary / "measured.npy", made.measured)
        if made.weights is not None:
            save_file(made.weights, temporary / WEIGHTS)
        (temporary / "tokenizer.json").write_text(made.tokenizer, encoding="utf-8")
        (temporary / "prepared.json").write_text(json.dumps(about), encoding="utf-8")
        temporary.chmod(0o755)
        temporary.rename(folder)
    except OSError as error:
        raise SearchgenError(
            f"{folder}: cannot be written ({error.strerror}); make room there or name another -o"
        ) from None
    finally:
        if temporary and temporary.exists():
            with suppress(OSError):
                shutil.rmtree(temporary)
