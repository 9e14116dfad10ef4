"""Texts of listed words alone; marks are free. In Chinese a text must be parted wholly into listed words and marks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, ClassVar

import numpy as np

from searchgen.automata import DEAD, ENTRY_LIMIT, START, Automaton, Ids, minimise
from searchgen.constraints.base import Constraint, Counted, Phrase, Setting, folded, spell
from searchgen.constraints.flags import PHRASES, Flag
from searchgen.constraints.keywords import Keywords
from searchgen.constraints.words.inflected import Inflected
from searchgen.constraints.words.word_trie import WordTrie
from searchgen.errors import RequestError
from searchgen.text.items.lists import separator_hints
from searchgen.text.items.reading import item_tokens, narrow
from searchgen.vocabulary import Vocabulary

__all__ = ["OnlyWords"]

#: The most words of a list, and the most characters of one.
MOST_LISTED, LONGEST = 200_000, 1000

#: Words that tell the language of a list.
MOST_WORDS = 100

#: Words that a name or a note spells out.
FEW = 5


@dataclass(frozen=True)
class OnlyWords(Counted):
    """Every word of the text is listed, case ignored; marks are free.

    Where spaces part words, the words of a listed phrase are listed each, and so are the parts of a word with a hyphen. Elsewhere the text
    without its marks must be a row of listed words, and no mark stands inside one.

    Attributes:
        items: the words and phrases, each a tuple of tokens.
        parted: whether spaces part the words of texts.
    """

    name: ClassVar[str] = "only-words"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("only-words", PHRASES, "Only these words may occur; marks are free.", "LIST", (), ()),
    )
    items: frozenset[Phrase]
    parted: bool = True
    listed: int = field(default=0, compare=False)

    @classmethod
    def check(cls, demands: Mapping[str, Any]) -> None:
        """Refuse lists that are too long.

        Raises:
            RequestError: there are more than 200,000 words, or one has more than 1,000 characters.
        """
        words = demands["only_words"]
        if len(words) > MOST_LISTED:
            raise RequestError(f"{len(words):,} words in --only-words are too many; the limit is {MOST_LISTED:,}")
        if words and max(map(len, words)) > LONGEST:
            raise RequestError(f"--only-words: a word has more than {LONGEST:,} characters; write one word a line")

    @classmethod
    def wording(cls, demands: Mapping[str, Any]) -> str:
        """Return the first words of the list."""
        return " ".join((demands["only_words"] or ())[:MOST_WORDS])

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield the list with the forms that its words have."""
        for name, alone, without in super().apart(demands):
            yield name, {**Inflected.given(demands), **alone}, without

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the constraint, if words are listed; what is demanded joins them.

        Raises:
            RequestError: the list has no word.
        """
        asked, form = demands["only_words"], setting.form
        if not asked:
            return ()
        inflected = Inflected.of(demands, form)
        texts = inflected.all_of(asked) if inflected else set(asked)
        plain = {text for text in texts if text.isascii() and text.isalpha()}  # as every form reads them: one token
        odd = (_folded(item_tokens(narrow(text), form), setting) for text in texts if text not in plain)
        items = frozenset(chain(zip(map(str.lower, plain), strict=True), filter(None, odd)))
        if not any(form.is_word(token) for item in items for token in item):
            raise RequestError("--only-words lists no word; give at least one")
        setting.notes += separator_hints(asked[:FEW])
        listed = cls(items, form.name != "zh", len(asked))
        joining = [*dict.fromkeys(phrase for one in setting.made for phrase in listed.lacking(one, setting))]
        if not joining:
            return (listed,)
        names = ", ".join(map(spell, joining[:FEW])) + (" ..." if len(joining) > FEW else "")
        setting.notes.append(f"--only-words lacks {names}: allowed, because it is asked for")
        return (cls(items.union(joining), listed.parted, len(asked)),)

    def lacking(self, constraint: Constraint, setting: Setting) -> Iterator[Phrase]:
        """Yield what a constraint demands and the list lacks, of a keyword in all its forms if none of them is listed."""
        if isinstance(constraint, Keywords):
            demanded = [[_folded(phrase, setting) for phrase in item] for item in constraint.items]
        else:
            demanded = [[_folded(constraint.demanded(), setting)]] if constraint.phrases() else []
        for item in demanded:
            if not any(self._made_of(phrase, setting.form.is_word) for phrase in item):
                yield from (phrase for phrase in item if phrase)

    def _made_of(self, phrase: Phrase, is_word: Any) -> bool:
        if self.parted:
            return all(token in self._words or not is_word(token) for token in phrase)
        return self._trie.parts(phrase, [is_word(token) for token in phrase])

    def validate(self) -> None:
        """Refuse an empty list.

        Raises:
            RequestError: in this case.
        """
        if not self.items or not all(self.items):
            raise RequestError("--only-words lists no word; give at least one")

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(chain.from_iterable(self.items))

    @cached_property
    def _with_signs(self) -> list[Phrase]:
        signed = {word for word in self._words if not word.isalnum()}
        return [item for item in self.items if not signed.isdisjoint(item)] if signed else []

    @cached_property
    def _trie(self) -> WordTrie:
        return WordTrie.of(self.items)

    def phrases(self) -> Sequence[Phrase]:
        """Those with signs, which stay whole."""
        return self._with_signs

    def describe(self) -> str:
        """The words of a short list, the number of a long one.

        >>> OnlyWords(frozenset({("dog",), ("the",)})).describe()
        'only the words dog, the'
        """
        if len(self.items) > FEW:
            return f"only {self.listed or len(self.items):,} words"
        return "only the words " + ", ".join(sorted(map(spell, self.items)))

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts of listed words.

        Args:
            vocabulary: the tokens.
            limit: the most entries of a table.

        Returns:
            A trimmed automaton.

        Raises:
            TooLarge: the limit would be passed.
        """
        tokens = vocabulary.folded_tokens
        if not self.parted:
            classes, table, accept = self._trie.table(tokens, vocabulary.is_word, limit)
            return minimise(Automaton.of(classes, table, accept))
        listed = np.fromiter(map(self._words.__contains__, tokens), np.bool_, len(tokens))
        return Automaton.of(
            (vocabulary.is_word & ~listed).astype(np.int16), [[DEAD, DEAD], [START, DEAD]], [False, True]
        )

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How many words are not listed; in Chinese 1 where the text cannot be parted.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            0 iff all words are listed.
        """
        tokens = folded(vocabulary.decode(ids), vocabulary)
        words = vocabulary.is_word[np.asarray(ids, np.int64)].tolist()
        if self.parted:
            return sum(word and token not in self._words for token, word in zip(tokens, words, strict=True))
        return int(not self._trie.parts(tokens, words))


def _folded(phrase: Sequence[str], setting: Setting) -> Phrase:
    return tuple(map(setting.form.fold, phrase))
