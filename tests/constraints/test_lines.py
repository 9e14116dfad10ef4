"""Lines of a text: the automaton and the divisions against every choice of breaks, by a reader of printed text alone."""

import math
import re
from collections.abc import Iterator
from itertools import combinations, pairwise, product
from random import Random

import pytest

from searchgen.automata import DEAD, Automaton
from searchgen.constraints import with_demanded
from searchgen.constraints.lines.division import divided
from searchgen.constraints.lines.holding import Held, read_item
from searchgen.constraints.lines.lines import CharactersOfLines, Lines
from searchgen.constraints.lines.shape import BREAK_COST, Shape, pieces_of
from searchgen.constraints.printed.ranges import Range
from searchgen.errors import RequestError, TooLarge
from searchgen.testing import assert_constraint
from searchgen.text import text_form
from searchgen.text.printing import Alphabet
from searchgen.vocabulary import Vocabulary
from tests.constraints.toy_text import FORM

MARKS = ".,;:!?…“”‘’()[]-–—。，、；：！？（）《》"
WORDS = {
    "en": ["the", "of", "my", "owl", "on", "Oh", "night", "7", "-", ",", ".", "--", "“", "”", "don't"],
    "zh": ["我", "月", "月", "天", "AI", "5", "，", "。", "“", "”"],
}
LINES = {
    "en": [
        Lines(2, Range(1, 3)),
        Lines(3, Range(1, 2), "moo"),
        Lines(2, Range(2, 2), "on"),
        Lines(2, Range(2, None)),
        Lines(1, Range(1, 4)),
        Lines(3, Range(1, None), "oot"),
        Lines(2, Range(1, 3), "", (Held(0, ("owl",)), Held(1, ("my", "oh")))),
        Lines(3, Range(1, 2), "moo", (Held(1, ("on 7", "owl")),)),
        Lines(2, Range(1, None), "", (Held(1, ("the",)), Held(1, ("my night", "owl")))),
        Lines(2, Range(1, 3), "", (Held(0, ("well-known",)),)),
        Lines(2, Range(1, 3), "", (Held(0, ("a.m.", "3.14")), Held(1, ("owl", "my well-known")))),
    ],
    "zh": [
        Lines(2, Range(2, 3)),
        Lines(2, Range(1, 2), "月我"),
        Lines(3, Range(1, 2)),
        Lines(2, Range(1, 3), "月a"),
        Lines(2, Range(1, 3), "", (Held(0, ("月天",)), Held(1, ("AI", "5月")))),
    ],
}
CASES = [(form, number) for form, lines in LINES.items() for number in range(len(lines))]


def words_of(line: str, form: str) -> list[str]:
    """The words of a line, read from its characters."""
    if form == "zh":
        return re.findall(r"[\u4e00-\u9fff]|[A-Za-z0-9]+", line)
    return [core for part in line.split(" ") if (core := part.strip(MARKS))]


def is_line(line: str, form: str, words: Range, letter: str, characters: Range | None = None) -> bool:
    found = words_of(line, form)
    if not found or not words.low <= len(found) <= (words.high or 99):
        return False
    first = re.sub(r"[^a-z\u4e00-\u9fff]", "", found[0].lower())[:1]
    return (not letter or first == letter) and (
        characters is None or characters.low <= len(line) <= (characters.high or 999)
    )


def holds(line: str, form: str, alternatives: tuple[str, ...]) -> bool:
    """Whether one of some rows of words stands in a line."""
    found = [word.lower() for word in words_of(line, form)]
    rows = [[word.lower() for word in words_of(text, form)] for text in alternatives]
    return any(row == found[at : at + len(row)] for row in rows for at in range(len(found)))


def breaks(text: str, form: str) -> list[int]:
    """Where a break may be: before every word but the first, marks that open it included."""
    if form == "zh":
        ends = [match.end() for match in re.finditer(r"(?:[\u4e00-\u9fff]|[A-Za-z0-9]+)[，。” ]*", text)]
        return ends[:-1]
    places, at = [], 0
    for part in text.split(" "):
        if part.strip(MARKS):
            places.append(at)
        at += len(part) + 1
    return places[1:]


def all_divisions(text: str, form: str, shape: Shape) -> Iterator[tuple[str, ...]]:
    """Every division, by trying all choices of breaks."""
    for chosen in combinations(breaks(text, form), shape.count - 1):
        cuts = [0, *chosen, len(text)]
        lines = [text[a:b] for a, b in pairwise(cuts)]
        lines = [line.rstrip(" ") for line in lines]
        letters = shape.letters or [""] * shape.count
        if all(
            is_line(line, form, shape.words, letter, shape.characters)
            for line, letter in zip(lines, letters, strict=True)
        ) and all(holds(lines[held.line], form, held.words) for held in shape.held):
            yield tuple(lines)


