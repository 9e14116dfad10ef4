"""Templates and regular expressions over the printed text: against Python's own reading of texts, and bounded in every case."""

import re
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from random import Random

import pytest

from searchgen.automata import DEAD
from searchgen.constraints import with_demanded
from searchgen.constraints.printed.condition import Printed
from searchgen.constraints.printed.regex import Regex
from searchgen.constraints.printed.template import Template, read_slot
from searchgen.errors import RequestError, TooLarge
from searchgen.testing import assert_constraint
from searchgen.text import text_form
from searchgen.vocabulary import Vocabulary
from tests.constraints.printed_oracle import HAN, OUTER

WORDS = {
    "en": ["the", "The", "a", "dog", "dog's", "sea", "is", "in", "York", "New", "-", ",", ".", "--", "“", "”", "!"],
    "zh": ["我", "天", "气", "AI", "5", "，", "。"],
}

REGEXES = [
    r"(The|A) .*(sea|dog)\.?",
    r"(?i)the.*",
    r"[A-Z][a-z ]+\.?",
    r".{3,9}",
    r"\w+ \w+",
    r"[^c]*",
    r"(?i:THE) dog.*?",
    r"^A.*$",
    r"(?i)THE (?-i:sea|Dog).*",
    r"(a|b|c|d|The| )*",
    r"(a*)*b?.*",
    "",
]

#: A word of a gap: no space in it, and no outer mark at its edges; the words of a longer gap may have marks between them.
PLAIN = f"[^ {re.escape(OUTER)}]"
WORD = f"{PLAIN}(?:[^ ]*{PLAIN})?"
MARK = f"[{re.escape(OUTER)}]"
BETWEEN = f"{MARK}* (?:{MARK}+ )*{MARK}*"

TEMPLATES = [
    ("en", "The ___ is ___.", (), rf"The {WORD} is {WORD}\."),
    ("en", "___ dog, ___", (), rf"{WORD} dog, {WORD}"),
    ("en", "___{2..3} is", (), rf"{WORD}(?:{BETWEEN}{WORD}){{1,2}} is"),
    ("en", "A ___* dog", (), rf"A(?: {WORD}(?:{BETWEEN}{WORD})*)? dog"),
    ("en", "___* dog", (), rf"(?:{WORD}(?:{BETWEEN}{WORD})* )?[Dd]og"),
    ("en", "“___” is ___{1..}", (), rf"“{WORD}” is {WORD}(?:{BETWEEN}{WORD})*"),
    ("en", "{x} is in {y}.", ("x=the dog,dog", "y=New York|sea"), r"(The dog|Dog|the dog|dog) is in (New York|sea)\."),
    ("en", "the ___!", (), rf"the {WORD}!"),
    ("en", 'A "___".', (), rf"A “{WORD}”\."),
    ("zh", "我___。", (), f"我[{HAN}A-Za-z0-9]{{1,4}}。"),
    ("zh", "＿，我___{2..3字}.", (), f"[{HAN}A-Za-z0-9]{{1,4}}，我[{HAN}A-Za-z0-9]{{2,3}}。"),
]


def agree(constraint: Printed, form: str, pattern: str, seed: int, count: int) -> int:
    """Compare with Python's reading of seeded texts, one in two of them near the pattern; return how many match."""
    vocabulary = with_demanded(Vocabulary(WORDS[form], text_form(form)), [constraint])
    automaton, chance, found = constraint.automaton(vocabulary), Random(seed), 0
    expression = re.compile(pattern)
    for number in range(count):
        ids = [chance.randrange(len(vocabulary)) for _ in range(chance.randrange(1, 8))]
        if number % 2:
            ids = walked(automaton.classes, automaton.next, chance, ids)
        printed = vocabulary.form.detokenise(vocabulary.decode(ids))
        wanted = expression.fullmatch(printed) is not None
        assert automaton.accepts(ids) == wanted, printed
        assert all(constraint.parts(ids, vocabulary).values()) == wanted, printed
        if wanted:
            assert all(automaton.run(ids[:end]) != DEAD for end in range(len(ids) + 1))
        found += wanted
    return found


def walked(classes: object, table: object, chance: Random, ids: list[int]) -> list[int]:
    """A text that the automaton can complete, as long as there is one, and one random token."""
    state, text = 1, []
    for _ in range(len(ids) + 2):
        ways = [token for token, label in enumerate(classes) if table[state, label]]  # type: ignore[arg-type, index, var-annotated]
        if not ways or chance.random() < 0.1:
            break
        text.append(chance.choice(ways))
        state = table[state, classes[text[-1]]]  # type: ignore[index]
    return text or ids


@pytest.mark.parametrize("pattern", REGEXES)
def test_regex(pattern: str) -> None:
    agree(Regex(pattern), "en", pattern, 1, 200)


@pytest.mark.parametrize(
    ("pattern", "held", "refused"),
    [
        (r"(?i)the (?-i:SEA)\.", ["The SEA.", "the SEA."], ["The sea.", "The Sea."]),
        (r"(?i:the) sea\.", ["THE sea.", "the sea."], ["the SEA.", "The Sea."]),
        (r"(?i)a(?-i:b(?i:c)d)e", ["abCde", "AbcdE"], ["aBcde", "abcDe"]),
        (r"(?i)(the (?-i:Sea|dog)\.?)+", ["THE Sea.the dog", "The dog"], ["the sea.", "the Dog"]),
        (r"(?a:\w+)", ["sea", "SEA7"], ["é", "seé"]),
        (r"(?a:\w)\w", ["eé", "ee"], ["ée", "éé"]),
        (r"(?a)\w(?u:\w)", ["eé", "ee"], ["ée", "éé"]),
        (r"(?a:\d)\d[^\W\d]", ["77e", "7٣é"], ["٣7e", "777"]),
        (r"(?i)é(?a:é)s", ["Éés", "ééS"], ["éÉs", "ÉÉs"]),
        (r"(?s:.).", ["sé", "\ne"], ["e\n", "\n\n"]),
    ],
)
def test_flags_of_a_part_hold_for_that_part_alone(pattern: str, held: list[str], refused: list[str]) -> None:
    texts = [*held, *refused]
    verdicts = [Regex(pattern).held_by(text, "en") for text in texts]
    assert verdicts == [re.fullmatch(pattern, text) is not None for text in texts]
    assert verdicts == [text in held for text in texts]


