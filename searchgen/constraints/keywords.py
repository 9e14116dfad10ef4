"""Words and phrases that must occur, in any order or in the given one."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from searchgen.automata import DEAD, ENTRY_LIMIT, START, Automaton, Ids, minimise, product
from searchgen.constraints.base import Constraint, Phrase, Setting, folded, spell, word_count
from searchgen.constraints.flags import ITEMS, Flag
from searchgen.constraints.patterns import OTHER, label_words, matcher, over_tokens
from searchgen.constraints.together.own_places import apart, placed, together
from searchgen.constraints.words.held_places import in_order, places_of
from searchgen.constraints.words.inflected import INFLECTION_FLAGS, Inflected
from searchgen.constraints.words.standing import Standing, places_that_count, symbols_of
from searchgen.constraints.words.standing_machine import standing_machine, words_of
from searchgen.errors import RequestError, TooLarge
from searchgen.text import TextForm
from searchgen.text.items.lists import parse_items, separator_hints
from searchgen.text.items.reading import Place, item_tokens
from searchgen.text.lexicon.segmentation import Segmentation
from searchgen.vocabulary import Vocabulary

__all__ = ["Keywords"]

#: A part of speech marked on a word, in small letters.
MARK = re.compile(r"(?<=\w)_[nvar]\b")

#: So many Chinese keywords at most are whole words in any order: the table of more is too large, for it heeds what is around each.
MOST_STANDING = 7

Item = tuple[Phrase, ...]  # alternatives, one of which must occur


@dataclass(frozen=True)
class Keywords(Constraint):
    """Every keyword occurs in the text; `--ordered` also fixes their order.

    One phrase of each item occurs as whole tokens, case ignored. In any order, no two items share tokens of the text unless `overlap`
    allows it, and equal items count once. In the given order, each item begins after the end of the one before it, and a repeated item
    must occur again. With a lexicon, what is a part of other words of the text is no occurrence (`words/standing.py`).

    Attributes:
        items: for each keyword its alternatives, each a tuple of tokens.
        ordered: whether the items must occur in their order.
        overlap: whether items may share tokens.
        lexicon: the words of a language without spaces; None: characters of other words count, too.
    """

    name: ClassVar[str] = "keywords"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag(
            "keywords",
            ITEMS,
            "Words or phrases that must occur, in any order.",
            "LIST",
            (),
            (),
            ("-k",),
        ),
        Flag("ordered", bool, "The keywords must occur in the given order.", "", False, False),
        Flag("overlap", bool, "Keywords may share words (in Chinese: characters).", "", False, False),
        Flag("inside-words", bool, "Keywords may be parts of other words: 火车 in 火车站 (Chinese).", "", False, False),
        *INFLECTION_FLAGS,
    )
    items: tuple[Item, ...]
    ordered: bool = False
    overlap: bool = False
    lexicon: Segmentation | None = None

    @classmethod
    def of(cls, values: Sequence[str], form: TextForm, *, ordered: bool = False) -> "Keywords":
        """Keywords from the values of a list flag.

        Args:
            values: as `parse_items` reads them.
            form: splits phrases into tokens.
            ordered: whether they must occur in their order.

        Returns:
            The constraint.

        Raises:
            RequestError: nothing is listed, or a file cannot be read.
        """
        items = parse_items(values)
        return cls(tuple(tuple(item_tokens(phrase, form) for phrase in item) for item in items), ordered)

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the keywords, if there are any.

        Raises:
            RequestError: one has no letter, digit or sign in it.
        """
        form, written, inflected = setting.form, demands["keywords"], Inflected.of(demands, setting.form)
        setting.notes += Inflected.notes(demands, form)
        if inflected is not None:
            written = tuple(
                tuple(dict.fromkeys(form for text in item for form in inflected.forms(text, setting.vocabulary)))
                for item in written
            )
        items = tuple(tuple(item_tokens(phrase, form) for phrase in item) for item in written)
        if _ends_inside(items, demands, form):
            items = tuple(tuple(item_tokens(phrase, form, Place(inner=True)) for phrase in item) for item in written)
        for phrase, text in (
            (p, t) for item, texts in zip(items, written, strict=True) for p, t in zip(item, texts, strict=True)
        ):
            if not phrase:
                raise RequestError(f"keyword {text!r} has no letter, digit or sign in it; drop it")
        setting.notes += separator_hints([phrase for item in demands["keywords"] for phrase in item])
        made = cls(items, demands["ordered"], demands["overlap"], words_of(demands, form)) if items else None
        if made is not None and made.lexicon and not made.ordered and len(_merged(items)) > MOST_STANDING:
            setting.notes.append(
                f"of more than {MOST_STANDING} keywords in any order each may be a part of another word, as with --inside-words"
            )
        return () if made is None else (made,)

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield each item; a list in a given order is one part."""
        items, forms = demands["keywords"], {**Inflected.given(demands), "inside_words": demands["inside_words"]}
        if demands["ordered"] and len(items) > 1:
            listed = ", ".join("|".join(item) for item in items)
            yield f"keywords in order: {listed}", {**forms, "keywords": items, "ordered": True}, {"keywords": ()}
            return
        for item in dict.fromkeys(items):
            others = tuple(entry for entry in items if entry != item)
            yield f"keyword {'|'.join(item)}", {**forms, "keywords": (item,)}, {"keywords": others}

    def least_words(self, form: TextForm) -> int:
        """The words of every item's shortest phrase; in any order, equal items count once."""
        items = self.items if self.ordered else _merged([tuple(_fold(p, form) for p in item) for item in self.items])
        return sum(min(word_count(phrase, form) for phrase in item) for item in items)

    def hyphens(self) -> int:
        """Those of the phrases, of alternatives the most."""
        return sum(max(phrase.count("-") for phrase in item) for item in self.items)

    def written(self, demands: Mapping[str, Any]) -> dict[str, str]:
        """The items as the user wrote them."""
        spelled, names = [_spelled(item) for item in self.items], {}
        for rank, item in enumerate(demands["keywords"]):
            again = spelled[:rank].count(spelled[rank]) + 1
            suffix = f" ({again})" if again > 1 else ""
            named = " ".join("|".join(item).lower().split())
            if demands["inflect"] or demands["forms_of"]:
                named = MARK.sub(lambda mark: mark[0].upper(), named)
            names[f"keyword {spelled[rank]}{suffix}"] = f"keyword {named}{suffix}"
        return names

    def validate(self) -> None:
        """Refuse an empty list, an item without alternatives and an empty phrase.

        Raises:
            RequestError: in these cases.
        """
        if not self.items or not all(item and all(item) for item in self.items):
            raise RequestError("an empty keyword; give at least one word for each")

    def phrases(self) -> Sequence[Phrase]:
        """All alternatives of all items."""
        return [phrase for item in self.items for phrase in item]

    def demanded(self) -> tuple[str, ...]:
        """All tokens of all phrases."""
        return tuple(word for item in self.items for phrase in item for word in phrase)

    def describe(self) -> str:
        """The items as a list flag would take them.

        >>> Keywords(((("dog",),), (("cat",), ("cats",))), ordered=True).describe()
        'keywords in order: dog, cat|cats'
        """
        return ("keywords in order: " if self.ordered else "keywords: ") + ", ".join(map(_spelled, self.items))

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT, group: int = 0) -> Automaton:
        """The texts that contain every item.

        Args:
            vocabulary: the tokens, demanded words included.
            limit: the most entries of a table; n keywords in any order need at least 2^n (n + 1).
            group: if above 0, only texts in which each so many items stand before the next so many, which take a smaller table.

        Returns:
            A trimmed automaton.

        Raises:
            TooLarge: the limit would be passed.
        """
        items = self.folded_items(vocabulary)
        standing = self.standing(items)
        symbols = symbols_of(items, standing)
        labels, label = label_words(symbols.of, vocabulary)

        def machine(part: Sequence[Item], ordered: bool = False) -> Automaton:
            if standing:
                return standing_machine(tuple(part), ordered, standing, limit).over(label)
            return _in_order(part, label, limit) if ordered or len(part) == 1 else together(part, label, limit)

        if self.ordered:
            return over_tokens(machine(items, True), labels)
        size = group or len(items)
        groups = [items[place : place + size] for place in range(0, len(items), size)]
        machines = [self._any_order(group, machine, limit) for group in groups]
        return over_tokens(_one_after_another(machines, parted=bool(standing)), labels)

    def _any_order(
        self, items: Sequence[Item], machine: Callable[[Sequence[Item]], Automaton], limit: int
    ) -> Automaton:
        """The machine over labels that accepts the texts with all items of a group."""
        if (len(items) + 1) << len(items) > limit:
            raise TooLarge(
                f"{len(items)} keywords in any order need more than {limit:,} table entries; "
                "ask for fewer, or for keywords in a given order"
            )
        apart_items = [[number] for number in range(len(items))] if self.overlap else apart(items)
        return product(*(machine([items[number] for number in numbers]) for numbers in apart_items), limit=limit)

    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """Whether each item occurs; in order: each that follows the ones before it.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            `keyword dog`: True, ... ; the second `dog` of an ordered list is `keyword dog (2)`.
        """
        text, result = folded(vocabulary.decode(ids), vocabulary), {}
        spelled = [_spelled(item) for item in self.items]
        items = [tuple(folded(phrase, vocabulary) for phrase in item) for item in self.items]
        standing = self.standing(items)
        held = self._held(items, text, standing) if not self.ordered else {}
        found = len([*in_order(items, text, standing)]) if self.ordered else 0
        for rank, item in enumerate(items):
            again = spelled[:rank].count(spelled[rank]) + 1
            if self.ordered:
                result[f"keyword {spelled[rank]}" + (f" ({again})" if again > 1 else "")] = rank < found
            elif again == 1:
                result[f"keyword {spelled[rank]}"] = held[frozenset(item)]
        return result

    def places(self, ids: Ids, vocabulary: Vocabulary) -> Sequence[tuple[str, int, int]]:
        """Where each item is held: the earliest place, and one of its own where items may not share words.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            Name, first token and the token after the last of each item that the text holds.
        """
        text, spelled = folded(vocabulary.decode(ids), vocabulary), [_spelled(item) for item in self.items]
        items = [tuple(folded(phrase, vocabulary) for phrase in item) for item in self.items]
        standing = self.standing(items)
        if self.ordered:
            names = [
                f"keyword {name}" + (f" ({again})" if (again := spelled[: rank + 1].count(name)) > 1 else "")
                for rank, name in enumerate(spelled)
            ]
            return [(name, *place) for name, place in zip(names, in_order(items, text, standing), strict=False)]
        names_of: dict[frozenset[Phrase], str] = {}
        for item, name in zip(items, spelled, strict=True):
            names_of.setdefault(frozenset(item), f"keyword {name}")
        merged = [tuple(item) for item in names_of]
        groups = [[number] for number in range(len(merged))] if self.overlap else apart(merged)
        found: dict[int, tuple[int, int]] = {}
        for group in groups:
            places = places_of([merged[number] for number in group], text, standing)
            found |= {group[number]: place for number, place in places.items()}
        return [(names_of[frozenset(merged[number])], *place) for number, place in found.items()]

    def standing(self, items: Sequence[Item]) -> Standing:
        """Where folded items count as words."""
        is_small = self.ordered or len(_merged(items)) <= MOST_STANDING
        return Standing.of(items, self.lexicon if is_small else None)

    def _held(self, items: Sequence[Item], text: Phrase, standing: Standing) -> dict[frozenset[Phrase], bool]:
        """Whether each item has a place, by its alternatives; equal items count once."""
        merged = _merged(items)
        held: dict[frozenset[Phrase], bool] = {}
        for group in [[number] for number in range(len(merged))] if self.overlap else apart(merged):
            part = [merged[number] for number in group]
            if len(part) == 1:
                held[frozenset(part[0])] = bool(places_that_count(part[0], text, standing))
                continue
            with_place = placed(part, text, standing)
            held |= {frozenset(item): number in with_place for number, item in enumerate(part)}
        return held

    def folded_items(self, vocabulary: Vocabulary) -> list[Item]:
        """Folded; equal items merged when order does not matter, whatever the order of their alternatives."""
        items = [tuple(dict.fromkeys(folded(phrase, vocabulary) for phrase in item)) for item in self.items]
        return items if self.ordered else _merged(items)


