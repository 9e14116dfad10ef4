"""What every hard constraint offers; each is a small frozen dataclass in a file of its own."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

from searchgen.automata import ENTRY_LIMIT, Automaton, Ids
from searchgen.constraints.flags import Flag
from searchgen.text import TextForm
from searchgen.vocabulary import Vocabulary

if TYPE_CHECKING:
    from searchgen.constraints.lines.shape import Shape

__all__ = ["Constraint", "Counted", "Phrase", "Setting", "find", "folded", "spell", "word_count"]

Phrase = tuple[str, ...]  # the tokens of a word or of several in a row


@dataclass
class Setting:
    """Where demands become constraints.

    Attributes:
        form: of the texts.
        vocabulary: of the model.
        made: the constraints that the demands before have become.
        notes: one line each, for the user.
    """

    form: TextForm
    vocabulary: Vocabulary
    made: list["Constraint"] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Constraint(ABC):
    """A condition on a text's tokens. Its automaton accepts exactly the texts of which every part holds.

    Attributes:
        name: the one name for flag, spec, Python and output.
        flags: its flags; every command, spec, job and the Python interface take them.
        repeated: whether most requests have the very same constraint, so that its automaton is worth keeping.
        begins: whether a text begins with its phrases.
        black_box: whether its automaton is too large for a model's vocabulary: texts are then judged one by one.
    """

    name: ClassVar[str]
    flags: ClassVar[tuple[Flag, ...]] = ()
    repeated: ClassVar[bool] = False
    begins: ClassVar[bool] = False
    black_box: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.validate()

    @classmethod
    def of(cls, value: Any, form: TextForm) -> Self:
        """Return the constraint that the value of its flag asks for.

        Args:
            value: of the flag's type.
            form: of the texts.

        Raises:
            RequestError: the value says nothing or contradicts itself.
        """
        del form
        return cls(value)  # type: ignore[call-arg]

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence["Constraint"]:
        """Return the constraints that demands ask for: by default one, unless the flag's value demands nothing.

        Args:
            demands: a value for every flag of every constraint.
            setting: text form and vocabulary, and what was made before.

        Raises:
            RequestError: the demands contradict themselves.
        """
        (flag,) = cls.flags
        return () if demands[flag.key] == flag.free else (cls.of(demands[flag.key], setting.form),)

    @classmethod
    def check(cls, demands: Mapping[str, Any]) -> None:
        """Refuse values that are wrong whatever the model is; by default none.

        Raises:
            RequestError: it names flag and value.
        """
        del demands

    @classmethod
    def wording(cls, demands: Mapping[str, Any]) -> str:
        """Return the words that the demands spell out; the language of all of them decides the default model."""
        return " ".join(demands[flag.key] or "" for flag in cls.flags if flag.type is str)

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield each part of the demands with its name, the values that demand it alone, and those that demand all but it.

        By default the value of each flag is one part, and a text or a number is in its name.
        """
        for flag in cls.flags:
            value = demands[flag.key]
            if value != flag.free:
                name = flag.name if isinstance(value, bool | tuple) else f"{flag.name} {value}"
                yield name, {flag.key: value}, {flag.key: flag.free}

    def validate(self) -> None:  # noqa: B027 - most have nothing to refuse
        """Refuse nonsense; by default nothing is.

        Raises:
            RequestError: the constraint says nothing or contradicts itself.
        """

    @abstractmethod
    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts that satisfy the constraint.

        Args:
            vocabulary: the tokens; it must know every word of `demanded`.
            limit: the most entries (states x classes) of a table.

        Returns:
            A trimmed automaton over the vocabulary.

        Raises:
            RequestError: the automaton would pass the limit.
        """

    @abstractmethod
    def describe(self) -> str:
        """The constraint in a few words, the same for equal constraints."""

    @property
    def lines(self) -> "Shape | None":
        """The lines that its texts have; None: it asks for none."""
        return None

    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """Whether each part of the constraint holds, by the name it has in the output; by default it is one part.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            Part names in request order; all True iff the text is accepted.
        """
        return {self.describe(): _compiled(self, vocabulary).accepts(ids)}

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How far a text is from satisfying the constraint; what a soft form charges for.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            0 iff the text is accepted.
        """
        return sum(not holds for holds in self.parts(ids, vocabulary).values())

    def violations_of(self, texts: Sequence[Ids], vocabulary: Vocabulary) -> list[int]:
        """The violations of many texts, for constraints that count those of many at less cost than one by one.

        Args:
            texts: any number.
            vocabulary: their tokens.

        Returns:
            What `violations` returns for each.
        """
        return [self.violations(ids, vocabulary) for ids in texts]

    def phrases(self) -> Sequence[Phrase]:
        """The words and phrases that the constraint names, those that must not occur too: their words with signs stay whole."""
        return ()

    def demanded(self) -> tuple[str, ...]:
        """Tokens a text may need because of the constraint; unknown ones must enter the vocabulary."""
        return ()

    def places(self, ids: Ids, vocabulary: Vocabulary) -> Sequence[tuple[str, int, int]]:
        """Where a text holds what the constraint demands, for `spans`; by default nowhere.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            For each place the name of the part, as `parts` has it, its first token, and the token after its last.
        """
        del ids, vocabulary
        return ()

    def exactly(self, vocabulary: Vocabulary) -> Iterator[str]:
        """Demanded words that keep their case because the vocabulary would print them in another."""
        del vocabulary
        return iter(())

    def least_words(self, form: TextForm) -> int:
        """By how many words it widens the usual window of lengths."""
        del form
        return 0

    def word_range(self, form: TextForm) -> tuple[int, int | None] | None:
        """The fewest and the most words of its texts, which take the place of the usual window; None: it does not tell."""
        del form
        return None

    def hyphens(self) -> int:
        """The most hyphens that its texts may need because of it; a text may have three more."""
        return 0

    def written(self, demands: Mapping[str, Any]) -> dict[str, str]:
        """Return the name in the output of each part that spells out words of the user."""
        del demands
        return {}


