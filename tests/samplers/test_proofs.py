"""Every registered sampler, enumerated on every world: stationary or properly weighted, to rounding."""

from itertools import product

import pytest

from searchgen.samplers.proofs.toy_worlds import WORLDS
from searchgen.samplers.registry import BUILT_IN, method
from searchgen.testing import assert_leaves_invariant
from tests.mutants import mutants, spoilt_text

PROVEN = [name for name in BUILT_IN if method(name).kind != "search"]


#: Its pairs of draws have four million scripts.
LONG = ("sir", "joined", 2.0)


@pytest.mark.parametrize(
    ("name", "world", "beta"),
    [
        pytest.param(*one, marks=[pytest.mark.slow] if one == LONG else [])
        for one in product(PROVEN, WORLDS, [1.0, 0.7, 2.0])
    ],
)
def test_sampler_is_exact(name: str, world: str, beta: float) -> None:
    """What `searchgen selftest --sampler NAME` prints."""
    assert_leaves_invariant(method(name), WORLDS[world](beta))


def test_the_list_of_mutants_is_up_to_date() -> None:
    """Each term that `python -m tests.mutants` spoils stands in its file exactly once, and each sampler has mutants."""
    all_mutants = mutants()
    assert all(spoilt_text(mutant) for mutant in all_mutants)
    assert len({mutant.what for mutant in all_mutants}) == len(all_mutants)
    named = " ".join(mutant.what for mutant in all_mutants)
    assert [name for name in PROVEN if name != "mh" and f"{name}: " not in named] == []
