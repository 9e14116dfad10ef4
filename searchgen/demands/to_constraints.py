"""From demands to constraints, one constraint of the registry after another."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from searchgen.constraints import CONSTRAINTS, Constraint, Length
from searchgen.constraints.base import Setting
from searchgen.text import TextForm
from searchgen.vocabulary import Vocabulary

__all__ = ["Demanded", "constraints_of"]


class Demanded(NamedTuple):
    """What is demanded of a text.

    Attributes:
        constraints: every hard constraint, the length among them.
        written: the name in the output of each part that spells out words of the user.
        notes: one line each for the user.
    """

    constraints: tuple[Constraint, ...]
    written: dict[str, str]
    notes: tuple[str, ...]


def constraints_of(demands: Mapping[str, Any], form: TextForm, vocabulary: Vocabulary) -> Demanded:
    """Return the constraints that demands ask for.

    Args:
        demands: a value for every flag of every constraint.
        form: of the texts.
        vocabulary: of the model.

    Raises:
        RequestError: the demands contradict themselves.
    """
    setting = Setting(form, vocabulary)
    # The length comes last: the others widen its window.
    for kind in sorted(CONSTRAINTS.values(), key=lambda kind: kind is Length):
        setting.made += kind.of_demands(demands, setting)
    written = {part: name for constraint in setting.made for part, name in constraint.written(demands).items()}
    return Demanded(tuple(setting.made), written, tuple(setting.notes))
