"""N-gram models: counting, estimating, files, and compiled queries."""
