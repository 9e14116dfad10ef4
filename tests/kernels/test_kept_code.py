"""Kept machine code: what is damaged, missing or another's is compiled again; what cannot be written is no fault."""

import importlib.util
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from searchgen.files.cache_folder import cache_folder
from searchgen.files.notices import hear_notices
from searchgen.kernels import precompile
from searchgen.kernels.compiled import compiled_folder
from searchgen.kernels.kept_code import _checked_file


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SEARCHGEN_CACHE", str(tmp_path / "cache"))
    for cached in (cache_folder, compiled_folder):
        cached.cache_clear()
    yield tmp_path / "cache"
    for cached in (cache_folder, compiled_folder):
        cached.cache_clear()


def kept(folder: Path, stamp: str = "") -> Any:
    folder.mkdir(exist_ok=True)
    return _checked_file()(str(folder), "f-1.py311", stamp)


def test_forms_come_back_by_their_keys(tmp_path: Path) -> None:
    for number in range(3):
        kept(tmp_path).save(("int64", number), {"code": bytes(range(number, 99))})
    kept(tmp_path).save(("int64", 1), "another")
    loaded = [kept(tmp_path).load(("int64", number)) for number in range(4)]
    assert loaded == [{"code": bytes(range(99))}, "another", {"code": bytes(range(2, 99))}, None]
    assert kept(tmp_path, stamp="of other sources").load(("int64", 0)) is None


def test_two_processes_never_take_each_others_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have read the list before either wrote it."""
    first, second = kept(tmp_path), kept(tmp_path)
    monkeypatch.setattr(second, "_load_index", dict)
    first.save("float64", "code for float64")
    second.save("float32", "code for float32")
    assert kept(tmp_path).load("float32") == "code for float32"
    assert kept(tmp_path).load("float64") is None  # compiled again
    kept(tmp_path).save("float64", "code for float64")
    assert [kept(tmp_path).load(key) for key in ("float32", "float64")] == ["code for float32", "code for float64"]


def test_a_file_under_the_name_of_another_is_not_believed(tmp_path: Path) -> None:
    for key in ("a", "b"):
        kept(tmp_path).save(key, f"code for {key}")
    one, other = sorted(tmp_path.glob("*.nbc"))
    one.write_bytes(other.read_bytes())
    assert sorted(filter(None, map(kept(tmp_path).load, ("a", "b")))) in (["code for a"], ["code for b"])


@pytest.mark.parametrize("ending", ["*.nbi", "*.nbc"])
def test_whatever_is_damaged_is_not_there(tmp_path: Path, ending: str) -> None:
    kept(tmp_path).save("key", "code")
    (path,) = tmp_path.glob(ending)
    whole = path.read_bytes()
    for content in (
        *(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :] for at in range(len(whole))),
        *(whole[:size] for size in range(len(whole))),
        *(bytes(len(whole)), whole + b"x"),
    ):
        path.write_bytes(content)
        assert kept(tmp_path).load("key") is None
    kept(tmp_path).save("key", "code")
    assert (kept(tmp_path).load("key"), path.read_bytes()) == ("code", whole)


def test_what_cannot_be_written_is_said_once(cache: Path) -> None:
    said: list[str] = []
    hear_notices(said.append)
    cache.mkdir()
    nowhere = _checked_file()(str(cache / "gone"), "f-1.py311", "")
    for _ in range(2):
        nowhere.save("key", "code")
    hear_notices(None)
    assert len(said) == 1
    assert said[0].startswith(f"the cache folder {cache} cannot be written (No such file or directory)")


#: Its module is one whose functions are kept, by its name.
KERNEL = """
from searchgen.kernels.compiled import kernel

@kernel
def plus(x):
    return x + 40
"""


def compiled_anew(folder: Path) -> tuple[int, bool]:
    """Return what a kernel gives in a fresh module, and whether it was loaded rather than compiled."""
    (folder / "searchgen_toy.py").write_text(KERNEL)
    spec = importlib.util.spec_from_file_location("searchgen_toy", folder / "searchgen_toy.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["searchgen_toy"] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        return module.plus(2), bool(module.plus.stats.cache_hits)
    finally:
        del sys.modules["searchgen_toy"]


@pytest.mark.parametrize("content", [b"", bytes(1000), b"SGCODE1\n", None], ids=["empty", "zeros", "head", "folder"])
@pytest.mark.parametrize("ending", ["*.nbi", "*.nbc"])
def test_a_kernel_is_compiled_again(cache: Path, tmp_path: Path, ending: str, content: bytes | None) -> None:
    assert compiled_anew(tmp_path) == (42, False)
    assert compiled_anew(tmp_path) == (42, True)
    (path,) = (cache / "compiled").rglob(ending)
    path.unlink()
    if content is None:
        path.mkdir()  # nothing can be kept under this name
    else:
        path.write_bytes(content)
    assert compiled_anew(tmp_path) == (42, False)
    assert compiled_anew(tmp_path) == (42, content is not None)


@pytest.mark.parametrize("busy", [True, False])
def test_one_run_compiles_and_the_others_wait(cache: Path, monkeypatch: pytest.MonkeyPatch, busy: bool) -> None:
    begun: list[int] = []
    ended = threading.Event()

    class Compiler:
        def wait(self) -> int:
            assert ended.wait(20)
            return 0

    def compilers() -> list[Compiler]:
        compiled_folder().mkdir(parents=True, exist_ok=True)
        begun.append(1)
        return [Compiler()]

    monkeypatch.setattr(precompile, "_compilers", compilers)
    if not busy:
        ended.set()
    waits = []
    for _ in range(4):
        waits.append(precompile.compile_loops())
        if not busy:
            waits[-1]()
    threads = [threading.Thread(target=wait) for wait in waits if busy]
    for thread in threads:
        thread.start()
    for thread in threads[1:]:
        assert thread.is_alive()
    ended.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert (begun, precompile.is_compiled()) == ([1], True)


def test_nothing_is_compiled_beforehand_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(precompile, "can_keep", lambda: False)
    monkeypatch.setattr(precompile, "_compilers", lambda: pytest.fail("compiled in vain"))
    precompile.compile_loops()()
    assert os.listdir(cache) == []
