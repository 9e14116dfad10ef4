"""Words with signs: the automaton's verdict on every short text is that of a plain reader of the printed text."""

import random
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from searchgen.automata import NEVER, Automaton
from searchgen.constraints import Constraint, EndsWith, Forbid, Keywords, StartsWith, joint, with_demanded
from searchgen.text import text_form
from searchgen.text.items.reading import item_tokens
from searchgen.vocabulary import MARKERS, Vocabulary
from tests.constraints.plain_reader import Reader

ENGLISH = "C c + # & R D d node js No no 7 dog dog's . , ! “ ” - it's".split()  # noqa: SIM905
CHINESE = "C c + # & R D 7 语 言 好 。 ， “ ” ！ · Java".split()  # noqa: SIM905
UNITS = {
    "en": ["C++", "C#", "R&D", "node.js", ".js", "No. 7", "dog's/it", "+=", "-x", "a.b", "C+"],
    "zh": ["C++", "C#", "R&D", "node.js", "好。好", "7/7", "+=", "C+"],
}
VOCABULARIES = {"en": ENGLISH, "zh": CHINESE}

#: Requests: the keywords, and what is asked of the text beside.
REQUESTS = [
    ("en", ["C++", "C"], "dog"),
    ("en", ["C"], "C++"),
    ("en", ["R&D"], "R"),
    ("en", ["node.js", "node"], "js"),
    ("en", ["No. 7"], "no"),
    ("en", ["dog"], "7"),
    ("en", ["dog's/it", ".js"], "dog"),
    ("en", ["+=", "-x"], "+"),
    ("en", ["C+", "C++"], "C#"),
    ("en", ["a.b", "C#"], "node"),
    ("zh", ["C++", "C"], "语"),
    ("zh", ["R&D"], "R"),
    ("zh", ["C#", "语言"], "C+"),
    ("zh", ["好。好", "好"], "7/7"),
    ("zh", ["node.js", "+="], "C"),
]


def reached(automaton: Automaton, longest: int) -> Iterator[tuple[int, ...]]:
    """All sequences that can be completed, up to a length."""
    layer: list[tuple[tuple[int, ...], int]] = [((), 1)]
    for _ in range(longest):
        layer = [
            ((*ids, token), state)
            for ids, before in layer
            for token, label in enumerate(automaton.classes.tolist())
            if (state := int(automaton.next[before, label]))
        ]
        yield from (ids for ids, state in layer if automaton.accept[state])


def judge_of(form: str, demands: Sequence[Constraint]) -> Vocabulary:
    tokens = VOCABULARIES[form]
    weight = {word: float(len(tokens) - place) for place, word in enumerate(tokens)}
    return with_demanded(Vocabulary([*MARKERS, *tokens], text_form(form, weight)), demands)


@pytest.mark.parametrize(("form", "keywords", "forbidden"), REQUESTS)
def test_verdicts_are_those_of_a_plain_reader(form: str, keywords: list[str], forbidden: str) -> None:
    assert_alike(form, keywords, forbidden, 3)


@pytest.mark.slow
@pytest.mark.parametrize(("form", "keywords", "forbidden"), REQUESTS)
def test_verdicts_on_longer_texts_are_those_of_a_plain_reader(form: str, keywords: list[str], forbidden: str) -> None:
    assert_alike(form, keywords, forbidden, 4)


def assert_alike(form: str, keywords: list[str], forbidden: str, longest: int) -> None:
    plain = text_form(form)
    single = {word: Keywords.of([word], plain) for word in keywords}
    starts, ends = StartsWith.of(keywords[0], plain), EndsWith.of(keywords[-1], plain)
    without = Forbid.of([forbidden], plain)
    everything: list[Constraint] = [*single.values(), starts, ends, without]
    known = judge_of(form, everything)
    reader = Reader([unit for unit in UNITS[form] if unit in known.units.signs])
    assert set(known.units.signs) == {word for word in (*keywords, forbidden) if word in UNITS[form]}
    automata = {one: one.automaton(known) for one in everything}
    texts = 0
    for ids in reached(joint([], known, known.form), longest):
        texts += 1
        tokens = known.decode(ids)
        text = known.form.detokenise(tokens)
        assert known.form.tokenise(text) == tokens, text
        verdicts = {one: automaton.accepts(ids) for one, automaton in automata.items()}
        for word, constraint in single.items():
            assert verdicts[constraint] == reader.held(word, text), (word, text, tokens)
        assert verdicts[without] != reader.held(forbidden, text, "'"), (forbidden, text, tokens)
        assert verdicts[starts] == reader.begins(keywords[0], text), (keywords[0], text, tokens)
        assert verdicts[ends] == reader.ends(keywords[-1], text), (keywords[-1], text, tokens)
    assert texts > 500


