"""Exact look-ahead for n-gram models under automata: how much probability lies ahead of every prefix."""

from searchgen.guide.guide import Guide

__all__ = ["Guide"]
