"""What measures the likeness of two texts: the vectors of a language, or those of a model of the user's own, behind one protocol."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from searchgen.meaning.overlap import overlap
from searchgen.meaning.pooling import cosine
from searchgen.meaning.vectors import LANGUAGES, vectors_of
from searchgen.text import TextForm

__all__ = ["SentenceVectors", "cosine_of", "overlap_of", "pinned", "sentence_vectors"]


class SentenceVectors(Protocol):
    """Makes vectors of texts."""

    @property
    def language(self) -> str:
        """The language of the texts, or the folder of the model."""
        ...

    @property
    def hash(self) -> str:
        """Of all that the vectors depend on, in hexadecimal digits."""
        ...

    def knows(self, text: str) -> bool:
        """Whether a text can be compared."""
        ...

    def sentences(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the vectors of n texts, (n, D), each of length 1; zeros for a text that cannot be compared."""
        ...


def sentence_vectors(language: str, model: str = "") -> SentenceVectors:
    """Return what makes the vectors of texts.

    Args:
        language: of the texts, as their form is named.
        model: folder of a sentence-embedding model, with `#` and the hash that its files must have, if any; "": vectors of the language.

    Raises:
        RequestError: the language has no vectors, or the folder no such model.
    """
    if not model:
        return vectors_of(language)
    from searchgen.meaning.encoder import encoder

    return encoder(model)


def pinned(model: str) -> str:
    """Return the folder of a model with the hash of its files; raises as `sentence_vectors`."""
    from searchgen.meaning.encoder import encoder, parted

    return f"{parted(model)[0]}#{encoder(model).hash[:16]}"


def cosine_of(text: str, other: str, language: str, model: str = "") -> float | None:
    """Return the similarity of two texts, -1 to 1; None: there are no vectors.

    Example:
        >>> cosine_of("A dog.", "a dog", "en"), cosine_of("a", "b", "raw")
        (1.0, None)
    """
    if not model and language not in LANGUAGES:
        return None
    first, second = sentence_vectors(language, model).sentences([text, other])
    return round(float(cosine(first, second)), 6)


def overlap_of(text: str, other: str, form: TextForm) -> float:
    """Return the overlap of two texts: in words, in Chinese in characters; case is ignored.

    Example:
        >>> from searchgen.text import text_form
        >>> overlap_of("The dog saw the cat.", "The cat ran!", text_form("en"))
        0.5
    """
    words, others = ([form.fold(token) for token in form.tokenise(one) if form.is_word(token)] for one in (text, other))
    return round(overlap(words, others), 6)
