"""Job files and journals spoilt in thousands of ways: rows or one clear line, never a fault of ours, and a refused run changes nothing."""

import json
import random
import zlib
from pathlib import Path

import pytest

from tests.cli.runner import Ran, model, searchgen

Draw = random.Random

JOBS = (
    b'{"id": "a", "keywords": "dog,park", "n": 2, "min_words": 4}\n'
    b'{"keywords": ["dog", ["cat", "mother"]], "terms": {"word": 1.5}, "seed": 7}\n'
    b'{"id": 3, "keywords": "dog", "forbid": "cat", "max_words": 7, "reference": "A dog."}\n'
)
TABLE = b'id;Keywords;n;note\na;"dog,park";2;x\nb;dog;;"two\nlines"\nc;cat;1;\n'
SCRAPS = [
    *(bytes([byte]) for byte in b'"{}[],:;\\\n\r\t 09-.eE\x00\xff\xef'),
    b"null", b"true", b"NaN", b"1e999", b"9" * 400, b"\\ud800", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b'"id"', b'"seed"', b"{}", b"[[", b"-1",
]  # fmt: skip


def spoilt(draw: Draw, data: bytes) -> bytes:
    """Some places changed, taken out, repeated or filled with a scrap."""
    for _ in range(draw.choice((1, 1, 2, 5))):
        at, size = draw.randrange(len(data) + 1), draw.choice((0, 1, 1, 3, 20))
        put = draw.choice((b"", draw.choice(SCRAPS), draw.randbytes(2), data[at : at + 30] * 2))
        data = data[:at] + put + data[at + size :]
    return data


def run(jobs: Path, out: Path, *arguments: str) -> Ran:
    ran = searchgen("batch", str(jobs), "-o", str(out), "--lm", model("en"), "--budget", "0.0001", "-q", *arguments)
    assert ran.code in (0, 2, 3), ran
    assert "please report" not in ran.err, ran
    assert all(line.startswith("searchgen: ") for line in ran.err.splitlines()), ran
    return ran


def spoil_jobs(folder: Path, name: str, source: bytes, times: int) -> None:
    jobs, out = folder / name, folder / "out"
    for number in range(times):
        jobs.write_bytes(spoilt(Draw(number), source))
        ran = run(jobs, out, "--overwrite", *(["--keep-columns"] if number % 2 else []))
        if ran.code != 2:
            rows = [json.loads(line) for line in out.read_text("utf-8").split("\n")[:-1]]
            assert not any("please report" in str(row["diagnostics"].get("error")) for row in rows), (number, rows)
            assert all(row["status"] == "error" or row["signature"] for row in rows)


def signed(line: bytes) -> bytes:
    """Return a line of a journal with the check digits of what it holds now."""
    body = line.rpartition(b" ")[0]
    return body + b" %08x\n" % zlib.crc32(body)


def spoil_journals(folder: Path, times: int) -> None:
    """Every second one has the check digits of its spoilt lines, as only someone who means it can make one."""
    jobs, out, journal = folder / "jobs.jsonl", folder / "out", folder / "out.journal"
    jobs.write_bytes(JOBS)
    run(jobs, out, "--keep-columns")
    whole, entries = out.read_bytes(), journal.read_bytes()
    refused = 0
    for number in range(times):
        draw = Draw(number)
        changed = spoilt(draw, entries)
        if number % 2:
            lines = entries.splitlines(keepends=True)
            at = draw.randrange(len(lines))
            lines[at] = signed(spoilt(draw, lines[at]).replace(b"\n", b""))
            changed = b"".join(lines)
        journal.write_bytes(changed)
        out.write_bytes(whole)
        ran = run(jobs, out, "--resume", "--keep-columns")
        refused += ran.code == 2
        assert out.read_bytes() == whole, number  # as it was, or made again
        assert ran.code != 2 or journal.read_bytes() == changed
    assert refused > times / 10


@pytest.mark.parametrize("times", [40, pytest.param(3000, marks=pytest.mark.slow)])
def test_spoilt_journals(tmp_path: Path, times: int) -> None:
    spoil_journals(tmp_path, times)


@pytest.mark.parametrize("times", [40, pytest.param(3000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("name", "source"), [("jobs.jsonl", JOBS), ("jobs.csv", TABLE), ("jobs.txt", b"dog,park\ncat|dog\n\n")]
)
def test_spoilt_jobs(tmp_path: Path, name: str, source: bytes, times: int) -> None:
    spoil_jobs(tmp_path, name, source, times)
