"""Reading what `packed.py` writes. Nothing that a file says is believed before it is compared with the rest of the file.

Sizes are bounded by the size of the file before memory is taken for them; the hash in the head is that of the contents, so that no file
can pass for another model; links and numbers of children are in range, for compiled loops follow them unchecked.
"""

import hashlib
import json
import lzma
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError
from searchgen.lm.ngram.estimation.kneser_ney import MILLION, Counted
from searchgen.lm.ngram.estimation.trie import Siblings, Trie, siblings
from searchgen.lm.ngram.estimation.words import SPECIAL
from searchgen.lm.ngram.storage.packed import FILTERS, HEAD, MAGIC, MERGED, VERSION, hash_of_planes
from searchgen.lm.ngram.tables import BEGIN
from searchgen.text import FORMS

__all__ = ["Packed", "Unpacked", "unpack"]

Array = npt.NDArray[Any]

LONGEST_ORDER = 9

#: An n-gram takes two bits at least in the most regular of models: what declares more of them is made to fill the memory.
NGRAMS_A_BYTE, ALWAYS_NGRAMS = 8, 1 << 18

#: The same for the vocabulary, which compresses to a third.
LETTERS_A_BYTE, ALWAYS_LETTERS = 32, 1 << 20

LARGEST = np.iinfo(np.int32).max

#: The most discounts of an order.
MOST_DISCOUNTS = 256

#: What the reading of contents that are not as they should be may raise.
FAULTS = (
    KeyError,
    IndexError,
    ValueError,
    TypeError,
    OverflowError,
    RecursionError,
    struct.error,
    lzma.LZMAError,
    zlib.error,
)


class Unpacked(NamedTuple):
    """A model file's contents."""

    model: Counted
    vocabulary: str  # words separated by line ends
    metadata: dict[str, Any]
    hash: str


@dataclass(frozen=True)
class Packed:
    """A model file as it lies on the disk.

    Attributes:
        path: the file.
        hash: of the model, as the head gives it.
    """

    path: Path
    hash: str

    @staticmethod
    def read(path: Path) -> "Packed":
        """Look at a file's head.

        Raises:
            ModelFileError: the file is missing, not a model, cut off, or from a later version.
        """
        try:
            with path.open("rb") as file:
                start, size = file.read(HEAD.size), os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            raise ModelFileError(f"there is no model file {path}; check the name") from None
        except OSError as error:
            raise ModelFileError(f"{path}: cannot be read ({error.strerror})") from None
        if start[: len(MAGIC)] != MAGIC[: len(start)] or not start:
            raise ModelFileError(f"{path}: not a language model: it is not in searchgen's own format")
        if len(start) < HEAD.size:
            raise ModelFileError(f"{path}: the file is cut off after {size} bytes; fetch or train it again")
        _, version, _, length, key = HEAD.unpack(start)
        if version not in (VERSION, MERGED):
            raise ModelFileError(
                f"{path}: its model format is {version}, but this searchgen reads formats {VERSION} and {MERGED}; "
                "install the release that wrote it"
            )
        if size != HEAD.size + length:
            raise ModelFileError(
                f"{path}: the file has {size} bytes instead of {HEAD.size + length}; fetch or train it again"
            )
        return Packed(path, key.hex())

    def unpacked(self, digest: str | None = None) -> Unpacked:
        """Return the contents.

        Args:
            digest: SHA-256 that the file must have; None: any.

        Raises:
            ModelFileError: they are damaged, or those of another model, or the file has changed.
        """
        content = self.path.read_bytes()
        if content[HEAD.size - 32 : HEAD.size].hex() != self.hash or (
            digest is not None and hashlib.sha256(content).hexdigest() != digest
        ):
            raise ModelFileError(f"{self.path}: the file has changed while it was in use; run the command again")
        body = memoryview(content)[HEAD.size :]
        if zlib.crc32(body) != HEAD.unpack_from(content)[2]:
            raise ModelFileError(f"{self.path}: the file is damaged; fetch or train it again")
        try:
            about = _Description.of(body)
            raw = about.planes(body)
            vocabulary = _checked_vocabulary(raw[0].decode(), about.counts[0])
            key = hash_of_planes(raw[1:], about.starts, about.tallies, vocabulary, about.metadata["form"])
            if key != self.hash:
                raise ValueError("its hash is that of another model")
            model = _model(about.joined(raw[1:]), about.counts, np.array(about.tallies, dtype=np.int64))
        except FAULTS as error:
            reason = str(error) if type(error) is ValueError else "its description is malformed"
            raise ModelFileError(f"{self.path}: the file is damaged: {reason}; fetch or train it again") from None
        return Unpacked(model, vocabulary, about.metadata, self.hash)


