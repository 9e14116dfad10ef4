"""`searchgen similar`: so many lines for each text, the most alike first, and what cannot be compared."""

import json
from pathlib import Path

import pytest

from searchgen.meaning.encoder import encoder
from searchgen.meaning.measures import cosine_of
from tests.cli.runner import searchgen
from tests.cli.schema import faults, schema
from tests.meaning.embedding_models import write_model

LINES = "The train is late.\r\nA mug of coffee, please.\nI would like some tea.\n\n我想喝杯咖啡。\n"


@pytest.fixture
def lines(tmp_path: Path) -> str:
    path = tmp_path / "lines.txt"
    path.write_text(LINES, encoding="utf-8", newline="")
    return str(path)


def test_the_most_alike_come_first(lines: str) -> None:
    ran = searchgen("similar", "A cup of coffee.", "--among", lines, "-n", "2")
    assert ran.code == 0
    scores, texts = zip(*(line.split("\t") for line in ran.lines), strict=True)
    assert texts[0] == "A mug of coffee, please."
    assert 1 > float(scores[0]) > float(scores[1]) > -1
    same = searchgen("similar", "A cup of coffee.", "--among", "-", "-n", "2", stdin=LINES.encode())
    assert same.lines == ran.lines
    assert searchgen("similar", "我要喝咖啡。", "--among", lines, "-n", "1").lines[0].endswith("\t我想喝杯咖啡。")


def test_texts_from_stdin_give_so_many_lines_each(lines: str) -> None:
    given = b"A cup of coffee.\n\nqqzzx\n\xff\nThe train is late.\n"
    ran = searchgen("similar", "--among", lines, "-n", "6", stdin=given)
    assert (ran.code, len(ran.lines)) == (3, 30)
    assert ran.lines[0].endswith("\tA mug of coffee, please.")
    assert ran.lines[5:24] == [""] * 19
    assert ran.lines[24] == "1.000\tThe train is late."
    for said in (
        "line 2: the text is empty",
        "line 3: no word of 'qqzzx'",
        "line 4: not UTF-8",
        "no answer for 3 of 5",
    ):
        assert said in ran.err
    rows = searchgen("similar", "--among", lines, "-n", "6", "--json", stdin=given).rows
    assert [row["text"] for row in rows] == [line.split("\t")[-1] for line in ran.lines]
    assert (rows[0]["source"], rows[0]["among"], rows[0]["rank"], rows[0]["line"]) == ("A cup of coffee.", 2, 1, 1)
    assert rows[0]["status"] == "ok"
    assert (rows[5]["status"], rows[6]["status"], rows[12]["status"]) == ("not found", "malformed", "not found")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("a dog",), 2, "give --among FILE"),
        (("a dog", "--among", "no such file"), 2, "--among no such file: No such file"),
        ((" ", "--among", "LINES"), 2, "the text is empty"),
        (("qqzzx", "--among", "LINES"), 3, "no word of 'qqzzx' has a vector in 'en'"),
        (("a dog", "--among", "-"), 2, "there are no lines to compare with"),
        (("a dog", "--among", "LINES", "-n", "0"), 2, "from 1 to 10,000"),
        (("--among", "-"), 2, "give TEXT, or a file"),
    ],
    ids=["no file named", "no file", "empty text", "unknown word", "empty file", "no number", "stdin twice"],
)
def test_what_cannot_be_compared(arguments: tuple[str, ...], code: int, said: str, lines: str) -> None:
    ran = searchgen("similar", *(lines if one == "LINES" else one for one in arguments), stdin=b"")
    assert ran.code == code
    assert said in ran.err
    assert ran.out.strip() == ""


