"""Functions of the text whose violations are counted: what a search charges for texts that break a hard one.

Each violation costs `EACH` nats. So a text that breaks a condition a little may be a parent of edits, and candidates that break it less are
scored first. What is printed satisfies the hard form.

A ladder from soft to hard is the alternative, a step at one half smoothed with a Gaussian of width s:

    log chi_s(x) = log Phi((1/2 - violations(x)) / s)

Its width begins at the median of the violations first seen, and falls geometrically from pass to pass. `benchmarks/soft_forms.py` compares
both: the ladder answers as many requests, after more texts.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from searchgen.black_box_terms import BlackBoxTerm
from searchgen.target import Target

__all__ = [
    "EACH",
    "NARROWEST",
    "Softening",
    "Step",
    "even_charge",
    "log_normal_cdf",
    "smoothed_step",
    "without_counted",
]

#: Nats for each violation of a hard term.
EACH = 8.0

#: The last width: one violation then costs 15 nats.
NARROWEST = 0.1

#: Below it log Phi is computed by a series.
TAIL = -30.0

Text = tuple[int, ...]

#: Violations of a hard term, and a width, to natural-log units.
Step = Callable[[int, float], float]


def even_charge(violations: int, width: float) -> float:
    """Return what violations cost if each costs the same, natural log.

    Example:
        >>> [even_charge(violations, 0.5) for violations in (0, 1, 2)]
        [-0.0, -8.0, -16.0]
    """
    del width
    return -EACH * violations


def smoothed_step(violations: int, width: float) -> float:
    """Return log Phi((1/2 - violations) / width), natural log.

    Example:
        >>> [round(smoothed_step(violations, 0.5), 2) for violations in (0, 1, 2)]
        [-0.17, -1.84, -6.61]
    """
    return log_normal_cdf((0.5 - violations) / width)


def log_normal_cdf(x: float) -> float:
    """Return natural log Phi(x), of the standard normal distribution, for any x.

    Below `TAIL` Phi is too small for a float; there the first terms of its asymptotic series stand, of a relative error below 1e-8.

    Source:
        Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), 26.2.12.

    Example:
        >>> [round(log_normal_cdf(x), 6) for x in (9.0, 0.0, -1.0, -29.999, -30.001, -1000.0)]
        [-0.0, -0.693147, -1.841022, -454.291211, -454.351278, -500007.826695]
    """
    if x > TAIL:
        return (
            math.log(0.5 * math.erfc(-x / math.sqrt(2.0)))
            if x < 0.0
            else math.log1p(-0.5 * math.erfc(x / math.sqrt(2.0)))
        )
    series = 1.0 - 1.0 / x**2 + 3.0 / x**4 - 15.0 / x**6
    return -0.5 * x * x - math.log(-x) - 0.5 * math.log(2.0 * math.pi) + math.log(series)


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
        step: violations of one hard term and the width to natural-log units.
        share: of the way from the first width to the last that is behind.
        scale: first width of each hard term.
    """

    target: Target
    hard: tuple[BlackBoxTerm, ...]
    soft: tuple[BlackBoxTerm, ...]
    step: Step = even_charge
    share: float = 0.0
    scale: tuple[float, ...] = ()
    _counts: dict[Text, tuple[int, ...]] = field(default_factory=dict)

    @staticmethod
    def of(target: Target, step: Step = even_charge) -> "Softening":
        """Return the terms of a target whose violations are counted."""
        counted = [term for term in target.opaque if term.violations is not None]
        hard, soft = (tuple(term for term in counted if term.hard is kind) for kind in (True, False))
        return Softening(target, hard, soft, step)

    def __bool__(self) -> bool:
        """Whether there are such terms."""
        return bool(self.hard or self.soft)

    @property
    def most(self) -> float:
        """What all terms add at most to the log-density of a text: those that forbid add nothing to any."""
        return math.inf if any(term.weight > 0.0 for term in self.soft) else 0.0

    def violations(self, text: Text) -> tuple[int, ...]:
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

    def _counted(self, term: BlackBoxTerm, texts: Sequence[Text]) -> Sequence[int]:
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
        """Return what all terms add to the log-density of a text, hard ones as soft as they are now."""
        if not self:
            return 0.0
        counts = self.violations(text)[: len(self.hard)]
        widths = self.scale or (1.0,) * len(self.hard)
        hard = (
            self.step(count, scale * (NARROWEST / scale) ** self.share)
            for count, scale in zip(counts, widths, strict=True)
        )
        return sum(hard) + self.weight(text)

    def sharpen(self, share: float, texts: Sequence[Text]) -> None:
        """Make the hard terms harder.

        Args:
            share: of the way that is behind, 0 to 1.
            texts: that were scored; of the first of them come the first widths.
        """
        self.share = share
        if not self.scale and texts:
            counts = np.array([self.violations(text)[: len(self.hard)] for text in texts], np.float64)
            self.scale = tuple(
                max(1.0, float(np.median(column[column > 0]))) if column.any() else 1.0 for column in counts.T
            )
