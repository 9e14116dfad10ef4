"""Training: from text to a model file."""

from array import array
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.files.whole import replacing
from searchgen.lm.ngram.estimation.counts import count_ngrams
from searchgen.lm.ngram.estimation.kneser_ney import Counted, counted, full_cut
from searchgen.lm.ngram.estimation.reading import Passage, Progress, is_held_out, read_passages, text_files
from searchgen.lm.ngram.estimation.words import WordIds, select_vocabulary
from searchgen.lm.ngram.storage.packed import pack
from searchgen.lm.ngram.tables import BEGIN, END
from searchgen.text import text_form
from searchgen.text.casing import capitalised, uncapitalised

__all__ = ["Recipe", "Trained", "encoded_text", "encoded_texts", "train"]

Array = npt.NDArray[Any]

LONGEST_ORDER = 6


@dataclass(frozen=True)
class Recipe:
    """How a model is made from text.

    Attributes:
        order: the length of the longest n-grams, 1 to 6.
        cut: n-grams of order k that occur at most `cut[k - 1]` times are dropped; the last number holds beyond it.
        min_count: rarer words are counted as `<unk>`, so that it has contexts.
        limit_vocabulary: the most words to keep (65 532 are the most that 16-bit ids allow); None keeps all.
        form: the text form, "en", "zh" or "raw".
        dedupe: count a sentence once, however often and in however many sources it stands.
        held_out: percentage of the sentences to leave out, chosen by a hash of the sentence: always the same ones.
    """

    order: int = 5
    cut: tuple[int, ...] = (0, 0, 0, 1, 1)
    min_count: int = 2
    limit_vocabulary: int | None = None
    form: str = "en"
    dedupe: bool = True
    held_out: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            RequestError: one of them is impossible.
        """
        if not 1 <= self.order <= LONGEST_ORDER:
            raise RequestError(f"order {self.order} is impossible; it must be 1 to {LONGEST_ORDER}")
        full_cut(self.cut, self.order)
        if self.min_count < 1:
            raise RequestError(f"min-count {self.min_count} is impossible; it must be at least 1")
        if self.limit_vocabulary is not None and self.limit_vocabulary < 1:
            raise RequestError(f"limit-vocab {self.limit_vocabulary} is impossible; it must be at least 1")
        if not 0 <= self.held_out < 100:
            raise RequestError(f"held-out {self.held_out:g} is impossible; it must be from 0 to less than 100 percent")


class Trained(NamedTuple):
    """What training gave."""

    path: Path
    size: int  # of the file, bytes
    metadata: dict[str, Any]  # as stored in the model
    held_out: list[str]  # printed sentences that were left out


def train(
    paths: Sequence[str | Path],
    output: str | Path,
    recipe: Recipe | None = None,
    *,
    about: dict[str, str] | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train a model on text and write its file.

    Large texts are tokenised by several processes, so a script must call this under `if __name__ == "__main__":`.

    Args:
        paths: UTF-8 files, folders (all `*.txt` below them) and `-` for standard input; a paragraph or sentence a line.
        output: the file to write.
        recipe: how; by default an English model of order 5.
        about: anything worth keeping in the file, such as "sources" and "command".
        progress: receives the stages "read", "count" and "pack", each with the share done, from 0 to 1.

    Raises:
        RequestError: a path is missing, holds no text or is not UTF-8, or the file cannot be written.
    """
    recipe = recipe or Recipe()
    tell = progress or (lambda stage, done: None)
    output = Path(output)
    if not output.parent.is_dir():
        raise RequestError(f"{output}: there is no folder {output.parent}; make it, or name another file")
    corpus = _read(paths, recipe, progress)
    tokens, vocabulary = corpus.finished()
    tell("count", 0.0)
    model = counted(count_ngrams(tokens, recipe.order, len(vocabulary)), recipe.cut)
    tell("count", 1.0)
    metadata = {**(about or {}), **asdict(recipe), **corpus.figures(), "words": len(vocabulary) - 3}
    tell("pack", 0.0)
    size = _write(output, model, vocabulary, metadata)
    tell("pack", 1.0)
    return Trained(output, size, metadata, corpus.held_out)


def encoded_text(
    paths: Sequence[str | Path], recipe: Recipe, progress: Progress | None = None
) -> tuple[Array, list[str]]:
    """Return the text `train` would count: ids of all sentences, each from `<s>` to `</s>`, and the vocabulary.

    Raises:
        RequestError: a path is missing, holds no text or is not UTF-8.
    """
    return _read(paths, recipe, progress).finished()