class Counted(Constraint):
    """A constraint of one part that counts its violations in the text itself, without its automaton."""

    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """Whether nothing violates it, by its description; arguments as those of `Constraint.parts`."""
        return {self.describe(): self.violations(ids, vocabulary) == 0}

    @abstractmethod
    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How far a text is from satisfying the constraint; arguments as those of `Constraint.violations`."""


@lru_cache(maxsize=32)
def _compiled(constraint: Constraint, vocabulary: Vocabulary) -> Automaton:
    return constraint.automaton(vocabulary)


def folded(tokens: Sequence[str], vocabulary: Vocabulary) -> Phrase:
    """Tokens with case ignored.

    Args:
        tokens: token strings.
        vocabulary: gives the text form.

    Returns:
        The folded tokens.
    """
    return tuple(map(vocabulary.form.fold, tokens))


def find(phrases: Sequence[Phrase], text: Sequence[str], start: int = 0) -> int:
    """The earliest end of any of the phrases.

    Args:
        phrases: folded phrases.
        text: folded tokens.
        start: where a phrase may begin at the earliest.

    Returns:
        The place after the phrase that ends first; -1 when none occurs.

    >>> find([("a", "b"), ("c",)], ["c", "a", "b"], 1)
    3
    """
    for end in range(start + 1, len(text) + 1):
        for phrase in phrases:
            if end - len(phrase) >= start and tuple(text[end - len(phrase) : end]) == phrase:
                return end
    return -1


def spell(phrase: Phrase) -> str:
    """A phrase as people write it in a list: Chinese characters without spaces.

    Args:
        phrase: tokens.

    Returns:
        One string.

    >>> spell(("hot", "dog")), spell(("天", "气"))
    ('hot dog', '天气')
    """
    wide = all(len(token) == 1 and token > "\u2e7f" for token in phrase)
    return ("" if wide else " ").join(phrase)


def word_count(tokens: Sequence[str], form: TextForm) -> int:
    """The number of words of some tokens as people count them: hyphens join words.

    Args:
        tokens: of a phrase or of a text.
        form: of the texts.

    >>> from searchgen.text import text_form
    >>> word_count(("a", "well", "-", "known", "dog"), text_form("en"))
    3
    """
    words = sum(map(form.is_word, tokens))
    return max(0, words - list(tokens).count("-")) if form.name == "en" else words
