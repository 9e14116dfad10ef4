"""Given texts, changed by a few words."""
