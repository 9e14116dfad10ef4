"""Forms in conditions: the words of `holds(catch)` count in all of them where `--inflect` or `--forms-of` says so."""

from searchgen.constraints.algebra.language import Alternatives, Call, Joined, Negated, Node
from searchgen.constraints.words.inflected import Inflected
from searchgen.vocabulary import Vocabulary

__all__ = ["with_forms"]

#: What takes words, and what counts conditions so that more of them are worse.
OF_WORDS, UP_TO = ("holds", "before", "adjacent", "within"), ("atmost", "exactly")


def with_forms(node: Node, inflected: Inflected, vocabulary: Vocabulary, *, barred: bool = False) -> Node:
    """A condition whose words have their forms as alternatives; a word after `=` stays as it is written.

    Args:
        node: the condition.
        inflected: the words that count in every form.
        vocabulary: forms that it lacks are left out.
        barred: whether the condition must not hold; rare forms then count, too.
    """
    if isinstance(node, Negated):
        return node._replace(part=with_forms(node.part, inflected, vocabulary, barred=not barred))
    if isinstance(node, Joined):
        return node._replace(parts=tuple(with_forms(part, inflected, vocabulary, barred=barred) for part in node.parts))
    barred = barred or node.name in UP_TO

    def argument(value: Alternatives | Node) -> Alternatives | Node:
        if isinstance(value, Call | Negated | Joined):
            return with_forms(value, inflected, vocabulary, barred=barred)
        if node.name not in OF_WORDS:
            return value
        return tuple(dict.fromkeys(form for text in value for form in _forms(text, inflected, vocabulary, barred)))

    return node._replace(arguments=tuple(map(argument, node.arguments)))


def _forms(text: str, inflected: Inflected, vocabulary: Vocabulary, barred: bool) -> list[str]:
    if text.startswith("=") or not any(map(str.isalpha, text)):
        return [text]
    if not barred:
        return inflected.forms(text, vocabulary)
    first, *others = inflected.forms(text)
    return [first, *(form for form in others if all(map(vocabulary.matching, form.split())))]
