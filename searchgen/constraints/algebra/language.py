"""The language of `--where`, parsed with lark: calls of constraints, joined by `and`, `or`, `not`.

>>> parsed('holds(dog|cat) and not words(6..10)')
Joined(word='and', parts=(Call(name='holds', arguments=(('dog', 'cat'),), column=1), Negated(part=Call(name='words', \
arguments=(('6..10',),), column=24))))
"""

from functools import cache
from typing import Any, NamedTuple

from searchgen.errors import RequestError

__all__ = ["Alternatives", "Call", "Joined", "Negated", "Node", "parsed", "shown"]

#: The longest condition, and how deep it may be nested.
LONGEST, DEEPEST = 5_000, 50

GRAMMAR = r"""
    ?start: either
    ?either: all ("or" all)*
    ?all: one ("and" one)*
    ?one: "not" one -> negated
        | "(" either ")"
        | call
    call: CALL "(" [argument ("," argument)*] ")"
    ?argument: either | alternatives
    alternatives: item ("|" item)*
    item: ITEM
    CALL.2: /(?!(?:and|or|not)\b)[A-Za-z_][\w-]*(?=\s*\()/
    ITEM: /=?"(?:\\.|[^"\\])*"|=?[^\s,()"|]+/
    %ignore /\s+/
"""

#: Words of which one is meant.
Alternatives = tuple[str, ...]


class Call(NamedTuple):
    """A constraint with its arguments: alternatives, or conditions for those that count them."""

    name: str
    arguments: tuple["Alternatives | Node", ...]
    column: int


class Negated(NamedTuple):
    """What must not hold."""

    part: "Node"


class Joined(NamedTuple):
    """Conditions that hold together (`and`), or of which one does (`or`)."""

    word: str
    parts: tuple["Node", ...]


Node = Call | Negated | Joined


def parsed(source: str) -> Node:
    """Return the tree of a condition.

    Args:
        source: as the user wrote it.

    Raises:
        RequestError: it is none; the column is marked.

    Example:
        >>> parsed("holds(dog) and")
        Traceback (most recent call last):
        searchgen.errors.RequestError: --where: it ends too early at column 15, after a condition or a word: holds(dog) and▸
    """
    if not source.strip():
        raise RequestError("--where is empty; give a condition, such as: holds(dog) and words(6..10)")
    if len(source) > LONGEST:
        raise RequestError(f"--where has {len(source):,} characters; at most {LONGEST:,} are read")
    from lark.exceptions import UnexpectedInput

    try:
        tree = _parser().parse(source)
    except UnexpectedInput as error:
        raise _complaint(source, error) from None
    return _node(tree, 0)


def _complaint(source: str, error: Any) -> RequestError:
    """What is wrong, in one line that marks the column."""
    token = getattr(error, "token", None)
    if token is not None and token.type == "$END":
        depth = source.count("(") - source.count(")")
        why = f"{depth} ')' missing" if depth > 0 else "it ends too early"
        return RequestError(
            f"--where: {why} at column {len(source) + 1}{_awaited(depth)}: {shown(source, len(source))}"
        )
    place = max(0, int(error.pos_in_stream or 0))
    return RequestError(
        f"--where: unexpected {source[place : place + 1]!r} at column {place + 1}: {shown(source, place)}"
    )


def _awaited(depth: int) -> str:
    return "" if depth > 0 else ", after a condition or a word"


def shown(source: str, place: int) -> str:
    """Return a condition with a mark at a place, shortened around it.

    Example:
        >>> shown("holds(dog)) and", 10)
        'holds(dog)▸) and'
    """
    begin, end = max(0, place - 40), place + 30
    before, after = "…" * (begin > 0), "…" * (end < len(source))
    return f"{before}{source[begin:place]}▸{source[place:end]}{after}"


@cache
def _parser() -> Any:
    from lark import Lark

    return Lark(GRAMMAR, parser="lalr", propagate_positions=True)


def _node(tree: Any, depth: int) -> Node:
    if depth > DEEPEST:
        raise RequestError(f"--where is nested more than {DEEPEST} deep; write it flatter")
    if tree.data == "call":
        arguments = [argument for argument in tree.children[1:] if argument is not None]
        name = tree.children[0]
        return Call(str(name).replace("-", "_"), tuple(_argument(one, depth + 1) for one in arguments), name.column)
    parts = tuple(_node(part, depth + 1) for part in tree.children)
    if tree.data == "negated":
        return Negated(parts[0])
    return Joined("and" if tree.data == "all" else "or", parts)


def _argument(tree: Any, depth: int) -> "Alternatives | Node":
    if tree.data == "alternatives":
        return tuple(_written(str(item.children[0])) for item in tree.children)
    return _node(tree, depth)


def _written(item: str) -> str:
    """An item without its quotation marks; `=` before it says that case counts."""
    sign = "=" if item.startswith('="') or (item.startswith("=") and len(item) > 1) else ""
    text = item[len(sign) :]
    if text.startswith('"'):
        inner, result, escaped = text[1:-1], "", False
        for character in inner:
            if escaped and character not in '"\\':
                result += "\\"
            escaped = character == "\\" and not escaped
            result += "" if escaped else character
        return sign + result
    return item
