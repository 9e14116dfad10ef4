"""What a run leaves besides its texts, and what is refused before any work is done."""

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from searchgen.cli.parts.live_view import LiveView
from searchgen.samplers.chains.observer import Observer
from tests.cli.runner import QUICK, constrain, model, searchgen
from tests.places import ROOT
from tests.report.pages import page_of

WORDS = ("--keywords", "dog,park", "--seed", "5")


def test_texts_are_the_same_whatever_is_looked_at(tmp_path: Path) -> None:
    alone = constrain(*WORDS, "-n", "2", "--json")
    page, trace = tmp_path / "run.html", tmp_path / "moves.jsonl"
    looked = constrain(*WORDS, "-n", "2", "--json", "--report", str(page), "--trace", str(trace), "--watch")
    assert looked.out == alone.out
    assert "no terminal" not in alone.err
    assert looked.err.strip().endswith("there is none; the run goes on unseen, with the same texts")
    texts = page_of(page.read_text(encoding="utf-8")).one("ol", class_="texts").all("p", class_="text")
    assert [text.text for text in texts] == [row["text"] for row in alone.rows]
    head, *rows = map(json.loads, trace.read_text(encoding="utf-8").splitlines())
    assert head["trace"] == "accepted"
    assert {row["verdict"] for row in rows} == {"accepted"}
    assert head["signature"] == alone.rows[0]["signature"]


def test_all_moves(tmp_path: Path) -> None:
    trace = tmp_path / "moves.jsonl"
    ran = searchgen("sample", "--lm", model("en"), *WORDS, "--max-words", "6", "--trace", str(trace), "--trace-all")
    assert ran.code == 0, ran.err
    head, *rows = map(json.loads, trace.read_text(encoding="utf-8").splitlines())
    assert (head["trace"], head["kept"]) == ("proposed", len(rows))
    assert {row["verdict"] for row in rows} == {"accepted", "rejected", "not legal"}
    assert all((row["text"] is None) == (row["verdict"] == "not legal") for row in rows)


def test_a_report_as_json_stays_one(tmp_path: Path) -> None:
    place = tmp_path / "run.json"
    ran = searchgen("sample", "--lm", model("en"), *WORDS, "--max-words", "6", "--report", str(place))
    assert ran.code == 0, ran.err
    assert json.loads(place.read_text(encoding="utf-8"))["sampler"] == "mh"
    assert constrain(*WORDS, "--report", str(place)).code == 0
    assert json.loads(place.read_text(encoding="utf-8"))["steps"] > 0


def test_a_request_without_a_text_has_a_page(tmp_path: Path) -> None:
    page = tmp_path / "run.html"
    ran = constrain("--starts-with", "hot", "--ends-with", "dog", "--max-words", "1", "--report", str(page))
    assert ran.code == 3
    assert page_of(page.read_text(encoding="utf-8")).one("p", id="verdict").text.startswith("No text: ")


def test_a_report_leaves_the_demands_that_exclude_each_other_named(tmp_path: Path) -> None:
    asked, page = ("--keywords", "dog,park,cat", "--without-letters", "k"), tmp_path / "run.html"
    looked = constrain(*asked, "--report", str(page))
    assert (looked.code, looked.out, looked.err) == (3, "", constrain(*asked).err)
    named = "no text satisfies all of: keyword park; without-letters k"
    assert looked.err.endswith(f"{named}\n")
    assert page_of(page.read_text(encoding="utf-8")).one("p", id="verdict").text.endswith(f"{named}.")