def encoded_texts(
    groups: Sequence[Sequence[str | Path]], recipe: Recipe, progress: Progress | None = None
) -> tuple[list[Array], list[str], list[list[str]]]:
    """Return several texts as ids of one vocabulary, and that vocabulary; a sentence counts in the first text that holds it.

    Args:
        groups: the files and folders of each text.
        recipe: how they are read.
        progress: receives the stage "read" and the share done of each text.

    Returns:
        The ids of each text, the vocabulary, and the printed sentences of each text that were left out.

    Raises:
        RequestError: a path is missing, holds no text or is not UTF-8.
    """
    corpus = _Corpus(recipe)
    ends, left_out = [], []
    for paths in groups:
        for passage in read_passages(text_files(paths), recipe.form, progress):
            corpus.add(passage)
        ends.append(len(corpus.tokens))
        left_out.append(corpus.held_out)
        corpus.held_out = []
    tokens, vocabulary = corpus.finished()
    return np.split(tokens, ends[:-1]), vocabulary, left_out


def _read(paths: Sequence[str | Path], recipe: Recipe, progress: Progress | None) -> "_Corpus":
    corpus = _Corpus(recipe)
    for passage in read_passages(text_files(paths), recipe.form, progress):
        corpus.add(passage)
    return corpus


def _write(output: Path, model: Counted, vocabulary: list[str], metadata: dict[str, Any]) -> int:
    content = pack(model, vocabulary, metadata)
    try:
        with replacing(output) as file:
            file.write(content)
    except OSError as error:
        raise RequestError(f"{output}: cannot be written ({error.strerror})") from None
    return len(content)


class _Corpus:
    """Sentences as ids, in the order of the text; ids are those of first occurrence until all is read."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.form = text_form(recipe.form)
        self.words = WordIds()
        self.tokens = array("i")
        self.lengths = array("i")
        self.first = array("i")
        self.seen: set[bytes] = set()
        self.repeated = 0
        self.held_out: list[str] = []

    def add(self, passage: Passage) -> None:
        """Take in sentences, each with the marks of its bounds."""
        number = self.words.__getitem__
        for sentence, first, digest in zip(*passage, strict=True):
            if self.recipe.dedupe:
                if digest in self.seen:
                    self.repeated += 1
                    continue
                self.seen.add(digest)
            words = sentence.split(" ")
            if is_held_out(digest, self.recipe.held_out):
                self.held_out.append(self.form.detokenise(words))
                continue
            self.tokens.append(BEGIN)
            self.tokens.extend(map(number, words))
            self.tokens.append(END)
            self.lengths.append(len(words) + 2)
            self.first.append(first + 1)

    def figures(self) -> dict[str, int]:
        """Return how much was read."""
        tokens = len(self.tokens) - 2 * len(self.lengths)
        return {"sentences": len(self.lengths), "tokens": tokens, "repeated_sentences": self.repeated}

    def finished(self) -> tuple[Array, list[str]]:
        """Return all sentences as ids of the final vocabulary, and that vocabulary."""
        if not self.lengths:
            raise RequestError("there is no text to train on: the files hold no word; name others")
        tokens = np.frombuffer(self.tokens, dtype=np.int32).copy()
        lengths = np.frombuffer(self.lengths, dtype=np.int32)
        self._check_markers(tokens, lengths)
        if self.form.name == "en":
            first = np.cumsum(lengths) - lengths + np.frombuffer(self.first, dtype=np.int32)
            self._give_true_case(tokens, first[tokens[first] > END])
        counts = np.bincount(tokens, minlength=len(self.words))
        renumbered, vocabulary = select_vocabulary(
            list(self.words), counts, self.recipe.min_count, self.recipe.limit_vocabulary
        )
        if not any(map(self.form.is_word, vocabulary[END + 1 :])):
            raise RequestError(
                f"no word occurs at least {self.recipe.min_count} times, so the model would have no words; "
                "give more text, or --min-count 1"
            )
        return renumbered[tokens], vocabulary

    def _check_markers(self, tokens: Array, lengths: Array) -> None:
        ends = np.cumsum(lengths)
        for marker, word in ((BEGIN, "<s>"), (END, "</s>")):
            if np.count_nonzero(tokens == marker) != len(ends):
                raise RequestError(f"the text holds {word} as a word, which marks the bounds of sentences; take it out")

    def _give_true_case(self, tokens: Array, first: Array) -> None:
        """Give first words the case in which they stand more often elsewhere, as reading a text does later."""
        elsewhere = np.bincount(tokens, minlength=len(self.words))
        elsewhere -= np.bincount(tokens[first], minlength=len(self.words))
        words = list(self.words)
        meant = np.arange(len(words), dtype=np.int32)
        for word in np.unique(tokens[first]).tolist():
            printed = capitalised(words[word])
            large = self.words.get(printed, word)
            small = self.words.get(uncapitalised(printed) or printed, large)
            meant[word] = small if 0 < elsewhere[small] >= elsewhere[large] else large
        tokens[first] = meant[tokens[first]]
