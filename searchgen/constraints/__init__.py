"""Hard constraints, one file each. To add one: write its file and add a line to `CONSTRAINTS`."""

from searchgen.constraints.base import Constraint, Phrase
from searchgen.constraints.edges import EndsWith, StartsWith
from searchgen.constraints.finite_verbs import FiniteVerb
from searchgen.constraints.forbid import Forbid
from searchgen.constraints.joint import joint, window, with_demanded
from searchgen.constraints.keywords import Keywords
from searchgen.constraints.length import Length
from searchgen.constraints.plain import Plain
from searchgen.constraints.predicate import Predicate
from searchgen.constraints.sentence import Sentence
from searchgen.constraints.transitions import Transitions
from searchgen.text.lists import parse_items

__all__ = [
    "CONSTRAINTS",
    "Constraint",
    "EndsWith",
    "FiniteVerb",
    "Forbid",
    "Keywords",
    "Length",
    "Phrase",
    "Plain",
    "Predicate",
    "Sentence",
    "StartsWith",
    "Transitions",
    "joint",
    "parse_items",
    "window",
    "with_demanded",
]

#: Every constraint by the one name that serves flag, spec, Python and output.
CONSTRAINTS: dict[str, type[Constraint]] = {
    one.name: one for one in (Keywords, Forbid, StartsWith, EndsWith, Sentence, Plain, Length, FiniteVerb, Predicate)
}
