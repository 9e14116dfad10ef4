"""The sentences to learn from, and those that are left out: the very split of the n-gram models."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from searchgen.errors import RequestError
from searchgen.lm.ngram.estimation.reading import Progress, is_held_out, read_passages, text_files
from searchgen.text import text_form

__all__ = ["Sentences", "read_sentences"]

#: Below this nothing is learnt that spells a sentence; what is good needs several hundred times as much.
FEWEST_CHARACTERS = 10_000


class Sentences(NamedTuple):
    """Printed sentences, each once."""

    learnt: list[str]  # in the order of the text
    held_out: list[str]  # by their hash, so that the first of them are a sample that depends on nothing else
    repeated: int
    longer: int  # left out for their number of words


def read_sentences(
    paths: Sequence[str | Path], form: str, held_out: float, progress: Progress | None, max_words: int | None = None
) -> Sentences:
    """Read sentences from files, folders and standard input.

    Args:
        paths: what `text_files` takes.
        form: name of the text form.
        held_out: percentage to leave out.
        progress: is told of the stage "read".
        max_words: most words of a sentence (characters in Chinese); None: any number.

    Raises:
        RequestError: a path cannot be read, or there is too little text; the message says how much is needed.
    """
    reader = text_form(form)
    most = math.inf if max_words is None else max_words
    seen: set[bytes] = set()
    learnt: list[str] = []
    left: list[tuple[bytes, str]] = []
    repeated = longer = 0
    for passage in read_passages(text_files(paths), form, progress):
        for sentence, digest in zip(passage.sentences, passage.digests, strict=True):
            if digest in seen:
                repeated += 1
                continue
            seen.add(digest)
            tokens = sentence.split(" ")
            if sum(map(reader.is_word, tokens)) > most:
                longer += 1
                continue
            text = reader.detokenise(tokens)
            if is_held_out(digest, held_out):
                left.append((digest, text))
            else:
                learnt.append(text)
    characters = sum(map(len, learnt))
    if characters >= FEWEST_CHARACTERS and not left:
        raise RequestError(
            f"--held-out {held_out:g} leaves out 0 of {len(learnt):,} sentences, and training is measured on these; raise it"
        )
    if characters < FEWEST_CHARACTERS:
        short = "" if max_words is None else f" of at most {max_words:,} words"
        raise RequestError(
            f"{len(learnt):,} sentences{short} with {characters:,} characters are too little text to train on; "
            f"give at least {FEWEST_CHARACTERS:,}, or a few million for good sentences"
        )
    return Sentences(learnt, [text for _, text in sorted(left)], repeated, longer)
