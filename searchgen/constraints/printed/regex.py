"""Regular expressions over the whole printed text, in the syntax of Python's `re`."""

import re
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from searchgen.automata import Automaton
from searchgen.automata.expressions import Alt, Chars, Expression, Many, Seq, compiled
from searchgen.constraints.flags import Flag
from searchgen.constraints.printed.condition import Printed
from searchgen.constraints.printed.ranges import Range
from searchgen.constraints.printed.signs import Signs
from searchgen.constraints.printed.sizes import LONGEST_TEXT, Characters
from searchgen.errors import RequestError
from searchgen.text import TextForm
from searchgen.text.printing import Alphabet

__all__ = ["Regex"]

#: The longest expression that is read.
LONGEST = 5_000

#: Characters of a text that is longer than the usual window.
LONG_TEXT = 60

#: What an automaton cannot do, or has no use for.
REFUSED = {
    "GROUPREF": "a reference to a group",
    "GROUPREF_EXISTS": "a condition on a group",
    "ASSERT": "a look-ahead or look-behind",
    "ASSERT_NOT": "a look-ahead or look-behind",
    "ATOMIC_GROUP": "an atomic group",
    "POSSESSIVE_REPEAT": "a possessive repetition",
    "AT": "a boundary",
}


@dataclass(frozen=True)
class Regex(Printed):
    r"""The whole printed text matches a regular expression; capitals count, and spaces are single.

    >>> Regex(r"(The|A) .* (sea|river)\.").held_by("The big ship is on the sea.", "en")
    True
    """

    name: ClassVar[str] = "regex"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("regex", str, "A regular expression that the whole printed text matches.", "REGEX", "", ""),
    )
    pattern: str

    @classmethod
    def of(cls, value: str, form: object) -> "Regex":
        """Return the constraint that the flag asks for."""
        del form
        return cls(value)

    @classmethod
    def wording(cls, demands: Mapping[str, Any]) -> str:
        """Return the expression without its escapes."""
        return re.sub(r"\\.", " ", demands["regex"] or "") or demands["regex"] or ""

    def validate(self) -> None:
        """Refuse what is no regular expression, and what an automaton cannot do."""
        if len(self.pattern) > LONGEST:
            raise RequestError(f"--regex has {len(self.pattern):,} characters; at most {LONGEST:,} are read")
        tree = _parsed(self.pattern)
        for operation in _operations(tree):
            if operation in REFUSED:
                raise RequestError(
                    f"--regex {self.pattern[:60]!r}: {REFUSED[operation]} is no part of what is searched; drop it"
                )

    def describe(self) -> str:
        """The expression."""
        return f"regex {self.pattern}"

    def hyphens(self) -> int:
        """Those that the expression writes."""
        return self.pattern.count("-")

    def word_range(self, form: TextForm) -> tuple[int, int | None] | None:
        """As many words as its shortest and longest texts usually hold."""
        fewest, most = _parsed(self.pattern).getwidth()
        if most <= LONGEST_TEXT:
            return Characters(Range(0, max(1, int(most)))).word_range(form)
        return None if fewest < LONG_TEXT else Characters(Range(min(fewest, LONGEST_TEXT), None)).word_range(form)

    def characters(self, alphabet: Alphabet, form: str, limit: int) -> Automaton:
        """The expression as an automaton."""
        return compiled(_expression(_parsed(self.pattern), Signs(alphabet, form)), len(alphabet))

    def held_by(self, text: str, form: str) -> bool:
        """Whether the text matches; by the automaton, because Python's own matching can take for ever."""
        alphabet = Alphabet.of([text])
        return self.characters(alphabet, form, 0).accepts([alphabet.index(character) for character in text])


@lru_cache(maxsize=16)
def _parsed(pattern: str) -> Any:
    """The tree of an expression, as Python reads it; `^` at its beginning and `$` at its end say nothing."""
    import re._parser as parser  # type: ignore[import-not-found]

    try:
        tree = parser.parse(pattern)
    except re.error as error:
        where = "" if error.pos is None else f" at column {error.pos + 1}"
        raise RequestError(f"--regex {pattern[:60]!r}: {error.msg}{where}") from None
    except (RecursionError, OverflowError):
        raise RequestError(
            f"--regex {pattern[:60]!r} is nested too deeply or repeats too often; write it flatter"
        ) from None
    while len(tree) and str(tree[0][0]) == "AT" and str(tree[0][1]) in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
        del tree[0]
    while len(tree) and str(tree[-1][0]) == "AT" and str(tree[-1][1]) in ("AT_END", "AT_END_STRING"):
        del tree[-1]
    return tree


def _operations(tree: Any) -> set[str]:
    """The names of all operations of a tree."""
    found: set[str] = set()
    stack = [tree]
    while stack:
        for operation, argument in stack.pop():
            found.add(str(operation))
            stack += [inner for inner in _inside(str(operation), argument)]
    return found


def _inside(operation: str, argument: Any) -> list[Any]:
    if operation == "BRANCH":
        return list(argument[1])
    if operation == "SUBPATTERN":
        return [argument[3]]
    if operation in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return [argument[2]]
    return []


def _expression(tree: Any, signs: Signs, flags: int | None = None) -> Expression:
    flags = tree.state.flags if flags is None else flags
    parts: list[Expression] = []
    for operation, argument in tree:
        name = str(operation)
        if name == "BRANCH":
            parts.append(Alt(tuple(_expression(branch, signs, flags) for branch in argument[1])))
        elif name == "SUBPATTERN":
            import re._compiler as compiler  # type: ignore[import-not-found]

            _, added, dropped, inner = argument
            parts.append(_expression(inner, signs, compiler._combine_flags(flags, added, dropped)))
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, inner = argument
            endless = str(most) == "MAXREPEAT"
            parts.append(Many(_expression(inner, signs, flags), least, None if endless else int(most)))
        else:
            parts.append(_one_character(tree, operation, argument, flags, signs))
    return Seq(tuple(parts))


def _one_character(tree: Any, operation: Any, argument: Any, flags: int, signs: Signs) -> Chars:
    """The characters that a leaf of the tree matches, by Python's own reading."""
    import re._compiler as compiler
    import re._parser as parser

    state = copy(tree.state)  # whose flags would come on top
    state.flags = flags
    match: Callable[[str], Any] = compiler.compile(parser.SubPattern(state, [(operation, argument)]), flags).fullmatch
    return signs.those(lambda character: match(character) is not None)
