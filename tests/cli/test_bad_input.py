"""Whatever is wrong is said in one line that names it, with the exit code the documents promise."""

import io
import re
import sys
from pathlib import Path

import pytest

from searchgen.cli.main import answer
from tests.cli.runner import arpa, constrain, folder, model, searchgen

MALFORMED, NONE = 2, 3


def one_line(err: str) -> str:
    lines = err.split("\n")
    assert len(lines) == 2, err
    assert lines[0].startswith("searchgen: ")
    assert lines[1] == ""
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("", MALFORMED, "nothing is required --keywords"),
        ("--keywords|", MALFORMED, "--keywords empty list"),
        ("--keywords|,，、", MALFORMED, "--keywords empty list"),
        ("--keywords|dog|--forbid|", MALFORMED, "--forbid empty list"),
        ("--keywords|Dog|--forbid|dog", MALFORMED, "'Dog' keyword forbidden drop"),
        ("--keywords|dog|--min-words|9|--max-words|4", MALFORMED, "--min-words 9 --max-words 4"),
        ("--keywords|dog|--min-words|0", MALFORMED, "--min-words 0"),
        ("--keywords|dog|--max-words|9999", MALFORMED, "--max-words 9999 at most"),
        ("--keywords|dog|--min-words|many", MALFORMED, "--min-words 'many' whole number"),
        ("--keywords|dog,cat,park|--max-words|2", MALFORMED, "dog, cat, park 3 words 2"),
        ("--keywords|dog|-n|0", MALFORMED, "-n 0"),
        ("--keywords|dog|-n|1000000000", MALFORMED, "-n 1000000000 at most"),
        ("--keywords|dog|--seed|-1", MALFORMED, "--seed -1"),
        ("--keywords|dog|--seed|99999999999999999999", MALFORMED, "--seed 99999999999999999999"),
        ("--keywords|dog|--budget|0", MALFORMED, "--budget 0"),
        ("--keywords|dog|--budget|1e12", MALFORMED, "--budget 1e+12"),
        ("--keywords|dog|--budget|nan", MALFORMED, "--budget 'nan'"),
        ("--keywords|dog|--starts-with| ", MALFORMED, "--starts-with ' '"),
        ("--keywords|@nowhere.txt", MALFORMED, "nowhere.txt"),
        ("--keywords|-|--keywords|dog", MALFORMED, "stdin 2 values"),
        ("--keywords|-|--keywords|-", MALFORMED, "stdin 2 values"),
        ("--keywords|-|--forbid|-", MALFORMED, "--forbid - stdin"),
        ("--keywords|\udcff", MALFORMED, "\\udcff UTF-8"),
        ("--keywords|dog|--starts-with|the dog|--ends-with|a dog|--max-words|3", NONE, "impossible words 3"),
        ("--keywords|queen|--without-letters|q", NONE, "impossible queen"),
        (f"--keywords|{'dog ' * 190}|--max-words|100", MALFORMED, "dog ... dog 190 words 100"),
        (f"--keywords|{'dog ' * 240}", MALFORMED, "240 words 200"),
        (f"--keywords|{'dog,' * 300}", MALFORMED, "300 keywords 200"),
        (f"--keywords|dog|--forbid|{'hot cat,' * 3000}", MALFORMED, "3,001 phrases 2,000"),
        (f"--keywords|{'x' * 2000}", MALFORMED, "2,000 characters 1,000"),
        ("--keywords|dog|--raw-tokens", MALFORMED, "--raw-tokens printed text"),
        ("--keywords|dog|--again|x", MALFORMED, "--again drop --keywords"),
        ("--again|x", MALFORMED, "signature 'x'"),
        ("--again|searchgen:9.9.9:cpm-z80:ab:{}", MALFORMED, "9.9.9 cpm-z80"),
    ],
)
def test_constrain_refuses(arguments: str, code: int, said: str) -> None:
    ran = searchgen("constrain", "--lm", model("en"), *(arguments.split("|") if arguments else []))
    assert (ran.code, ran.out) == (code, "")
    line = one_line(ran.err)
    assert [word for word in said.split() if word not in line] == [], line


MANY = "dog,park,ball,man,house,river,boat,letter,doctor,garden,window,chair,table,bread"
SIX_MORE = "water,night,morning,road,tree,fire"