ITEMS = {
    "en": """R&D|C#|C++|and/or|24/7|TCP/IP|20°C|5€|#1|@name|snake_case|node.js|.NET|Ph.D.|No. 7|user@example.org|http://a.org/b?c=1
        |😀😀|👍🏽|🇩🇪|1️⃣|👩‍👧|3/4|a*b|<b>|Foo(bar)|'ll|5"|6'2"|wow!!!|He left. She stayed|:)|-v|--force|x-|a--b|dog—cat|wait…|dog , cat
        |x.|U.S|«bonjour»|?!|!!|...x|x...y|😀 👍|& dog|a.b|b.c|.b|a.|'x'y|x''|(x|"x|x" y|iPhone|GPT4|No. 7. x|7. x|C++,|(C++)|C++-x
        |no.|x:|::|-- x|x --|- x|1/2 c|½x|§ 7|e.g.x|p.m.x|J.x|x%y|%|50%x|$x|x$5|'|`x`|~|x~|”x|“x""",
    "zh": """R&D|C#|C++|24/7|20°C|5€|#1|@小明|#话题#|node.js|Ph.D.|user@example.org|http://例子.com|😀😀|👍🏽|1️⃣|好。好|。好|好。|7/7|+=|C+
        |你好!|《好|好》|“好|......|wait…好|好—好|——好|·|好·|x_y|(C++)|（C++）|3.5%|50%x|C++语言|语C++|Java C++|iPhone|5G""",
}


def walk(choose: random.Random, automaton: Automaton) -> list[int]:
    """A random path to acceptance, classes first, so that rare ones are as likely."""
    ids: list[int] = []
    state, left = 1, automaton.fewest_tokens()
    while not automaton.accept[state] or (len(ids) < 9 and choose.random() < 0.7):
        labels = [label for label, to in enumerate(automaton.next[state]) if to and left[to] < NEVER]
        near = min(left[automaton.next[state, label]] for label in labels)
        if len(ids) > 9:
            labels = [label for label in labels if left[automaton.next[state, label]] == near]
        label = choose.choice(labels)
        ids.append(choose.choice(np.flatnonzero(automaton.classes == label).tolist()))
        state = int(automaton.next[state, label])
    return ids


@pytest.mark.parametrize("form", ITEMS)
@pytest.mark.parametrize("pairs", [20, pytest.param(1000, marks=pytest.mark.slow)])
def test_texts_with_any_two_items_come_back(form: str, pairs: int) -> None:
    choose, plain = random.Random(form), text_form(form)
    items = "".join(line.strip() for line in ITEMS[form].splitlines()).split("|")
    for _ in range(pairs):
        pair = choose.sample(items, 2)
        asked: list[Constraint] = [Keywords(((item_tokens(word, plain),),)) for word in pair]
        known = judge_of(form, asked)
        whole = joint(asked, known, known.form)
        for _ in range(6):
            tokens = known.decode(walk(choose, whole))
            text = known.form.detokenise(tokens)
            assert known.form.tokenise(text) == tokens, (pair, text)


@pytest.mark.parametrize(
    ("item", "extra"), [("data(app)", ("data", "app")), ("--app", ("app",)), ("app", ()), ("app，", ())]
)
def test_case_counts_beside_brackets_and_dashes_in_chinese(item: str, extra: tuple[str, ...]) -> None:
    form = text_form("zh")
    vocabulary = Vocabulary([*MARKERS, "我", "APP", "Data", "，", "（", "）", "——"], form)
    assert with_demanded(vocabulary, [Keywords(((item_tokens(item, form),),))]).extra == extra


def test_a_name_with_two_hyphens_is_no_dash_in_chinese() -> None:
    form = text_form("zh")
    assert [item_tokens(item, form) for item in ("C--", "A--B")] == [("C--",), ("A", "——", "B")]
