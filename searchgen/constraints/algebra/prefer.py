"""Conditions that a text had better keep: each violation costs so many nats, and nothing is forbidden.

    log density(x) = log density without preferences(x) - sum over preferences of weight * violations(condition, x)

Violations are whole numbers (`Constraint.violations`): words or characters that are missing or too many, occurrences of what is forbidden.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from searchgen.automata import Ids
from searchgen.constraints.algebra.where import Where
from searchgen.constraints.base import Constraint, Phrase, Setting
from searchgen.constraints.flags import TEXTS, Flag
from searchgen.constraints.soft import Soft
from searchgen.errors import RequestError
from searchgen.vocabulary import Vocabulary

__all__ = ["MOST_WEIGHT", "Prefer"]

#: Nats beyond which a preference is a demand: e ** 100 texts weigh as much as one.
MOST_WEIGHT = 100.0

WRITTEN = re.compile(r"\s*([^:：]*?)\s*[:：](.*)", re.DOTALL)


@dataclass(frozen=True)
class Prefer(Soft):
    """A condition of which each violation costs so many nats; it forbids nothing.

    Attributes:
        weight: nats for each violation.
        condition: what had better hold.
    """

    name: ClassVar[str] = "prefer"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag(
            "prefer",
            TEXTS,
            "A condition with the nats that each violation costs, such as 2: not holds(very).",
            "WEIGHT:CONDITION",
            (),
            (),
        ),
    )
    weight: float
    condition: Where

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return one constraint for each preference."""
        made = []
        for source in demands["prefer"]:
            weight, condition = _weighted(source)
            try:
                made.append(cls(weight, Where.meant(condition, demands, setting)))
            except RequestError as error:
                raise type(error)(str(error).replace("--where", "--prefer", 1)) from None
        return made

    @classmethod
    def check(cls, demands: Mapping[str, Any]) -> None:
        """Refuse weights that are none.

        Raises:
            RequestError: it names the preference.
        """
        for source in demands["prefer"]:
            _weighted(source)

    @classmethod
    def wording(cls, demands: Mapping[str, Any]) -> str:
        """Return the words of the conditions, without the names of constraints."""
        return Where.wording({"where": tuple(_weighted(source)[1] for source in demands["prefer"] or ())})

    def describe(self) -> str:
        """Weight and condition."""
        return f"prefer {self.weight:g}: {self.condition.text}"

    def measure(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How often the condition is violated; arguments as those of `Soft.measure`."""
        return self.condition.violations(ids, vocabulary)

    def measure_of(self, texts: Sequence[Ids], vocabulary: Vocabulary) -> Sequence[int]:
        """The same of many texts; arguments as those of `Soft.measure_of`."""
        return self.condition.violations_of(texts, vocabulary)

    def phrases(self) -> Sequence[Phrase]:
        """Those of the condition."""
        return self.condition.phrases()

    def demanded(self) -> tuple[str, ...]:
        """The tokens of the condition: a text may hold them."""
        return self.condition.demanded()

    def exactly(self, vocabulary: Vocabulary) -> Iterator[str]:
        """Those of the condition."""
        return self.condition.exactly(vocabulary)


def _weighted(source: str) -> tuple[float, str]:
    """Return weight and condition of a preference.

    Example:
        >>> _weighted("1.5: words(6..8)")
        (1.5, 'words(6..8)')
    """
    match = WRITTEN.fullmatch(source)
    try:
        weight = float(match[1]) if match else math.nan
    except ValueError:
        weight = math.nan
    if match is None or math.isnan(weight):
        raise RequestError(f"--prefer {source[:60]!r}: write WEIGHT: CONDITION, such as 2: not holds(very)")
    if not 0.0 < weight <= MOST_WEIGHT:
        raise RequestError(
            f"--prefer {source[:60]!r}: the weight is in nats, above 0 and at most {MOST_WEIGHT:g}; what must hold is for --where"
        )
    return weight, match[2].strip()
