"""`searchgen paraphrase`: on trial, on no list; one text in, exactly so many lines out, within both bounds."""

import json
import re
from pathlib import Path

import pytest

from searchgen.meaning.measures import cosine_of
from searchgen.meaning.overlap import overlap
from searchgen.meaning.vectors import vectors_of
from tests.cli.runner import searchgen
from tests.cli.schema import faults, schema
from tests.meaning.embedding_models import write_model

NGRAM = ("--lm", "en-ngram")


def test_texts_keep_both_bounds_and_the_characters_of_the_source() -> None:
    given = "He  fell asleep over his “book”...\r\n\nqqzzx.\nThe children sang a song for their teacher.\n"
    ran = searchgen("paraphrase", "-n", "2", "--json", *NGRAM, stdin=given.encode())
    assert (ran.code, len(ran.lines)) == (3, 8)
    assert "on trial" in ran.err
    found = [row for row in ran.rows if row["status"] == "ok"]
    assert [row["line"] for row in found] == [1, 1, 4, 4]
    for row in found:
        assert row["overlap"] <= 0.7
        assert row["similarity"] >= 0.5
        assert row["similarity"] == pytest.approx(vectors_of("en").similarity(row["text"], row["source"]), abs=1e-3)
        assert row["edits"] >= 1
        for change in row["changes"]:
            assert row["text"][change["start"] :].startswith(change["new"])
    assert all(row["text"].startswith("He  ") and row["text"].endswith("”...\r") for row in found[:2])
    assert [row["text"] for row in ran.rows[2:6]] == [""] * 4


def test_what_is_protected_stays_and_changes_are_shown() -> None:
    ran = searchgen(
        "paraphrase", "孩子们画了一条大船和一片蓝色的海。", "--protect", "大船", "--diff", "--lm", "zh-ngram"
    )
    assert ran.code == 0
    text, changes = ran.lines[0].split("\t")
    assert "大船" in text
    assert "-" in changes


def test_it_is_on_no_list() -> None:
    assert "paraphrase" not in searchgen("--help").out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((" ",), 2, "the text is empty"),
        (("A dog.", "-n", "0"), 2, "at least one text"),
        (("A dog.", "-n", "25"), 2, "from 1 to 24"),
        (("A dog.", "--min-similarity", "2"), 2, "from -1 to 1"),
        (("A dog.", "--max-overlap", "2"), 2, "from 0 to 1"),
        (("The old dog sleeps.", "--max-overlap", "0", *NGRAM), 3, "the nearest has similarity"),
        (("The of the.", *NGRAM), 3, "no word of the text has others"),
        ((), 2, "stdin is closed"),
    ],
    ids=["empty", "no number", "too many", "similarity", "overlap", "bounds", "words of grammar", "closed"],
)
def test_what_cannot_be_paraphrased(arguments: tuple[str, ...], code: int, said: str) -> None:
    ran = searchgen("paraphrase", *arguments, stdin=None)
    assert (ran.code, ran.out.strip()) == (code, "")
    assert said in ran.err


@pytest.mark.parametrize(
    ("command", "text", "more"),
    [
        ("rewrite", "The lazy dog sleeps near the old door.", ("-k", "cat", "--seed", "7", "--budget", "0.02")),
        ("rewrite", "弟弟的球昨天掉进河里了。", ("-k", "学校", "--seed", "7", "--budget", "0.02")),
        ("fix", "The dog are here.", ()),
        ("fix", "这趟火车开望北京。", ()),
        ("shorten", "The old man feeds the birds every morning.", ("--max-words", "5")),
        ("shorten", "弟弟的球昨天下午在公园里掉进河里了。", ("--max-words", "8")),
        ("paraphrase", "The children sang a song for their teacher.", ()),
        ("paraphrase", "孩子们画了一条大船和一片蓝色的海。", ()),
    ],
)
def test_json_of_the_verbs_measures_what_changed(command: str, text: str, more: tuple[str, ...]) -> None:
    language = "en" if text.isascii() else "zh"
    (row,) = searchgen(command, text, *more, "--json", "--lm", f"{language}-ngram").rows
    assert not faults(row, schema("record.json"))
    names = ["source", "edits", "similarity", "overlap", "changes", "trail", "status", "error", "line"]
    assert [name for name in row if name in names] == ["line", *names[:-1]]
    assert row["source"] == text
    assert row["similarity"] == pytest.approx(vectors_of(language).similarity(row["text"], text), abs=1e-5)
    words = [re.findall(r"\w+" if language == "en" else r"\w", one.lower()) for one in (text, row["text"])]
    assert row["overlap"] == pytest.approx(overlap(*words), abs=1e-5)
    assert row["edits"] >= 1
    assert isinstance(row["spans"], list)
    again = searchgen(command, "--again", row["signature"], "--json").rows
    assert again == [row]


def test_jobs_that_paraphrase_have_the_results_of_the_command(tmp_path: Path) -> None:
    folder = str(write_model(tmp_path / "model", "onnx"))
    text = "The children sang a song for their teacher."
    jobs = [
        {
            "command": "paraphrase",
            "text": text,
            "n": 2,
            "max_overlap": 0.8,
            "vectors": folder,
            "min_similarity": 0.1,
            "seed": 0,
        },
        {"command": "paraphrase", "text": text, "min_similarity": 2},
        {"command": "paraphrase", "text": "The of the."},
        {"command": "paraphrase", "text": text, "weight": 2},
    ]
    path = tmp_path / "jobs.jsonl"
    path.write_text("".join(json.dumps(job) + "\n" for job in jobs))
    out = tmp_path / "out.jsonl"
    assert searchgen("batch", str(path), "-o", str(out), *NGRAM).code == 3
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["status"] for row in rows] == ["ok", "error", "infeasible", "error"]
    assert not any(faults(row, schema("row.json")) for row in rows)
    own = ("-n", "2", "--max-overlap", "0.8", "--min-similarity", "0.1", "--vectors", folder, *NGRAM)
    assert searchgen("paraphrase", text, *own, "--json").rows == rows[0]["results"]
    assert f'"vectors":"{folder}#' in rows[0]["signature"]
    assert rows[0]["results"][0]["similarity"] == pytest.approx(
        cosine_of(rows[0]["results"][0]["text"], text, "en", folder), abs=1e-5
    )
    assert "from -1 to 1" in rows[1]["diagnostics"]["error"]
    assert "field 'weight' does not go with paraphrase" in rows[3]["diagnostics"]["error"]
