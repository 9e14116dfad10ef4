"""Texts in which every required word is a whole word come before texts that hide one in others, as 道路 in 我不知道路, ball in dog-ball.

Chinese has no spaces, and its tokens are characters: an automaton over them cannot tell 道路 from 知道 + 路. A required word is whole
if no border of the text's most probable division lies inside it, no other required word takes its characters, and no hyphen joins it to
a neighbour. Where words have spaces between them, only the hyphen counts. This ranks texts only; it changes no density.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from searchgen.constraints import Keywords
from searchgen.constraints.base import Phrase, folded
from searchgen.target import Target, occurrences
from searchgen.text.lexicon.segmentation import Segmentation

__all__ = ["hidden_counts", "hidden_words", "whole_words_first"]

#: Joins the words to its left and right.
HYPHEN = "-"


def whole_words_first(
    texts: Sequence[tuple[int, ...]], target: Target, segmentation: Segmentation | None
) -> npt.NDArray[np.int64]:
    """Return the order (n,) in which texts that hide the fewest required words come first; ties keep their order.

    Args:
        texts: as ids of the target.
        target: has the required words.
        segmentation: of its language; None: its words have spaces between them.
    """
    return np.argsort(hidden_counts(texts, target, segmentation), kind="stable")


def hidden_counts(
    texts: Sequence[tuple[int, ...]], target: Target, segmentation: Segmentation | None
) -> npt.NDArray[np.int64]:
    """Return how many required words each text hides, (n,); arguments as for `whole_words_first`."""
    if target.form.name == "raw":  # where a hyphen stands alone
        return np.zeros(len(texts), np.int64)
    vocabulary = target.vocabulary
    required = [item for part in target.constraints if isinstance(part, Keywords) for item in part.items]
    items = [[folded(phrase, vocabulary) for phrase in item] for item in required]
    folded_texts = [folded(vocabulary.decode(text), vocabulary) for text in texts]
    return np.array([hidden_words(text, items, segmentation) for text in folded_texts], np.int64)


def hidden_words(tokens: Phrase, items: Sequence[Sequence[Phrase]], segmentation: Segmentation | None) -> int:
    """Return how many required words are nowhere whole in a text.

    Args:
        tokens: of the text, folded.
        items: for each required word the phrases that stand for it, folded.
        segmentation: of the language; None: its words have spaces between them.

    Example:
        >>> of = Segmentation({"不": -4.0, "知道": -5.0, "道路": -9.0, "路": -7.0, "道": -8.0, "知": -9.0, "飞机": -7.0, "机场": -7.0})
        >>> road, plane, airport = tuple("道路"), tuple("飞机"), tuple("机场")
        >>> hidden_words(tuple("不知道路"), [[road]], of), hidden_words(road, [[road]], of)
        (1, 0)
        >>> hidden_words(tuple("飞机场"), [[plane], [airport]], of)
        1
        >>> hidden_words(("a", "dog", "-", "ball", "park"), [[("ball",)], [("park",)]], None)
        1
    """
    phrases_of_all = [phrase for phrases in items for phrase in phrases]
    borders = segmentation.borders(tokens, phrases_of_all) if segmentation else frozenset()
    # A place beside a hyphen is no border of a word.
    joined = {at for at in range(1, len(tokens)) if HYPHEN in tokens[at - 1 : at + 1]}
    taken: set[int] = set()
    hidden = 0
    for phrases in items:
        spans = (range(at, at + len(phrase)) for phrase in phrases for at in occurrences(phrase, tokens))
        free = (span for span in spans if not joined & {span.start, span.stop})
        whole = (span for span in free if not borders & set(span[1:]) and not taken & set(span))
        span = next(whole, None)
        if span is None:
            hidden += 1
        else:
            taken.update(span if segmentation else ())
    return hidden
