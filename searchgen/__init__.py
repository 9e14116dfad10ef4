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
    "At": "searchgen.constraints.printed.positions",
    "Characters": "searchgen.constraints.printed.sizes",
    "Closeness": "searchgen.constraints.words.nearness",
    "Constraint": "searchgen.constraints",
    "Draws": "searchgen.samplers.method",
    "Edits": "searchgen.constraints.words.edits",
    "EndsWith": "searchgen.constraints",
    "Finding": "searchgen.samplers.proofs.exactness",
    "FiniteVerb": "searchgen.constraints",
    "Forbid": "searchgen.constraints",
    "Impossible": "searchgen.errors",
    "Job": "searchgen.samplers.method",
    "Keywords": "searchgen.constraints",
    "LastLetters": "searchgen.constraints.printed.initials",
    "Length": "searchgen.constraints",
    "Lines": "searchgen.constraints.lines.lines",
    "Method": "searchgen.samplers.method",
    "NGram": "searchgen.lm.ngram.model",
    "NeuralSettings": "searchgen.lm.neural.settings",
    "NoRepeats": "searchgen.constraints.words.no_repeats",
    "NothingFound": "searchgen.errors",
    "OnlyLetters": "searchgen.constraints.printed.letters",
    "OnlyWords": "searchgen.constraints.words.only_words",
    "Outage": "searchgen.errors",
    "Overlap": "searchgen.constraints.words.similarity",
    "OverlapWeight": "searchgen.constraints.words.nearness",
    "Plain": "searchgen.constraints",
    "Predicate": "searchgen.constraints",
    "Prefer": "searchgen.constraints.algebra.prefer",
    "PrintedWords": "searchgen.constraints.printed.sizes",
    "Regex": "searchgen.constraints.printed.regex",
    "Request": "searchgen.request.request",
    "RequestError": "searchgen.errors",
    "SearchgenError": "searchgen.errors",
    "Sentence": "searchgen.constraints",
    "Sentences": "searchgen.constraints.printed.sentences",
    "Similarity": "searchgen.constraints.words.similarity",
    "SimilarityWeight": "searchgen.constraints.words.nearness",
    "StartsWith": "searchgen.constraints",
    "Target": "searchgen.target",
    "Template": "searchgen.constraints.printed.template",
    "Terms": "searchgen.request.request",
    "Transitions": "searchgen.constraints",
    "Univocalic": "searchgen.constraints.printed.letters",
    "Where": "searchgen.constraints.algebra.where",
    "Within": "searchgen.constraints.printed.within",
    "WithoutLetters": "searchgen.constraints.printed.letters",
    "WordLength": "searchgen.constraints.printed.sizes",
    "World": "searchgen.samplers.proofs.exactness",
    "acrostic": "searchgen.constraints.algebra.expression",
    "acrostic_words": "searchgen.constraints.algebra.expression",
    "adjacent": "searchgen.constraints.algebra.expression",
    "alliteration": "searchgen.constraints.algebra.expression",
    "arrays": "searchgen.samplers.diagnostics.report",
    "at": "searchgen.constraints.algebra.expression",
    "atleast": "searchgen.constraints.algebra.expression",
    "atmost": "searchgen.constraints.algebra.expression",
    "before": "searchgen.constraints.algebra.expression",
    "characters": "searchgen.constraints.algebra.expression",
    "compare": "searchgen.api",
    "constrain": "searchgen.api",
    "draw": "searchgen.api",
    "ends_with": "searchgen.constraints.algebra.expression",
    "exactly": "searchgen.constraints.algebra.expression",
    "holds": "searchgen.constraints.algebra.expression",
    "last_letters": "searchgen.constraints.algebra.expression",
    "lines": "searchgen.constraints.algebra.expression",
    "load": "searchgen.api",
    "only_letters": "searchgen.constraints.algebra.expression",
    "opaque": "searchgen.black_box_terms",
    "regex": "searchgen.constraints.algebra.expression",
    "sample": "searchgen.api",
    "sentences": "searchgen.constraints.algebra.expression",
    "starts_with": "searchgen.constraints.algebra.expression",
    "template": "searchgen.constraints.algebra.expression",
    "univocalic": "searchgen.constraints.algebra.expression",
    "within": "searchgen.constraints.algebra.expression",
    "without_letters": "searchgen.constraints.algebra.expression",
    "word_length": "searchgen.constraints.algebra.expression",
    "words": "searchgen.constraints.algebra.expression",
}

__all__ = sorted(["__version__", *PUBLIC])


def __getattr__(name: str) -> "Any":
    if name in PUBLIC:
        return getattr(import_module(PUBLIC[name]), name)
    raise AttributeError(f"module 'searchgen' has no attribute {name!r}")