def test_many_keywords_in_any_order_are_searched() -> None:
    ran = searchgen("constrain", "--lm", "en-ngram", "-k", MANY, "--seed", "1", "--budget", "0.02")
    assert ran.code == 0
    assert "the search moves through orders, and proves nothing" in one_line(ran.err)
    words = re.findall(r"\w+", ran.out.lower())
    assert [word for word in MANY.split(",") if word not in words] == []


@pytest.mark.parametrize("command", ["sample", "sample --sampler anneal", "sample --sampler mh", "explain", "compare"])
def test_many_keywords_in_any_order_have_no_law(command: str) -> None:
    ran = searchgen(*command.split(), "--lm", "en-ngram", "-k", f"{MANY},{SIX_MORE}", "--max-words", "45")
    assert (ran.code, ran.out) == (NONE, "")
    assert "20 keywords in any order need more than 10,000,000 table entries" in one_line(ran.err)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("bogus", "'bogus' --help"),
        ("constrain --bogus", "--bogus --help"),
        ("constrain -n", "-n argument"),
        ("lm", "Missing command lm --help"),
        ("lm info", "MODEL"),
        ("lm info eng", "'eng' 'en'"),
        ("lm info nowhere.sgm", "nowhere.sgm"),
        ("lm info FOLDER", "folder"),
        ("lm info FOLDER/text.txt", "text.txt"),
        ("lm eval MODEL", "TEXT"),
        ("lm eval MODEL nowhere.txt", "nowhere.txt"),
        ("lm eval MODEL FOLDER/empty.txt", "no text"),
        ("lm eval MODEL FOLDER/latin.txt", "latin.txt, line 2 UTF-8"),
        ("lm eval MODEL FOLDER/text.txt --raw-tokens", "--raw-tokens printed text"),
        ("lm build FOLDER/text.txt", "--output"),
        ("lm build FOLDER/text.txt -o FOLDER", "folder file"),
        ("lm build FOLDER/text.txt -o FOLDER/text.txt", "text.txt is one of the texts"),
        ("lm build FOLDER/text.txt -o /dev/null", "/dev/null no regular file"),
        ("lm build FOLDER/text.txt -o nowhere/x.lm", "nowhere x.lm"),
        ("lm build FOLDER/text.txt -o FOLDER/x.lm --lang fr", "'fr' en zh"),
        ("lm build FOLDER/text.txt -o FOLDER/x.lm --order 9", "order 9 6"),
        ("lm build FOLDER/text.txt -o FOLDER/x.lm --cut 1,x", "--cut '1,x'"),
        ("lm build FOLDER/text.txt -o FOLDER/x.lm --min-count 0", "min-count 0"),
        ("lm build FOLDER/text.txt -o FOLDER/x.lm --limit-vocab 0", "limit-vocab 0"),
        ("lm build FOLDER/text.txt -o FOLDER/x.lm --held-out 5", "--held-out-file"),
        ("lm build FOLDER/text.txt -o FOLDER/x.lm --held-out 5 --held-out-file FOLDER/x.lm", "two files"),
        ("lm build FOLDER/text.txt -o FOLDER/x.lm --raw-tokens --lang en", "--raw-tokens --lang en"),
        ("lm build FOLDER/bare -o FOLDER/x.lm --lang en", "bare .txt"),
        ("lm build FOLDER/empty.txt -o FOLDER/x.lm --lang en", "no text"),
        ("lm build FOLDER/latin.txt -o FOLDER/x.lm --lang en", "latin.txt, line 2 UTF-8"),
        ("lm build - - -o FOLDER/x.lm", "stdin once"),
    ],
)
def test_everything_else_refuses(arguments: str, said: str) -> None:
    place = materials()
    ran = searchgen(*(word.replace("FOLDER", str(place)).replace("MODEL", model("en")) for word in arguments.split()))
    assert (ran.code, ran.out) == (MALFORMED, "")
    line = one_line(ran.err)
    assert [word for word in said.split() if word not in line] == [], line
    assert sorted(path.name for path in place.iterdir()) == ["bare", "empty.txt", "latin.txt", "text.txt"]


