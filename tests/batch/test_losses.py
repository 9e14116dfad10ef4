"""A batch loses nothing: not its own input, not a device, not the rows of a refused run; and it believes no damaged journal."""

import json
import os
import stat
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from searchgen.batch.journal import Header, encode_entry
from searchgen.batch.store import Store
from searchgen.cli.main import answer
from searchgen.errors import RequestError
from searchgen.files.whole import replacing
from tests.batch.files import batch, rows, snapshot
from tests.cli.runner import QUICK, model, searchgen
from tests.places import DATA

JOB = b'{"keywords": "dog"}\n'
posix = pytest.mark.skipif(os.name != "posix", reason="links and devices of POSIX")


def run(line: list[str], source: Path, sink: Path) -> tuple[int, list[str]]:
    """Run a command in this process with stdin and stdout from and to files; return its exit code and the lines of stderr."""
    kept = sys.stdin, sys.stdout, sys.stderr
    with source.open(encoding="utf-8") as read, sink.open("a", encoding="utf-8") as written, StringIO() as said:
        sys.stdin, sys.stdout, sys.stderr = read, written, said
        try:
            return answer([*line, "--lm", model("en")]), said.getvalue().splitlines()
        finally:
            sys.stdin, sys.stdout, sys.stderr = kept


@posix
def test_a_batch_does_not_read_what_it_writes(tmp_path: Path) -> None:
    jobs, link = tmp_path / "jobs.jsonl", tmp_path / "link"
    jobs.write_bytes(JOB)
    os.link(jobs, link)
    report = ["--report", str(link)]
    for line, reads, writes in [
        (["batch", "-", "-o", str(jobs), "--overwrite"], True, False),
        (["batch", "-", "-o", str(link), "--overwrite"], True, False),
        (["batch", str(jobs)], False, True),
        (["batch", str(link)], False, True),
        (["batch", "-"], True, True),
        (["batch", "-", "--journal", str(jobs), "--overwrite"], True, False),
        (["batch", "-", *report], True, False),
        (["score"], True, True),
        (["check", "--keywords", "dog"], True, True),
        (["batch", str(tmp_path / "none"), "-o", str(tmp_path / "out"), *report], False, True),
        (["constrain", "--keywords", "-"], True, True),
        (["sample", "--keywords", "dog", *report], False, True),
    ]:
        empty = Path(os.devnull)
        code, said = run(line, jobs if reads else empty, jobs if writes else empty)
        assert (code, jobs.read_bytes(), len(said)) == (2, JOB, 1), (line, said)
        assert "same file" in said[0] or "is the file that std" in said[0]


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "device"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except (OSError, AttributeError):
        os.mkfifo(path)  # only root makes devices
    yield path
    assert not path.is_file()


REPORTS = (
    ["sample", "--keywords", "dog", "--max-words", "4", "--seed", "1"],
    ["batch", str(DATA / "batch" / "semicolon.csv")],
)


@posix
@pytest.mark.parametrize("command", REPORTS, ids=["sample", "batch"])
def test_a_report_replaces_no_device_and_says_where_a_link_leads(
    tmp_path: Path, device: Path, command: list[str]
) -> None:
    out = ["-o", str(tmp_path / "out")] if command[0] == "batch" else []
    ran = searchgen(*command, *out, "--lm", model("en"), "--report", str(device))
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "is not a plain file" in ran.err
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to(target)
    for number in (1, 2):  # a link to nothing, and one to a file
        ran = searchgen(
            *command, *out, *out[:0], "--lm", model("en"), "--report", str(link), *["--overwrite"] * bool(out)
        )
        assert ran.code == 0, (number, ran.err)
        assert f"--report {link} is a link; {target} is written" in ran.err
        assert link.is_symlink()
        assert json.loads(target.read_text())
        target.chmod(0o640)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@posix
