"""Hard constraints, one file each. To add one: write its file and add a line to `REGISTERED`."""

from collections.abc import Iterator
from importlib import import_module

from searchgen.constraints.base import Constraint, Phrase
from searchgen.constraints.edges import EndsWith, StartsWith
from searchgen.constraints.finite_verbs import FiniteVerb
from searchgen.constraints.forbid import Forbid
from searchgen.constraints.keywords import Keywords
from searchgen.constraints.length import Length
from searchgen.constraints.plain import Plain
from searchgen.constraints.predicate import Predicate
from searchgen.constraints.sentence import Sentence
from searchgen.constraints.together.joint import joint, refuse_forbidden_keywords, window, with_demanded
from searchgen.constraints.together.transitions import Transitions
from searchgen.text.items.lists import parse_items

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
    "refuse_forbidden_keywords",
    "window",
    "with_demanded",
]

#: One line a constraint, its file here and its class, in the order in which results name them.
REGISTERED = (
    "keywords:Keywords",
    "forbid:Forbid",
    "edges:StartsWith",
    "edges:EndsWith",
    "sentence:Sentence",
    "printed.sentences:Sentences",
    "finite_verbs:FiniteVerb",
    "plain:Plain",
    "words.only_words:OnlyWords",
    "words.affixes:Affixes",
    "words.no_repeats:NoRepeats",
    "words.edits:Edits",
    "words.similarity:Similarity",
    "words.similarity:Overlap",
    "words.nearness:SimilarityWeight",
    "words.nearness:OverlapWeight",
    "words.nearness:Closeness",
    "printed.sizes:Characters",
    "printed.sizes:WordLength",
    "printed.positions:At",
    "algebra.where:Where",
    "algebra.prefer:Prefer",
    "printed.template:Template",
    "printed.regex:Regex",
    "printed.letters:WithoutLetters",
    "printed.letters:OnlyLetters",
    "printed.letters:Univocalic",
    "printed.initials:AcrosticWords",
    "printed.initials:LastLetters",
    "printed.initials:Alliteration",
    "lines.lines:Lines",
    "length:Length",
)


def _registered() -> Iterator[type[Constraint]]:
    for line in REGISTERED:
        file, _, name = line.partition(":")
        yield getattr(import_module(f"{__name__}.{file}"), name)


#: Every constraint by its one name.
CONSTRAINTS: dict[str, type[Constraint]] = {constraint.name: constraint for constraint in _registered()}
