"""`searchgen similar`: so many lines for each text, the most alike first, and what cannot be compared."""

from pathlib import Path

import pytest

from tests.cli.runner import searchgen

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
