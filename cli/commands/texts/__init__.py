"""Commands that change given texts."""
