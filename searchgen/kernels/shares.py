"""What a token adds to the count of a text's words; `word_count` reads the sums. Without compiled code, so that all may import it."""

__all__ = ["JOIN", "WORD"]

#: A word adds one. A hyphen takes one word off, because it joins two, and adds 256 to count hyphens by.
WORD, JOIN = 1, 256 - 1
