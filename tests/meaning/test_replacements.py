"""Words of like company as proposals: the exact factor leaves a toy target invariant, and without it the target moves."""

from benchmarks.replacements import imbalance


def test_the_factor_is_exact() -> None:
    assert imbalance(True) < 1e-12
    assert imbalance(True, kappa=9.0) < 1e-12


def test_control_without_the_factor() -> None:
    assert imbalance(False) > 1e-5
