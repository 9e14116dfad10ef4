"""Every registered sampler, enumerated on every world: stationary or properly weighted, to rounding."""

import pytest

from searchgen.samplers.registry import BUILT_IN, method
from searchgen.samplers.worlds import WORLDS

PROVEN = [name for name in BUILT_IN if method(name).kind != "search"]


@pytest.mark.parametrize("beta", [1.0, 0.7, 2.0])
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", PROVEN)
def test_sampler_is_exact(name: str, world: str, beta: float) -> None:
    """What `searchgen selftest --sampler NAME` prints."""
    proof = method(name).proof
    assert proof is not None
    findings = proof(WORLDS[world](beta))
    assert findings
    assert [f"{f.what}: {f.error}" for f in findings if not f.holds] == []
