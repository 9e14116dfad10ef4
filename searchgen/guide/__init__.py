"""Exact look-ahead: which texts can still be completed, how probable that is, and exact draws of them."""

from searchgen.guide.contexts import Budget
from searchgen.guide.guide import Guide

__all__ = ["Budget", "Guide"]
