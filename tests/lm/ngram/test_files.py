"""Model files and the cache: nothing is lost, and nothing damaged is believed."""

import json
import lzma
import os
import random
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchgen.errors import ModelFileError, RequestError
from searchgen.files.cache_folder import cache_folder
from searchgen.lm.ngram.estimation.counts import count_ngrams
from searchgen.lm.ngram.estimation.kneser_ney import Counted, counted
from searchgen.lm.ngram.estimation.words import encode_sentences
from searchgen.lm.ngram.load import load
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.storage import decoded, open_file
from searchgen.lm.ngram.storage.arpa_writing import write_arpa
from searchgen.lm.ngram.storage.packed import FILTERS, HEAD, pack
from searchgen.lm.ngram.storage.unpacked import Packed, unpack
from tests.places import DATA

TEXT = DATA / "kenlm" / "train.txt"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SEARCHGEN_CACHE", str(tmp_path / "cache"))
    cache_folder.cache_clear()
    yield tmp_path / "cache" / "models"
    cache_folder.cache_clear()


def counts_of(order: int = 4, cut: tuple[int, ...] = (0, 0, 1)) -> tuple[Counted, list[str]]:
    tokens, vocabulary = encode_sentences(line.split() for line in TEXT.read_text().splitlines())
    return counted(count_ngrams(tokens, order, len(vocabulary)), cut), vocabulary


@pytest.fixture
def path(tmp_path: Path) -> Path:
    model, vocabulary = counts_of()
    (tmp_path / "model.sgm").write_bytes(pack(model, vocabulary, {"form": "raw", "cut": [0, 0, 1]}))
    return tmp_path / "model.sgm"


def same(a: NGram, b: NGram) -> bool:
    pairs = zip(a.tables, b.tables, strict=True)
    return a.vocabulary == b.vocabulary and all(
        x.dtype == y.dtype and x.flags.writeable == y.flags.writeable and x.tobytes() == y.tobytes() for x, y in pairs
    )


@pytest.mark.parametrize("order", [1, 2, 3, 6])
@pytest.mark.parametrize("cut", [(), (0, 1), (0, 0, 1, 2)])
def test_packing_loses_nothing(tmp_path: Path, order: int, cut: tuple[int, ...]) -> None:
    model, vocabulary = counts_of(order, cut)
    (tmp_path / "m").write_bytes(pack(model, vocabulary, {"form": "raw", "note": "…"}))
    back, words, metadata, key = unpack(tmp_path / "m")
    assert words.split("\n") == vocabulary
    assert back.trie.starts == model.trie.starts
    for before, after in zip((*model.trie[:3], *model[1:]), (*back.trie[:3], *back[1:]), strict=True):
        assert np.array_equal(before, after)
    assert metadata["note"] == "…"
    assert key == NGram.from_counts(model, vocabulary, form="raw", name="", metadata={}).hash


def test_a_file_gives_the_model_it_was_made_from(path: Path) -> None:
    model, vocabulary = counts_of()
    made = NGram.from_counts(model, vocabulary, form="raw", name="", metadata={})
    for _ in range(2):  # decoded, then from the cache
        opened = load(path)
        assert same(opened, made)
        assert (opened.hash, opened.form, opened.order) == (made.hash, "raw", 4)
        assert opened.metadata["cut"] == [0, 0, 1]
    assert opened.exact_tables().node.tobytes() == made.exact_tables().node.tobytes()


def test_packing_is_deterministic() -> None:
    model, vocabulary = counts_of()
    assert pack(model, vocabulary, {"form": "raw"}) == pack(model, vocabulary, {"form": "raw"})


