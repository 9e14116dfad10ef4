"""Words of many lines at once: Chinese ones against the plain division, English ones against plain rules."""

import random
import re
from itertools import pairwise

from searchgen.meaning.reading import ChineseReader, EnglishReader
from searchgen.text.lexicon.segmentation import chinese_words
from tests.places import CORPORA

HAN = re.compile(r"[\u3400-\u9fff]+|[0-9A-Za-z]+")


def plain_words(text: str) -> list[str]:
    """The words of each run, by the division of the lexicon."""
    words = []
    for run in HAN.findall(text):
        borders = sorted(chinese_words().borders(list(run))) if not run.isascii() else [0, len(run)]
        words += [run[begin:end].lower() for begin, end in pairwise(borders)]
    return words


def test_chinese_words_are_those_of_the_plain_division() -> None:
    draw, known = random.Random(3), ["我们", "公园", "喜欢", "天气", "的", "不", "知道"]
    lines = (CORPORA / "everyday-zh.txt").read_text(encoding="utf-8").splitlines()[:150]
    lines += [
        "".join(draw.choice("我们去iPhone 7，公园里喜欢的。𠮷龘A") for _ in range(draw.randint(0, 9)))
        for _ in range(150)
    ]
    reader = ChineseReader.of(known)
    words = reader.read(lines)
    names = [*known, *words.others]
    begin = 0
    for line, end in zip(lines, words.ends.tolist(), strict=True):
        assert [names[number] for number in words.number[begin:end].tolist()] == plain_words(line), line
        begin = end
    assert len({*words.number.tolist()} & {*range(len(known))}) > 4


def test_english_words() -> None:
    words = EnglishReader({"dog": 0, "isn't": 1}).read(["The DOG'S bone isn’t 3.5 -- _x_", "", "ünder dog"])
    names = ["dog", "isn't", *words.others]
    found = [names[number] for number in words.number.tolist()]
    assert found == ["the", "dog", "bone", "isn't", "3", "5", "x", "ünder", "dog"]
    assert words.ends.tolist() == [7, 7, 9]
