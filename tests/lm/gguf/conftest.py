"""Conversions of tests are kept nowhere: another run has other code."""

from pathlib import Path

import pytest

from searchgen.lm.gguf import bits, content_hash, conversion


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that conversions and contexts are kept in."""
    folder = tmp_path / "kept"
    folder.mkdir()
    for module in (bits, content_hash, conversion):
        monkeypatch.setattr(module, "cache_folder", lambda: folder)
    return folder
