"""Searches for the best texts of a target, for `constrain`."""
