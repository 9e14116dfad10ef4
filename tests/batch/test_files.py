"""What people's job files look like, and that a batch loses nothing: not its own input, not a device, not the rows of a refused run."""

import json
import os
import stat
import sys
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest

from searchgen.batch.jobs import read_jobs
from searchgen.batch.journal import Header, encode_entry
from searchgen.batch.store import Store
from searchgen.cli.main import answer
from searchgen.errors import RequestError
from searchgen.files.whole import replacing
from searchgen.request.from_values import near_field
from tests.cli.runner import QUICK, Ran, model, searchgen
from tests.cli.schema import faults, schema
from tests.places import DATA

JOB = b'{"keywords": "dog"}\n'
posix = pytest.mark.skipif(os.name != "posix", reason="links and devices of POSIX")


def batch(*arguments: str, stdin: bytes = b"") -> Ran:
    return searchgen("batch", *arguments, "--lm", model("en"), *QUICK, stdin=stdin)


def rows(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]
    assert not any(faults(row, schema("row.json")) for row in found)
    return found


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# columns and forms of job files


def test_own_columns_are_carried_into_the_row(tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = batch(str(DATA / "batch" / "own_columns.jsonl"), "-o", str(out), "--keep-columns")
    assert ran.code == 0, ran.err
    assert [(row["id"], row["columns"]) for row in rows(out)] == [
        ("a", {"reference": "A dog runs in a park."}),
        ("b", {}),
        (3, {"concept_set": "king#castle"}),
    ]


def test_the_error_without_the_flag_names_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert batch(str(DATA / "batch" / "own_columns.jsonl"), "-o", str(out)).code == 3
    assert [row["status"] for row in rows(out)] == ["error", "ok", "error"]
    assert "unknown field 'reference'; --keep-columns allows other columns" in rows(out)[0]["diagnostics"]["error"]
    assert all("columns" not in row for row in rows(out))


def test_columns_stand_in_rows_of_every_kind_as_they_were(tmp_path: Path) -> None:
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out"
    own = {"n400": 10**400, "x": [1, 0.1, None, {"é": "\u2028"}], "": "empty name", "reference": ""}
    lines: list[dict[str, Any]] = [{"keywords": "dog", "forbid": "dog"}, {"keywords": 7}, {"id": "a"}, {"id": "a"}]
    jobs.write_text("".join(json.dumps({**line, **own}) + "\n" for line in lines) + "{oops\n")
    assert batch(str(jobs), "-o", str(out), "--keep-columns").code == 3
    assert [row["status"] for row in rows(out)] == ["infeasible", "error", "ok", "error", "error"]
    assert [row["columns"] for row in rows(out)] == [own] * 4 + [{}]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("keyword", "keywords"),
        ("keywrods", "keywords"),
        ("Keywords", "keywords"),
        ("max_word", "max_words"),
        ("maxwords", "max_words"),
        ("ID", "id"),
        ("ids", "id"),
        ("Seed", "seed"),
        ("samplr", "sampler"),
        ("custom-id", "custom_id"),
        ("reference", None),
        ("concept_set", None),
        ("x", None),
        ("gold", None),
    ],
)
def test_a_name_within_two_letters_of_a_field_is_a_mistake(tmp_path: Path, name: str, near: str | None) -> None:
    assert near_field(name) == near
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out"
    jobs.write_text(json.dumps({"keywords": "dog", name: "x"}) + "\n")
    assert batch(str(jobs), "-o", str(out), "--keep-columns").code == (3 if near else 0)
    if near:
        assert f"did you mean {near!r}?" in rows(out)[0]["diagnostics"]["error"]


def test_custom_id_is_the_id(tmp_path: Path) -> None:
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out"
    jobs.write_text(
        '{"custom_id": "a", "keywords": "dog"}\n{"id": "b", "keywords": "dog"}\n{"id": "c", "custom_id": "d"}\n'
    )
    assert batch(str(jobs), "-o", str(out)).code == 3
    assert [row["id"] for row in rows(out)] == ["a", "b", "c"]
    assert "'custom_id' and 'id' are the same" in rows(out)[2]["diagnostics"]["error"]
    jobs.write_text('{"id": "a", "keywords": "dog"}\n')
    named = rows(out)[0]
    assert batch(str(jobs), "-o", str(out), "--overwrite").code == 0
    assert rows(out)[0] == named  # the seed, too


