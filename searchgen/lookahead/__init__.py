"""Exact look-ahead for n-gram models under automata: how much probability lies ahead of every prefix."""

from searchgen.lookahead.guide import QUICK_WORK, Guide

__all__ = ["QUICK_WORK", "Guide"]
