"""Printed texts behind a context as a transformer's pieces, text and line end tokenised with it in one piece.

    tokenise(context + text + line end) = before + pieces(text)

`before` is the part of the context's pieces that no text changes, so the pieces that follow it differ from text to text, and their
probabilities sum to at most 1. A text that changes even those pieces cannot be spelled.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile

from searchgen.errors import RequestError
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.spelling.spelling import Spelling

__all__ = ["JointSpelling"]

#: Texts that might change how a context ends: letters, marks, quotation marks, digits, other scripts.
TRIALS = ("The dog", "a", "“No", '"No', "’s", "(1", "3", "学校", "“我", "é", "...", "#", "-")


@dataclass(frozen=True, eq=False)
class JointSpelling(Spelling):
    """How a model spells lines behind a context.

    Attributes:
        context: what stands before every text, up to the last line end but one; it is tokenised once.
        tail: its last line; it is tokenised again with each text.
        first: how many of the tail's pieces belong to what stands before.
    """

    tail: str = ""
    first: int = 0

    def spell(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the pieces of texts with `before` and the line end; what cannot be spelled is `UNSPELLED`."""
        return [[*self.before, *pieces] for pieces in self._own(texts, "\n")]

    def spell_begun(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the pieces of prefixes of texts, with `before` and no end."""
        return [[*self.before, *pieces] for pieces in self._own(texts, "")]

    def places(self, texts: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        """Return where the pieces of each text begin and end, in characters that are no spaces; the line end is no part of it."""
        assert self.offsets is not None
        whole = [self.tail + text + "\n" for text in texts]
        found = []
        for text, spans in zip(texts, self.offsets(whole), strict=True):
            marks = [0, *accumulate(int(not letter.isspace()) for letter in text)]

            def place(at: int, marks: list[int] = marks) -> int:
                return marks[min(max(at - len(self.tail), 0), len(marks) - 1)]

            end = len(self.tail) + len(text)
            # A text that cannot be spelled is one piece, as in `_own`.
            own = spans[self.first :] or [(len(self.tail), end)]
            inside = [(a, b) for a, b in own if a < end]
            found.append(([place(a) for a, _ in inside], [place(b) for _, b in inside]))
        return found

    def _own(self, texts: Sequence[str], end: str) -> list[list[int]]:
        """Return the pieces of texts alone; `UNSPELLED` stands for what the tokenizer or the network does not have."""
        for text in texts:
            if "\n" in text:  # its beginning would be a whole text, and masses sum to more than 1
                raise RequestError(f"{text[:60]!r} has several lines; a line end ends a text: give one line")
        rows = self.encode([self.tail + text + end for text in texts])
        common = list(self.before[len(self.before) - self.first :]) if self.first else []
        return [self._spelled(row[self.first :] if row[: self.first] == common else []) for row in rows]

    @staticmethod
    def behind(
        name: str,
        encode: Callable[[list[str]], list[list[int]]],
        offsets: Callable[[list[str]], list[list[tuple[int, int]]]] | None,
        begin: int | None,
        start: int | None,
        refused: frozenset[int],
        settings: NeuralSettings,
        vocabulary: Callable[[], Mapping[str, int]] | None = None,
    ) -> "JointSpelling":
        """Return the spelling by an encoder.

        Args:
            name: of the model, for messages.
            encode: a batch of printed texts to their pieces.
            offsets: likewise, to where each piece stands.
            begin: the piece that stands before everything, if there is such.
            start: a piece to begin with where nothing else stands before a text.
            refused: pieces that no text may hold.
            settings: the context: example lines, or a prompt.
            vocabulary: the pieces, if they can be told.

        Raises:
            RequestError: there is nothing that a text could follow.
        """
        context = settings.examples_text or settings.prompt
        if context and not context.endswith("\n"):
            context += "\n"
        (whole,) = encode([context]) if context else [[]]
        if context and not whole:
            what = "the example lines" if settings.examples_text else "--prompt"
            raise RequestError(f"{name}: the tokenizer cannot spell {what}; give others, or --examples none")
        lines = context.splitlines(keepends=True)
        head, tail = "".join(lines[:-1]), "".join(lines[-1:])
        if encode([head])[0] + encode([tail])[0] != whole:  # then all of it is tokenised with each text
            head, tail = "", context
        (pieces,) = encode([tail]) if tail else [[]]
        trials = encode([tail + text + "\n" for text in TRIALS])
        first = min(
            sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(pieces, row, strict=False))) for row in trials
        )
        ahead = [begin] if begin is not None else []
        before = [*ahead, *(encode([head])[0] if head else []), *pieces[:first]]
        if not before:
            if start is None:
                raise RequestError(f"{name}: the model has no piece to begin a text with; give --prompt")
            before = [start]
        return JointSpelling(encode, offsets, tuple(before), (), refused, "", vocabulary, tail=tail, first=first)