def values(source: str, form: str = "csv", said: list[str] | None = None) -> list[dict[str, Any]]:
    return [
        job.values for job in read_jobs(BytesIO(source.encode()), form, True, (said if said is not None else []).append)
    ]


@pytest.mark.parametrize(
    ("source", "form", "said"),
    [
        ("id,keywords\na,dog\n", "csv", []),
        ("ID , KeyWords\na,dog\n", "csv", []),
        ("id;keywords\na;dog\n", "csv", ["the cells are parted by semicolons"]),
        ("id\tkeywords\na\tdog\n", "csv", ["the cells are parted by tabs"]),
        ("id|keywords\na|dog\n", "csv", ["the cells are parted by bars"]),
        ("id,keywords\na,dog\n", "tsv", ["the cells are parted by commas"]),
        ("sep=;\r\nID;Keywords\r\na;dog\r\n", "csv", ["the cells are parted by semicolons"]),
        ('\ufeff"id";"keywords"\n"a";"dog"\n', "csv", ["the cells are parted by semicolons"]),
        ("\n\nid;keywords\n;\na;dog\n", "csv", ["the cells are parted by semicolons"]),
    ],
)
def test_the_header_shows_what_parts_the_cells(source: str, form: str, said: list[str]) -> None:
    notes: list[str] = []
    assert (values(source, form, notes), notes) == ([{"id": "a", "keywords": "dog"}], said)


def test_commas_stay_in_cells_that_semicolons_part() -> None:
    found = values('id;keywords;min_words;Note\na;dog,park;4;"1,5; x"\nb;"cat";; 7 \n')
    assert found == [
        {"id": "a", "keywords": "dog,park", "min_words": 4, "Note": "1,5; x"},
        {"id": "b", "keywords": "cat", "Note": " 7 "},
    ]


@pytest.mark.parametrize(
    ("name", "source", "arguments", "said"),
    [
        (
            "jobs.jsonl",
            b'[{"keywords": "dog"},\n {"keywords": "cat"}]\n',
            (),
            "is a JSON array; write one object a line",
        ),
        ("jobs.jsonl", b"\n[\n{}\n]\n", (), "is a JSON array; write one object a line"),
        ("jobs.jsonl", b'\xef\xbb\xbf[{"keywords": "dog"}]', (), "is a JSON array"),
        ("jobs.jsonl", b'{\n  "keywords": "dog"\n}\n', (), "span several lines; write each in one"),
        ("jobs.jsonl", '{"keywords": "dog"}\n'.encode("utf-16"), (), "is in UTF-16; save it as UTF-8"),
        (
            "jobs.csv",
            b"id,keyword\na,dog\n",
            ("--keep-columns",),
            "line 1, the header: unknown field 'keyword'; did you mean",
        ),
        ("jobs.csv", b"id,reference\na,dog\n", (), "line 1, the header: unknown field 'reference'; --keep-columns"),
        ("jobs.csv", b"keywords,Keywords\na,dog\n", (), "a header names each field once"),
    ],
)
def test_a_file_of_another_form_is_refused_in_one_line(
    tmp_path: Path, name: str, source: bytes, arguments: tuple[str, ...], said: str
) -> None:
    jobs = tmp_path / name
    jobs.write_bytes(source)
    before = snapshot(tmp_path)
    ran = batch(str(jobs), "-o", str(tmp_path / "out"), "--report", str(tmp_path / "report"), *arguments)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert said in ran.err
    assert name in ran.err
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", ["semicolon.csv", "tab.csv"])
def test_tables_of_other_programs_say_how_they_were_read(tmp_path: Path, name: str) -> None:
    ran = batch(str(DATA / "batch" / name), "-o", str(tmp_path / "out"))
    assert ran.code == 0
    assert f"{name}: the cells are parted by" in ran.err.splitlines()[0]
    assert [(row["id"], row["status"]) for row in rows(tmp_path / "out")] == [("a", "ok")]


@pytest.mark.parametrize("number", ["1e400", "-1e999"])
def test_numbers_that_no_float_holds_are_refused(tmp_path: Path, number: str) -> None:
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out"
    jobs.write_text(f'{{"keywords": "dog", "reference": {number}}}\n')
    assert batch(str(jobs), "-o", str(out), "--keep-columns").code == 3
    assert f"{number} is larger than any number" in rows(out)[0]["diagnostics"]["error"]


# nothing is lost


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
