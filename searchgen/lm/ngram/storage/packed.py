"""The file a model is shipped as: integers only, from which every probability is worked out again.

Stored for each order: the number of children of each context, which children they are, adjusted counts, and the counts
a cut took away. A child is coded by its rank among the children of the context's suffix, because those hold all of its
possible words (G. E. Pibiri and R. Venturini, "Efficient data structures for massive n-gram datasets", SIGIR 2017):
small numbers, and the suffix links come for nothing. Numbers are split into planes of bytes, each compressed alone.

    head   magic, version, CRC-32 and length of the body, hash of the contents
    body   length of the metadata, metadata (JSON), the vocabulary and the planes
"""

import hashlib
import json
import lzma
import os
import struct
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError
from searchgen.lm.ngram.estimation.kneser_ney import Counted
from searchgen.lm.ngram.estimation.trie import Siblings, Trie, first_children, parents, siblings

__all__ = ["Head", "Unpacked", "content_hash", "pack", "read_head", "unpack"]

Array = npt.NDArray[Any]

MAGIC = b"\x89SGM\r\n\x1a\n"  # as in PNG: shows at once when a transfer changed line ends or dropped the 8th bit
VERSION = 1
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


class Head(NamedTuple):
    """What the first bytes of a file say."""

    hash: str
    crc: int
    length: int  # of the body


class Unpacked(NamedTuple):
    """A model file's contents."""

    model: Counted
    vocabulary: str  # words separated by line ends
    metadata: dict[str, Any]
    hash: str


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
    return HEAD.pack(MAGIC, VERSION, zlib.crc32(body), len(body), key) + body


def content_hash(model: Counted, words: str, form: str) -> str:
    """Return a hash of all that decides a model's probabilities and how text is read: 64 hexadecimal digits."""
    digest = hashlib.sha256(f"{form} {model.trie.starts} {model.counts_of_counts.tolist()}\n{words}\n".encode())
    for numbers in _streams(model):
        for plane, _ in _planes(numbers):
            digest.update(plane)
    return digest.hexdigest()


def read_head(path: Path) -> Head:
    """Read a model file's head.

    Raises:
        ModelFileError: the file is missing, not a model, cut off, or from a later version.
    """
    try:
        with path.open("rb") as file:
            start = file.read(HEAD.size)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise ModelFileError(f"there is no model file {path}; check the name") from None
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror})") from None
    if start[: len(MAGIC)] != MAGIC[: len(start)] or not start:
        raise ModelFileError(f"{path}: not a language model: it is neither in searchgen's own format nor an ARPA file")
    if len(start) < HEAD.size:
        raise ModelFileError(f"{path}: the file is cut off after {size} bytes; fetch or train it again")
    _, version, crc, length, key = HEAD.unpack(start)
    if version != VERSION:
        raise ModelFileError(
            f"{path}: its model format is {version}, but this searchgen reads format {VERSION}; install the release that wrote it"
        )
    if size != HEAD.size + length:
        raise ModelFileError(
            f"{path}: the file has {size} bytes instead of {HEAD.size + length}; fetch or train it again"
        )
    return Head(key.hex(), crc, length)


def unpack(path: Path) -> Unpacked:
    """Read a model file.

    Raises:
        ModelFileError: the file is missing, not a model, cut off or damaged.
    """
    head = read_head(path)
    body = path.read_bytes()[HEAD.size :]
    damaged = ModelFileError(f"{path}: the file is damaged; fetch or train it again")
    if zlib.crc32(body) != head.crc:
        raise damaged
    try:
        (size,) = struct.unpack_from("<I", body)
        metadata = json.loads(body[4 : 4 + size])
        ends = np.cumsum([4 + size, *metadata.pop("lengths")]).tolist()
        parts = [body[a:b] for a, b in pairwise(ends)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            raw = list(pool.map(_restored, metadata.pop("codecs"), parts))
        vocabulary = raw[0].decode()
        tallies = np.array(metadata.pop("counts_of_counts"), dtype=np.int64)
        model = _model(_joined(raw[1:], metadata.pop("more")), metadata["counts"], tallies)
    except (KeyError, IndexError, ValueError, struct.error, lzma.LZMAError, zlib.error):
        raise damaged from None
    return Unpacked(model, vocabulary, metadata, head.hash)


def _squeezed(plane: bytes) -> tuple[str, bytes]:
    """Compress a plane; by Huffman codes, which are read ten times faster, where that costs little."""
    small = lzma.compress(plane, lzma.FORMAT_RAW, filters=FILTERS)
    coder = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_HUFFMAN_ONLY)
    fast = coder.compress(plane) + coder.flush()
    return ("z", fast) if len(fast) < FAST_COST * len(small) else ("x", small)


def _restored(codec: str, plane: bytes) -> bytes:
    if codec == "z":
        return zlib.decompress(plane, -zlib.MAX_WBITS)
    return lzma.decompress(plane, lzma.FORMAT_RAW, filters=FILTERS)


def _planes(numbers: Array) -> list[tuple[bytes, bool]]:
    """Split numbers >= 0 into bytes, lowest first; each plane is marked with whether another one follows."""
    planes = []
    while True:
        planes.append((numbers.astype(np.uint8).tobytes(), more := bool(numbers.max(initial=0) > 255)))
        if not more:
            return planes
        numbers = numbers >> 8


def _joined(planes: Iterable[bytes], more: Iterable[bool]) -> list[Array]:
    streams: list[Array] = []
    shift = 0
    for plane, goes_on in zip(planes, more, strict=True):
        part = np.frombuffer(plane, dtype=np.uint8)
        if shift:
            streams[-1] = streams[-1] | (part.astype(np.int32) << shift)
        else:
            streams.append(part)
        shift = shift + 8 if goes_on else 0
    return streams


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


def _model(streams: list[Array], counts: list[int], counts_of_counts: Array) -> Counted:
    """Put a model together again from what `_streams` gave."""
    starts = np.cumsum([0, 1, *counts])
    nodes, order = int(starts[-1]), len(counts)
    word, children, suffix, adjusted, pruned = (np.zeros(nodes, dtype=np.int32) for _ in range(5))
    children[0], suffix[0] = counts[0], -1
    word[1 : starts[2]] = np.arange(counts[0])
    first = np.ones(nodes, dtype=np.int32)
    following = iter(streams)
    for k in range(1, order + 1):
        here, contexts = slice(starts[k], starts[k + 1]), slice(starts[k - 1], starts[k])
        adjusted[here] = next(following)
        if k > 1:
            groups = siblings(children[contexts])
            suffix[here] = _suffixes(next(following), groups, first[suffix[contexts][groups.context]])
            word[here] = word[suffix[here]]
        if k < order:
            children[here] = next(following)
            pruned[here][children[here] > 0] = next(following)
            first[here] = starts[k + 1] + np.cumsum(children[here]) - children[here]
    return Counted(Trie(word, children, suffix, tuple(starts.tolist())), adjusted, pruned, counts_of_counts)


def _suffixes(steps: Array, groups: Siblings, first: Array) -> Array:
    """Return suffix links from steps of rank; `first` is the first child of each context's suffix."""
    running = np.cumsum(steps, dtype=np.int64)
    running += np.arange(1, len(steps) + 1)
    before = running[groups.eldest] - steps[groups.eldest]  # so that the eldest child gets its own rank
    running += groups.spread(first - before)
    return running
