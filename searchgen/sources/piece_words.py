"""Which tokens of an n-gram model the pieces of a transformer's tokenizer are, where a piece is a whole token."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from searchgen.lm.neural.top_pieces import piece_texts
from searchgen.vocabulary import Vocabulary

__all__ = ["NO_TOKEN", "PieceWords"]

#: What stands for a piece that is no token.
NO_TOKEN = -1


class PieceWords:
    """Looks up tokens by pieces. A piece may begin a longer word, too: then a token is looked up that the network may not have meant.

    Example:
        >>> from searchgen.text import text_form
        >>> words = Vocabulary(["Tom", "dog", "s", ","], text_form("en"))
        >>> table = PieceWords(words, {"Tom": 0, "Ġdog": 1, "s": 2, ",": 3, "ĠTom": 4, "Ġ,": 5})
        >>> table.first(np.array([0, 1])).tolist(), table.later(np.array([0, 1, 2, 3, 4, 5, 99])).tolist()
        ([0, -1], [-1, 1, -1, 3, 0, -1, -1])
    """

    def __init__(self, vocabulary: Vocabulary, pieces: Mapping[str, int]) -> None:
        """Make the table.

        Args:
            vocabulary: the n-gram model's.
            pieces: the tokenizer's, as its file has them, with their ids.
        """
        self._vocabulary, self._texts = vocabulary, piece_texts(pieces)
        self._first: dict[int, int] = {}
        # The last entry is that of all pieces beyond: output layers may be larger than their tokenizers.
        self._later = np.full(max(pieces.values(), default=-1) + 2, NO_TOKEN, np.int32)
        ids, is_word, form = vocabulary.ids, vocabulary.is_word, vocabulary.form
        word = vocabulary[int(np.argmax(is_word))]
        apart = " " in form.detokenise([word, word]) and any(" " in text for text in self._texts.values())
        for piece, text in self._texts.items():
            token = text.removeprefix(" ")
            token_id = ids.get(token, NO_TOKEN)
            if token_id == NO_TOKEN:
                continue
            # Where words stand apart, a piece without the space that it should have continues a word.
            spaced = apart and (bool(is_word[token_id]) or " " in form.detokenise([word, token]))
            if (token != text) == spaced:
                self._later[piece] = token_id

    def later(self, pieces: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Return the tokens that pieces inside a text are, of the same shape."""
        return self._later[np.minimum(pieces, len(self._later) - 1)]

    def first(self, pieces: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Return the tokens that pieces at the beginning of a text are, where the first word is printed with a capital, (n,)."""
        return np.array([self._first_token(piece) for piece in pieces.tolist()], np.int32)

    def _first_token(self, piece: int) -> int:
        if piece not in self._first:
            tokens = self._vocabulary.form.tokenise(self._texts.get(piece, ""))
            self._first[piece] = self._vocabulary.ids.get(tokens[0], NO_TOKEN) if len(tokens) == 1 else NO_TOKEN
        return self._first[piece]