def unpack(path: Path) -> Unpacked:
    """Read a model file.

    Raises:
        ModelFileError: the file is missing, not a model, cut off, damaged, or its hash is that of another model.
    """
    return Packed.read(path).unpacked()


@dataclass(frozen=True)
class _Description:
    """What the metadata says of the rest of the body, compared with it."""

    metadata: dict[str, Any]
    counts: list[int]  # n-grams of each order
    tallies: list[list[int]]  # (order, 4) counts of counts, or more columns: discounts in millionths
    ends: list[int]  # where the metadata ends, and each part after it
    codecs: str  # of the vocabulary and each plane
    more: list[bool]  # whether a plane is followed by another one of the same numbers

    @staticmethod
    def of(body: memoryview) -> "_Description":
        (size,) = struct.unpack_from("<I", body)
        _require(4 + size <= len(body), "its description is cut off")
        metadata = json.loads(bytes(body[4 : 4 + size]), parse_constant=_refuse_constant)
        _require(isinstance(metadata, dict), "its description is malformed")
        counts, lengths = _naturals(metadata["counts"]), _naturals(metadata.pop("lengths"))
        tallies = [_naturals(row) for row in metadata.pop("counts_of_counts")]
        codecs, more = metadata.pop("codecs"), metadata.pop("more")
        _require(1 <= len(counts) <= LONGEST_ORDER, f"it declares {len(counts)} orders")
        most = ALWAYS_NGRAMS + NGRAMS_A_BYTE * len(body)
        _require(
            sum(counts) <= min(most, LARGEST - 2), f"it declares {sum(counts):,} n-grams, more than it has room for"
        )
        _check_tallies(tallies, len(counts))
        _require(4 + size + sum(lengths) == len(body), "its parts do not fill it")
        _require(isinstance(codecs, str) and set(codecs) <= {"x", "z"}, "it is compressed in an unknown way")
        _require(isinstance(more, list) and all(isinstance(flag, bool) for flag in more), "its planes are malformed")
        _require(len(codecs) == len(lengths) == len(more) + 1, "its planes are malformed")
        _require(metadata["form"] in FORMS, f"its text form is {str(metadata['form'])[:20]!r}")
        for value in metadata.values():
            _require(
                all(_is_plain(item) for item in (value if isinstance(value, list) else [value])),
                "its facts are malformed",
            )
        for name in ("worst_sum", "worst_after"):  # of foreign models only
            metadata.pop(name, None)
        ends = np.cumsum([4 + size, *lengths]).tolist()
        return _Description(metadata, counts, tallies, ends, codecs, more)

    @property
    def starts(self) -> list[int]:
        """The nodes of the trie at which each order begins."""
        starts: list[int] = np.cumsum([0, 1, *self.counts]).tolist()
        return starts

    def planes(self, body: memoryview) -> list[bytes]:
        """Return the vocabulary and all planes, decompressed."""
        parts = [bytes(body[a:b]) for a, b in pairwise(self.ends)]
        most = [ALWAYS_LETTERS + LETTERS_A_BYTE * len(parts[0]), *self._plane_sizes()]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(_restored, self.codecs, parts, most))

    def _plane_sizes(self) -> Iterator[int]:
        """Yield the most bytes that each plane may hold."""
        sizes = [n for k, n in enumerate(self.counts) for _ in range(1 + (k > 0) + 2 * (k + 1 < len(self.counts)))]
        _require(
            self.more.count(False) == len(sizes) and self.more[-1:] == [False], "it has too few planes, or too many"
        )
        at = 0
        for goes_on in self.more:
            yield sizes[at]
            at += not goes_on

    def joined(self, planes: Sequence[bytes]) -> Iterator[Array]:
        """Yield all numbers, each sequence put together from its planes."""
        numbers: Array | None = None
        shift = 0
        for plane, goes_on in zip(planes, self.more, strict=True):
            part = np.frombuffer(plane, dtype=np.uint8)
            _require(shift <= 24, "its numbers are too large")
            numbers = part if numbers is None else numbers | (part.astype(np.int64) << shift)
            shift += 8
            if not goes_on:
                _require(int(numbers.max(initial=0)) <= LARGEST, "its numbers are too large")
                yield numbers
                numbers, shift = None, 0


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise ValueError(reason)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _naturals(values: Any) -> list[int]:
    """Return a list of whole numbers that are not negative, and no larger than compiled loops can take."""
    whole = isinstance(values, list) and all(type(value) is int and 0 <= value <= LARGEST for value in values)
    _require(whole, "its counts are malformed")
    return list(values)