def test_a_damaged_file_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    chance = random.Random(1)
    for _ in range(60):
        at = chance.randrange(56, len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :])
        with pytest.raises(ModelFileError, match="damaged"):
            unpack(path)
    for size in (*range(60), *(chance.randrange(len(whole)) for _ in range(20))):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelFileError, match=r"cut off|not a language model|instead of"):
            unpack(path)
    path.write_bytes(whole + b"x")
    with pytest.raises(ModelFileError, match="instead of"):
        unpack(path)
    path.write_bytes(whole[:8] + b"\x09" + whole[9:])
    with pytest.raises(ModelFileError, match="format is 9"):
        unpack(path)


def test_a_flipped_bit_is_noticed_although_the_model_is_cached(path: Path) -> None:
    load(path)
    whole = path.read_bytes()
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(ModelFileError):
            load(path)


def test_a_file_cannot_take_the_place_of_another(path: Path, tmp_path: Path) -> None:
    """Its head has the hash of the other model, a checksum that fits, and sound contents."""
    good = load(path)
    other, vocabulary = counts_of(2, ())
    content = pack(other, vocabulary, {"form": "raw"})
    head, body = path.read_bytes()[: HEAD.size], content[HEAD.size :]
    forged = HEAD.pack(*HEAD.unpack(head)[:2], zlib.crc32(body), len(body), HEAD.unpack(head)[4]) + body
    (tmp_path / "forged.sgm").write_bytes(forged)
    for _ in range(2):
        with pytest.raises(ModelFileError, match="its hash is that of another model"):
            load(tmp_path / "forged.sgm")
    assert same(load(path), good)


