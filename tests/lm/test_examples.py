"""Example lines: which are taken of a file, where they stand, and that no result repeats one."""

import json
from pathlib import Path

import pytest

from searchgen.errors import RequestError
from searchgen.lm.examples import counted, echoes, example_lines
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.transformer import has_read_the_web
from searchgen.request.request import Request
from tests.places import CORPORA

SHIPPED = [*example_lines("default-en"), *example_lines("default-zh")]


def test_the_first_lines_of_three_to_forty_words_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    lines = [
        "Too short.",
        "",
        "  A line\t of its   own. ",
        "w " * 41,
        *(f"Line number {i} is here." for i in range(20)),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    taken = example_lines(str(path))
    assert taken == ("A line of its own.", *(f"Line number {i} is here." for i in range(9)))
    assert example_lines(f"{path}:3") == taken[:3]
    assert counted(f"{path}:3") == {"count": 3, "hash": counted(f"{path}:3")["hash"]}  # type: ignore[index]
    assert counted(f"{path}:3") != counted(f"{path}:2")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("nowhere.txt", "no such file"),
        (".", "no such file"),
        ("{}:0", "give 1 to 200"),
        ("{}:201", "give 1 to 200"),
        ("{}", "no line has"),
    ],
)
def test_other_values_are_refused(value: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text("One.\nTwo words.\n", encoding="utf-8")
    with pytest.raises(RequestError, match=said):
        example_lines(value.format(path))


@pytest.mark.parametrize(
    ("text", "repeats"),
    [
        ("the small dog ran to the old red barn!", True),  # the line itself, but for case and marks
        ("Now the small dog ran to the old red house", True),  # eight words in a row
        ("Now the small dog ran to the old blue barn.", False),  # seven
        ("A dog.", False),
    ],
)
def test_a_text_that_repeats_a_line(text: str, repeats: bool) -> None:
    assert echoes(text, ["A cat.", "The small dog ran to the old red barn."]) == repeats


@pytest.mark.parametrize(
    ("text", "repeats"),
    [("他说今天早上我们一起去公园散步", True), ("他说今天早上我们一起去公园玩", False), ("今天早上下雨了", False)],
)
def test_twelve_characters_in_a_row_repeat_a_chinese_line(text: str, repeats: bool) -> None:
    line = "今天早上我们一起去公园散步了。"
    assert len("今天早上我们一起去公园") == 11
    assert echoes(text, [line]) == repeats
    assert echoes("今天早上我们一起去公园散步了", [line])


def test_the_shipped_lines_are_of_no_corpus_of_ours(shared_folder: Path) -> None:
    texts = [path.read_text("utf-8") for path in sorted(CORPORA.glob("everyday-*.txt"))]
    texts += [path.read_text("utf-8") for path in sorted((shared_folder / "tasks").iterdir())]
    lines = {line.strip().casefold() for text in texts for line in text.splitlines()}
    assert len(SHIPPED) == 20
    assert [line for line in SHIPPED if line.casefold() in lines] == []


@pytest.mark.parametrize(
    ("config", "ours", "large"),
    [
        ({"architectures": ["LlamaForCausalLM"], "max_position_embeddings": 2048}, False, True),
        ({"architectures": ["GPT2LMHeadModel"], "n_positions": 1024}, False, True),
        ({"architectures": ["GPT2LMHeadModel"], "n_positions": 128}, False, False),
        ({"architectures": ["LlamaForCausalLM"], "max_position_embeddings": 2048}, True, False),
        ({"architectures": ["BertForMaskedLM"], "max_position_embeddings": 512}, False, False),
        ({"architectures": ["LlamaForCausalLM"], "max_position_embeddings": "many"}, False, False),
    ],
)
def test_searches_under_foreign_causal_models_have_examples(
    config: dict[str, object], ours: bool, large: bool, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    if ours:
        (tmp_path / "loss.svg").write_text("<svg/>", encoding="utf-8")
    assert has_read_the_web(str(tmp_path)) == large
    asked = Request(keywords=(("dog",),), lm=str(tmp_path))
    assert asked.reading.examples == ("default-en" if large else "")
    assert asked.but(sampler="surrogate").reading.examples == ""
    assert asked.but(lm=f"en:0.5,{tmp_path}:0.5").reading.examples == asked.reading.examples


def test_texts_without_an_end_have_no_default_lines(tmp_path: Path) -> None:
    config = {"architectures": ["LlamaForCausalLM"], "max_position_embeddings": 2048}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    asked = Request(keywords=(("dog",),), lm=str(tmp_path))
    assert asked.reading.examples == "default-en"
    endless = NeuralSettings(end="none")
    assert asked.but(neural=endless).reading == endless
