"""Training text: from files, folders and standard input to tokenised sentences."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from hashlib import blake2b
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from searchgen.errors import RequestError, not_utf8
from searchgen.text import text_form
from searchgen.text.sentences import training_tokens

__all__ = ["Passage", "Progress", "is_held_out", "read_passages", "text_files", "tokenised"]

#: Receives the name of a stage and the share of it that is done, from 0 to 1.
Progress = Callable[[str, float], None]

#: Characters tokenised at once by one process.
PIECE = 1 << 20

#: Texts shorter than this many pieces are tokenised here: starting processes takes longer.
FEW_PIECES = 4

DIGEST_BYTES = 16


class Passage(NamedTuple):
    """Some tokenised sentences."""

    sentences: list[str]  # tokens as printed, separated by spaces
    first: list[int]  # which token of each is its first word, -1 for none
    digests: list[bytes]  # a hash of each


def is_held_out(digest: bytes, percent: float) -> bool:
    """Return whether a sentence is left out of training: a function of the sentence, so that all models leave out the same ones.

    Example:
        >>> is_held_out(bytes(16), 1.0), is_held_out(bytes([255] * 16), 99.0)
        (True, False)
    """
    return int.from_bytes(digest[:4], "big") < round(percent / 100 * 2**32)


def text_files(paths: Sequence[str | Path]) -> list[Path | None]:
    """Return the files to read, None for standard input.

    Args:
        paths: files, folders (all `*.txt` below them, sorted) and `-`.

    Raises:
        RequestError: nothing is given, or something is missing, a device, or a folder without text.
    """
    if not paths:
        raise RequestError("no text is given; name files, folders or - (standard input)")
    files: list[Path | None] = []
    for path in paths:
        if str(path) == "-":
            files.append(None)
        elif Path(path).is_dir():
            texts = sorted(Path(path).rglob("*.txt"))
            if not texts:
                raise RequestError(f"the folder {path} holds no .txt file; name files, or another folder")
            files += texts
        elif Path(path).is_char_device() or Path(path).is_block_device():
            raise RequestError(f"{path} is a device, which may have no end; name files or folders")
        elif Path(path).exists():
            files.append(Path(path))
        else:
            raise RequestError(f"there is no file or folder {path}; check the name")
    return files


def read_passages(files: Sequence[Path | None], form: str, progress: Progress | None = None) -> Iterator[Passage]:
    """Read and tokenise files, with as many processes as there are processors; the order is that of the text.

    Args:
        files: what `text_files` returned.
        form: name of the text form.
        progress: receives the stage "read" and the share done.

    Raises:
        RequestError: a file cannot be read or is not UTF-8; the message names file and line.
    """
    text_form(form)  # an unknown name must not fail in another process
    sizes = [file.stat().st_size if file else 0 for file in files]
    done, whole = 0.0, max(sum(sizes), 1)
    pieces = _pieces(files)
    for passage, length in _tokenised_in_order(pieces, form):
        done += length
        if progress:
            progress("read", min(done / whole, 1.0))
        yield passage


def tokenised(text: str, form: str) -> Passage:
    r"""Tokenise lines; each is a paragraph of one or more sentences.

    Example:
        >>> tokenised("one two\nthree\n", "raw").sentences
        ['one two', 'three']
    """
    reader = text_form(form)
    passage = Passage([], [], [])
    for line in text.split("\n"):
        for tokens in training_tokens(line, reader):
            sentence = " ".join(tokens)
            passage.sentences.append(sentence)
            passage.first.append(reader.first_word(tokens))
            passage.digests.append(blake2b(sentence.encode(), digest_size=DIGEST_BYTES).digest())
    return passage


def _pieces(files: Iterable[Path | None]) -> Iterator[tuple[str, int]]:
    """Yield the text in pieces of whole lines, each with its length in bytes."""
    for file in files:
        try:
            content = file.read_bytes() if file else sys.stdin.buffer.read()
        except OSError as error:
            raise RequestError(f"{file or 'standard input'}: cannot be read ({error.strerror})") from None
        start = 3 if content.startswith(b"\xef\xbb\xbf") else 0
        while start < len(content):
            end = content.find(b"\n", start + PIECE) + 1 or len(content)
            try:
                yield content[start:end].decode(), end - start
            except UnicodeDecodeError as error:
                line = content.count(b"\n", 0, start + error.start) + 1
                raise RequestError(f"{file or 'standard input'}, line {line}: {not_utf8()}") from None
            start = end


def _tokenised_in_order(pieces: Iterator[tuple[str, int]], form: str) -> Iterator[tuple[Passage, int]]:
    processes = os.cpu_count() or 1
    few = list(islice(pieces, FEW_PIECES))
    pieces = chain(few, pieces)
    if len(few) < FEW_PIECES or processes == 1:
        for text, length in pieces:
            yield tokenised(text, form), length
        return
    # spawn, not fork: the caller may have threads
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting: deque[tuple[Future[Passage] | None, str, int]] = deque()
        for text, length in pieces:
            waiting.append((_submitted(pool, text, form), text, length))
            if len(waiting) > 2 * processes:
                future, oldest, finished = waiting.popleft()
                yield _result(future, oldest, form), finished
        for future, oldest, finished in waiting:
            yield _result(future, oldest, form), finished


def _submitted(pool: ProcessPoolExecutor, text: str, form: str) -> Future[Passage] | None:
    with suppress(BrokenProcessPool):
        return pool.submit(tokenised, text, form)
    return None


def _result(future: Future[Passage] | None, text: str, form: str) -> Passage:
    """Return what another process made of the text; do it here where no process can be started (a script from a pipe)."""
    with suppress(BrokenProcessPool):
        if future:
            return future.result()
    return tokenised(text, form)
