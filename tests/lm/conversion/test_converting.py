"""A conversion is there whole or not at all, and belongs to the content of its file."""

import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from searchgen.errors import RequestError, SearchgenError
from searchgen.files.locked import open_locked
from searchgen.lm.conversion import cached, converting
from searchgen.lm.conversion.cached import FACTS, GRAPH, WEIGHTS, conversions
from searchgen.lm.conversion.converting import convert
from searchgen.lm.conversion.gguf_model import open_gguf
from searchgen.lm.decoder.content_hash import TOKENIZER, hash_of
from searchgen.lm.gguf import source
from searchgen.lm.neural.settings import NeuralSettings
from tests.lm.gguf.tiny_gguf import written
from tests.places import ROOT

Usage = namedtuple("Usage", ("total", "used", "free"))

SETTINGS = NeuralSettings(end="newline")
TEXTS = ["The dog ran.", "A cat."]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "model.gguf")[0]


def scores(file: Path) -> bytes:
    return open_gguf(str(file), SETTINGS).log_probs(TEXTS).tobytes()


def shortened(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def changed_facts(path: Path) -> None:
    facts = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**facts, "layers": facts["layers"] - 1}), encoding="utf-8")


@pytest.mark.parametrize(
    ("part", "damage"),
    [
        (WEIGHTS, Path.unlink), (WEIGHTS, shortened), (GRAPH, Path.unlink), (GRAPH, shortened), (TOKENIZER, Path.unlink),
        (TOKENIZER, shortened), (FACTS, Path.unlink), (FACTS, shortened), (FACTS, changed_facts),
        (FACTS, lambda path: path.write_text("[]", encoding="utf-8")),
        (FACTS, lambda path: path.write_text('{"mark": 1}', encoding="utf-8")),
        (FACTS, lambda path: path.write_bytes(b"\xff")),
    ],
)  # fmt: skip
def test_a_damaged_conversion_is_made_anew(part: str, damage: Callable[[Path], object], file: Path) -> None:
    wanted = scores(file)
    (found,) = conversions()
    whole = contents(found.folder)
    damage(found.folder / part)
    assert conversions() == []
    assert scores(file) == wanted
    assert contents(found.folder) == whole


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_conversion_is_made_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = scores(file)
    monkeypatch.setattr(converting, "_made", lambda *_: pytest.fail("made twice"))
    assert scores(file) == wanted
    # The content counts, not the name.
    assert scores(Path(shutil.copy(file, file.with_name("copy.gguf")))) == wanted


def test_a_conversion_of_an_older_edition_is_deleted(file: Path, kept: Path) -> None:
    wanted = scores(file)
    (found,) = conversions()
    older = found.folder.with_name(f"{hash_of(file)}-8-{cached.EDITION - 1}")
    others = [
        found.folder.with_name(f"{hash_of(file)}-32-{cached.EDITION}"),
        found.folder.with_name("0" * 64 + "-8-1"),
    ]
    found.folder.rename(older)
    for other in others:
        shutil.copytree(older, other)
    assert scores(file) == wanted
    assert not older.exists()
    assert all(other.exists() for other in others)


def test_the_original_is_not_touched(file: Path) -> None:
    content, about = file.read_bytes(), file.stat()
    scores(file)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (content, about.st_mtime_ns)


#: Opens a file in a process of its own, with the cache folder given; may be limited in the size of files.
CHILD = """
import sys, resource
from pathlib import Path
from searchgen.errors import SearchgenError
from searchgen.lm.conversion import cached
from searchgen.lm.conversion.converting import convert
cached.cache_folder = lambda: Path(sys.argv[2])
if int(sys.argv[3]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    print(convert(Path(sys.argv[1])).folder)
except SearchgenError as error:
    print(error, file=sys.stderr)
    sys.exit(7)
"""


def child(file: Path, cache: Path, largest: int = 0) -> "subprocess.Popen[str]":
    # -B: a module compiled under a limit would be kept in part.
    command = [sys.executable, "-B", "-c", CHILD, str(file), str(cache), str(largest)]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.skipif(sys.platform == "win32", reason="it has no limits of a process")
def test_a_disk_full_half_way_leaves_nothing(file: Path, kept: Path) -> None:
    run = child(file, kept, 8192)
    assert run.communicate(timeout=120)[1].count("\n") == 1
    assert run.returncode == 7
    left = [path.name for path in (kept / "converted").iterdir()]
    assert [name for name in left if not name.endswith(".lock")] == []
    scores(file)
    assert len(conversions()) == 1


def test_two_processes_at_once(file: Path, kept: Path) -> None:
    runs = [child(file, kept) for _ in range(2)]
    found = [run.communicate(timeout=180) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], found
    assert len({out for out, _ in found}) == 1
    assert [path.name for path in (kept / "converted").iterdir() if path.name.startswith(".")] == []
    assert len(conversions()) == 1


def test_another_run_is_waited_for(file: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept / "converted").mkdir()
    lock = open_locked(kept / "converted" / f"{hash_of(file)}-8-{cached.EDITION}.lock")
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            os.close(lock)

    monkeypatch.setattr("searchgen.lm.conversion.converting.time.sleep", pause)
    convert(file)
    assert len(waits) == 3


def test_what_a_killed_run_left_is_swept(file: Path, kept: Path) -> None:
    left = kept / "converted" / f".{hash_of(file)}-8-{cached.EDITION}.abc"
    left.mkdir(parents=True)
    (left / WEIGHTS).write_bytes(b"half")
    convert(file)
    assert not left.exists()


def test_a_file_that_changes_meanwhile_is_refused(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, refuse = written(tmp_path / "other.gguf", seed=1)[0].read_bytes(), source._refuse_unknown

    def change(*given: object) -> None:
        refuse(*given)  # type: ignore[arg-type]
        file.write_bytes(content)

    monkeypatch.setattr(source, "_refuse_unknown", change)
    with pytest.raises(SearchgenError, match="was changed while it was read"):
        convert(file)
    assert conversions() == []


def test_a_cache_that_cannot_be_written(file: Path, kept: Path) -> None:
    (kept / "converted").write_bytes(b"")
    with pytest.raises(SearchgenError, match=r"cannot be written.*SEARCHGEN_CACHE"):
        convert(file)


def test_no_space(file: Path, monkeypatch: pytest.MonkeyPatch, kept: Path) -> None:
    monkeypatch.setattr("searchgen.lm.conversion.converting.shutil.disk_usage", lambda _: Usage(10, 9, 1))
    with pytest.raises(SearchgenError, match="MB are needed and 0 are free; make space"):
        convert(file)
    assert list((kept / "converted").iterdir()) == []


def test_a_large_conversion_is_asked_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converting, "LARGE", 1000)
    with pytest.raises(RequestError, match="GB once converted; give --yes"):
        convert(file)
    said: list[str] = []
    convert(file, notify=said.append, large=True)
    convert(file, notify=said.append)  # it is there
    assert len(said) == 1
    assert "converting model.gguf once, 0 MB in about" in said[0]


def test_thirty_two_bits_stand_beside_eight(file: Path) -> None:
    eight, exact = convert(file), convert(file, 32)
    assert eight.size < exact.size
    assert [one.facts["bits"] for one in sorted(conversions(), key=lambda one: one.size)] == [8, 32]
    found = [open_gguf(str(file), SETTINGS, bits=bits) for bits in (8, 32)]
    assert found[0].hash != found[1].hash
    near, wanted = (model.log_probs(TEXTS) for model in found)
    np.testing.assert_allclose(near, wanted, rtol=0.1)
