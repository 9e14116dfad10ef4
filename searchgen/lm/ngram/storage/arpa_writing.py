"""Language models as ARPA text: writing."""

import gzip
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from math import log
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.files.whole import replacing
from searchgen.lm.ngram.estimation.trie import parents
from searchgen.lm.ngram.model import NGram

__all__ = ["arpa_lines", "write_arpa"]

Array = npt.NDArray[Any]

#: Lines made at once.
BLOCK = 1 << 16

#: What ARPA files write for probability 0.
LOG10_ZERO = -99.0


def write_arpa(model: NGram, output: Path | BinaryIO) -> None:
    """Write a model as ARPA text, tokens as they stand.

    Args:
        model: the model.
        output: a file, compressed if its name ends in `.gz`; or an open binary stream.

    Raises:
        RequestError: the file cannot be written.
    """
    if not isinstance(output, Path):
        for text in arpa_lines(model):
            output.write(text.encode())
        return
    try:
        with replacing(output) as file, _compressor(file, output.suffix == ".gz") as sink:
            for text in arpa_lines(model):
                sink.write(text.encode())
    except OSError as error:
        raise RequestError(f"{output}: cannot be written ({error.strerror})") from None


def _compressor(file: BinaryIO, compressed: bool) -> AbstractContextManager[BinaryIO]:
    if not compressed:
        return nullcontext(file)
    # no time stamp: the same model gives the same bytes; level 6 takes a third of the time of 9
    return cast(BinaryIO, gzip.GzipFile("", "wb", 6, file, mtime=0))


def arpa_lines(model: NGram) -> Iterator[str]:
    r"""Yield a model's ARPA text in blocks of lines.

    Example:
        >>> print("".join(arpa_lines(NGram.from_sentences([["a"]], order=1))).replace("\t", " "), end="")
        \data\
        ngram 1=4
        <BLANKLINE>
        \1-grams:
        -0.77815126 <unk>
        -99 <s>
        -0.38021124 </s>
        -0.38021124 a
        <BLANKLINE>
        \end\
    """
    tables = model.tables
    first = tables.node["first"]
    starts = [0, 1]
    for _ in range(model.order):
        starts.append(int(first[starts[-1]]))
    counts = np.diff(starts[1:])
    yield "\\data\\\n" + "".join(f"ngram {k}={count}\n" for k, count in enumerate(counts.tolist(), start=1))
    parent = parents(np.diff(first))
    for k in range(1, model.order + 1):
        yield f"\n\\{k}-grams:\n"
        for start in range(starts[k], starts[k + 1], BLOCK):
            nodes = np.arange(start, min(start + BLOCK, starts[k + 1]))
            yield _block(model, nodes, k, parent)
    yield "\n\\end\\\n"


def _block(model: NGram, nodes: Array, order: int, parent: Array) -> str:
    node, vocabulary = model.tables.node, model.vocabulary
    columns: list[list[Any]] = []
    above = nodes
    for _ in range(order):
        columns.append([vocabulary[w] for w in model.tables.word[above].tolist()])
        above = parent[above - 1]
    log_p = np.maximum(node["log_p"][nodes].astype(np.float64) / log(10), LOG10_ZERO).tolist()
    line = "%.8g\t" + " ".join(["%s"] * order)
    if order == model.order:
        return "".join(map((line + "\n").__mod__, zip(log_p, *reversed(columns), strict=True)))
    log_backoff = np.maximum(node["log_backoff"][nodes].astype(np.float64) / log(10), LOG10_ZERO) + 0.0  # no -0
    return "".join(map((line + "\t%.8g\n").__mod__, zip(log_p, *reversed(columns), log_backoff.tolist(), strict=True)))
