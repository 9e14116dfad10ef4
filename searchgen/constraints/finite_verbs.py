"""English quality term: a finite verb in the sentence, and again after each `, and` or `, but`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from searchgen.automata import ENTRY_LIMIT, START, Automaton, Ids
from searchgen.constraints.base import Constraint, Setting
from searchgen.constraints.flags import Flag
from searchgen.constraints.predicate import Predicate
from searchgen.errors import RequestError
from searchgen.vocabulary import Vocabulary

__all__ = ["FiniteVerb"]

SECTIONS = ("finite", "ambiguous", "subjects", "imperative")
OWN_LIST = Path(__file__).with_name("finite_verbs_en.txt")

# Token classes in the order of the columns below; EITHER is a past form that is also a base form (`cut`).
OTHER, FINITE, AMBIGUOUS, SUBJECT, IMPERATIVE, EITHER, COMMA, JOINER, MARK = range(9)
TABLE = [
    [0, 0, 0, 0, 0, 0, 0, 0, 0],  # dead
    [2, 4, 2, 3, 4, 4, 2, 2, 1],  # start: marks before the first word change nothing
    [2, 4, 2, 3, 2, 2, 2, 2, 2],  # no finite verb yet
    [2, 4, 4, 3, 2, 4, 2, 2, 2],  # none yet, right after a subject pronoun
    [4, 4, 4, 4, 4, 4, 5, 4, 4],  # a finite verb was read
    [4, 4, 4, 4, 4, 4, 5, 2, 4],  # ... and then a comma, just now
]
ACCEPT = [False, False, False, False, True, True]


@dataclass(frozen=True)
class FiniteVerb(Constraint):
    """The sentence has a finite verb; in Chinese, a predicate such as 是, 有 or 了.

    In English, another finite verb follows the last `, and` or `, but`. Finite are the forms of the list's first section;
    those of `ambiguous` (`found`, `called`) right after a subject pronoun, or anywhere if asked; and a base form as the
    first word (`Take it.`). Auxiliaries that open questions are finite themselves.

    Attributes:
        ambiguous: whether forms that may be participles count everywhere.
        path: a list of verb forms; the one shipped with searchgen when empty.
    """

    name: ClassVar[str] = "finite-verb"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag(
            "finite-verb",
            bool,
            "Require a finite verb or Chinese predicate, by a list of forms.",
            "",
            True,
            False,
            needs="sentence",
        ),
    )
    repeated: ClassVar[bool] = True
    ambiguous: bool = False
    path: str = ""

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the constraint for sentences: in English this one, in Chinese a predicate, for other forms none."""
        if not demands["finite_verb"] or not demands["sentence"]:
            return ()
        if not any(setting.vocabulary.find(mark) >= 0 for mark in setting.form.final_tokens):
            return ()
        kinds: dict[str, type[Constraint]] = {"en": cls, "zh": Predicate}
        kind = kinds.get(setting.form.name)
        return () if kind is None else (kind(),)

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield it alone, which is a sentence with a finite verb, and all but it."""
        if demands["finite_verb"] and demands["sentence"]:
            yield cls.name, {"finite_verb": True, "sentence": True}, {"finite_verb": False}

    def validate(self) -> None:
        """Read the list.

        Raises:
            RequestError: it cannot be read, or has an unknown section.
        """
        _forms(self.path)

    def describe(self) -> str:
        """Its name and options.

        >>> FiniteVerb(ambiguous=True).describe()
        'a finite verb (participles count)'
        """
        return (
            "a finite verb"
            + (" (participles count)" if self.ambiguous else "")
            + (f" of {self.path}" * bool(self.path))
        )

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts whose clauses have a finite verb.

        Args:
            vocabulary: the tokens.
            limit: not needed: there are five states.

        Returns:
            An automaton, trimmed unless the vocabulary has no finite verb at all.
        """
        ids = vocabulary.ids
        classes = np.where(vocabulary.is_word, OTHER, MARK)
        forms = _token_classes(self.path, self.ambiguous)
        for token in forms.keys() & ids.keys():
            classes[ids[token]] = forms[token]
        return Automaton.of(classes, TABLE, ACCEPT)

    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """Whether the verbs are there.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            One part.
        """
        forms, state = _token_classes(self.path, self.ambiguous), START
        for token in map(int, ids):
            state = TABLE[state][forms.get(vocabulary[token], OTHER if vocabulary.is_word[token] else MARK)]
        return {"finite verb": ACCEPT[state]}


@cache
def _token_classes(path: str, ambiguous: bool) -> dict[str, int]:
    """The class of each listed word, in small letters and with a capital; finite forms win."""
    forms = _forms(path)
    classes = dict.fromkeys(forms["imperative"], IMPERATIVE) | dict.fromkeys(forms["subjects"], SUBJECT)
    for word in forms["ambiguous"]:
        unmarked = EITHER if classes.get(word) == IMPERATIVE else AMBIGUOUS
        classes[word] = FINITE if ambiguous else unmarked
    classes |= dict.fromkeys(forms["finite"], FINITE)
    classes |= {",": COMMA, "and": JOINER, "but": JOINER}
    by_spelling: dict[str, int] = {}
    for word, place in classes.items():
        by_spelling |= dict.fromkeys((word, word.capitalize()), place)
    return by_spelling


@cache
def _forms(path: str) -> dict[str, tuple[str, ...]]:
    """The words of each section of a list."""
    file = Path(path) if path else OWN_LIST
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise RequestError(f"cannot read the verb forms {str(file)!r}") from None
    sections: dict[str, list[str]] = {section: [] for section in SECTIONS}
    words = sections["finite"]
    for line in lines:
        if line.startswith("["):
            if line.strip("[] ") not in sections:
                raise RequestError(f"unknown section {line} in {str(file)!r}; known are: {', '.join(SECTIONS)}")
            words = sections[line.strip("[] ")]
        elif not line.startswith("#"):
            words.extend(line.split())
    return {section: tuple(dict.fromkeys(listed)) for section, listed in sections.items()}
