"""Edits of a text: which they are, and how the rest keeps its own characters."""