def test_jobs_that_look_for_lines(lines: str, tmp_path: Path) -> None:
    jobs: list[dict[str, object]] = [
        {"id": "a", "command": "similar", "text": "A cup of coffee.", "among": LINES.splitlines(), "n": 2},
        {"command": "similar", "text": "qqzzx", "among": ["A dog."]},
        {"command": "similar", "text": "A dog."},
        {"command": "similar", "text": " ", "among": ["A dog."]},
        {"command": "similar", "text": "A dog.", "among": ["A dog."], "seed": 7},
        {"command": "similar", "text": "A dog.", "among": ["A dog."], "n": 0},
        {"command": "fix", "text": "A dog.", "among": ["A dog."]},
        {"command": "similar", "text": "A dog.", "among": ["A dog."], "vectors": str(tmp_path / "none")},
    ]
    path, out = tmp_path / "jobs.jsonl", tmp_path / "out.jsonl"
    path.write_text("".join(json.dumps(job) + "\n" for job in jobs), encoding="utf-8")
    assert searchgen("batch", str(path), "-o", str(out)).code == 3
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["status"] for row in rows] == ["ok", "infeasible", *["error"] * 6]
    assert not any(faults(row, schema("row.json")) for row in rows)
    assert rows[0]["results"] == searchgen("similar", "A cup of coffee.", "--among", lines, "-n", "2", "--json").rows
    said = [row["diagnostics"]["error"] for row in rows[1:]]
    for error, part in zip(
        said,
        (
            "no word of",
            "field 'among'",
            "is empty",
            "'seed' does not go",
            "n = 0",
            "'among' does not go",
            "no such folder",
        ),
        strict=True,
    ):
        assert part in error
    before = out.read_bytes()
    assert searchgen("batch", str(path), "-o", str(out), "--resume").code == 3
    assert out.read_bytes() == before
    unique = tmp_path / "unique.jsonl"
    assert searchgen("batch", str(path), "-o", str(unique), "--unique").code == 3
    assert "may be alike" in unique.read_text(encoding="utf-8")


def test_vectors_of_the_users_own(lines: str, tmp_path: Path) -> None:
    folder = str(write_model(tmp_path / "model", "onnx"))
    ran = searchgen("similar", "The old dog.", "--among", lines, "-n", "4", "--vectors", folder, "--json")
    assert ran.code == 0
    for row in ran.rows:
        assert row["similarity"] == pytest.approx(cosine_of("The old dog.", row["text"], "en", folder), abs=1e-5)
        assert row["vectors"].startswith(f"{folder}#")
        assert not faults(row, schema("record.json"))
    assert searchgen("similar", "a dog", "--among", lines, "--json").rows[0]["vectors"].startswith("en#")
    wanted = ("--similar-to", "The dog sleeps.", "--min-similarity", "0.6", "--vectors", folder)
    (row,) = searchgen(
        "constrain", "-k", "dog", *wanted, "--json", "--seed", "7", "--budget", "0.02", "--lm", "en-ngram"
    ).rows
    assert cosine_of("The dog sleeps.", row["text"], "en", folder) >= 0.6  # type: ignore[operator]
    assert row["signature"].count(f'"vectors":"{folder}#') == 1
    assert searchgen("constrain", "--again", row["signature"], "--json").rows[0]["text"] == row["text"]
    write_model(tmp_path / "model" / "new", "onnx", seed=1)
    (tmp_path / "model" / "onnx" / "model.onnx").write_bytes(
        (tmp_path / "model" / "new" / "onnx" / "model.onnx").read_bytes()
    )
    encoder.cache_clear()  # another process would not know the old files
    again = searchgen("constrain", "--again", row["signature"])
    assert (again.code, "its files changed" in again.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("constrain", "-k", "dog", "--vectors", "none"), "--vectors without a bound on similarity"),
        (("check", "--similar-to", "a dog", "--min-similarity", "0.5", "--vectors", "none"), "no such folder"),
        (("similar", "a dog", "--among", "LINES", "--vectors", "none"), "no such folder"),
        (("paraphrase", "A dog.", "--vectors", "none", "--lm", "en-ngram"), "no such folder"),
        (
            ("batch", "JOBS", "-o", "OUT", "--vectors", "none", "--similar-to", "a dog", "--min-similarity", "0.5"),
            "no such folder",
        ),
    ],
    ids=["no bound", "check", "similar", "paraphrase", "batch"],
)
def test_vectors_that_are_none(arguments: tuple[str, ...], said: str, lines: str, tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.jsonl"
    jobs.write_text('{"keywords": "dog"}\n')
    names = {"LINES": lines, "JOBS": str(jobs), "OUT": str(tmp_path / "out.jsonl")}
    ran = searchgen(*(names.get(one, one) for one in arguments), stdin=b"A dog.\n")
    assert (ran.code, "Traceback" in ran.err) == (3 if arguments[0] == "batch" else 2, False)
    assert said in ran.err + ran.out


@pytest.mark.parametrize("command", ["similar", "paraphrase"])
def test_vectors_that_cannot_be_opened_are_said_once_for_all_texts(command: str, lines: str, tmp_path: Path) -> None:
    own = ("--among", lines) if command == "similar" else ("--lm", "en-ngram")
    ran = searchgen(command, *own, "--vectors", str(tmp_path / "none"), "--quiet", stdin=b"A dog.\n\nA cat.\n")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "there is no such folder" in ran.err
