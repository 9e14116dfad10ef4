"""What is made of the texts once, before the first step: tokenizer and packed rows, kept beside the checkpoints."""

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
from tokenizers import Tokenizer

from searchgen.errors import ModelFileError, RequestError, SearchgenError
from searchgen.lm.ngram.reading import Progress, text_files
from searchgen.lm.training.corpus import read_sentences
from searchgen.lm.training.packing import pack
from searchgen.lm.training.recipe import ROW, Recipe
from searchgen.lm.training.tokenizer import refuse_other_script, train_tokenizer

__all__ = ["Prepared", "prepare", "reopen"]

#: Held-out pieces that are scored at each measurement: the first sentences by their hash.
MEASURED = 1 << 15

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
    """

    tokenizer: str
    rows: npt.NDArray[np.uint16]
    measured: npt.NDArray[np.uint16]
    facts: dict[str, int]


def prepare(
    paths: Sequence[str | Path], folder: Path, recipe: Recipe, tokenizer: Tokenizer | None, progress: Progress | None
) -> Prepared:
    """Read the texts, make or take a tokenizer, pack rows, and keep all that in a new folder, which appears when it is whole.

    Raises:
        RequestError: the texts cannot be read, are too little, or in another script than the tokenizer.
        SearchgenError: the folder cannot be written.
    """
    tell = progress or (lambda stage, share: None)
    sources = _sources(paths)
    learnt, held_out, repeated = read_sentences(paths, recipe.form, recipe.held_out, progress)
    tell("tokenizer", 0.0)
    pieces_of = tokenizer or train_tokenizer(learnt, recipe.vocabulary)
    if tokenizer:
        refuse_other_script(tokenizer, learnt)
    tell("tokenizer", 1.0)
    encoded = _encoded(pieces_of, learnt, tell)
    rows = pack(encoded, ROW, recipe.seed)
    sample = _measured(_encoded(pieces_of, held_out, lambda stage, share: None))
    facts = {
        "vocabulary": pieces_of.get_vocab_size(),
        "sentences": len(learnt),
        "pieces": sum(map(len, encoded)) + len(encoded),
        "bytes": sum(len(text.encode()) for text in learnt),
        "longer_than_a_row": sum(len(one) >= ROW for one in encoded),
        "repeated_sentences": repeated,
        "held_out_sentences": len(held_out),
        "measured_sentences": len(sample),
        "measured_bytes": sum(len(held_out[i].encode()) for i in sample),
    }
    measured = pack(list(sample.values()), ROW, 0)
    made = Prepared(pieces_of.to_str(), rows, measured, facts)
    _keep(made, folder, {"recipe": asdict(recipe), "sources": sources, "facts": facts})
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
        then, sources, facts = written["recipe"], written["sources"], written["facts"]
    except Exception as error:  # the tokenizers library raises Exception itself
        raise ModelFileError(f"{folder} is damaged ({error}); remove it to begin anew") from None
    for name, value in asdict(recipe).items():
        if then.get(name) != value:
            raise RequestError(
                f"{folder} holds an unfinished training with {name} {then.get(name)}, not {value}: give the same command to go on, "
                "another -o, or remove that folder"
            )
    if sources != _sources(paths):
        raise RequestError(
            f"{folder} holds an unfinished training on other texts, or they have changed: give another -o, or remove that folder"
        )
    return Prepared(tokenizer, rows, measured, facts)


def _sources(paths: Sequence[str | Path]) -> list[list[Any]]:
    """Return name and size of each file; what is read from standard input has none."""
    return [[str(file) if file else "-", file.stat().st_size if file else None] for file in text_files(paths)]


def _encoded(tokenizer: Tokenizer, texts: Sequence[str], tell: Progress) -> list[list[int]]:
    found: list[list[int]] = []
    for start in range(0, len(texts), PORTION):
        tell("encode", start / len(texts))
        portion = list(texts[start : start + PORTION])
        found += [one.ids for one in tokenizer.encode_batch(portion, add_special_tokens=False)]
    tell("encode", 1.0)
    return found


def _measured(encoded: Sequence[Sequence[int]]) -> dict[int, Sequence[int]]:
    """Return the first sentences that fit into a row, as many as are measured, by their numbers."""
    found: dict[int, Sequence[int]] = {}
    total = 0
    for number, pieces in enumerate(encoded):
        if len(pieces) < ROW and total < MEASURED:
            found[number] = pieces
            total += len(pieces) + 1
    return found


def _keep(made: Prepared, folder: Path, about: dict[str, Any]) -> None:
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        np.save(temporary / "rows.npy", made.rows)
        np.save(temporary / "measured.npy", made.measured)
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
