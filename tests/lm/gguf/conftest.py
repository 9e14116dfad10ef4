"""Conversions of tests are kept nowhere here, either."""

from tests.lm.conversion.conftest import kept

__all__ = ["kept"]
