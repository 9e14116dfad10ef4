"""Model files and the cache: nothing is lost, and nothing damaged is believed."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from searchgen.errors import ModelFileError, RequestError
from searchgen.files.cache_folder import cache_folder
from searchgen.lm.ngram.estimation.counts import count_ngrams
from searchgen.lm.ngram.estimation.kneser_ney import Counted, counted
from searchgen.lm.ngram.estimation.words import encode_sentences
from searchgen.lm.ngram.load import load
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.storage import open_file
from searchgen.lm.ngram.storage.arpa_writing import write_arpa
from searchgen.lm.ngram.storage.packed import pack, unpack
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
    monkeypatch.setattr(open_file, "unpack", lambda path: pytest.fail("decoded again"))
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
    for name, age in (("new-old", 1e5), ("new-young", 1.0)):
        (cache / name).write_text("")
        os.utime(cache / name, (0, (cache / name).stat().st_mtime - age))
    load(path)
    assert {"new-old", "new-young"} & {entry.name for entry in cache.iterdir()} == {"new-young"}


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