def _merged(items: Sequence[Item]) -> list[Item]:
    """Items without those that have the alternatives of one before, in whatever order."""
    return list({frozenset(item): item for item in items}.values())


def _fold(phrase: Phrase, form: TextForm) -> Phrase:
    return tuple(map(form.fold, phrase))


def _one_after_another(parts: Sequence[Automaton], parted: bool = False) -> Automaton:
    """The texts of one machine, then those of the next.

    Where one accepts, which it then always does, the next begins. If the machines heed what is around phrases, the next begins after a
    token that none of them heeds: what is right of it does not depend on what is left of it.
    """
    if len(parts) == 1:
        return parts[0]
    labels = len(parts[0].classes)
    rows, start, accept = [np.zeros((1, labels), np.int32)], START, [False]
    for part in map(minimise, parts):
        after = part.next[START:, part.classes]  # a column for each label, whatever the machine merges
        end = start + len(after)
        row = np.where(after == DEAD, DEAD, after + start - START)
        if not parted:
            row = np.where(part.accept[after], end, row)
        elif len(rows) < len(parts):
            row[part.accept[START:], OTHER] = end
        rows.append(row)
        accept += [parted and len(rows) > len(parts) and bool(accepts) for accepts in part.accept[START:]]
        start = end
    rows.append(np.full((1, labels), start, np.int32))
    return minimise(Automaton.of(np.arange(labels), np.concatenate(rows), [*accept, not parted]))


