"""Where Chinese words begin and end: the most probable division of a text into words that each have one probability.

The words and their probabilities are learnt from plain text, without any list of words (`benchmarks/chinese_words.py`). Any character is
a piece, too. 我不知道路 divides into 我 / 不 / 知道 / 路, so 道路 is not a word there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from searchgen.errors import ModelFileError

__all__ = ["UNKNOWN", "Segmentation", "chinese_words"]

#: Natural log p of a token that is no piece.
UNKNOWN = -20.0

CHINESE = Path(__file__).parent / "zh-words.npz"


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Words with natural log p.

    Attributes:
        log_p: by word; single characters are pieces of any division.
        sources: the names of the texts that they were learnt from.
        harmless: pairs of a word and one that crosses its border in these texts, which are divided in favour of the first.

    Example:
        >>> of = Segmentation({"不": -4.0, "知道": -5.0, "不知道": -6.0, "道路": -9.0, "路": -7.0, "道": -8.0, "知": -9.0})
        >>> sorted(of.borders("不知道路"))
        [0, 3, 4]
    """

    log_p: Mapping[str, float]
    sources: tuple[str, ...] = ()
    harmless: frozenset[tuple[str, str]] = frozenset()

    @cached_property
    def longest(self) -> int:
        """The length of the longest word."""
        return max(map(len, self.log_p), default=1)

    @cached_property
    def least(self) -> float:
        """Natural log p of the rarest word."""
        return min(self.log_p.values(), default=UNKNOWN)

    @cached_property
    def listed(self) -> str:
        """The words of two characters and more, each between newlines: what begins, ends or holds a string is found by one search."""
        return "\n".join(["", *(word for word in self.log_p if len(word) > 1), ""])

    def borders(self, tokens: Sequence[str], words: Sequence[Sequence[str]] = ()) -> frozenset[int]:
        """Return the places before, between and after tokens at which words of the most probable division begin or end.

        Args:
            tokens: of the text.
            words: that count as words, too, as rare as the rarest if they are not known.
        """
        _, size_of = self._division(tokens, {"".join(word): self.least for word in words})
        borders, place = {0}, len(tokens)
        while place:
            borders.add(place)
            place -= size_of[place]
        return frozenset(borders)

    def log_p_of(self, tokens: Sequence[str]) -> float:
        """Return natural log p of the most probable division.

        Example:
            >>> Segmentation({"不": -4.0, "知道": -5.0, "知": -9.0, "道": -8.0}).log_p_of("不知道")
            -9.0
        """
        return self._division(tokens, {})[0]

    def _division(self, tokens: Sequence[str], more: Mapping[str, float]) -> tuple[float, list[int]]:
        """Natural log p of the most probable division, and the size of its last word if the text ended at each place."""
        longest = max(self.longest, *map(len, more), 1)
        best, size_of = [0.0], [0]
        for end, token in enumerate(tokens, 1):
            score, size = best[-1] + self.log_p.get(token, more.get(token, UNKNOWN)), 1
            for longer in range(2, min(longest, end) + 1):
                word = "".join(tokens[end - longer : end])
                log_p = self.log_p.get(word)
                if log_p is None:
                    log_p = more.get(word)
                if log_p is not None and best[end - longer] + log_p >= score:
                    score, size = best[end - longer] + log_p, longer
            best.append(score)
            size_of.append(size)
        return best[-1], size_of

    @staticmethod
    def open(path: Path) -> "Segmentation":
        """Read what `save` wrote.

        Raises:
            ModelFileError: the file is damaged.
        """
        try:
            with path.open("rb") as file, np.load(file) as written:
                words, sources, pairs = (str(written[name]).split("\n") for name in ("words", "sources", "harmless"))
                log_p = written["log_p"].astype(float).tolist()
                harmless = frozenset((word, rival) for word, rival in (pair.split(" ") for pair in pairs if pair))
                return Segmentation(dict(zip(words, log_p, strict=True)), tuple(sources), harmless)
        except Exception as error:  # NumPy and zipfile raise whatever damage leads them to
            raise ModelFileError(f"{path}: the file is damaged ({error}); install searchgen again") from None

    def save(self, path: Path) -> None:
        """Write the words, compressed, in NumPy's format; probabilities keep three digits."""
        words = sorted(self.log_p)
        np.savez_compressed(
            path,
            words=np.array("\n".join(words)),
            log_p=np.array([self.log_p[word] for word in words], np.float16),
            sources=np.array("\n".join(self.sources)),
            harmless=np.array("\n".join(f"{word} {rival}" for word, rival in sorted(self.harmless))),
        )


@cache
def chinese_words() -> Segmentation:
    """Return the Chinese words that come with searchgen.

    Raises:
        ModelFileError: their file is damaged.
    """
    return Segmentation.open(CHINESE)
