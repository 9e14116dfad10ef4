"""The file a model is shipped as: integers only, from which every probability is worked out again.

Stored for each order: the number of children of each context, which children they are, adjusted counts, and the counts
a cut took away. A child is coded by its rank among the children of the context's suffix, because those hold all of its
possible words (G. E. Pibiri and R. Venturini, "Efficient data structures for massive n-gram datasets", SIGIR 2017):
small numbers, and the suffix links come for nothing. Numbers are split into planes of bytes, each compressed alone.

    head   magic, version, CRC-32 and length of the body, hash of the contents
    body   length of the metadata, metadata (JSON), the vocabulary and the planes

`unpacked.py` reads it.
"""

import hashlib
import json
import lzma
import os
import struct
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.lm.ngram.estimation.kneser_ney import Counted
from searchgen.lm.ngram.estimation.trie import first_children, parents

__all__ = ["FILTERS", "HEAD", "MAGIC", "MERGED", "VERSION", "content_hash", "hash_of_planes", "pack"]

Array = npt.NDArray[Any]

MAGIC = b"\x89SGM\r\n\x1a\n"  # as in PNG: shows at once when a transfer changed line ends or dropped the 8th bit
VERSION = 1

#: The version of files that hold discounts in place of counts of counts: older releases cannot read them.
MERGED = 2

HEAD = struct.Struct("<8sIIQ32s")

#: Planes are noise of low entropy: position bits do not help, and a longer search for matches gains 0.7 % in five
#: times the time.
FILTERS = [
    {
        "id": lzma.FILTER_LZMA2,
        "preset": 0,
        "mode": lzma.MODE_NORMAL,
        "mf": lzma.MF_HC3,
        "nice_len": 16,
        "depth": 1,
        "lc": 4,
        "lp": 0,
        "pb": 0,
        "dict_size": 1 << 20,
    }
]

#: A plane may be this much larger for being read fast: an English model grows by 1 % and unpacks in half the time.
FAST_COST = 1.05


def pack(model: Counted, vocabulary: Sequence[str], metadata: dict[str, Any]) -> bytes:
    """Return a model file's bytes.

    Args:
        model: the counts.
        vocabulary: all words in the order of their ids.
        metadata: how the model was made; must hold its text form as "form".
    """
    words = "\n".join(vocabulary)
    planes = [plane for numbers in _streams(model) for plane in _planes(numbers)]
    raw = [words.encode(), *(plane for plane, _ in planes)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        squeezed = list(pool.map(_squeezed, raw))
    description = {
        **metadata,
        "order": model.trie.order,
        "counts": np.diff(model.trie.starts[1:]).tolist(),
        "counts_of_counts": model.counts_of_counts.tolist(),
        "lengths": [len(plane) for _, plane in squeezed],
        "codecs": "".join(codec for codec, _ in squeezed),
        "more": [more for _, more in planes],
    }
    text = json.dumps(description, ensure_ascii=False).encode()
    body = b"".join([struct.pack("<I", len(text)), text, *(plane for _, plane in squeezed)])
    key = bytes.fromhex(content_hash(model, words, metadata["form"]))
    version = VERSION if model.counts_of_counts.shape[1] == 4 else MERGED
    return HEAD.pack(MAGIC, version, zlib.crc32(body), len(body), key) + body


def content_hash(model: Counted, words: str, form: str) -> str:
    """Return a hash of all that decides a model's probabilities and how text is read: 64 hexadecimal digits."""
    planes = (plane for numbers in _streams(model) for plane, _ in _planes(numbers))
    return hash_of_planes(planes, model.trie.starts, model.counts_of_counts.tolist(), words, form)


def hash_of_planes(
    planes: Iterable[bytes], starts: Sequence[int], tallies: list[list[int]], words: str, form: str
) -> str:
    """Return `content_hash`, from what a file holds instead of a model.

    Args:
        planes: of all numbers, as they are before they are compressed.
        starts: of the trie.
        tallies: the counts of counts.
        words: the vocabulary, separated by line ends.
        form: the text form.
    """
    digest = hashlib.sha256(f"{form} {tuple(starts)} {tallies}\n{words}\n".encode())
    for plane in planes:
        digest.update(plane)
    return digest.hexdigest()


def _squeezed(plane: bytes) -> tuple[str, bytes]:
    """Compress a plane; by Huffman codes, which are read ten times faster, where that costs little."""
    small = lzma.compress(plane, lzma.FORMAT_RAW, filters=FILTERS)
    coder = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_HUFFMAN_ONLY)
    fast = coder.compress(plane) + coder.flush()
    return ("z", fast) if len(fast) < FAST_COST * len(small) else ("x", small)


def _planes(numbers: Array) -> list[tuple[bytes, bool]]:
    """Split numbers >= 0 into bytes, lowest first; each plane is marked with whether another one follows."""
    planes = []
    while True:
        planes.append((numbers.astype(np.uint8).tobytes(), more := bool(numbers.max(initial=0) > 255)))
        if not more:
            return planes
        numbers = numbers >> 8


def _streams(model: Counted) -> list[Array]:
    """Return all that is stored: for each order counts, ranks (from 2 on), children and lost counts (not the last)."""
    trie = model.trie
    first = first_children(trie.children)
    parent = np.concatenate([[0], parents(trie.children)])
    streams = []
    for k in range(1, trie.order + 1):
        here = slice(trie.starts[k], trie.starts[k + 1])
        streams.append(model.adjusted[here])
        if k > 1:
            rank = trie.suffix[here] - first[trie.suffix[parent[here]]]
            steps = np.diff(rank, prepend=0) - 1
            eldest = np.diff(parent[here], prepend=-1) != 0
            steps[eldest] = rank[eldest]
            streams.append(steps)
        if k < trie.order:
            streams += [trie.children[here], model.pruned[here][trie.children[here] > 0]]
    return streams
