"""Whether a word stands by itself within a token."""

__all__ = ["bordered"]


def bordered(word: str, token: str, borders: str = "") -> bool:
    r"""Return whether a word stands between non-letters, or between `borders`, somewhere in a token given with newlines around it.

    Example:
        >>> bordered("dog", "\ndog's\n"), bordered("dog", "\ndogma\n")
        (True, False)
    """

    def is_border(beside: str, edge: str) -> bool:
        return beside in borders if borders else not (beside.isalpha() or (edge.isdigit() and beside.isalnum()))

    place = token.find(word)
    while place >= 0:
        if is_border(token[place - 1], word[0]) and is_border(token[place + len(word)], word[-1]):
            return True
        place = token.find(word, place + 1)
    return False