@pytest.mark.parametrize("command", ["constrain", "sample"])
def test_texts_are_printed_even_if_their_report_cannot_be_written(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("searchgen.cli.parts.looks.write_report", full)
    asked = (command, "--lm", model("en"), *WORDS, "--max-words", "6", "-n", "2")
    ran = searchgen(*asked, "--report", str(tmp_path / "run.json"))
    assert ran.out
    assert (ran.code, ran.out) == (1, searchgen(*asked).out)
    assert ran.err.endswith(f"{os.strerror(errno.ENOSPC)}\n")


@pytest.mark.parametrize("command", ["constrain", "sample"])
def test_a_report_is_written_even_if_nobody_reads_the_texts(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(_: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("searchgen.cli.output.write_line", closed)
    place = tmp_path / "run.json"
    ran = searchgen(command, "--lm", model("en"), *WORDS, "--max-words", "6", "--report", str(place))
    assert ran.code == 141
    assert json.loads(place.read_text(encoding="utf-8"))


@pytest.mark.parametrize("command", ["constrain", "sample", "compare"])
def test_places_that_cannot_be_written(command: str, tmp_path: Path) -> None:
    device = searchgen(command, *WORDS, "--report", os.devnull)
    assert (device.code, device.err.count("\n")) == (2, 1)
    assert f"--report {os.devnull} is not a plain file" in device.err
    nowhere = searchgen(command, *WORDS, "--report", str(tmp_path / "no" / "run.html"))
    assert (nowhere.code, nowhere.err.count("\n")) == (2, 1)
    folder = searchgen(command, *WORDS, "--report", str(tmp_path))
    assert "is a folder; name a file in it" in folder.err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--trace-all",), "--trace-all says what --trace FILE holds"),
        (("--trace", os.devnull), "is not a plain file"),
        (("--trace", "/proc/moves.jsonl"), "cannot be written"),
    ],
)
def test_mistakes_are_refused_before_the_search(arguments: tuple[str, ...], why: str) -> None:
    if "/proc/moves.jsonl" in arguments and not Path("/proc/self").exists():
        pytest.skip("no /proc")
    ran = constrain(*WORDS, *arguments)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert why in ran.err


def test_one_file_cannot_hold_both(tmp_path: Path) -> None:
    place = str(tmp_path / "both")
    assert "are the same file" in constrain(*WORDS, "--trace", place, "--report", place).err


def test_many_searches_have_no_page() -> None:
    ran = constrain("--keywords", "-", "--report", "run.html", stdin=b"dog\n")
    assert ran.code == 2
    assert "use batch --report" in ran.err


def test_samplers_without_moves(tmp_path: Path) -> None:
    arguments = ("sample", "--lm", model("en"), *WORDS, "--max-words", "6", "--sampler", "importance")
    refused = searchgen(*arguments, "--trace", str(tmp_path / "moves.jsonl"))
    assert refused.code == 2
    assert "importance shows none" in refused.err
    page = tmp_path / "run.html"
    assert searchgen(*arguments, "--report", str(page)).code == 0
    assert not page_of(page.read_text(encoding="utf-8")).all("ol", id="frames")


def test_a_comparison_has_a_page(tmp_path: Path) -> None:
    page = tmp_path / "compare.html"
    ran = searchgen(
        *("compare", "--lm", model("en"), *WORDS, "--max-words", "6", "--samplers", "importance,mh"),
        *("--evaluations", "4000", "--report", str(page)),
    )
    assert ran.code == 0, ran.err
    rows = page_of(page.read_text(encoding="utf-8")).one("tbody").all("tr")
    assert [row.all("th")[0].text.split()[0] for row in rows] == ["importance", "mh"]


def test_a_batch_and_its_continuation_have_a_page(tmp_path: Path) -> None:
    jobs, rows, page = (str(tmp_path / name) for name in ("jobs.txt", "rows.jsonl", "batch.html"))
    run = ("batch", jobs, "-o", rows, "--lm", model("en"), *QUICK, "--report", page)
    Path(jobs).write_text("dog\n", encoding="utf-8")
    assert searchgen(*run).code == 0
    Path(jobs).write_text("dog\ncat,\\\n", encoding="utf-8")
    searchgen(*run, "--resume")
    read = page_of(Path(page).read_text(encoding="utf-8"))
    assert read.one("p", id="verdict").text.startswith("2 jobs: ")


# The live view


def picture(lang: str, words: str, width: int) -> list[str]:
    """Return the lines of the last picture of a search."""
    from rich.console import Console

    from searchgen.api import load
    from searchgen.request.request import Annealing, Request

    observer = Observer(recorded="accepted")
    console = Console(width=width, file=open(os.devnull, "w", encoding="utf-8"), force_terminal=True)  # noqa: SIM115
    view, pictures = LiveView(console, observer), list[list[str]]()

    def look(stage: object) -> None:
        lines = view.lines(stage, view.start + 1.0)  # type: ignore[arg-type]
        drawn = Console(width=width, record=True, file=console.file)
        for line in lines:
            drawn.print(line)
        pictures.append(drawn.export_text().splitlines())

    observer.on_look = look
    load(model(lang)).search(
        Request(keywords=words, lm=model(lang), seed=5, annealing=Annealing(chains=6, steps=400)), None, observer
    )
    console.file.close()
    return pictures[-1]


@pytest.mark.parametrize(("lang", "words"), [("en", "dog,park"), ("zh", "学校")])
@pytest.mark.parametrize("width", [80, 30])
def test_pictures_fit_their_terminal(lang: str, words: str, width: int) -> None:
    from rich.cells import cell_len

    lines = picture(lang, words, width)
    assert all(cell_len(line) <= width for line in lines)
    assert lines[0].startswith("annealing  temperature 0.15")
    assert any("accepted  span" in line for line in lines)
    assert any("constraints hold"[:5] in line for line in lines)
    texts = [line for line in lines if line.strip().startswith("-")]
    assert 1 <= len(texts) <= 5
    assert all(word in texts[0] for word in words.split(",")) or width == 30


def test_the_view_leaves_the_text_behind_it() -> None:
    """On a terminal of 80 columns the view is drawn and taken away; the text stays."""
    main, other = pytest.importorskip("pty").openpty()
    command = [sys.executable, "-m", "searchgen", "constrain", "--lm", model("en"), *WORDS, "--budget", "2", "--watch"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    running = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=other, env=environment, cwd=ROOT
    )
    os.close(other)
    drawn, until = b"", time.monotonic() + 120
    while time.monotonic() < until:
        try:
            part = os.read(main, 1 << 16)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        drawn += part
    out, _ = running.communicate(timeout=60)
    os.close(main)
    assert running.returncode == 0
    alone = searchgen("constrain", "--lm", model("en"), *WORDS, "--budget", "2")
    assert out.decode() == alone.out
    assert b"annealing" in drawn
    assert b"constraints hold" in drawn
    assert drawn.rstrip().endswith(b"\x1b[2K")  # the last picture is wiped
