"""Training text: where sentences end, and which quotation marks are dropped."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from searchgen.text import FORMS, text_form
from searchgen.text.sentences import sentences, training_text, training_tokens


@pytest.mark.parametrize(
    ("paragraph", "parts"),
    [
        ('"Where?" asked he. It rained.', ['"Where?" asked he.', "It rained."]),
        ('"Go." She went! "Why?" Nobody knew.', ['"Go."', "She went!", '"Why?"', "Nobody knew."]),
        ("Mr. Fox met J. R. Smith at St. Paul's. Then tea.", ["Mr. Fox met J. R. Smith at St. Paul's.", "Then tea."]),
        ("Cats, dogs, etc. They ran.", ["Cats, dogs, etc.", "They ran."]),
        ("It was 5 p.m. He left.", ["It was 5 p.m.", "He left."]),
        ("Well... The fact is. 5 men came.", ["Well...", "The fact is.", "5 men came."]),
        ("One line\n\n  another one. ", ["One line", "another one."]),
        ('Yes. -- "And no."', ["Yes.", '"And no."']),
        ("e.g. this, 3.14 and so.", ["e.g. this, 3.14 and so."]),
        ("", []),
    ],
)
def test_english_sentences(paragraph: str, parts: list[str]) -> None:
    assert list(sentences(paragraph, text_form("en"))) == parts


@pytest.mark.parametrize(
    ("paragraph", "parts"),
    [
        ("你好。“去哪？”他问。走吧！", ["你好。", "“去哪？”", "他问。", "走吧！"]),
        ("“好！”，他说。", ["“好！”，他说。"]),
        ("真的？！是。没有句号", ["真的？！", "是。", "没有句号"]),
    ],
)
def test_chinese_sentences(paragraph: str, parts: list[str]) -> None:
    assert list(sentences(paragraph, text_form("zh"))) == parts


@pytest.mark.parametrize(
    ("name", "sentence", "text"),
    [
        ("en", '"I am here.', "I am here."),
        ("en", 'You are," said Pooh.', "You are, said Pooh."),
        ("en", "\"'Come (now).'\"", "Come (now)."),
        ("en", '"One" and "two"', "“One” and “two”"),
        ("en", "The boys' (own paper.", "The boys' own paper."),
        ("en", "“Well) he said”", "Well he said"),
        ("en", 'a"b', "a b"),
        ("zh", "“你好。", "你好。"),
        ("zh", "“‘你（好）’”", "你（好）"),
        ("raw", '"as it is', '"as it is'),
    ],
)
def test_lone_and_enclosing_marks_go(name: str, sentence: str, text: str) -> None:
    assert training_text(sentence, text_form(name)) == text


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=400, deadline=None)
@given(paragraph=st.one_of(st.text(), st.text("abT0.?!\"'()-“”‘’ 你。？「」（）\n〡", max_size=30)))
@example("‘〡“’0")
def test_training_tokens_are_those_of_the_training_texts(name: str, paragraph: str) -> None:
    form = text_form(name)
    parts = [form.tokenise_as_printed(training_text(part, form)) for part in sentences(paragraph, form)]
    tokens = list(training_tokens(paragraph, form))
    assert tokens == [part for part in parts if part]
    for part in tokens:
        marks = [mark for mark in part if mark in form.brackets or mark in form.brackets.values()]
        assert sum(1 if mark in form.brackets else -1 for mark in marks) == 0


@pytest.mark.parametrize("name", FORMS)
@given(paragraph=st.text("abT.?! \"'你。？”\n"))
def test_splitting_loses_only_spaces_and_dashes(name: str, paragraph: str) -> None:
    parts = list(sentences(paragraph, text_form(name)))
    assert "".join("".join(parts).split()) == "".join(paragraph.split())
