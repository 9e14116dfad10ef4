"""The laws of the house as assertions, for constraints, models and samplers of your own.

Each assertion raises an AssertionError that names the law, the text and both values. They need no test framework.

    assert_constraint        an automaton accepts what a plain predicate accepts, and all that a constraint says of a text agrees
    assert_automaton         the same of a bare automaton
    assert_text_model        scores do not depend on the batch, prefixes factorise, every capability keeps its promises
    assert_leaves_invariant  an enumerated kernel leaves the target invariant, or every finding of a sampler's proof holds

`TextModel` is the protocol of a model that scores printed texts; `WORLDS` are the small worlds that kernels are enumerated on.
"""

from searchgen.lm.protocol import TextModel
from searchgen.samplers.proofs.toy_worlds import WORLDS
from searchgen.testing.constraints import assert_automaton, assert_constraint
from searchgen.testing.invariance import assert_leaves_invariant
from searchgen.testing.text_models import assert_text_model

__all__ = [
    "WORLDS",
    "TextModel",
    "assert_automaton",
    "assert_constraint",
    "assert_leaves_invariant",
    "assert_text_model",
]