def materials() -> Path:
    place = folder() / "materials"
    (place / "bare").mkdir(parents=True, exist_ok=True)
    (place / "empty.txt").write_text("\n\n", encoding="utf-8")
    (place / "text.txt").write_text("The dog ran.\n", encoding="utf-8")
    (place / "latin.txt").write_bytes(b"The dog ran.\ncaf\xe9\n")
    return place


@pytest.mark.parametrize("part", [0, 10, 1000, -1])
def test_a_damaged_model_is_refused(part: int) -> None:
    path = folder() / "damaged.lm"
    path.write_bytes(Path(model("en")).read_bytes()[:part])
    ran = searchgen("constrain", "--lm", str(path), "--keywords", "dog")
    assert (ran.code, ran.out) == (MALFORMED, "")
    assert "damaged.lm" in one_line(ran.err)


def test_the_flags_are_checked_before_the_first_line_is_read() -> None:
    for flags in (["-n", "0"], ["--lm", "nowhere.lm"], ["--min-words", "9", "--max-words", "3"]):
        ran = searchgen("constrain", "--keywords", "-", *flags, stdin=b"dog\ncat\n")
        assert (ran.code, ran.out) == (MALFORMED, "")
        one_line(ran.err)


def test_closed_stdin_is_said() -> None:
    for arguments in (["constrain", "--keywords", "-"], ["lm", "build", "-", "-o", str(folder() / "none.lm")]):
        ran = searchgen(*arguments, stdin=None)
        assert ran.code == MALFORMED
        assert "stdin is closed" in one_line(ran.err)


@pytest.mark.parametrize("arguments", [["jobs.jsonl"], ["--join", "a", "b"]], ids=["rows", "join"])
def test_closed_stdout_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    said = io.StringIO()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", said)
    Path("jobs.jsonl").write_text('{"keywords": "dog"}\n')
    assert answer(["batch", *arguments]) == 1
    assert said.getvalue() == "searchgen: stdout is closed; there is nowhere to write results\n"
    assert [path.name for path in tmp_path.iterdir()] == ["jobs.jsonl"]


def test_each_bad_line_has_an_empty_line_and_the_run_goes_on() -> None:
    given = b"dog\n\n \xff\n@list\nqueen\n\xef\xbb\xbfcat\r\ncat"
    ran = constrain("--keywords", "-", "--without-letters", "q", "-n", "2", "--seed", "1", stdin=given)
    assert ran.code == NONE
    assert [bool(line) for line in ran.lines] == [True, True] + [False] * 8 + [True] * 4
    lines = ran.err.splitlines()
    assert lines[-1] == "searchgen: no answer for 4 of 7 lines"
    for number, said in ((2, "empty"), (3, "UTF-8"), (4, "@list"), (5, "impossible")):
        assert any(line.startswith(f"searchgen: line {number}: ") and said in line for line in lines)


def test_each_bad_line_has_a_row_with_its_status() -> None:
    ran = constrain("--keywords", "-", "--without-letters", "q", "--json", "--seed", "1", stdin=b"dog\n\nqueen\n")
    assert ran.code == NONE
    assert [row["status"] for row in ran.rows] == ["ok", "malformed", "impossible"]
    assert [(row["line"], row["rank"]) for row in ran.rows] == [(1, 1), (2, 1), (3, 1)]
    assert ran.rows[0]["error"] is None
    assert all(row["text"] == "" and row["error"] for row in ran.rows[1:])


def test_a_default_that_the_keywords_exclude_is_dropped() -> None:
    ran = constrain("--keywords", "?,!", "--seed", "1")
    assert ran.code == 0
    assert {"?", "!"} <= {*ran.out}
    assert "the text need not be one sentence (--no-sentence)" in ran.err


def test_signs_that_steer_a_terminal_are_not_passed_on() -> None:
    ran = searchgen("constrain", "--lm", "\x1b[31m\n\x07", "--keywords", "dog")
    assert ran.code == MALFORMED
    assert "\x1b" not in ran.err
    assert "\x07" not in ran.err
    one_line(ran.err)


def test_raw_tokens_are_joined_by_single_spaces() -> None:
    ran = searchgen(
        "constrain", "--lm", arpa(), "--raw-tokens", "--keywords", "dog", "--seed", "1", "--budget", "0.001"
    )
    assert (ran.code, ran.err) == (0, "")
    assert "dog" in ran.lines[0].split(" ")
    assert ran.lines[0].endswith(" .")