@pytest.mark.parametrize(("form", "number"), CASES)
def test_automaton_is_every_choice_of_breaks(form: str, number: int) -> None:
    lines = LINES[form][number]
    vocabulary = with_demanded(Vocabulary(list(dict.fromkeys(WORDS[form])), text_form(form)), [lines])
    automaton, chance, found = lines.automaton(vocabulary), Random(number), 0
    for turn in range(400):
        ids = [chance.randrange(len(vocabulary)) for _ in range(chance.randrange(1, 10))]
        if turn % 2:
            ids = walked(automaton, chance, len(vocabulary))
        if not ids:
            continue
        text = vocabulary.form.detokenise(vocabulary.decode(ids))
        wanted = any(True for _ in all_divisions(text, form, lines.lines))
        assert lines.held_by(text, form) == wanted, text
        assert automaton.accepts(ids) == wanted, text
        if wanted:
            assert all(automaton.run(ids[:end]) != DEAD for end in range(len(ids) + 1))
        found += wanted
    assert found > 10


@pytest.mark.parametrize(
    ("word", "held", "refused"),
    [
        (
            "well-known",
            [
                "A well-known old owl.",
                "A Well-Known, old owl",
                "(A well-known) old owl",
                "A well-known. Old owl.",
                "A well-known- old owl",
            ],
            [
                "A well- old owl",
                "The well known owl",
                "A well--known old owl",
                "A well-,known old owl",
                "A well-knowns old owl",
            ],
        ),
        (
            "well-known",
            ["A “well-known” old owl."],
            [
                "A well-known-ish old owl",
                "An old well-known owl.",
                "A -known old owl",
                "A well.known old owl",
                "A wellknown old owl",
            ],
        ),
        (
            "a.m.",
            ["At a.m. owls sleep", "At A.M., owls sleep.", "At a.m owls sleep"],
            ["At am. owls sleep", "At a. m. owls", "At a.m.m. owls sleep"],
        ),
        (
            "3.14",
            ["About 3.14 old owls.", "About 3.14, old owls", "About 3.14. Old owls"],
            ["About 3. 14 owls", "About 3.145 old owls", "About 3. old owls"],
        ),
    ],
)
def test_a_word_with_marks_inside_stands_in_its_line(word: str, held: list[str], refused: list[str]) -> None:
    """Four words in two lines: the first must hold it."""
    lines, texts = Lines(2, Range(2, 2), "", (Held(0, (word,)),)), [*held, *refused]
    alphabet = Alphabet.of(texts)
    automaton = lines.characters(alphabet, "en", 100_000)
    for text in texts:
        assert len(words_of(text, "en")) == 4
        assert lines.held_by(text, "en") == (text in held), text
        assert automaton.accepts([alphabet.index(sign) for sign in text]) == (text in held), text


def test_words_with_marks_inside_in_all_short_texts() -> None:
    """Among them words of which one begins another, and one with two marks in a row."""
    alphabet = Alphabet.of(["ab-."])
    texts = ["".join(signs) for size in range(1, 6) for signs in product(alphabet, repeat=size)]
    texts = [text for text in texts if text == " ".join(text.split())]
    for held in (("a-b",), ("a-b", "a"), ("a.b", "a-b.a"), ("a-.b", "b-a"), ("a-b a",)):
        lines, found = Lines(1, Range(1, 3), "", (Held(0, held),)), 0
        automaton = lines.characters(alphabet, "en", 100_000)
        for text in texts:
            wanted = is_line(text, "en", lines.words, "") and holds(text, "en", held)
            assert automaton.accepts([alphabet.index(sign) for sign in text]) == wanted, (held, text)
            assert lines.held_by(text, "en") == wanted, (held, text)
            found += wanted
        assert found > 0


def walked(automaton: Automaton, chance: Random, tokens: int) -> list[int]:
    """A text each of whose beginnings can go on, ended where it may be, half of the time."""
    ids: list[int] = []
    while len(ids) < 10 and not (automaton.accepts(ids) and chance.random() < 0.5):
        alive = [i for i in range(tokens) if automaton.run([*ids, i]) != DEAD]
        ids.append(chance.choice(alive))
    return ids


TEXTS = [
    ("en", "The owl of the night -- oh my -- is on the old road.", Shape(3, Range(2, 6))),
    ("en", "The owl of the night is on my road, and oh, the moon!", Shape(3, Range(1, 8), characters=Range(10, 25))),
    ("en", "My owl is on one of our nights.", Shape(4, Range(1, 3), "moon")),
    ("en", "The owl of the night is on my road.", Shape(3, Range(1, 4), held=(Held(1, ("night", "is on")),))),
    ("zh", "我月天，我“月天”AI我月。", Shape(3, Range(2, 5))),
    ("zh", "我月天，我“月天”AI我月。", Shape(2, Range(1, 9), characters=Range(5, 9))),
]


