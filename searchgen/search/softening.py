"""Functions of the text whose violations are counted: what a search charges for texts that break a hard one.

Each violation costs `EACH` nats. So a text that breaks a condition a little may be a parent of edits, and candidates that break it less are
scored first. What is printed satisfies the hard form.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from searchgen.black_box_terms import BlackBoxTerm
from searchgen.target import Target

__all__ = ["EACH", "Softening", "without_counted"]

#: Nats for each violation of a hard term.
EACH = 8.0

Text = tuple[int, ...]


def without_counted(target: Target) -> Target:
    """Return a target without the terms whose violations are counted."""
    return replace(target, opaque=tuple(term for term in target.opaque if term.violations is None))


@dataclass(eq=False)
class Softening:
    """The terms of a target whose violations are counted, softened in a search.

    Attributes:
        target: prints texts.
        hard: those that forbid.
        soft: those that weigh.
    """

    target: Target
    hard: tuple[BlackBoxTerm, ...]
    soft: tuple[BlackBoxTerm, ...]
    _counts: dict[Text, tuple[float, ...]] = field(default_factory=dict)

    @staticmethod
    def of(target: Target) -> "Softening":
        """Return the terms of a target whose violations are counted."""
        counted = [term for term in target.opaque if term.violations is not None]
        hard, soft = (tuple(term for term in counted if term.hard is kind) for kind in (True, False))
        return Softening(target, hard, soft)

    def __bool__(self) -> bool:
        """Whether there are such terms."""
        return bool(self.hard or self.soft)

    @property
    def most(self) -> float:
        """What all terms add at most to the log-density of a text: those that forbid add nothing to any."""
        return math.inf if any(term.weight > 0.0 for term in self.soft) else 0.0

    def violations(self, text: Text) -> tuple[float, ...]:
        """Return the violations of each term, hard ones first."""
        if text not in self._counts:
            self.count([text])
        return self._counts[text]

    def count(self, texts: Sequence[Text]) -> None:
        """Count the violations of texts at once, ahead of questions for them."""
        new = [text for text in dict.fromkeys(texts) if text not in self._counts]
        if new:
            columns = [self._counted(term, new) for term in (*self.hard, *self.soft)]
            self._counts.update((text, tuple(column[place] for column in columns)) for place, text in enumerate(new))

    def _counted(self, term: BlackBoxTerm, texts: Sequence[Text]) -> Sequence[float]:
        if term.violations_of is not None:
            return term.violations_of(texts)
        assert term.violations is not None
        return [term.violations(self.target.printed(text)) for text in texts]

    def holds(self, text: Text) -> bool:
        """Whether no hard term is violated."""
        return not any(self.violations(text)[: len(self.hard)])

    def weight(self, text: Text) -> float:
        """Return what the terms that weigh add to the log-density of a text."""
        counts = self.violations(text)[len(self.hard) :]
        return sum(term.weight * count for term, count in zip(self.soft, counts, strict=True))

    def charge(self, text: Text) -> float:
        """Return what all terms add to the log-density of a text, hard ones as soft as they are here."""
        return -EACH * sum(self.violations(text)[: len(self.hard)]) + self.weight(text) if self else 0.0
