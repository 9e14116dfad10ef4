"""Searches for the best texts of a target: what `constrain` does."""
