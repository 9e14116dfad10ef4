"""Conditions joined by `and`, `or`, `not` and by numbers: products, unions and complements of the automata of their parts."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar, NamedTuple

from searchgen.automata import ENTRY_LIMIT, Automaton, Ids, complement, minimise, product, trim, union
from searchgen.constraints.algebra.expression import quoted
from searchgen.constraints.algebra.forms import with_forms
from searchgen.constraints.algebra.functions import COUNTING, constraint_of, whole
from searchgen.constraints.algebra.language import Call, Joined, Negated, Node, parsed, shown
from searchgen.constraints.base import Constraint, Phrase, Setting
from searchgen.constraints.flags import TEXTS, Flag
from searchgen.constraints.lines.shape import Shape
from searchgen.constraints.printed.condition import Printed
from searchgen.constraints.words.inflected import Inflected
from searchgen.constraints.words.standing_machine import words_of
from searchgen.errors import RequestError, TooLarge
from searchgen.text import TextForm
from searchgen.text.lexicon.segmentation import Segmentation
from searchgen.vocabulary import Vocabulary

__all__ = ["Every", "Leaf", "Not", "Some", "Tree", "Where"]

#: Conditions that are counted, at most: each doubles the cases.
MOST_COUNTED = 10

#: Larger tables are trimmed only.
MINIMISED_BELOW = 500_000


class Leaf(NamedTuple):
    """One constraint, by the name it was called with."""

    constraint: Constraint
    text: str


class Not(NamedTuple):
    """What must not hold."""

    part: "Tree"


class Every(NamedTuple):
    """What holds together."""

    parts: tuple["Tree", ...]


class Some(NamedTuple):
    """At least so many of the parts hold."""

    least: int
    parts: tuple["Tree", ...]


Tree = Leaf | Not | Every | Some


@dataclass(frozen=True)
class Where(Constraint):
    """Constraints joined by and, or, not, atleast, atmost and exactly; conditions joined by `and` are named one by one.

    Attributes:
        text: the condition.
        tree: what it consists of.
    """

    name: ClassVar[str] = "where"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag(
            "where",
            TEXTS,
            "A condition, such as: holds(dog|cat) and not holds(ball) and words(6..10).",
            "CONDITION",
            (),
            (),
        ),
    )
    text: str
    tree: Tree

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return one constraint for each condition that `and` joins."""
        made: dict[Where, None] = {}
        inflected = Inflected.of(demands, setting.form)
        lexicon = words_of(demands, setting.form)
        for source in demands["where"]:
            node = parsed(source)
            parts = node.parts if isinstance(node, Joined) and node.word == "and" else (node,)
            for part in parts:
                made[cls._of(part, setting, inflected, source, lexicon)] = None
        return [*made]

    @classmethod
    def meant(cls, source: str, demands: Mapping[str, Any], setting: Setting) -> "Where":
        """Return a condition as one constraint.

        Args:
            source: as the user wrote it.
            demands: say which words count in every form, and what a Chinese word is.
            setting: text form and vocabulary.

        Raises:
            RequestError: it is none.
        """
        inflected, lexicon = Inflected.of(demands, setting.form), words_of(demands, setting.form)
        return cls._of(parsed(source), setting, inflected, source, lexicon)

    @classmethod
    def _of(
        cls, node: Node, setting: Setting, inflected: Inflected | None, source: str, lexicon: Segmentation | None
    ) -> "Where":
        meant = with_forms(node, inflected, setting.vocabulary) if inflected else node
        return cls(spelled(node), _tree(meant, setting.form, source, lexicon))

    @classmethod
    def of_source(cls, source: str, form: TextForm, lexicon: Segmentation | None = None) -> "Where":
        """Return a condition as one constraint.

        Args:
            source: as the user wrote it.
            form: of the texts.
            lexicon: the words as which keywords count; None: they count inside other words, too.

        Raises:
            RequestError: it is none.
        """
        node = parsed(source)
        return cls(spelled(node), _tree(node, form, source, lexicon))

    @classmethod
    def wording(cls, demands: Mapping[str, Any]) -> str:
        """Return the words of the conditions, without the names of constraints."""
        joined = " ".join(demands["where"] or ())
        return re.sub(r"[A-Za-z_]\w*\s*\(|\b(?:and|or|not)\b", " ", joined) if joined else ""

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield each condition that `and` joins."""
        texts = []
        for source in demands["where"]:
            node = parsed(source)
            texts += [
                spelled(part) for part in (node.parts if isinstance(node, Joined) and node.word == "and" else (node,))
            ]
        for text in dict.fromkeys(texts):
            yield (
                text,
                {**Inflected.given(demands), "inside_words": demands["inside_words"], "where": (text,)},
                {"where": tuple(other for other in texts if other != text)},
            )

    def describe(self) -> str:
        """The condition."""
        return self.text

    def phrases(self) -> Sequence[Phrase]:
        """Those of its constraints."""
        return [phrase for leaf in _leaves(self.tree) for phrase in leaf.constraint.phrases()]

    def demanded(self) -> tuple[str, ...]:
        """The tokens of all constraints, also of those that need not hold."""
        return tuple(dict.fromkeys(token for leaf in _leaves(self.tree) for token in leaf.constraint.demanded()))

    def exactly(self, vocabulary: Vocabulary) -> Iterator[str]:
        """Those of its constraints."""
        return (word for leaf in _leaves(self.tree) for word in leaf.constraint.exactly(vocabulary))

    def least_words(self, form: TextForm) -> int:
        """The words of the one constraint that it may be."""
        return self.tree.constraint.least_words(form) if isinstance(self.tree, Leaf) else 0

    def places(self, ids: Ids, vocabulary: Vocabulary) -> Sequence[tuple[str, int, int]]:
        """Those of the one constraint that it may be, by the name of the condition."""
        found = self.tree.constraint.places(ids, vocabulary) if isinstance(self.tree, Leaf) else ()
        return [(self.text, first, end) for _, first, end in found]

    def hyphens(self) -> int:
        """Those of its constraints."""
        return sum(leaf.constraint.hyphens() for leaf in _leaves(self.tree))

    @property
    def lines(self) -> Shape | None:
        """Those of the one constraint that it may be."""
        return self.tree.constraint.lines if isinstance(self.tree, Leaf) else None

    def word_range(self, form: TextForm) -> tuple[int, int | None] | None:
        """The window of words, where all cases have one."""
        return _word_range(self.tree, form)

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts for which the condition holds.

        Args:
            vocabulary: the tokens.
            limit: the most entries of a table.

        Returns:
            A trimmed automaton, minimal unless it is large.

        Raises:
            TooLarge: the limit would be passed; the parts are named.
        """
        return trim(_automaton(self.tree, vocabulary, limit))

    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """Whether the condition holds.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            One part.
        """
        return {self.text: _holds(self.tree, ids, vocabulary)}

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How far the condition is from holding: `and` adds up, `atleast(n)` takes the n least, `not` counts 1.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            0 iff it holds.
        """
        return _violations(self.tree, ids, vocabulary)


def spelled(node: Node) -> str:
    """Return a condition as it is written, with single spaces.

    Example:
        >>> spelled(parsed('not ( holds(  dog|"new york") or words( 3 ))'))
        'not (holds(dog|"new york") or words(3))'
    """
    if isinstance(node, Negated):
        return f"not {_bracketed(node.part)}"
    if isinstance(node, Joined):
        return f" {node.word} ".join(map(_bracketed, node.parts))
    arguments = (
        spelled(argument) if isinstance(argument, Call | Negated | Joined) else "|".join(map(quoted, argument))
        for argument in node.arguments
    )
    return f"{node.name}({', '.join(arguments)})"


def _bracketed(node: Node) -> str:
    return f"({spelled(node)})" if isinstance(node, Joined) else spelled(node)


def _tree(node: Node, form: TextForm, source: str, lexicon: Segmentation | None) -> Tree:
    if isinstance(node, Negated):
        return Not(_tree(node.part, form, source, lexicon))
    if isinstance(node, Joined):
        parts = tuple(_tree(part, form, source, lexicon) for part in node.parts)
        return Every(parts) if node.word == "and" else Some(1, parts)
    if node.name in COUNTING:
        return _counted(node, form, source, lexicon)
    return Leaf(constraint_of(node, form, source, lexicon), spelled(node))


def _counted(node: Call, form: TextForm, source: str, lexicon: Segmentation | None) -> Tree:
    where = f"--where: {node.name} at column {node.column}"
    first, *others = node.arguments or ((),)
    conditions = [argument for argument in others if isinstance(argument, Call | Negated | Joined)]
    number = first[0] if isinstance(first, tuple) and not isinstance(first, Call | Negated | Joined) and first else ""
    if not (isinstance(number, str) and number.isdecimal()) or not conditions or len(conditions) != len(others):
        raise RequestError(
            f"{where}: give a number, then conditions, such as {node.name}(1, holds(dog), holds(cat)): "
            f"{shown(source, node.column - 1)}"
        )
    if len(conditions) > MOST_COUNTED or whole(number) > len(conditions):
        raise RequestError(
            f"{where}: {number} of {len(conditions)} conditions; at most {MOST_COUNTED}, and no more than there are"
        )
    parts = tuple(_tree(condition, form, source, lexicon) for condition in conditions)
    least, more = Some(whole(number), parts), Not(Some(whole(number) + 1, parts))
    if node.name == "exactly":
        return Every((least, more))
    return least if node.name == "atleast" else more


def _leaves(tree: Tree) -> Iterator[Leaf]:
    if isinstance(tree, Leaf):
        yield tree
    else:
        for part in (tree.part,) if isinstance(tree, Not) else tree.parts:
            yield from _leaves(part)


def _holds(tree: Tree, ids: Ids, vocabulary: Vocabulary) -> bool:
    if isinstance(tree, Leaf):
        return all(tree.constraint.parts(ids, vocabulary).values())
    if isinstance(tree, Not):
        return not _holds(tree.part, ids, vocabulary)
    held = [_holds(part, ids, vocabulary) for part in tree.parts]
    return all(held) if isinstance(tree, Every) else sum(held) >= tree.least


def _violations(tree: Tree, ids: Ids, vocabulary: Vocabulary) -> int:
    if isinstance(tree, Leaf):
        return tree.constraint.violations(ids, vocabulary)
    if isinstance(tree, Not):
        return int(_holds(tree.part, ids, vocabulary))
    counts = sorted(_violations(part, ids, vocabulary) for part in tree.parts)
    if isinstance(tree, Every):
        return sum(counts)
    # More than there are parts never hold: what counts no part is violated by 1 for each that is missing.
    return sum(counts[: tree.least]) + max(0, tree.least - len(counts))


def _automaton(tree: Tree, vocabulary: Vocabulary, limit: int) -> Automaton:
    if isinstance(tree, Leaf):
        made = tree.constraint.automaton(vocabulary, limit)
        return made if isinstance(tree.constraint, Printed) else _smaller(made)  # those on printed texts are minimal
    if isinstance(tree, Not):
        return _smaller(complement(_automaton(tree.part, vocabulary, limit)))
    parts = [(_named(part), _automaton(part, vocabulary, limit)) for part in tree.parts]
    if isinstance(tree, Every):
        return reduce(lambda a, b: _both(a, b, product, limit), parts)[1]
    return _at_least(tree.least, parts, len(vocabulary), limit)


def _at_least(least: int, parts: list[tuple[str, Automaton]], size: int, limit: int) -> Automaton:
    """At least so many of some automata: the first and so many less of the rest, or so many of the rest."""
    if least == 0:
        everything = parts[0][1]
        return _smaller(union(everything, complement(everything), limit=limit))
    if least > len(parts):
        nothing = parts[0][1]
        return _smaller(product(nothing, complement(nothing), limit=limit))
    (name, first), rest = parts[0], parts[1:]
    if not rest:
        return first
    others = " and ".join(other for other, _ in rest)
    with_first = (name, first)
    if least > 1:
        with_first = _both(with_first, (others, _at_least(least - 1, rest, size, limit)), product, limit)
    if least > len(rest):
        return with_first[1]
    return _both(with_first, (others, _at_least(least, rest, size, limit)), union, limit)[1]


def _both(
    a: tuple[str, Automaton], b: tuple[str, Automaton], join: Callable[..., Automaton], limit: int
) -> tuple[str, Automaton]:
    try:
        return f"{a[0]} and {b[0]}", _smaller(join(a[1], b[1], limit=limit))
    except TooLarge:
        raise TooLarge(
            f"--where: {a[0][:80]} ({len(a[1].accept):,} states) and {b[0][:80]} ({len(b[1].accept):,} states) together need "
            f"an automaton of more than {limit:,} entries; ask for less"
        ) from None


def _smaller(automaton: Automaton) -> Automaton:
    return minimise(automaton) if automaton.next.size <= MINIMISED_BELOW else trim(automaton)


def _named(tree: Tree) -> str:
    if isinstance(tree, Leaf):
        return tree.text
    if isinstance(tree, Not):
        return f"not {_named(tree.part)}"
    return "(" + (" and " if isinstance(tree, Every) else " or ").join(map(_named, tree.parts)) + ")"


def _word_range(tree: Tree, form: TextForm) -> tuple[int, int | None] | None:
    if isinstance(tree, Leaf):
        return tree.constraint.word_range(form)
    if isinstance(tree, Not):
        return None
    spans = [_word_range(part, form) for part in tree.parts]
    known = [span for span in spans if span is not None]
    if not known or (isinstance(tree, Some) and len(known) < len(spans)):
        return None
    highs = [high for _, high in known]
    if isinstance(tree, Some):
        return min(low for low, _ in known), None if None in highs else max(high for high in highs if high is not None)
    bounded = [high for high in highs if high is not None]
    return max(low for low, _ in known), min(bounded) if bounded else None
