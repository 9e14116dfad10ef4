"""Which words of a request count in every form, and what these forms are.

`--inflect` asks it of all words, `--forms-of` of some, and `--inflections` lists forms of the user's own. A form becomes one more
alternative of its item, so that automata, samplers and verdicts know of no inflection.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from math import prod
from typing import Any

from searchgen.constraints.flags import ITEMS, PHRASES, Flag
from searchgen.errors import RequestError, TooLarge
from searchgen.text import TextForm
from searchgen.text.grammar import words_of_grammar
from searchgen.text.inflection import PARTS_OF_SPEECH, Form, contractions, forms_of_all, marked, word_forms
from searchgen.vocabulary import Vocabulary

__all__ = ["INFLECTION_FLAGS", "Inflected"]

INFLECTION_FLAGS = (
    Flag("inflect", bool, "Words count in every form: catches, caught, catching (English).", "", False, False),
    Flag("forms-of", PHRASES, "Only these words count in every form.", "LIST", (), ()),
    Flag("inflections", ITEMS, "Forms of your own: ox|oxen.", "LIST", (), ()),
)

#: A form so many times rarer than the word itself is dropped, by the ranks of the vocabulary.
MUCH_RARER = 50

#: So are the forms of a part of speech so many times rarer than those of another: `dogged` for a dog.
OTHER_USE = 6

#: Words more frequent than this rank are as frequent as this: the forms of `be` are not rare.
FREQUENT = 100

#: What looks like the mark of a part of speech.
STRANGE_MARK = re.compile(r"[A-Za-z]_([A-Z]+)\b")

#: The most forms of a forbidden phrase with several marked words.
MOST_FORBIDDEN_FORMS = 10_000

#: The most forms of another one.
MOST_FORMS = 60


@dataclass(frozen=True)
class Inflected:
    """The words that count in every form.

    Attributes:
        everything: whether all do.
        named: those that do besides, in small letters, each with the letter of its part of speech.
        listed: forms of the user's own, in small letters.
    """

    everything: bool
    named: Mapping[str, str]
    listed: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, demands: Mapping[str, Any], form: TextForm) -> "Inflected | None":
        """What demands say of inflection, None: nothing, or nothing that the text form has.

        Args:
            demands: a value for every flag of every constraint.
            form: of the texts.

        Raises:
            RequestError: a word has a mark that is no part of speech.
        """
        if form.name != "en" or not (demands["inflect"] or demands["forms_of"]):
            return None
        cls._refuse_unknown_marks(demands)
        named = {word: part for word, part in (marked(_plain(text)) for text in demands["forms_of"])}
        listed = tuple(tuple(map(_plain, item)) for item in demands["inflections"])
        return cls(bool(demands["inflect"]), named, listed)

    @staticmethod
    def _refuse_unknown_marks(demands: Mapping[str, Any]) -> None:
        texts = (text for item in demands["keywords"] for text in item)
        for text in (*texts, *demands["forbid"], *demands["forms_of"], *demands.get("only_words", ())):
            if "_" in text and (strange := STRANGE_MARK.search(text)) and strange[1] not in PARTS_OF_SPEECH:
                raise RequestError(f"{text[:60]!r}: _{strange[1]} is no part of speech; write _N, _V, _A or _R")

    @staticmethod
    def given(demands: Mapping[str, Any]) -> dict[str, Any]:
        """The values of the flags, for demands that keep a part of these."""
        return {flag.key: demands[flag.key] for flag in INFLECTION_FLAGS if flag.key in demands}

    @staticmethod
    def notes(demands: Mapping[str, Any], form: TextForm) -> Iterator[str]:
        """Yield what a user should know of the flags, one line each."""
        asked = [flag for flag in INFLECTION_FLAGS if demands[flag.key]]
        if asked and form.name != "en":
            yield f"--{asked[0].name} is ignored: the model's words are not English"
        elif [flag.name for flag in asked] == ["inflections"]:
            yield "--inflections is ignored without --inflect or --forms-of"
        texts = [phrase for item in demands["keywords"] for phrase in item] + [*demands["forbid"]]
        if not asked and form.name == "en":
            marks = [text for text in texts if marked(text)[1]]
            yield from (
                f"{text!r} is read as it is written; with --inflect {text[-2:]} is a part of speech" for text in marks
            )
        if demands["forms_of"] and form.name == "en" and not demands.get("where"):
            words = {marked(_plain(text))[0] for text in [*texts, *demands.get("only_words", ())]}
            strange = [word for word in demands["forms_of"] if marked(_plain(word))[0] not in words]
            yield from (f"--forms-of {word}: no such word is asked for" for word in strange[:1])

    def forms(self, text: str, vocabulary: Vocabulary | None = None) -> list[str]:
        """The forms in which a word or phrase counts, itself first.

        Args:
            text: as the user wrote it.
            vocabulary: forms that it lacks, and forms that are much rarer than the word, are left out; None: all are kept.

        Returns:
            Different texts. Of a phrase without marks the last word is inflected, as a noun.
        """
        words = text.split()
        bare = [marked(word)[0] for word in words]
        whole = " ".join(bare)
        if not (self.everything or _plain(whole) in self.named or _plain(text) in self.named):
            return [text]
        own = [form for item in self.listed if _plain(whole) in item for form in item]
        named = self.named.get(_plain(whole), "")
        one = len(words) == 1
        found = (
            self._of_word(bare[0], marked(text)[1] or named, vocabulary) if one else self._of_phrase(words, vocabulary)
        )
        return [*dict.fromkeys([whole, *own, *found])]

    def all_of(self, words: Iterable[str]) -> set[str]:
        """All forms that the dictionary has of the words of a long list; as `forms`, but without rules for other words.

        Args:
            words: as the user wrote them.

        Returns:
            The words without marks, and their forms.
        """
        every = set(words)
        is_usual = self.everything and not self.named and not self.listed
        plain = {word for word in every if is_usual and word.isascii() and word.isalpha()}
        return plain | forms_of_all(plain) | {form for word in every - plain for form in self._all_of_word(word)}

    def _all_of_word(self, word: str) -> list[str]:
        bare, part = marked(word)
        if " " in word or not (self.everything or _plain(bare) in self.named or _plain(word) in self.named):
            return [word]
        own = [form for item in self.listed if _plain(bare) in item for form in item]
        found = word_forms(bare, part or self.named.get(_plain(bare), ""), guess=False)
        return [*dict.fromkeys([bare, *own, *(form.text for form in found)])]

    def _of_phrase(self, words: list[str], vocabulary: Vocabulary | None) -> Iterator[str]:
        parts = [marked(word) for word in words]
        if not any(letter for _, letter in parts):
            last = word_forms(parts[-1][0], "N", guess=False)
            alternatives = [[word] for word, _ in parts[:-1]] + [[form.text for form in last]]
        else:
            alternatives = [[form.text for form in word_forms(*part)] if part[1] else [part[0]] for part in parts]
        if vocabulary is None:  # of what is forbidden no form is left out
            number = prod(map(len, alternatives))
            if number > MOST_FORBIDDEN_FORMS:
                raise TooLarge(
                    f"{' '.join(words)!r} has {number:,} forms, and at most {MOST_FORBIDDEN_FORMS:,} can be forbidden; mark fewer words"
                )
            yield from map(" ".join, product(*alternatives))
            return
        for choice in islice(product(*alternatives), MOST_FORMS):
            if all(map(vocabulary.matching, choice)):
                yield " ".join(choice)

    @staticmethod
    def _of_word(word: str, part: str, vocabulary: Vocabulary | None) -> list[str]:
        found = word_forms(word, part, guess=word.lower() not in words_of_grammar())
        if vocabulary is None:
            forms = [form.text for form in found]
            return [*forms, *(contractions(forms) if part in ("", "V") else ())]
        rank = _rank(word.lower(), vocabulary)
        known = {form: place for form in found[1:] if (place := _rank(form.text, vocabulary)) >= 0}
        if not part:
            known = _usual(known, max(rank, FREQUENT) if rank >= 0 else len(vocabulary))
        return [word, *(form.text for form in known)]


def _usual(known: Mapping[Form, int], rank: int) -> dict[Form, int]:
    """The forms that are about as frequent as the word, of the parts of speech in which it is usual."""
    # A form of several parts of speech (`dogs`) tells of the first of them, the noun before the verb.
    best: dict[str, int] = {}
    for form, place in known.items():
        best[form.parts[:1]] = min(place, best.get(form.parts[:1], place))
    top = min(best.values(), default=0)
    usual = {part for part, place in best.items() if place <= OTHER_USE * max(top, FREQUENT)}
    return {
        form: place
        for form, place in known.items()
        if place <= MUCH_RARER * rank and (not form.parts or usual.intersection(form.parts))
    }


def _rank(word: str, vocabulary: Vocabulary) -> int:
    """How many tokens of the model are more frequent than a word in any case; -1: it has no such word."""
    found = vocabulary.matching(word)
    return found[0] if found and found[0] < len(vocabulary.tokens) else -1


def _plain(text: str) -> str:
    """A text to compare, its marks kept."""
    parted = (marked(word) for word in text.split())
    return " ".join(bare.casefold() + (f"_{part}" if part else "") for bare, part in parted)
