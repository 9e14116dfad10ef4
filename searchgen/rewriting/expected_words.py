"""The words that a model of printed texts expects at each place of a text."""

from collections.abc import Sequence

from searchgen.lm.boundaries import token_ends
from searchgen.lm.protocol import expecting
from searchgen.sources.piece_words import NO_TOKEN
from searchgen.sources.source import Source

__all__ = ["expected_words"]


def expected_words(source: Source, tokens: Sequence[str], text: str) -> list[list[str]]:
    """Return the tokens that the model expects in the place of each token, and of the end, as far as it notes them (`note_expected`).

    Args:
        source: the model.
        tokens: of the text.
        text: as its form prints it.

    Returns:
        One list a place, the most probable first; empty ones where the model cannot tell.
    """
    model, words = expecting(source.text_model), source.piece_words
    if model is None or words is None:
        return [[] for _ in range(len(tokens) + 1)]
    (expected,) = model.expected([text])
    piece_at = {int(start): number for number, start in enumerate(expected.starts)}
    places = [piece_at.get(int(begin), -1) for begin in token_ends(tokens, text)[0]] + [len(expected.starts)]
    vocabulary, result = source.lexicon.vocabulary, []
    for at, place in enumerate(places):
        # No piece begins where another goes on over the token before; texts of some models have no end.
        pieces = expected.scored.piece[max(place, 0) : place + 1].ravel()
        ids = (words.later if at else words.first)(pieces)
        result.append([vocabulary[one] for one in ids.tolist() if one != NO_TOKEN])
    return result
