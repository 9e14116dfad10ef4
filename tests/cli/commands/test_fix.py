"""`searchgen fix`: one text in, exactly so many lines out, and the same from a batch and from a signature."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import searchgen
from tests.cli.schema import faults, schema

NGRAM = ("--lm", "en-ngram")


def test_lines_are_mended_in_order_and_those_without_a_word_are_empty() -> None:
    given = 'The dog are "here"…\r\n\n...\nWe saw it.\n\xff\n'.encode("latin-1", "replace").replace(b"?\r", b"!\r")
    ran = searchgen("fix", *NGRAM, stdin=given)
    assert (ran.code, ran.out.splitlines()[0]) == (3, 'The dog is "here"!')
    assert ran.out.split("\n")[1:] == ["", "", "We saw it.", "", ""]
    assert "line 2: the text is empty" in ran.err
    assert "line 3: '...' has no word" in ran.err


def test_json_has_the_edits_and_a_signature_that_repeats_them(tmp_path: Path) -> None:
    text = "The dog are here."
    ran = searchgen("fix", text, "--json", "--verbose", *NGRAM)
    (row,) = ran.rows
    assert not faults(row, schema("record.json"))
    assert (row["source"], row["text"], row["edits"], row["kind"]) == (text, "The dog is here.", 1, "search")
    assert row["changes"] == [{"old": "are", "new": "is", "start": 8}]
    assert [step["kind"] for step in row["trail"]] == ["form"]
    assert "form +" in ran.err
    assert searchgen("fix", "--again", row["signature"], "--json").rows == [row]
    assert "belongs to fix; repeat it with searchgen fix" in searchgen("rewrite", "--again", row["signature"]).err
    assert "belongs to fix; repeat it with searchgen fix" in searchgen("constrain", "--again", row["signature"]).err
    spec = tmp_path / "own.toml"
    spec.write_text("[fix]\nform = 50\n")
    assert searchgen("fix", text, "--spec", str(spec), *NGRAM).lines[0] != "The dog is here."
    spec.write_text("[constraints]\nkeywords = ['dog']\n")
    assert "keywords does not go with fix" in searchgen("fix", text, "--spec", str(spec), *NGRAM).err


def test_jobs_that_change_texts_have_the_rows_of_the_commands(tmp_path: Path) -> None:
    jobs: list[dict[str, Any]] = [
        {"command": "fix", "text": "The dog are here.", "protect": "dog", "costs": {"form": 4}},
        {"command": "rewrite", "text": "The lazy dog sleeps.", "without_letters": "z", "max_edits": 1, "seed": 7},
        {"command": "infill", "text": "She opened the ___.", "seed": 7},
        {"command": "fix", "text": "..."},
        {"command": "rewrite", "text": "The lazy dog.", "keywords": "cat,king", "max_edits": 1},
        {"command": "rewrite", "text": "The lazy dog.", "weight": 2},
        {"command": "fox", "text": "The lazy dog."},
        {"keywords": "dog", "text": "A column of my own."},
    ]
    path = tmp_path / "jobs.jsonl"
    path.write_text(
        "".join(json.dumps({**job, "budget": 0.02} if "fix" not in job.values() else job) + "\n" for job in jobs)
    )
    out = tmp_path / "out.jsonl"
    assert searchgen("batch", str(path), "-o", str(out), "--keep-columns", *NGRAM).code == 3
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["status"] for row in rows] == ["ok", "ok", "ok", "error", "infeasible", "error", "error", "ok"]
    assert not any(faults(row, schema("row.json")) for row in rows)
    assert rows[7]["columns"] == {"text": "A column of my own."}
    assert "'...' has no word" in rows[3]["diagnostics"]["error"]
    assert rows[4]["diagnostics"]["proved"]
    assert "field 'weight' does not go with rewrite" in rows[5]["diagnostics"]["error"]
    (fixed,), (changed,) = rows[0]["results"], rows[1]["results"]
    assert fixed["text"] == "The dog is here."
    own = ("--without-letters", "z", "--max-edits", "1", "--seed", "7", "--budget", "0.02", *NGRAM)
    assert searchgen("rewrite", jobs[1]["text"], *own, "--json").rows == [changed]
    assert searchgen("rewrite", "--again", rows[1]["signature"], "--json").rows == [changed]
    filled = searchgen("infill", "She opened the ___.", "--seed", "7", "--budget", "0.02", *NGRAM).lines
    assert filled == [rows[2]["results"][0]["text"]]


def test_jobs_of_a_table_may_change_texts(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text("Command,Text,max_edits\nfix,The dog are here.,2\nfix,My dog are here.,\n")
    out = tmp_path / "out.jsonl"
    assert searchgen("batch", str(path), "-o", str(out), "--shard", "2/2", *NGRAM).code == 0
    assert [json.loads(line)["results"][0]["text"] for line in out.read_text().splitlines()] == ["My dog is here."]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((" ",), "the text is empty"),
        (("A dog.", "--max-edits", "0"), "from 1 to 50"),
        (("A dog.", "--weight", "-1"), "from 0 to 100"),
        (("A dog.", "--protect", "door"), "'door' is not in the text"),
        ((), "stdin is closed"),
    ],
    ids=["empty", "no edits", "weight", "protect", "closed"],
)
def test_what_cannot_be_mended(arguments: tuple[str, ...], said: str) -> None:
    ran = searchgen("fix", *arguments, *NGRAM, stdin=None)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


@pytest.mark.parametrize("command", ["fix", "rewrite --without-letters z", "shorten --max-words 5"])
@pytest.mark.parametrize("lm", ["nowhere.lm", "folder"])
def test_a_model_that_cannot_be_opened_is_said_once_for_all_texts(command: str, lm: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "config.json").write_text("{}", encoding="utf-8")
    flags = ("--lm", str(tmp_path / lm), "--quiet")
    ran = searchgen(*command.split(), *flags, stdin=b"The dog are here.\n\nIt was late.\n")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert lm in ran.err


def test_shorten_is_a_trial_and_says_so() -> None:
    text = "The old man feeds the birds every morning."
    ran = searchgen("shorten", text, "--max-words", "5", "--json", *NGRAM)
    (row,) = ran.rows
    assert 4 <= len(row["tokens"]) <= 6
    assert not faults(row, schema("record.json"))
    assert "shorten is a trial" in ran.err
    assert searchgen("shorten", "--again", row["signature"], "--json").rows == [row]
    assert "shorten" not in searchgen("--help").out
    assert "shorten needs --max-words N" in searchgen("shorten", text, *NGRAM).err
