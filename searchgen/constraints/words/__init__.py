"""Constraints on words: their forms, lists of them, their parts, repeats; and where a text holds them."""
