"""Everyday text as rows of the student's pieces, with a part held out; made once and kept.

python -m benchmarks.teaching.texts FOLDER [--language en] [--share 0.3] [--others 0.1]
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from benchmarks.common import shared
from searchgen.lm.training.corpus import read_sentences
from searchgen.lm.training.packing import pack
from searchgen.lm.training.recipe import ROW
from searchgen.lm.training.warm_start import read_warm_start

__all__ = ["Texts", "texts_of"]

#: Files of everyday text; and others, of which `--others` is read, so that their words are not forgotten.
EVERYDAY = {
    "en": ("tatoeba2", "tatoeba", "everyday", "coco", "personachat", "chitchat", "storybooks", "wordnet"),
    "zh": ("tatoeba2", "tatoeba", "xpersona", "storybooks", "xcopa", "cv-tw", "emollm", "kdconv"),
}
OTHERS = {"en": "books", "zh": "fiction-pd.txt"}

#: Sentences of more words (characters) are left out; so much is held out, %; and so many of these sentences are measured.
MOST_WORDS, HELD_OUT, MEASURED = {"en": 16, "zh": 24}, 5.0, 1500


class Texts(NamedTuple):
    """Rows to learn from and to measure with."""

    rows: npt.NDArray[np.uint16]  # (R, ROW)
    measured: npt.NDArray[np.uint16]  # (M, ROW) of held-out everyday sentences
    measured_bytes: int


def main() -> None:
    """Make the rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.teaching.texts", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", choices=("en", "zh"), default="en")
    parser.add_argument("--start-from", help="whose pieces they are; without: of the language")
    parser.add_argument("--share", type=float, default=0.3, help="of the lines that are read")
    parser.add_argument("--others", type=float, default=0.1, help="share of these lines that is read of other texts")
    parser.add_argument("--seed", type=int, default=1)
    flags = parser.parse_args()
    tokenizer = Tokenizer.from_str(read_warm_start(flags.start_from or flags.language).tokenizer)
    names = [f"{name}.txt" for name in EVERYDAY[flags.language]]
    everyday, measured = _sentences(flags.language, names, flags.share, flags.seed)
    others, _ = _sentences(flags.language, [OTHERS[flags.language]], flags.share * flags.others, flags.seed)
    measured = measured[:MEASURED]
    rows = pack(_encoded(tokenizer, [*everyday, *others]), ROW, flags.seed)
    size = sum(len(text.encode()) for text in measured)
    held_out = pack(_encoded(tokenizer, measured), ROW, 0)
    np.savez(flags.folder / "texts.npz", rows=rows, measured=held_out, measured_bytes=size)
    print(
        f"{len(everyday):,} everyday sentences, {len(others):,} others, {len(measured):,} measured; {rows.size:,} pieces"
    )


def texts_of(kept: Path) -> Texts:
    """Return the rows that a file holds."""
    if not kept.exists():
        sys.exit(f"{kept} is missing; python -m benchmarks.teaching.texts makes it")
    stored = np.load(kept)
    return Texts(stored["rows"], stored["measured"], int(stored["measured_bytes"]))


def _sentences(language: str, names: list[str], share: float, seed: int) -> tuple[list[str], list[str]]:
    """Return the sentences of a share of the lines of files or folders: to learn from, and held out by their hash."""
    folder = shared("corpora", language)
    if folder is None:
        sys.exit("SEARCHGEN_SHARED names the folder of the texts")
    chooser = random.Random(f"lines {seed}")
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as chosen:
        for name in names:
            for path in sorted((folder / name).glob("*.txt")) if (folder / name).is_dir() else [folder / name]:
                lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
                chosen.writelines(line for line in lines if chooser.random() < share)
        chosen.flush()
        found = read_sentences([chosen.name], language, HELD_OUT, None, MOST_WORDS[language])
    return found.learnt, found.held_out


def _encoded(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    return [one.ids for one in tokenizer.encode_batch(texts, add_special_tokens=False)]


if __name__ == "__main__":
    main()
