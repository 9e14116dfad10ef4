"""Loaded language models, ready for requests."""