def _ends_inside(items: Sequence[Item], demands: Mapping[str, Any], form: TextForm) -> bool:
    """Whether more of the sentence must follow the final mark of an item: then the mark is a part of its word, as in `Yahoo! Inc`."""
    ending = [all(phrase and phrase[-1] in form.final_tokens for phrase in item) for item in items]
    if not demands["sentence"] or not any(ending):
        return False
    folded_items = {
        tuple(tuple(map(form.fold, p)) for p in item) for item, ends in zip(items, ending, strict=True) if ends
    }
    several = len(folded_items) > 1
    last = item_tokens(demands["ends_with"], form, Place(last=True))[-1:] if demands["ends_with"] else ()
    return several or (demands["ordered"] and any(ending[:-1])) or not {*last} <= form.final_tokens


def _spelled(item: Item) -> str:
    return "|".join(map(spell, item))


def _in_order(items: Sequence[Item], label: dict[str, int], limit: int) -> Automaton:
    """One machine over labels for each item; where one ends the next begins, and after the last everything goes."""
    rows, start, entries = [np.zeros((1, len(label) + 1), np.int32)], START, 0
    for item in items:
        table, ended = matcher(item, label, limit - entries)
        entries += table.size
        rows.append(np.where(ended[table], start + len(table), table + start))
        start += len(table)
    rows.append(np.full((1, len(label) + 1), start))
    accept = np.zeros(start + 1, np.bool_)
    accept[start] = True
    return minimise(Automaton.of(np.arange(len(label) + 1), np.concatenate(rows), accept))