def _check_tallies(tallies: list[list[int]], orders: int) -> None:
    """Require counts of counts 1 to 4, or discounts in millionths, none larger than its count."""
    sizes = {len(row) for row in tallies}
    _require(len(tallies) == orders and len(sizes) == 1, "its counts of counts are malformed")
    (size,) = sizes
    _require(4 <= size <= MOST_DISCOUNTS, "its counts of counts are malformed")
    if size > 4:
        fits = all(taken <= count * MILLION for row in tallies for count, taken in enumerate(row, start=1))
        _require(fits, "its discounts are larger than their counts")


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _restored(codec: str, plane: bytes, most: int) -> bytes:
    """Decompress a plane of at most so many bytes."""
    if codec == "z":
        huffman = zlib.decompressobj(-zlib.MAX_WBITS)
        raw, is_whole = huffman.decompress(plane, most + 1), huffman.eof and not huffman.unused_data
    else:
        chain = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=FILTERS)
        raw = chain.decompress(plane, most + 1)
        is_whole = chain.eof and not chain.unused_data
    _require(is_whole and len(raw) <= most, "a part of it expands to more than it should, or to less")
    return raw


def _checked_vocabulary(words: str, size: int) -> str:
    _require(words.count("\n") + 1 == size, "its words are not as many as its 1-grams")
    listed = words.split("\n")
    _require(tuple(listed[:3]) == SPECIAL, "its words do not begin with <unk>, <s> and </s>")
    _require("" not in listed and len(set(listed)) == size, "a word is empty, or is there twice")
    return words


def _model(streams: Iterator[Array], counts: list[int], counts_of_counts: Array) -> Counted:
    """Put a model together again from what `_streams` of `packed.py` gave."""

    def following(size: int) -> Array:
        numbers = next(streams)
        _require(len(numbers) == size, "it has numbers for more or fewer n-grams than it declares")
        return numbers

    starts = np.cumsum([0, 1, *counts])
    nodes, order = int(starts[-1]), len(counts)
    word, children, suffix, adjusted, pruned = (np.zeros(nodes, dtype=np.int32) for _ in range(5))
    children[0], suffix[0] = counts[0], -1
    word[1 : starts[2]] = np.arange(counts[0])
    first = np.ones(nodes, dtype=np.int32)
    for k in range(1, order + 1):
        here, contexts = slice(starts[k], starts[k + 1]), slice(starts[k - 1], starts[k])
        adjusted[here] = following(counts[k - 1])
        if k > 1:
            groups = siblings(children[contexts])
            of_suffix = suffix[contexts][groups.context]
            suffix[here] = _suffixes(following(counts[k - 1]), groups, first[of_suffix], children[of_suffix])
            word[here] = word[suffix[here]]
        if k < order:
            children[here] = following(counts[k - 1])
            _require(int(children[here].sum(dtype=np.int64)) == counts[k], "its n-grams do not fit their contexts")
            pruned[here][children[here] > 0] = following(int(np.count_nonzero(children[here])))
            first[here] = starts[k + 1] + np.cumsum(children[here]) - children[here]
    _require(adjusted[1 + BEGIN] == 0 < adjusted[1 : starts[2]].max(), "its words are never counted, or <s> is")
    return Counted(Trie(word, children, suffix, tuple(starts.tolist())), adjusted, pruned, counts_of_counts)


def _suffixes(steps: Array, groups: Siblings, first: Array, size: Array) -> Array:
    """Return suffix links from steps of rank.

    Args:
        steps: from one child of a context to the next, in ranks among the children of its suffix.
        groups: the children of each context.
        first: the first child of each context's suffix.
        size: the number of that suffix's children.
    """
    running = np.cumsum(steps, dtype=np.int64)
    running += np.arange(1, len(steps) + 1)
    before = running[groups.eldest] - steps[groups.eldest]  # so that the eldest child gets its own rank
    running += groups.spread(first - before)
    youngest = groups.eldest + groups.size - 1  # ranks only rise
    _require(bool((running[youngest] < first + size).all()), "its n-grams have no suffixes")
    return running