@pytest.mark.parametrize(("form", "source", "slots", "pattern"), TEMPLATES)
def test_template(form: str, source: str, slots: tuple[str, ...], pattern: str) -> None:
    assert agree(Template.of_source(source, slots, text_form(form)), form, pattern, 2, 400) > 0


@pytest.mark.slow
@pytest.mark.parametrize("pattern", REGEXES)
def test_regex_many(pattern: str) -> None:
    agree(Regex(pattern), "en", pattern, 3, 10_000)


@pytest.mark.slow
@pytest.mark.parametrize(("form", "source", "slots", "pattern"), TEMPLATES)
def test_template_many(form: str, source: str, slots: tuple[str, ...], pattern: str) -> None:
    agree(Template.of_source(source, slots, text_form(form)), form, pattern, 4, 10_000)


def test_contracts() -> None:
    assert_constraint(Regex("(The|A) .*dog"), ["the", "a", "dog", ",", "-"], form=text_form("en"))
    assert_constraint(
        Template.of_source("___ dog ___", (), text_form("en")), ["the", "a", ",", "-"], form=text_form("en")
    )


def test_fixed_parts_are_printed_as_they_are_written() -> None:
    known = Vocabulary([*WORDS["en"], "node", "."], text_form("en"))
    source = "the zorb ___ DOG at node.js, McFoo’s R&D!"
    template = Template.of_source(source, (), text_form("en"))
    vocabulary = with_demanded(known, [template])
    automaton = template.automaton(vocabulary)
    ids = vocabulary.encode(vocabulary.form.tokenise(source.replace("___", "sea")))
    assert automaton.accepts(ids)
    assert vocabulary.form.detokenise(vocabulary.decode(ids)) == source.replace("___", "sea").replace("’", "'")


@pytest.mark.parametrize(
    "pattern",
    [".*a.{40}", "((a{1,100}){1,100}){1,100}", "a{99999}", "(.*a){90}.*", "(a|aa){1000}", "(a*)*b", "(x+x+)+y"],
)
def test_catastrophic_expressions_end(pattern: str) -> None:
    known = Vocabulary(["a", "b", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"], text_form("raw"))
    began = time.process_time()
    try:
        Regex(pattern).automaton(known)
        Regex(pattern).parts([2, 2, 0], known)
    except TooLarge:
        pass
    assert time.process_time() - began < 10


EN = text_form("en")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Regex("("), "unterminated subpattern at column 1"),
        (lambda: Regex(r"(a)\1"), "a reference to a group"),
        (lambda: Regex("(?=a)b"), "look-ahead"),
        (lambda: Regex("a" * 6000), "at most 5,000"),
        (lambda: Regex("x{1,3000000000000}"), "repeats too often"),
        (lambda: Template.of_source("", (), EN), "empty"),
        (lambda: Template.of_source("{city} ___", (), EN), "the slot {city} has no fillers; give --slot city=LIST"),
        (lambda: Template.of_source("{citty}", ("city=Rome",), EN), "did you mean {city}"),
        (lambda: Template.of_source("___", ("city=Rome",), EN), "has no slot {city}"),
        (lambda: Template.of_source("{x} {x}", ("x=a",), EN), "stands there twice"),
        (lambda: Template.of_source("{x}", ("x=",), EN), "has no filler"),
        (lambda: Template.of_source("{x}", ("x=a", "x=b"), EN), "given twice"),
        (lambda: Template.of_source("{x}", ("a,b",), EN), "give NAME=LIST"),
        (lambda: Template.of_source("{x}", ("x=@f",), EN), "only the command line reads files"),
        (lambda: Template.of_source("___{5..2} a", (), EN), "5 is more than 2"),
        (lambda: Template.of_source("a" * 3000, (), EN), "at most 2,000"),
        (lambda: read_slot("x=@/nowhere/at/all"), "cannot read the list"),
    ],
)
def test_nonsense_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(RequestError, match=re.escape(message)):
        make()


def test_slots_are_read_from_files(tmp_path: Path) -> None:
    listed = tmp_path / "cities.txt"
    listed.write_text("Saint-Denis, France\n@home\n\nRome|Roma\n", encoding="utf-8")
    assert read_slot(f"city=@{listed}") == r"city=Saint-Denis\, France,\@home,Rome,Roma"
    assert read_slot("city=a,b") == "city=a,b"
    listed.write_text("\n", encoding="utf-8")
    with pytest.raises(RequestError, match="--slot 'city': an empty list"):
        read_slot(f"city=@{listed}")


def test_all_texts_of_a_small_template() -> None:
    known = Vocabulary(WORDS["en"][:7], text_form("en"))
    template = Template.of_source("The ___ is ___", (), text_form("en"))
    vocabulary = with_demanded(known, [template])
    automaton, pattern = template.automaton(vocabulary), re.compile(f"The {WORD} is {WORD}")
    for ids in product(range(len(vocabulary)), repeat=4):
        printed = vocabulary.form.detokenise(vocabulary.decode(ids))
        assert automaton.accepts(ids) == (pattern.fullmatch(printed) is not None)
