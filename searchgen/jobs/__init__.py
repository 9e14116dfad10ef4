"""Whole jobs, from a request to its results: draws, comparisons, explanations, rows of a batch."""