def weight(lines: tuple[str, ...]) -> float:
    """What a division weighs, by its lines alone."""
    return math.exp(-BREAK_COST * sum(line.split(" ")[-1].lower() in ("the", "of", "on", "and") for line in lines[:-1]))


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_divisions_are_drawn_in_proportion_to_their_weights(number: int) -> None:
    """The share of a grid of uniform numbers that leads to a division is its probability, up to the width of the grid."""
    form, text, shape = TEXTS[number]
    weights = {lines: weight(lines) for lines in all_divisions(text, form, shape)}
    assert len(weights) > 1
    total, size = sum(weights.values()), 40
    grid = [(k + 0.5) / size for k in range(size)]
    free = min(shape.count - 1, 2)
    drawn: dict[tuple[str, ...], float] = dict.fromkeys(weights, 0.0)
    for numbers in product(grid, repeat=free):
        uniform = [*numbers, *[0.5] * (shape.count - free)]
        lines = cut(text, shape.drawn(text, form, uniform))
        if shape.count - 1 == free:
            drawn[lines] += size**-free
        else:  # the third break is drawn, too: only the legal ones are looked at
            assert lines in weights
    if shape.count - 1 == free:
        for lines, share in drawn.items():
            assert share == pytest.approx(weights[lines] / total, abs=2 * free / size)


def cut(text: str, starts: list[int]) -> tuple[str, ...]:
    return tuple(text[a:b].rstrip(" ") for a, b in zip(starts, [*starts[1:], len(text)], strict=True))


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_the_best_division_has_the_largest_weight(number: int) -> None:
    form, text, shape = TEXTS[number]
    divisions = list(all_divisions(text, form, shape))
    best = divided(text, shape, form, None)
    lines = tuple(best.text.split("\n"))
    assert lines in divisions
    assert weight(lines) == max(map(weight, divisions))
    assert shape.held_by_lines(lines, form)
    assert not shape.held_by_lines(lines[:-1], form)
    for place, character in enumerate(text):
        if character != " ":
            assert best.text[best.moved(place)] == character
    assert divided(text, shape, form, 7, "a") == divided(text, shape, form, 7, "a")
    assert len({divided(text, shape, form, seed, "a").text for seed in range(40)}) > 1


def test_a_break_inside_a_word_costs_as_much() -> None:
    shape, text = Shape(2, Range(2, 3)), "我月天天月"
    weights = {2: 1.0, 3: math.exp(-BREAK_COST)}  # by where the second line begins; 月天天 is a word
    assert shape.best(text, "zh", {3, 4}) == [0, 2]
    drawn = [shape.drawn(text, "zh", [(k + 0.5) / 500, 0.5], {3, 4})[1] for k in range(500)]
    assert drawn.count(3) / 500 == pytest.approx(weights[3] / sum(weights.values()), abs=1 / 500)


def test_pieces_hold_all_characters() -> None:
    for form, text, _ in TEXTS:
        spans = [(piece.start, piece.end) for piece in pieces_of(text, form)]
        assert spans[0][0] == 0
        assert spans[-1][1] == len(text)
        assert all(text[a[1] : b[0]].strip(" ") == "" for a, b in pairwise(spans))


def test_contract_of_lines() -> None:
    for lines in (Lines(2, Range(1, 2)), Lines(2, Range(1, None), "ab")):
        assert_constraint(lines, ["a", "b", "c", ",", "was", "."], form=FORM, longest=4)
    english, marked = text_form("en"), Lines(2, Range(1, 2), "", (Held(0, ("a-b",)),))

    def is_divided(tokens: tuple[str, ...]) -> bool:
        return any(True for _ in all_divisions(english.detokenise(tokens), "en", marked.lines))

    assert_constraint(marked, ["a", "b", "-", ",", "."], is_divided, english, 4)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (("sea",), "give a line and a word"),
        (("5=sea",), "there are 3 lines"),
        (("0=sea",), "there are 3"),
        (("1=,",), "give a word"),
    ],
)
def test_items_of_no_line_are_refused(item: tuple[str, ...], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read_item(item, 3, "en")


def test_too_many_divisions_are_refused() -> None:
    wide = Lines(12, Range(1, 12), "abababababab")
    with pytest.raises(TooLarge, match="give a narrower --words-per-line"):
        wide.automaton(Vocabulary(["a", "b"], text_form("en")))
    with pytest.raises(TooLarge, match="give a narrower --words-per-line"):
        Lines(20, Range(1, 20), "", (Held(3, ("a",)),)).automaton(Vocabulary(["a", "b"], text_form("en")))
    with pytest.raises(TooLarge, match="too many for an automaton"):
        CharactersOfLines(2, Range(1, 3), "", Range(3, 9)).automaton(Vocabulary(["a"], text_form("en")))
