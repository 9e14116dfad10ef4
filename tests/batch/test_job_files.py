"""What people's job files look like: own columns, tables of other programs, forms that are none."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from searchgen.batch.jobs import SEPARATORS, read_jobs
from searchgen.request.from_values import near_field
from tests.batch.files import batch, rows, snapshot
from tests.places import DATA


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


@pytest.mark.parametrize("form", SEPARATORS)
def test_a_cell_that_no_float_holds_costs_its_row_only(tmp_path: Path, form: str) -> None:
    jobs, out = tmp_path / f"jobs.{form}", tmp_path / "out"
    cells = ["NaN", "Infinity", "-Infinity", "1e999", "1"]
    table = [("id", "beta", "keywords"), *(("a", cell, "dog") for cell in cells)]
    jobs.write_text("".join(SEPARATORS[form].join(row) + "\n" for row in table))
    assert batch(str(jobs), "-o", str(out)).code == 3
    *wrong, good = rows(out)
    assert (good["id"], good["status"]) == ("a", "ok")
    assert [row["id"] for row in wrong] == [2, 3, 4, 5]
    for row, cell in zip(wrong, cells, strict=False):
        assert row["diagnostics"]["error"].startswith(f"{cell} is ")
