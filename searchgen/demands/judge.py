"""Which demands a text keeps: any text, whatever words it has, and whether or not some text keeps them all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from searchgen.automata import Ids
from searchgen.black_box_terms import BlackBoxTerm
from searchgen.constraints import Constraint, Forbid, refuse_forbidden_keywords, with_demanded
from searchgen.constraints.soft import Soft
from searchgen.constraints.words.spans import spans_of
from searchgen.demands.to_constraints import constraints_of
from searchgen.record import Span
from searchgen.text import TextForm
from searchgen.text.items.reading import narrow, odd_words
from searchgen.text.items.units import Units
from searchgen.vocabulary import Vocabulary

__all__ = ["Judge", "term_of"]

#: Words of judged texts that are kept, so that each enters the vocabulary once.
MOST_WORDS = 5_000


@dataclass(eq=False)
class Judge:
    """What texts are judged by.

    Attributes:
        vocabulary: a model's tokens and the demanded words that it does not know.
        constraints: every hard constraint, lengths included.
        written: the name each part of a constraint has in the output.
        terms: functions of the printed text; hard ones forbid texts.
        notes: what the user should know, one line each.

    Example:
        >>> from searchgen.demands.demands import Demands
        >>> from searchgen.text import text_form
        >>> words = Vocabulary(["the", "dog", "ran", "."], text_form("en"))
        >>> judge = Judge.of(Demands.nothing(keywords=(("C",),), forbid=("very",), min_words=1, max_words=9), words)
        >>> judge.judged("THE dog ran to C++.")
        {'keyword c': False, 'without very': True, 'words 1 to 9': True}
    """

    vocabulary: Vocabulary
    constraints: tuple[Constraint, ...]
    written: Mapping[str, str]
    terms: tuple[BlackBoxTerm, ...] = ()
    notes: tuple[str, ...] = ()
    _reading: Vocabulary | None = field(default=None, init=False, repr=False)

    @staticmethod
    def of(demands: Mapping[str, Any], vocabulary: Vocabulary) -> "Judge":
        """Return the judge of texts by demands.

        Args:
            demands: a value for every flag of every constraint.
            vocabulary: of a model.

        Raises:
            RequestError: the demands contradict themselves.
        """
        demanded = constraints_of(demands, vocabulary.form, vocabulary)
        extended = with_demanded(vocabulary, demanded.constraints)
        refuse_forbidden_keywords(demanded.constraints, extended)
        return Judge(extended, demanded.constraints, demanded.written, notes=demanded.notes)

    @property
    def form(self) -> TextForm:
        """The text form, which knows the words with signs that are demanded."""
        return self.vocabulary.form

    def satisfied(self, ids: Sequence[int], printed: str) -> dict[str, bool]:
        """Return, for each part of each constraint, whether a text satisfies it.

        Args:
            ids: the text.
            printed: the same, for terms.
        """
        result = _parts(self.constraints, [np.array(ids, np.int32)], self.vocabulary, self.written)
        for term in self.terms:
            if term.hard and term.name not in result:  # a constraint without an automaton of use is a term, too
                result[f"term {term.name}"] = term.log_weight(printed) > -np.inf
        return result

    def spans(self, ids: Sequence[int], printed: str) -> tuple[Span, ...]:
        """Return where a text holds what is demanded.

        Args:
            ids: the text.
            printed: the same.
        """
        return spans_of(self.constraints, np.array(ids, np.int32), printed, self.vocabulary, self.written)

    def spans_in(self, text: str) -> tuple[Span, ...]:
        """Return where any text holds what is demanded, in its first reading (see `judged`)."""
        tokens = self.form.tokenise(text)
        vocabulary = self._holding(tokens)
        ids = np.array([vocabulary.find(token) for token in tokens], np.int32)
        return spans_of(self.constraints, ids, text, vocabulary, self.written)

    def judged(self, text: str, lined: bool = False) -> dict[str, bool]:
        """Return, for each part of each constraint, whether any text satisfies it; `lined`: the lines of the text are those that count.

        Words that the model does not know, or knows in another case, are read as they are written, and words with signs whole, so that
        `C++` does not hold `C`. A last stop ends the sentence even where it belongs to an abbreviation, and letters may be full-width.
        """
        form, units = self.form, self.form.units
        odd = dict.fromkeys(word for word in odd_words(text, form.with_units(Units())) if word not in units)
        if odd:
            form = form.with_units(Units((*units.signs, *odd), units.cased))
        readings = [form.tokenise(text)]
        last = readings[0][-1] if readings[0] else ""
        if len(last) > 1 and last.endswith(".") and last[-2] != "." and "." in form.final_tokens:
            readings.append([*readings[0][:-1], last[:-1], "."])
        if (narrowed := narrow(text)) != text:
            readings.append(form.tokenise(narrowed))
        vocabulary = self._holding([token for tokens in readings for token in tokens])
        ids = [np.array([vocabulary.find(token) for token in tokens], np.int32) for tokens in readings]
        result = _parts(self.constraints, ids, vocabulary, self.written)
        if lined:
            for one in self.constraints:
                if one.lines is not None:
                    name = self.written.get(one.describe(), one.describe())
                    result[name] = one.lines.held_by_lines(text.split("\n"), form.name)
        return result

    def _holding(self, tokens: Sequence[str]) -> Vocabulary:
        """Return a vocabulary that has all of some tokens, one that grows from text to text."""
        reading = self._reading or self.vocabulary
        if len(reading.extra) > MOST_WORDS:
            reading = self.vocabulary
        self._reading = reading.with_tokens(tokens)
        return self._reading


def term_of(constraint: Constraint, vocabulary: Vocabulary) -> BlackBoxTerm:
    """Return the term that forbids the texts that a constraint rejects, for one without an automaton of use, or charges for them.

    Args:
        constraint: its description is the name of its one part; a soft one charges.
        vocabulary: of the texts.
    """

    def ids_of(text: str) -> Ids:
        return vocabulary.encode(vocabulary.form.tokenise(text))

    if isinstance(constraint, Soft):
        soft = constraint

        def measure(text: str) -> float:
            return soft.measure(ids_of(text), vocabulary)

        def measure_of(texts: Sequence[tuple[int, ...]]) -> Sequence[float]:
            return soft.measure_of(texts, vocabulary)

        return BlackBoxTerm(soft.describe(), measure, -soft.weight, False, measure, measure_of)

    def violations(text: str) -> int:
        return constraint.violations(ids_of(text), vocabulary)

    def violations_of(texts: Sequence[tuple[int, ...]]) -> list[int]:
        return constraint.violations_of(texts, vocabulary)

    name = constraint.describe()
    return BlackBoxTerm(name, lambda text: violations(text) == 0, 1.0, True, violations, violations_of)


def _parts(
    constraints: Sequence[Constraint], readings: Sequence[Any], vocabulary: Vocabulary, written: Mapping[str, str]
) -> dict[str, bool]:
    """Return which parts hold, in some reading of a text; what is forbidden is in none."""
    result: dict[str, bool] = {}
    for constraint in constraints:
        kind = all if isinstance(constraint, Forbid) else any
        held_by_reading = [constraint.parts(ids, vocabulary) for ids in readings]
        for part in held_by_reading[0]:
            name = written.get(part, part)
            result[name] = result.get(name, True) and kind(held[part] for held in held_by_reading)
    return result
