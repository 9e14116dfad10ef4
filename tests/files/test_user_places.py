"""The user's folders: Linux as ever, macOS by platformdirs, old places are searched, a missing home is no error."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import platformdirs.macos
import platformdirs.unix
import pytest

from searchgen.files.cache_folder import cache_folder
from searchgen.files.user_places import user_places
from searchgen.lm.catalogue.folder import models_folder
from searchgen.request.user_settings import config_file

VARIABLES = (
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "SEARCHGEN_MODELS",
    "SEARCHGEN_CACHE",
    "SEARCHGEN_CONFIG",
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="homes are told by HOME")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    cache_folder.cache_clear()
    yield tmp_path
    cache_folder.cache_clear()


@pytest.fixture
def mac(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platformdirs, "PlatformDirs", platformdirs.macos.MacOS)
    return home / "Library"


@pytest.mark.parametrize("named", [False, True])
def test_linux_has_the_places_of_freedesktop(home: Path, monkeypatch: pytest.MonkeyPatch, named: bool) -> None:
    """They are those of platformdirs, too."""
    monkeypatch.setattr(sys, "platform", "linux")
    if named:
        monkeypatch.setenv("XDG_CACHE_HOME", str(home / "c"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "s"))
        monkeypatch.setenv("XDG_DATA_HOME", str(home / "d"))
    names = ("c", "s", "d") if named else (".cache", ".config", ".local/share")
    cache, settings, data = (home / name / "searchgen" for name in names)
    assert (user_places("cache"), user_places("config"), user_places("data")) == ([cache], [settings], [data])
    assert (cache_folder(), config_file()) == (cache, settings / "config.toml")
    assert models_folder() == data / "models"
    theirs = platformdirs.unix.Unix("searchgen", appauthor=False)
    assert (theirs.user_cache_path, theirs.user_config_path, theirs.user_data_path) == (cache, settings, data)


def test_macos_has_places_of_its_own(mac: Path) -> None:
    assert cache_folder() == mac / "Caches" / "searchgen"
    assert config_file() == mac / "Application Support" / "searchgen" / "config.toml"
    assert models_folder() == mac / "Application Support" / "searchgen" / "models"


def test_what_lies_in_the_old_places_is_found(mac: Path, home: Path) -> None:
    old = home / ".config" / "searchgen" / "config.toml"
    for path in (home / ".cache" / "searchgen", old.parent):
        path.mkdir(parents=True)
    assert config_file() == mac / "Application Support" / "searchgen" / "config.toml"  # no file there yet
    old.write_text("")
    assert (cache_folder(), config_file()) == (home / ".cache" / "searchgen", old)


def test_the_new_place_wins_over_the_old_one(mac: Path, home: Path) -> None:
    new = mac / "Application Support" / "searchgen" / "config.toml"
    for path in (
        home / ".config" / "searchgen",
        new.parent,
        home / ".cache" / "searchgen",
        mac / "Caches" / "searchgen",
    ):
        path.mkdir(parents=True)
    new.write_text("")
    (home / ".config" / "searchgen" / "config.toml").write_text("")
    assert (cache_folder(), config_file()) == (mac / "Caches" / "searchgen", new)


def test_variables_win_everywhere(mac: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    assert user_places("cache") == [tmp_path / "c" / "searchgen"]
    monkeypatch.setenv("SEARCHGEN_CACHE", str(tmp_path / "named"))
    monkeypatch.setenv("SEARCHGEN_CONFIG", str(tmp_path / "named.toml"))
    assert (cache_folder(), config_file()) == (tmp_path / "named", tmp_path / "named.toml")


NAMELESS = """
import pwd, sys
def unknown(uid):
    raise KeyError(uid)
pwd.getpwuid = unknown
sys.platform = {platform!r}
import platformdirs, platformdirs.macos
platformdirs.PlatformDirs = platformdirs.macos.MacOS
from searchgen.files.cache_folder import cache_folder, is_kept
from searchgen.request.user_settings import config_file, in_force
print(cache_folder().is_dir(), is_kept(), config_file(), {{setting.source for setting in in_force()}})
"""


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_user_without_a_home_or_a_name_has_a_temporary_cache_and_no_file(platform: str, tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in (*VARIABLES, "HOME")}
    paths = os.pathsep.join(filter(None, sys.path))
    ran = subprocess.run(
        [sys.executable, "-c", NAMELESS.format(platform=platform)],
        env={**kept, "PYTHONPATH": paths},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == f"True False {os.devnull} {{'default'}}\n"
    assert list(tmp_path.iterdir()) == []
