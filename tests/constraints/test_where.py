"""The algebra: random compositions against an oracle that reads text only, messages with a marked column, the Python spelling."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from random import Random

import pytest

from searchgen.automata import DEAD
from searchgen.constraints import joint, with_demanded
from searchgen.constraints.algebra.expression import Condition
from searchgen.constraints.algebra.language import Alternatives, Call, Joined, Negated, Node, parsed
from searchgen.constraints.algebra.where import Leaf, Where, spelled
from searchgen.errors import RequestError, TooLarge
from searchgen.testing import assert_constraint
from searchgen.text import text_form
from searchgen.vocabulary import Vocabulary
from tests.constraints import printed_oracle as oracle
from tests.constraints.printed_oracle import Verdict

TOKENS = ["the", "dog", "sea", "tea", ",", ".", "-"]
EN = text_form("en", dict.fromkeys(TOKENS, 1.0))

#: Conditions with what each means of a printed text whose words are those above.
MEANING: dict[str, Verdict] = {
    "holds(dog)": lambda text: "dog" in re.findall(r"\w+", text.casefold()),
    "holds(sea|tea)": lambda text: bool({"sea", "tea"} & {*re.findall(r"\w+", text.casefold())}),
    "holds(dog, tea)": lambda text: {"dog", "tea"} <= {*re.findall(r"\w+", text.casefold())},
    'holds("the dog")': lambda text: re.search(r"\bthe dog\b", text.casefold()) is not None,
    "before(dog, sea)": lambda text: re.search(r"\bdog\b.*\bsea\b", text.casefold()) is not None,
    "adjacent(dog, sea)": lambda text: re.search(r"\b(dog sea|sea dog)\b", text.casefold()) is not None,
    "within(2, dog, sea|tea)": lambda text: any(
        "dog" in pair and {"sea", "tea"} & {*pair} for pair in pairs(oracle.words_of(text.casefold()))
    ),
    "within(3, the, dog, tea)": lambda text: any(
        {"the", "dog", "tea"} <= {*row} for row in rows(oracle.words_of(text.casefold()), 3)
    ),
    "words(3)": oracle.words(3, 3),
    "words(2..)": oracle.words(2, 99),
    "characters(7..12)": oracle.characters(7, 12),
    "word_length(1..3)": oracle.word_length(1, 3),
    "sentences(1)": oracle.sentences(1, 1),
    "sentences(..2)": oracle.sentences(0, 2),
    "at(1, The)": oracle.at(1, "the"),
    "at(-1, tea|sea)": lambda text: oracle.at(-1, "tea")(text) or oracle.at(-1, "sea")(text),
    'at(2, ="dog")': lambda text: oracle.words_of(text)[1:2] == ["dog"],
    "starts_with(dog)": lambda text: re.match(r"Dog\b", text) is not None,
    "ends_with(tea)": lambda text: re.search(r"\btea\.*$", text.casefold()) is not None,
    "without_letters(g)": oracle.without_letters("g"),
    "alliteration(any)": oracle.alliteration("any"),
    "acrostic_words(td)": oracle.acrostic_words("td"),
    "last_letters(ea)": oracle.last_letters("ea"),
    'regex("[A-Z].*a[.,]*")': lambda text: re.fullmatch(r"[A-Z].*a[.,]*", text) is not None,
    'template("The ___ tea")': lambda text: re.fullmatch(r"The [^ ,.-]+(-+[^ ,.-]+)* tea", text) is not None,
}


def pairs(words: list[str]) -> list[list[str]]:
    return rows(words, 2)


def rows(words: list[str], size: int) -> list[list[str]]:
    return [words[begin : begin + size] for begin in range(len(words))]


def composed(chance: Random, most: bool = False) -> tuple[str, Verdict]:
    """Return a random condition of two to five, with its meaning; `most`: five that must hold together, which is mostly impossible."""
    names = chance.choices([*MEANING], k=5 if most else chance.randrange(2, 6))
    parts = [negated(name, MEANING[name], chance) for name in names]
    kind = chance.choice(["and", "and", "or", "atleast", "atmost", "exactly", "mixed"]) if not most else "and"
    texts, verdicts = [text for text, _ in parts], [verdict for _, verdict in parts]
    if kind == "and":
        return " and ".join(texts), lambda text: all(verdict(text) for verdict in verdicts)
    if kind == "or":
        return " or ".join(texts), lambda text: any(verdict(text) for verdict in verdicts)
    if kind == "mixed":
        rest = " or ".join(texts[1:])
        return f"{texts[0]} and not ({rest})", lambda text: verdicts[0](text) and not any(v(text) for v in verdicts[1:])
    number = chance.randrange(len(parts) + 1)
    rule: Callable[[int], bool] = {
        "atleast": lambda held: held >= number,
        "atmost": lambda held: held <= number,
        "exactly": lambda held: held == number,
    }[kind]
    return f"{kind}({number}, {', '.join(texts)})", lambda text: rule(sum(verdict(text) for verdict in verdicts))


def negated(name: str, verdict: Verdict, chance: Random) -> tuple[str, Verdict]:
    return (f"not {name}", lambda text: not verdict(text)) if chance.random() < 0.3 else (name, verdict)


@cache
def known() -> Vocabulary:
    return Vocabulary(TOKENS, EN)


def printed(ids: tuple[int, ...]) -> str:
    return EN.detokenise([TOKENS[token] for token in ids])


@cache
def legal() -> list[tuple[tuple[int, ...], str]]:
    """Return all canonical texts of up to five tokens, as they are printed."""
    canonical = EN.canonical(TOKENS)
    texts = (ids for size in range(1, 6) for ids in product(range(len(TOKENS)), repeat=size))
    return [(ids, printed(ids)) for ids in texts if canonical.accepts(ids)]


def compare(source: str, verdict: Verdict, texts: list[tuple[tuple[int, ...], str]]) -> int:
    """Compare automaton and parts with the oracle; return how many texts satisfy the condition."""
    where = Where.of_source(source, EN)
    assert with_demanded(known(), [where]) is known()
    automaton, found = where.automaton(known()), 0
    for number, (ids, text) in enumerate(texts):
        wanted = verdict(text)
        assert automaton.accepts(ids) == wanted, (source, text)
        if number % 50 == 0:
            assert all(where.parts(ids, known()).values()) == wanted, (source, text)
        if wanted:
            assert all(automaton.run(ids[:end]) != DEAD for end in range(len(ids) + 1)), (source, text)
        found += wanted
    return found


@pytest.mark.parametrize("source", [*MEANING])
def test_each_condition(source: str) -> None:
    texts = Random(source).sample(legal(), 400)
    compare(source, MEANING[source], texts)
    compare(f"not {source}", lambda text: not MEANING[source](text), texts)


def test_random_compositions() -> None:
    chance = Random(22)
    for _ in range(60):
        source, verdict = composed(chance)
        compare(source, verdict, chance.sample(legal(), 200))


@pytest.mark.slow
def test_a_thousand_random_compositions() -> None:
    chance, satisfiable, impossible = Random(2200), 0, 0
    used = dict.fromkeys(MEANING, 0)
    texts = [(ids, text) for ids, text in legal() if len(ids) <= 4]
    for number in range(1000):
        source, verdict = composed(chance, most=number % 5 > 1)
        for name in used:
            used[name] += name in source
        found = compare(source, verdict, texts)
        satisfiable, impossible = satisfiable + (found > 0), impossible + (found == 0)
    assert satisfiable >= 300, satisfiable
    assert impossible >= 300, impossible
    assert min(used.values()) >= 30, used


@pytest.mark.slow
@pytest.mark.parametrize("source", [*MEANING])
def test_each_condition_on_all_texts(source: str) -> None:
    compare(source, MEANING[source], legal())


def test_contract() -> None:
    for source in ("holds(dog) or not words(2)", "exactly(1, holds(dog), holds(sea), characters(3))"):
        assert_constraint(Where.of_source(source, EN), TOKENS[:5], form=EN, longest=4)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "--where is empty"),
        ("holds(dog) and", "it ends too early at column 15"),
        ("holds(dog", "1 ')' missing at column 10: holds(dog▸"),
        ("holds(dog))", "unexpected ')' at column 11: holds(dog)▸)"),
        ("hods(dog)", "unknown 'hods' at column 1: ▸hods(dog); did you mean holds?"),
        ("holds(dog) and wrods(3)", "unknown 'wrods' at column 16: holds(dog) and ▸wrods(3); did you mean words?"),
        ("qqqq(3)", "there are acrostic, acrostic_words"),
        ("dog", "unexpected 'd' at column 1: ▸dog"),
        ("holds()", "holds at column 1: give at least one word"),
        ("words(six)", "words at column 1: words 'six' is no range"),
        ("words(9..3)", "9 is more than 3; swap them"),
        ("at(0, dog)", "at at column 1: at 0: places are 1, 2"),
        ("at(x, dog)", "'x' is no place"),
        ("before(dog)", "give at least two words"),
        ("within(dog, sea)", "give a number of words"),
        ('within(3, "the dog", sea)', "'the dog' is not one word"),
        ("atleast(holds(dog))", "give a number, then conditions"),
        ("atleast(3, holds(dog))", "3 of 1 conditions"),
        ("atleast(²,holds(dog),holds(sea))", "atleast at column 1: give a number, then conditions"),
        ("within(²,dog,sea)", "within at column 1: give a number of words"),
        ("lines(²)", "lines at column 1: give a number of lines"),
        ("atleast(99999999999999999999, holds(dog))", "99999999999999999999 of 1 conditions"),
        ("within(99999999999999999999, dog, sea)", "give 2 to 30"),
        ("lines(99999999999999999999)", "give 1 to 40"),
        ("words(holds(dog))", "a condition stands where words are taken"),
        ('regex("(")', "unterminated"),
        ('template("{x}")', "the slot {x} has no fillers"),
        ("not " * 60 + "words(3)", "more than 50 deep"),
        ("words(3) and " * 500 + "words(3)", "at most 5,000"),
        ('holds("dog', "unexpected '\"' at column 7"),
    ],
)
def test_what_is_wrong_is_said(source: str, message: str) -> None:
    with pytest.raises(RequestError, match=re.escape(message)):
        Where.of_source(source, EN)


@pytest.mark.parametrize(
    "source",
    [
        "atleast({}1, holds(dog), holds(sea))",
        "atmost({}1, holds(dog), holds(sea))",
        "exactly({}0, holds(dog), holds(sea))",
        "within({}2, dog, sea)",
        "lines({}4)",
    ],
)
def test_zeros_before_a_number_say_nothing(source: str) -> None:
    """At last there are more digits than Python reads as a number."""

    def meant(zeros: str) -> object:
        found = Where.of_source(source.format(zeros), EN).tree
        return found.constraint if isinstance(found, Leaf) else found

    assert meant("0") == meant("")
    assert meant("0" * 9) == meant("")
    assert meant("0" * 4_500) == meant("")


@pytest.mark.parametrize("name", ["atleast", "atmost", "exactly"])
@pytest.mark.parametrize(
    "number", ["0" * 9 + "3", "0" * 4_500 + "3", "9" * 4_500], ids=["zeros", "many zeros", "nines"]
)
def test_a_number_above_that_of_the_conditions_is_refused_whatever_its_digits(name: str, number: str) -> None:
    with pytest.raises(RequestError, match="of 2 conditions; at most 10"):
        Where.of_source(f"{name}({number}, holds(dog), holds(sea))", EN)


def tree(source: str) -> Node:
    """The tree of a condition, its columns left out."""
    return without_columns(parsed(source))


def without_columns(node: Node) -> Node:
    if isinstance(node, Negated):
        return Negated(without_columns(node.part))
    if isinstance(node, Joined):
        return Joined(node.word, tuple(map(without_columns, node.parts)))
    arguments: Iterator[Alternatives | Node] = (
        without_columns(argument) if isinstance(argument, Call | Negated | Joined) else argument
        for argument in node.arguments
    )
    return Call(node.name, tuple(arguments), 0)


@pytest.mark.parametrize("around", ["{} ", " {}", "\n{}\n", "\t{}\t", " {}\n", "{}"])
def test_python_keeps_a_condition_together_however_its_parts_are_joined(around: str) -> None:
    dog = Condition("holds(dog)")
    for word, other in (("or", "and"), ("and", "or")):
        joined = Condition(f"holds(cat){around.format(word)}holds(bird)")
        meant = Joined(word, (tree("holds(cat)"), tree("holds(bird)")))
        assert tree(joined) == meant
        made = (dog & str(joined), joined & dog) if other == "and" else (dog | str(joined), joined | dog)
        assert tree(made[0]) == Joined(other, (tree(dog), meant))
        assert tree(made[1]) == Joined(other, (meant, tree(dog)))
        assert tree(~joined) == Negated(meant)


@pytest.mark.parametrize(
    "one",
    [
        "only_letters(or)",
        "only_letters(and)",
        'holds("a or b")',
        'holds("a) or (b")',
        r'holds("a\" or b", and)',
        'regex("(a or b) and (c")',
        "atleast(1, holds(a) or holds(b), holds(c))",
        "(holds(a) or holds(b))",
    ],
)
def test_a_word_inside_brackets_or_quotation_marks_joins_nothing(one: str) -> None:
    for word, made in (("and", Condition("holds(dog)") & one), ("or", Condition("holds(dog)") | one)):
        assert one.startswith("(") or made == f"holds(dog) {word} {one}"  # a call takes no brackets
        assert tree(made) == Joined(word, (tree("holds(dog)"), tree(one)))
    assert tree(~Condition(one)) == Negated(tree(one))


def test_a_word_in_a_case_that_the_model_does_not_know() -> None:
    where = Where.of_source('at(2, ="DOG") and at(1, ="The")', EN)
    vocabulary = with_demanded(known(), [where])
    assert vocabulary.extra == ("DOG",)
    automaton = joint([where], vocabulary, vocabulary.form)
    assert automaton.accepts(vocabulary.encode(["the", "DOG", "."]))
    assert not automaton.accepts(vocabulary.encode(["the", "dog", "."]))


def test_a_large_product_names_its_factors() -> None:
    where = Where.of_source("words(190) and characters(900)", EN)
    with pytest.raises(
        TooLarge, match=re.escape("words(190)") + ".*" + re.escape("characters(900)") + ".*100,000 entries"
    ):
        where.automaton(known(), 100_000)


@pytest.mark.parametrize(
    ("source", "canonical"),
    [
        ("( holds( dog|  cat ) )", "holds(dog|cat)"),
        ("not(holds(dog) or words(3))", "not (holds(dog) or words(3))"),
        ("holds('a b')", None),
        ('at(1, ="The") and holds("a, (b)")', 'at(1, =The) and holds("a, (b)")'),
        ("word-length(1..6)", "word_length(1..6)"),
        ("holds(and)", "holds(and)"),
    ],
)
def test_spelling(source: str, canonical: str | None) -> None:
    if canonical is None:
        with pytest.raises(RequestError):
            Where.of_source(source.replace("'a b'", "'a b"), EN)
    else:
        assert spelled(parsed(source)) == canonical
        assert spelled(parsed(canonical)) == canonical


def test_conditions_that_and_joins_are_constraints_of_their_own() -> None:
    sources = ["holds(dog) and words(2)", "not holds(sea)"]
    from searchgen.demands.demands import Demands
    from searchgen.demands.judge import Judge

    judge = Judge.of(Demands.nothing(where=tuple(sources), min_words=1, max_words=9), known())
    assert judge.judged("The dog.") == {
        "holds(dog)": True,
        "words(2)": True,
        "not holds(sea)": True,
        "words 1 to 9": True,
    }
    names: Iterator[str] = (name for name, _, _ in Where.apart(Demands.nothing(where=tuple(sources))))
    assert [*names] == ["holds(dog)", "words(2)", "not holds(sea)"]
    assert joint(judge.constraints, judge.vocabulary, judge.form).accepts(judge.vocabulary.encode(["the", "dog", "."]))