def forged(path: Path, change: Callable[[dict[str, Any]], object], planes: bytes = b"") -> Path:
    """Write a model file with another description, whose checksum is right."""
    content = path.read_bytes()
    magic, version, _, _, key = HEAD.unpack(content[: HEAD.size])
    (size,) = struct.unpack_from("<I", content, HEAD.size)
    about = json.loads(content[HEAD.size + 4 : HEAD.size + 4 + size])
    change(about)
    text = json.dumps(about).encode()
    body = struct.pack("<I", len(text)) + text + (planes or content[HEAD.size + 4 + size :])
    target = path.with_name("forged.sgm")
    target.write_bytes(HEAD.pack(magic, version, zlib.crc32(body), len(body), key) + body)
    return target


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda about: about.update(form="../../x"), "its text form is '../../x'"),
        (lambda about: about.pop("form"), "its description is malformed"),
        (lambda about: about.update(counts=5), "its counts are malformed"),
        (lambda about: about["counts"].__setitem__(-1, 10**9), "more than it has room for"),
        (lambda about: about["counts"].__setitem__(-1, 10**15), "its counts are malformed"),
        (lambda about: about["counts"].__setitem__(-1, about["counts"][-1] - 1), "expands to more than it should"),
        (lambda about: about.update(counts=[]), "it declares 0 orders"),
        (lambda about: about["lengths"].__setitem__(0, 1), "its parts do not fill it"),
        (lambda about: about.update(codecs="y" * len(about["codecs"])), "compressed in an unknown way"),
        (lambda about: about.update(note={"a": 1}), "its facts are malformed"),
        (lambda about: about.update(note=float("nan")), "NaN is not a number"),
        (lambda about: about.update(more=about["more"][1:]), "its planes are malformed"),
        (lambda about: about["counts_of_counts"].pop(), "its counts of counts are malformed"),
        (lambda about: about["counts_of_counts"][0].__setitem__(0, 7), "its hash is that of another model"),
        (lambda about: about.update(form="en"), "its hash is that of another model"),
    ],
)
def test_a_description_is_compared_with_the_rest(path: Path, change: Callable[..., object], message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        load(forged(path, change))


def test_facts_of_foreign_models_are_not_taken_from_a_file(path: Path) -> None:
    assert load(forged(path, lambda about: about.update(worst_sum="x", note=[1, "y", None]))).unnormalised == ""


def test_a_part_that_expands_without_end_takes_no_memory(path: Path) -> None:
    coder = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = b"".join(coder.compress(bytes(1 << 20)) for _ in range(300)) + coder.flush()
    packed = lzma.compress(bytes(100 << 20), lzma.FORMAT_RAW, filters=FILTERS)
    for part, codec in ((bomb, "z"), (packed, "x")):
        for place in (0, 3):

            def change(about: dict[str, Any], part: bytes = part, codec: str = codec, place: int = place) -> None:
                about["lengths"] = [len(part) if i == place else 0 for i in range(len(about["lengths"]))]
                about["codecs"] = codec * len(about["codecs"])

            tracemalloc.start()
            with pytest.raises(ModelFileError, match="expands to more than it should"):
                load(forged(path, change, planes=part))
            assert tracemalloc.get_traced_memory()[1] < 40_000_000
            tracemalloc.stop()


def test_a_description_of_brackets_only_is_refused(path: Path) -> None:
    content = path.read_bytes()
    magic, version, _, _, key = HEAD.unpack(content[: HEAD.size])
    body = struct.pack("<I", 200_000) + b"[" * 200_000
    path.write_bytes(HEAD.pack(magic, version, zlib.crc32(body), len(body), key) + body)
    with pytest.raises(ModelFileError, match="its description is malformed"):
        load(path)


@pytest.mark.parametrize("name", ["model.sgm", "model.arpa"])
def test_a_file_that_changes_while_it_is_in_use_is_noticed(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(open_file, "CACHED_ARPA_BYTES", 1000)
    write_arpa(load(path), tmp_path / "model.arpa")
    model = load(tmp_path / name)
    other, vocabulary = counts_of(2, ())
    path.write_bytes(pack(other, vocabulary, {"form": "raw"}))
    write_arpa(load(path), tmp_path / "model.arpa")
    with pytest.raises(ModelFileError, match="has changed while it was in use"):
        model.exact_tables()


def test_a_large_cached_model_is_read_through_once_a_day_and_after_each_change(
    path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoded, "SMALL", 0)
    monkeypatch.setattr(decoded, "COARSE_SECONDS", 0.0)
    checked: list[int] = []

    def counting(arrays: decoded.Arrays, real: Callable[..., dict[str, int]] = decoded._checksums) -> dict[str, int]:
        checked.append(len(arrays))
        return real(arrays)

    monkeypatch.setattr(decoded, "_checksums", counting)
    model, vocabulary = counts_of()
    good = NGram.from_counts(
        model, vocabulary, form="raw", name="", metadata={}
    )  # in memory: a mapped one would change, too
    load(path)
    (stored,) = (entry for entry in cache.iterdir() if not entry.name.endswith(".whole"))
    note = cache / f"{stored.name}.whole"
    assert len(checked) == 1  # to write them
    for expected in (2, 2, 2):
        assert same(load(path), good)
        assert len(checked) == expected
    os.utime(note, (0, time.time() - 90_000))
    assert same(load(path), good)
    assert len(checked) == 3
    times = stored.stat()
    with stored.open("r+b") as file:
        file.seek(len(stored.read_bytes()) // 2)
        file.write(b"damaged")
    os.utime(stored, ns=(times.st_atime_ns, times.st_mtime_ns))  # the time of the last change of all tells it
    assert same(load(path), good)
    assert len(checked) == 6  # read through, again once no other process can build it, and written anew
    assert note.read_text() != decoded._facts(stored.stat())


def test_a_model_that_was_written_just_now_is_not_believed(
    path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a moment a second change has the same time as the first."""
    monkeypatch.setattr(decoded, "SMALL", 0)
    for _ in range(3):
        load(path)
    assert not [entry for entry in cache.iterdir() if entry.name.endswith(".whole")]


def test_a_damaged_cache_is_made_anew(path: Path, cache: Path) -> None:
    good = load(path)
    (stored,) = cache.iterdir()
    whole = stored.read_bytes()
    chance = random.Random(2)
    changes = [chance.randrange(len(whole)) for _ in range(40)]
    for at in (*range(0, 200, 9), *changes):
        stored.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :])
        assert same(load(path), good)
    for content in (b"", b"SGMCACHE", whole[:-1], whole + b"x", whole[: len(whole) // 2], bytes(len(whole))):
        stored.write_bytes(content)
        assert same(load(path), good)
        assert stored.read_bytes() == whole
    assert [entry.name for entry in cache.iterdir()] == [stored.name]


def test_a_cache_of_another_model_is_not_believed(path: Path, tmp_path: Path, cache: Path) -> None:
    good = load(path)
    (stored,) = cache.iterdir()
    other, vocabulary = counts_of(2, ())
    (tmp_path / "other.sgm").write_bytes(pack(other, vocabulary, {"form": "raw"}))
    load(tmp_path / "other.sgm")
    (second,) = set(cache.iterdir()) - {stored}
    stored.unlink()  # the model that is open is mapped to this file
    stored.write_bytes(second.read_bytes())
    assert same(load(path), good)


def test_a_cache_is_used_when_it_is_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = load(path)
    monkeypatch.setattr(Packed, "unpacked", lambda packed, digest: pytest.fail("decoded again"))
    assert same(load(path), good)


def test_an_unwritable_cache_is_said_and_does_no_harm(path: Path, cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    said: list[str] = []
    model, vocabulary = counts_of()
    made = NGram.from_counts(model, vocabulary, form="raw", name="", metadata={})
    assert same(load(path, said.append), made)
    assert len(said) == 1
    assert str(cache) in said[0]
    assert same(load(path), made)


def test_writing_into_the_tables_does_not_reach_the_cache(path: Path) -> None:
    good = load(path)
    spoilt = load(path)
    spoilt.tables.node["log_p"][:] = 7
    assert same(load(path), good)


def test_leftovers_of_killed_processes_are_removed(path: Path, cache: Path) -> None:
    cache.mkdir(parents=True)
    for name, age in ((".m-4.old", 1e5), (".m-4.young", 1.0)):
        (cache / name).write_text("")
        os.utime(cache / name, (0, (cache / name).stat().st_mtime - age))
    load(path)
    assert {".m-4.old", ".m-4.young"} & {entry.name for entry in cache.iterdir()} == {".m-4.young"}


def test_processes_that_decode_at_once_do_not_disturb_each_other(path: Path, cache: Path) -> None:
    code = "import sys; from searchgen.lm.ngram.load import load; print(load(sys.argv[1]).tables.node.tobytes().__hash__())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "0"}
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(path)], env=environment, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    answers = {process.communicate()[0] for process in running}
    assert len(answers) == 1
    assert b"" not in answers
    assert len(list(cache.iterdir())) == 1


def test_a_large_arpa_file_is_kept_decoded(
    path: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_arpa(load(path), tmp_path / "large.arpa")
    before = len(list(cache.iterdir()))
    monkeypatch.setattr(open_file, "CACHED_ARPA_BYTES", 1000)
    first = load(tmp_path / "large.arpa")
    assert len(list(cache.iterdir())) == before + 1
    assert same(load(tmp_path / "large.arpa"), first)
    assert first.exact_tables().node.dtype["log_p"] == np.float64


@pytest.mark.parametrize(
    "content", [b"", b"hello world, this is a text\n" * 9, b"\x89PNG\r\n\x1a\n" + bytes(99), bytes(99)]
)
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "thing.txt"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="not a language model"):
        load(path)


def test_unknown_names_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="did you mean 'zh'"):
        load("zhh")
    with pytest.raises(RequestError, match="unknown model 'qqqq'"):
        load("qqqq")
    for missing in (tmp_path / "none", str(tmp_path / "none"), "none.arpa", "none.sgm"):
        with pytest.raises(ModelFileError, match="no model file"):
            load(missing)
    with pytest.raises(ModelFileError, match="folder"):
        load(tmp_path)
