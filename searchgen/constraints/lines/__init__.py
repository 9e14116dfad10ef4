"""Texts of several lines: poems, and acrostics by line."""
