"""searchgen: texts that satisfy every hard constraint, sampled or searched under a language model.

The names below are imported when they are first used, so that `import searchgen` costs nothing.
"""

from importlib import import_module

from searchgen.version import __version__ as __version__

TYPE_CHECKING = False  # that of `typing` would take a tenth of the time until Ctrl-C is answered
if TYPE_CHECKING:
    from typing import Any

#: The module of each public name.
PUBLIC = {
    "AcrosticWords": "searchgen.constraints.printed.initials",
    "Affix": "searchgen.constraints.words.affixes",
    "Affixes": "searchgen.constraints.words.affixes",
    "Alliteration": "searchgen.constraints.printed.initials",
    "Annealing": "searchgen.request.request",
    "Constraint": "searchgen.constraints",
    "Draws": "searchgen.samplers.method",
    "EndsWith": "searchgen.constraints",
    "Finding": "searchgen.samplers.proofs.exactness",
    "FiniteVerb": "searchgen.constraints",
    "Forbid": "searchgen.constraints",
    "Job": "searchgen.samplers.method",
    "Keywords": "searchgen.constraints",
    "LastLetters": "searchgen.constraints.printed.initials",
    "Length": "searchgen.constraints",
    "Method": "searchgen.samplers.method",
    "NGram": "searchgen.lm.ngram.model",
    "NeuralSettings": "searchgen.lm.neural.settings",
    "NoRepeats": "searchgen.constraints.words.no_repeats",
    "OnlyLetters": "searchgen.constraints.printed.letters",
    "OnlyWords": "searchgen.constraints.words.only_words",
    "Plain": "searchgen.constraints",
    "Predicate": "searchgen.constraints",
    "Request": "searchgen.request.request",
    "Sentence": "searchgen.constraints",
    "StartsWith": "searchgen.constraints",
    "Target": "searchgen.target",
    "Terms": "searchgen.request.request",
    "Transitions": "searchgen.constraints",
    "Univocalic": "searchgen.constraints.printed.letters",
    "WithoutLetters": "searchgen.constraints.printed.letters",
    "World": "searchgen.samplers.proofs.exactness",
    "arrays": "searchgen.samplers.diagnostics.report",
    "compare": "searchgen.api",
    "constrain": "searchgen.api",
    "draw": "searchgen.api",
    "load": "searchgen.api",
    "opaque": "searchgen.black_box_terms",
    "sample": "searchgen.api",
}

__all__ = sorted(["__version__", *PUBLIC])


def __getattr__(name: str) -> "Any":
    if name in PUBLIC:
        return getattr(import_module(PUBLIC[name]), name)
    raise AttributeError(f"module 'searchgen' has no attribute {name!r}")
