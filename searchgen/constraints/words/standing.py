"""Where a demanded word is a word: not between characters that make it a part of others.

The rivals of a Chinese word (`searchgen.text.lexicon.rivals`) are contexts between which it does not count. Characters that stand in the
same contexts are alike to the automata, so each kind of them is one symbol: a keyword with eighty contexts takes a handful.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple

from searchgen.constraints.base import Phrase
from searchgen.text.lexicon.rivals import contexts
from searchgen.text.lexicon.segmentation import Segmentation

__all__ = ["NOWHERE_BARRED", "Standing", "Symbols", "places_that_count", "symbols_of"]

Context = tuple[Phrase, Phrase]


@dataclass(frozen=True)
class Standing:
    """The contexts between which phrases do not count.

    Attributes:
        barred: by phrase, pairs of the tokens right before it and right after it, one of them possibly none.

    Example:
        >>> standing = Standing({("类", "似"): frozenset({((), ("乎",))})})
        >>> [standing.allows(("类", "似"), tuple(text), 0) for text in ("类似的", "类似乎", "类似")]
        [True, False, True]
    """

    barred: Mapping[Phrase, frozenset[Context]] = field(default_factory=dict)

    @staticmethod
    def of(items: Iterable[tuple[Phrase, ...]], lexicon: Segmentation | None) -> "Standing":
        """The contexts of the phrases of two Chinese characters and more; none of the phrases is another's rival.

        A single character is a part of longer words nearly everywhere (雨 in 下雨), and so counts there.

        Args:
            items: keywords, each with its alternatives, folded.
            lexicon: the words of the language, None: everything counts.
        """
        phrases = frozenset(
            phrase for item in items for phrase in item if len(phrase) > 1 and all(map(_is_ideograph, phrase))
        )
        return NOWHERE_BARRED if lexicon is None or not phrases else _standing(phrases, lexicon)

    def __bool__(self) -> bool:
        return bool(self.barred)

    def allows(self, phrase: Phrase, text: Phrase, begin: int) -> bool:
        """Whether a phrase that a text has at a place counts there."""
        before, after = text[:begin], text[begin + len(phrase) :]
        return not any(
            _ends_with(before, left) and after[: len(right)] == right for left, right in self.barred.get(phrase, ())
        )

    def must_not_follow(self, phrase: Phrase, before: Phrase) -> frozenset[Phrase]:
        """The rows of tokens one of which must not follow a phrase; the empty row: it does not count at all.

        Args:
            phrase: of the keywords.
            before: the tokens before it, as far as `remembered` keeps them.
        """
        return frozenset(right for left, right in self.barred.get(phrase, ()) if _ends_with(before, left))

    def remembered(self, before: Phrase) -> Phrase:
        """What of some tokens decides whether a phrase counts after them: the longest part at the end that begins a context."""
        return next((before[place:] for place in range(len(before)) if before[place:] in self._begun), ())

    @cached_property
    def _begun(self) -> frozenset[Phrase]:
        return frozenset(
            left[:size] for pairs in self.barred.values() for left, _ in pairs for size in range(1, len(left) + 1)
        )


NOWHERE_BARRED = Standing()


@lru_cache(maxsize=256)
def _standing(phrases: frozenset[Phrase], lexicon: Segmentation) -> Standing:
    words = {phrase: "".join(phrase) for phrase in sorted(phrases)}
    found = {phrase: contexts(word, lexicon, words.values()) for phrase, word in words.items()}
    return Standing(
        {
            phrase: frozenset((tuple(left), tuple(right)) for left, right in pairs)
            for phrase, pairs in found.items()
            if pairs
        }
    )


def _is_ideograph(token: str) -> bool:
    return len(token) == 1 and ("\u3400" <= token <= "\u9fff" or token >= "\U00020000")


def _ends_with(tokens: Phrase, end: Phrase) -> bool:
    return len(end) <= len(tokens) and tokens[len(tokens) - len(end) :] == end


class Symbols(NamedTuple):
    """Tokens, each kind of which is one symbol.

    Attributes:
        of: the symbol of each token that stands in a phrase or a context; a token of a phrase is its own.
        standing: the contexts in symbols.
    """

    of: dict[str, str]
    standing: Standing


def symbols_of(items: Sequence[tuple[Phrase, ...]], standing: Standing) -> Symbols:
    """Return the symbols of tokens: two are one if putting either for the other in any context gives another context.

    Args:
        items: keywords, each with its alternatives, folded. A token of theirs is a symbol of its own.
        standing: their contexts.

    Example:
        >>> barred = {("a",): frozenset({((), ("x",)), ((), ("y",)), (("z",), ())})}
        >>> symbols_of([(("a",),)], Standing(barred)).of
        {'a': 'a', 'x': 'x', 'y': 'x', 'z': 'z'}
    """
    own = dict.fromkeys(token for item in items for phrase in item for token in phrase)
    asked = {phrase for item in items for phrase in item}
    patterns = {(phrase, *context) for phrase, pairs in standing.barred.items() for context in pairs if phrase in asked}
    tokens = dict.fromkeys([*own, *sorted(token for _, *context in patterns for part in context for token in part)])
    holes: dict[str, set[object]] = defaultdict(set)
    for token in own:
        holes[token].add(token)
    for phrase, left, right in patterns:
        row = (*left, *right)
        for place, token in enumerate(row):
            holes[token].add((phrase, len(left), row[:place], row[place + 1 :]))
    first: dict[frozenset[object], str] = {}
    of = {token: first.setdefault(frozenset(holes[token]), token) for token in tokens}
    barred: dict[Phrase, set[Context]] = defaultdict(set)
    for phrase, left, right in patterns:
        barred[phrase].add((tuple(of[token] for token in left), tuple(of[token] for token in right)))
    return Symbols(of, Standing({phrase: frozenset(pairs) for phrase, pairs in barred.items()}))


def places_that_count(item: tuple[Phrase, ...], text: Phrase, standing: Standing) -> list[tuple[int, int]]:
    """The places of an item that count, from left to right, of two that begin together the longer one first.

    Args:
        item: a keyword, its alternatives folded.
        text: folded tokens.
        standing: where it counts.
    """
    found = {
        (begin, begin + len(phrase))
        for phrase in item
        for begin in range(len(text) - len(phrase) + 1)
        if text[begin : begin + len(phrase)] == phrase and standing.allows(phrase, text, begin)
    }
    return sorted(found, key=lambda place: (place[0], -place[1]))
