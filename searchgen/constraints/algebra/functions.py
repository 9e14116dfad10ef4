"""What can be called in `--where`: each name with the constraint that it makes of its arguments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from itertools import product as pairs

from searchgen.constraints.algebra.language import Alternatives, Call, Joined, Negated, shown
from searchgen.constraints.base import Constraint
from searchgen.constraints.edges import EndsWith, StartsWith
from searchgen.constraints.keywords import Item, Keywords
from searchgen.constraints.lines.lines import Lines
from searchgen.constraints.printed.initials import AcrosticWords, Alliteration, LastLetters
from searchgen.constraints.printed.letters import OnlyLetters, Univocalic, WithoutLetters
from searchgen.constraints.printed.positions import At
from searchgen.constraints.printed.regex import Regex
from searchgen.constraints.printed.sentences import Sentences
from searchgen.constraints.printed.sizes import Characters, PrintedWords, WordLength
from searchgen.constraints.printed.template import Template
from searchgen.constraints.printed.within import Within
from searchgen.errors import RequestError
from searchgen.text import TextForm
from searchgen.text.items.reading import item_tokens
from searchgen.text.lexicon.segmentation import Segmentation

__all__ = ["COUNTING", "FUNCTIONS", "constraint_of", "whole"]

#: What counts conditions: a number, then conditions.
COUNTING = ("atleast", "atmost", "exactly")

Arguments = Sequence[Alternatives]


def constraint_of(call: Call, form: TextForm, source: str, lexicon: Segmentation | None = None) -> Constraint:
    """Return the constraint that a call asks for.

    Args:
        call: a name with arguments.
        form: of the texts.
        source: the whole condition, for messages.
        lexicon: the words as which keywords count; None: they count inside other words, too.

    Raises:
        RequestError: there is no such name, or the arguments are not what it takes.
    """
    if call.name not in FUNCTIONS:
        near = get_close_matches(call.name, [*FUNCTIONS, *COUNTING], 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted([*FUNCTIONS, *COUNTING]))}"
        raise RequestError(
            f"--where: unknown {call.name!r} at column {call.column}: {shown(source, call.column - 1)}; {hint}"
        )
    arguments = [argument for argument in call.arguments if not isinstance(argument, Call | Negated | Joined)]
    try:
        if len(arguments) != len(call.arguments):
            raise RequestError("a condition stands where words are taken")
        made = FUNCTIONS[call.name](arguments, form)
        return replace(made, lexicon=lexicon) if isinstance(made, Keywords) else made
    except RequestError as error:
        raise type(error)(f"--where: {call.name} at column {call.column}: {_bare(str(error))}") from None


def _bare(message: str) -> str:
    return message.removeprefix("--")


def _holds(arguments: Arguments, form: TextForm) -> Constraint:
    if not arguments:
        raise RequestError("give at least one word")
    return Keywords(tuple(_item(argument, form) for argument in arguments), overlap=True)


def _item(argument: Alternatives, form: TextForm) -> Item:
    item = tuple(item_tokens(text.removeprefix("="), form) for text in argument)
    if not all(item):
        raise RequestError(f"{'|'.join(argument)!r} has no letter, digit or sign in it")
    return item


def _before(arguments: Arguments, form: TextForm) -> Constraint:
    if len(arguments) < 2:
        raise RequestError("give at least two words, the first of them first")
    return Keywords(tuple(_item(argument, form) for argument in arguments), ordered=True)


def _adjacent(arguments: Arguments, form: TextForm) -> Constraint:
    if len(arguments) != 2:
        raise RequestError("give two words")
    one, other = (_item(argument, form) for argument in arguments)
    return Keywords((tuple(phrase for a, b in pairs(one, other) for phrase in ((*a, *b), (*b, *a))),))


def whole(digits: str) -> int:
    """Return the number that decimal digits write; of a huge one the first digits, which are too many for anything.

    Example:
        >>> whole("007"), whole("0" * 20), whole("9" * 20)
        (7, 0, 999999999)
    """
    return int(digits.lstrip("0")[:9] or "0")


def _within(arguments: Arguments, form: TextForm) -> Constraint:
    if form.name == "zh":
        raise RequestError("it is for words that spaces part; in Chinese name the characters between with regex()")
    if len(arguments) < 3 or len(arguments[0]) != 1 or not arguments[0][0].isdecimal():
        raise RequestError("give a number of words, then at least two words, such as within(4, dog, ball)")
    return Within(whole(arguments[0][0]), tuple(tuple(argument) for argument in arguments[1:]))


def _at(arguments: Arguments, form: TextForm) -> Constraint:
    if len(arguments) != 2 or len(arguments[0]) != 1:
        raise RequestError("give a place and a word, such as at(4, dog) or at(-1, park)")
    try:
        place = int(arguments[0][0])
    except ValueError:
        raise RequestError(f"{arguments[0][0]!r} is no place; give 1, 2, ... or -1, -2, ...") from None
    return At(place, arguments[1], form.name)


def _one_text(kind: type[Constraint]) -> Callable[[Arguments, TextForm], Constraint]:
    def made(arguments: Arguments, form: TextForm) -> Constraint:
        if len(arguments) != 1 or not arguments[0]:
            raise RequestError(
                "give one argument; write it in quotation marks where it has spaces, commas or parentheses"
            )
        return kind.of("|".join(arguments[0]), form)

    return made


def _template(arguments: Arguments, form: TextForm) -> Constraint:
    if not arguments:
        raise RequestError('give a text with gaps, such as template("The ___ is ___.")')
    return Template.of_source("|".join(arguments[0]), ["|".join(argument) for argument in arguments[1:]], form)


def _lines(arguments: Arguments, form: TextForm) -> Constraint:
    size, items = _size_and_items(arguments[1:])
    if not arguments or len(arguments[0]) != 1 or not arguments[0][0].isdecimal() or len(size) > 1:
        raise RequestError(
            "give a number of lines, such as lines(4); then perhaps the words of each, and words in single ones: "
            "lines(4, 3..8, 2=sea)"
        )
    return Lines.of_count(whole(arguments[0][0]), "".join(size), form).holding(items, form)


def _acrostic(arguments: Arguments, form: TextForm) -> Constraint:
    size, items = _size_and_items(arguments[1:])
    if not arguments or len(arguments[0]) != 1 or len(size) > 1:
        raise RequestError(
            "give a word, such as acrostic(moon); then perhaps the words of each line, and words in single ones: "
            "acrostic(moon, 3..8, 2=sea)"
        )
    return Lines.of_acrostic(arguments[0][0], "".join(size), form).holding(items, form)


def _size_and_items(arguments: Arguments) -> tuple[list[str], Arguments]:
    """A size of lines, if there is one, and what single lines hold."""
    items = [argument for argument in arguments if "=" in argument[0]]
    return ["".join(argument) for argument in arguments if "=" not in argument[0]], items


#: By name; those of flags have the flag's name, `_` for `-`.
FUNCTIONS: Mapping[str, Callable[[Arguments, TextForm], Constraint]] = {
    "holds": _holds,
    "before": _before,
    "adjacent": _adjacent,
    "within": _within,
    "at": _at,
    "template": _template,
    "lines": _lines,
    "acrostic": _acrostic,
    **{
        kind.name.replace("-", "_"): _one_text(kind)
        for kind in (
            PrintedWords, Characters, WordLength, StartsWith, EndsWith, WithoutLetters, OnlyLetters, Univocalic, AcrosticWords,
            LastLetters, Alliteration, Regex, Sentences,
        )
    },
}  # fmt: skip
