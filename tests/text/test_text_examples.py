"""Text forms on ordinary texts: which tokens they make, and that their texts are canonical."""

import itertools

import pytest

from searchgen.errors import RequestError
from searchgen.text import FORMS, detect, text_form
from searchgen.text.english import English

MARKERS = ["<unk>", "<s>", "</s>"]

SENTENCES = {
    "en": """The dog's bone, he said, is mine.
“Where?” asked he.
"It's like this," said O'Brien -- "only warmer."
He owes Mr. Fox $3.50 (or 1,000 pounds) at 5 p.m. today.
'Tis the boys' well-known café; isn't it?!
Wait... I'm 50% sure: iPhone users rarely call 'em “phones”.
J. R. Smith lives in the U.S. with St. John.
She asked, ‘Why?’
... and then -- nothing!
The 1990's, the '90s, and 10:30.""",
    "zh": """你好，世界！
“去哪儿？”他问。
我有3.5个iPhone，真的。
《红楼梦》（上）……好看！
他说：“用New York时间。”
——走吧！""",
    "raw": "any thing , at all .",
}


@pytest.mark.parametrize("name", FORMS)
def test_ordinary_sentences_are_accepted(name: str) -> None:
    lines = SENTENCES[name].splitlines()
    printed = [text_form(name).tokenise_as_printed(line) for line in lines]
    form = text_form(name, dict.fromkeys(["the", "he", "wait", "she", *itertools.chain(*printed)], 1.0))
    for line in lines:
        tokens = form.tokenise(line)
        assert form.canonical([*MARKERS, *tokens]).accepts(range(3, 3 + len(tokens))), tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The dog's well-known; don't!", "the dog's well - known ; don't !"),
        ("Paris and I.", "Paris and I ."),
        ("Mr. Fox vs. J. R. at 5 a.m.", "Mr. Fox vs. J. R. at 5 a.m."),
        ("No. I did.", "No . I did ."),
        ("It cost $3.50, 1,000 or 5%...", "It cost $3.50 , 1,000 or 5% ..."),
        ("'Tis “so” — said O’Brien", "'tis “ so ” -- said O'Brien"),
        ("\"'Why?'\" (he said).", "“ ‘ Why ? ’ ” ( he said ) ."),
        ("the dogs' tails 'wag'.", "the dogs' tails ‘ wag ’ ."),
        ("'the dogs' tails wag' he said", "‘ the dogs' tails wag ’ he said"),
        ("5 - 3, -5 and a-", "5 -- 3 , − 5 and a"),
        ("a😀b\x07c\u200dd\ud800", "A 😀 b cd"),
        ("naïve Мир e\u0301t", "Naïve Мир ét"),
        ("", ""),
    ],
)
def test_english_tokens(text: str, tokens: str) -> None:
    form = English({"the": 2.0, "The": 1.0, "Paris": 1.0, "I": 1.0, "'tis": 1.0})
    assert form.tokenise(text) == tokens.split()


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("我有3.5个 iPhone,真的!", "我 有 3.5 个 iPhone ， 真 的 ！"),
        ("「你 好」...", "“ 你 好 ” ……"),
        ('他说:"走"--', "他 说 ： “ 走 ” ——"),
        ("Ｗｉ-Fi New York", "Wi-Fi New York"),
        ("汤姆·索亚50%", "汤 姆 · 索 亚 50 %"),
    ],
)
def test_chinese_tokens(text: str, tokens: str) -> None:
    assert text_form("zh").tokenise(text) == tokens.split()


def test_an_unknown_form_is_refused_with_a_hint() -> None:
    with pytest.raises(RequestError, match=r"'eng'; did you mean 'en'\? \(known: en, zh, raw\)"):
        text_form("eng")


@pytest.mark.parametrize(
    ("text", "name"), [("", "en"), ("plain", "en"), ("我用iPhone。", "zh"), ("naïve café", "en"), ("word 道 way", "en")]
)
def test_detect(text: str, name: str) -> None:
    assert detect(text) == name


def test_the_case_of_the_first_word_follows_the_preference() -> None:
    assert English({"the": 1.0, "The": 2.0}).tokenise("the") == ["The"]
    assert English({"the": 2.0, "The": 2.0}).tokenise("The") == ["the"]
    assert English({"the": 2.0}).tokenise("“The") == ["“", "the"]
    assert English().tokenise("The") == ["The"]
    assert English().tokenise_as_printed("the") == ["the"]
