"""The failing inputs of the folder of cases, where it is there: servers, batches and what broke them; the kinds stand in other tests."""

import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import Ran, searchgen

pytestmark = [pytest.mark.shared, pytest.mark.skipif(os.name != "posix", reason="the cases are shell scripts")]

TEXT = b"The dog is in the park.\n"
LONG = "A long prompt that says to write something short about this"


@pytest.fixture
def cases(shared_folder: Path) -> Path:
    folder = shared_folder / "cases"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    return folder


@pytest.fixture
def mock(cases: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The mock server of the cases, on a free port in place of its own."""
    running: list[Any] = []

    class Free(ThreadingHTTPServer):
        def __init__(self, _address: Any, handler: Any) -> None:
            super().__init__(("127.0.0.1", 0), handler)
            running.append(self)

        def serve_forever(self, poll_interval: float = 0.02) -> None:
            """Not yet: the module serves while it is imported."""

    monkeypatch.setattr("http.server.ThreadingHTTPServer", Free)
    spec = importlib.util.spec_from_file_location("mock_server", cases / "server" / "mock_server.py")
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    server = running[0]
    thread = threading.Thread(target=ThreadingHTTPServer.serve_forever, args=(server, 0.02), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def score(address: str, mode: str, *arguments: str, stdin: bytes = TEXT) -> Ran:
    return searchgen("score", "--lm", f"{address}/{mode}#m", "--end", "newline", *arguments, stdin=stdin)


@pytest.mark.parametrize("mode", ["plain", "bos", "bos3", "emptybos", "bytes", "bytesempty", "byteoff", "notext"])
def test_rows_2a_and_2b(mock: str, mode: str) -> None:
    for prompt in ((), ("--prompt", LONG)):
        ran = score(mock, mode, *prompt)
        assert (ran.code, ran.out.split("\t")[0]) == (0, "-8.693000")
    searched = searchgen(
        "constrain", "-k", "dog,park", "--lm", f"{mock}/{mode}#m", "--end", "newline", "--budget", "0.01"
    )
    assert searched.code == 0


@pytest.mark.parametrize(
    "mode", ["genonly", "genonly0", "zero", "neg9999", "inf", "pos", "trunc", "chatlike", "err200"]
)
def test_row_2f_and_its_kind(mock: str, mode: str) -> None:
    ran = score(mock, mode)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("mode", ["onlyfirst", "sameindex"])
def test_answers_of_several_texts(mock: str, mode: str) -> None:
    ran = score(mock, mode, stdin=TEXT * 2 + b"A cat.\n")
    assert (ran.code, ran.out) == (2, "")


def test_row_2d(mock: str) -> None:
    chinese = "这张桌子上有一只猫。"
    ran = score(mock, "bytes", stdin=f"{chinese}\n".encode())
    law = 27 * (-1 - 0.001 * 0xFFFD) + 3 * (-1 - 0.001 * 0xFFFD) + (-1 - 0.001 * ord("\n"))
    assert float(ran.out.split("\t")[0]) == pytest.approx(law, abs=1e-5)


#: Scripts of faults, and what each prints now: words that must and must not be there.
SCRIPTS = {
    "04-report-device.sh": (["crw", "link -> target"], ["-rw------- 1"]),
    "05-batch-own-input.sh": (["the job file has 50 bytes left", "exit 2; 1 lines"], []),
    "07-huge-numbers.sh": (["field 'beta' cannot be a number of 400 digits"], ["unexpected", 'proved": true']),
    "08-server.py": (["refuses the key"], ["KEY SHOWN", "unexpected", "Traceback", ": exit 0"]),
    "11-server-hangs.py": (["SIGINT ended after 0 s with 130", "SIGTERM ended after 0 s with 143"], ["still there"]),
    "12-batch-wrong-key.py": (
        ["wrong key: --overwrite exit 2", "right key: --resume exit 0", '"status": "ok"'],
        ['"status": "error"'],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts(cases: Path, tmp_path: Path, name: str) -> None:
    shim = tmp_path / "searchgen"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m searchgen "$@"\n')
    shim.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    program = "bash" if name.endswith(".sh") else sys.executable
    ran = subprocess.run(
        [program, cases / "reliability" / name],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=300,
    )
    there, absent = SCRIPTS[name]
    assert all(words in ran.stdout + ran.stderr for words in there), ran
    assert not any(words in ran.stdout + ran.stderr for words in absent), ran