def test_new_files_have_the_permissions_of_new_files(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    for mask in (0o022, 0o077, 0o002):
        before = os.umask(mask)
        try:
            path = tmp_path / f"file{mask}"
            with replacing(path) as file:
                file.write(b"x")
        finally:
            os.umask(before)
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file18", "file2", "file63", "plain"]


@posix
def test_the_output_of_a_batch_says_where_a_link_leads(tmp_path: Path, device: Path) -> None:
    jobs, link, target = tmp_path / "jobs.jsonl", tmp_path / "link", tmp_path / "target"
    jobs.write_bytes(JOB)
    link.symlink_to(target)
    ran = batch(str(jobs), "-o", str(link))
    assert ran.code == 0
    assert f"-o {link} is a link; {target} is written" in ran.err
    assert len(rows(target)) == 1
    ran = batch(str(jobs), "-o", str(tmp_path / "out"), "--journal", str(device))
    assert ran.code == 2
    assert "is not a plain file" in ran.err
    assert not (tmp_path / "out").exists()


@posix
def test_a_device_has_no_journal(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.jsonl"
    jobs.write_bytes(JOB)
    ran = batch(str(jobs), "-o", os.devnull, "--journal", str(tmp_path / "journal"))
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert f"-o {os.devnull} is not a plain file" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["jobs.jsonl"]
    assert batch(str(jobs), "-o", os.devnull).code == 0


REFUSED = [
    (("--resume", "--seed", "5"), "seed"),
    (("--resume", "--keep-columns"), "defaults"),
    (("--resume", "-n", "2"), "defaults"),
    ((), "exists; --resume goes on"),
    (("--resume", "--overwrite"), "give one of them"),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED)
@pytest.mark.parametrize("torn", [False, True])
def test_a_refused_run_changes_nothing(tmp_path: Path, arguments: tuple[str, ...], said: str, torn: bool) -> None:
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out"
    jobs.write_bytes(JOB * 2)
    assert batch(str(jobs), "-o", str(out)).code == 0
    if torn:
        out.write_bytes(out.read_bytes() + b'{"id": 3')
    (tmp_path / "report").write_text("mine")
    before = snapshot(tmp_path)
    ran = batch(str(jobs), "-o", str(out), "--report", str(tmp_path / "report"), *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("changed", "arguments", "said"),
    [
        (JOB + b'{"keywords": "cat"}\n', ("--resume",), "line 2 is not the job"),
        (JOB, ("--resume",), "1 jobs fewer"),
        (b"[" + JOB * 2, ("--resume",), "is a JSON array"),
        (b"[" + JOB * 2, ("--overwrite",), "is a JSON array"),
    ],
)
def test_a_run_refused_for_its_jobs_changes_nothing(
    tmp_path: Path, changed: bytes, arguments: tuple[str, ...], said: str
) -> None:
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out"
    jobs.write_bytes(JOB * 2)
    assert batch(str(jobs), "-o", str(out)).code == 0
    out.write_bytes(out.read_bytes() + b'{"id": 3')  # torn: an accepted run would cut it off
    jobs.write_bytes(changed)
    before = snapshot(tmp_path)
    ran = batch(str(jobs), "-o", str(out), "--report", str(tmp_path / "report"), *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert snapshot(tmp_path) == before


@posix
def test_an_endless_device_is_no_job_file(tmp_path: Path) -> None:
    ran = batch("/dev/zero", "-o", str(tmp_path / "out"))
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "is a device, which may have no end" in ran.err
    assert batch(os.devnull, "-o", str(tmp_path / "out")).code == 0


def test_a_refused_run_leaves_no_file(tmp_path: Path) -> None:
    jobs, out, journal = tmp_path / "jobs.jsonl", tmp_path / "out", tmp_path / "out.journal"
    jobs.write_bytes(JOB)
    report = ("--report", str(tmp_path / "report"))
    for source, arguments, code in [
        (b"{oops\n", ("--strict",), 3),
        (b"[]\n", (), 2),
        (JOB, ("--lm", "nowhere.lm"), 2),
        (JOB, ("--lm", str(tmp_path)), 2),
    ]:
        jobs.write_bytes(source)
        lm = () if "--lm" in arguments else ("--lm", model("en"))
        ran = searchgen("batch", str(jobs), "-o", str(out), *report, *lm, *QUICK, *arguments)
        assert ran.code == code, ran.err
        assert [path.name for path in tmp_path.iterdir()] == ["jobs.jsonl"], arguments
    out.write_text("rows\n")  # with no journal
    assert batch(str(jobs), "-o", str(out), "--resume").code == 2
    assert not journal.exists()


def test_a_model_of_the_flags_that_cannot_be_opened_ends_the_run_and_one_of_a_job_does_not(tmp_path: Path) -> None:
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out"
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "gpt2"}')
    named = json.dumps({"keywords": "dog", "lm": str(folder)}) + "\n"
    jobs.write_text(named + JOB.decode())
    assert batch(str(jobs), "-o", str(out)).code == 3
    assert [row["status"] for row in rows(out)] == ["error", "ok"]
    jobs.write_bytes(JOB * 3)
    ran = searchgen("batch", str(jobs), "-o", str(tmp_path / "other"), "--lm", str(folder))
    assert ran.code == 2
    assert "line 1: " in ran.err
    assert not (tmp_path / "other").exists()


# journals

HEADER = {"seed": 0, "defaults": {}, "format": "jsonl", "base": 0, "version": "1", "platform": "p"}
N = 10**400


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "seed": "0"},
        {**HEADER, "seed": None},
        {**HEADER, "base": N},
        {**HEADER, "base": -1},
        {**HEADER, "base": 1.5},
        {**HEADER, "defaults": []},
        {**HEADER, "format": 7},
        {**HEADER, "more": 1},
        {"seed": 0},
        [],
        None,
    ],
)
def test_a_header_with_malformed_fields_is_refused(tmp_path: Path, header: Any) -> None:
    (tmp_path / "journal").write_bytes(encode_entry(["searchgen batch", 1, header]))
    before = snapshot(tmp_path)
    with pytest.raises(RequestError, match="not a journal of this version"):
        opened(tmp_path)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    "entry",
    [
        ["row", N, "f", 5, "h", "ok", 0.1],
        ["row", 1, "f", N, "h", "ok", 0.1],
        ["row", 1, "f", -1, "h", "ok", 0.1],
        ["row", 1, "f", True, "h", "ok", 0.1],
        ["row", 1, "f", 5, "h", "fine", 0.1],
        ["row", 1, "f", 5, "h", "ok"],
        ["row", 1, "f", 5, None, "ok", 0.1],
        ["row", 1, "f", 5, "h", "ok", "0.1"],
        ["synced", N],
        ["synced", "5"],
        ["synced"],
        ["model", 7, "h"],
        ["other"],
        [],
        [[]],
    ],
)
def test_an_entry_with_malformed_fields_is_refused(tmp_path: Path, entry: list[Any]) -> None:
    lines = encode_entry(["searchgen batch", 1, HEADER]) + encode_entry(entry)
    (tmp_path / "journal").write_bytes(lines)
    (tmp_path / "out").write_bytes(b"rows\n")
    before = snapshot(tmp_path)
    with pytest.raises(RequestError, match=r"journal: line 2 is whole and holds .*, which no run writes; begin again"):
        opened(tmp_path)
    assert snapshot(tmp_path) == before


def test_rows_that_go_back_and_rows_beyond_the_file(tmp_path: Path) -> None:
    """A journal may speak of more bytes than there are, or than fit into memory."""
    row = ["row", 1, "f", 2**62, "h", "ok", 0.1]
    (tmp_path / "journal").write_bytes(encode_entry(["searchgen batch", 1, HEADER]) + encode_entry(row))
    (tmp_path / "out").write_bytes(b"rows\n")
    store = opened(tmp_path)
    assert (store.kept.rows, store.kept.dropped_bytes) == (0, 5)
    store.release()
    base = {**HEADER, "base": 9}
    (tmp_path / "journal").write_bytes(
        encode_entry(["searchgen batch", 1, base]) + encode_entry([*row[:3], 5, *row[4:]])
    )
    with pytest.raises(RequestError, match="rows do not follow one another"):
        opened(tmp_path)


def opened(folder: Path) -> Store:
    header = Header(0, {}, "jsonl", version="1", platform="p")
    return Store.open(folder / "out", folder / "journal", header, "resume")
