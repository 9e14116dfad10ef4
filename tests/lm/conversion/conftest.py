"""Conversions of tests are kept nowhere: another run has other code."""

from pathlib import Path

import pytest

from searchgen.lm.conversion import bits, cached
from searchgen.lm.decoder import content_hash


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that conversions and contexts are kept in."""
    folder = tmp_path / "kept"
    folder.mkdir()
    for module in (bits, cached, content_hash):
        monkeypatch.setattr(module, "cache_folder", lambda: folder)
    return folder
