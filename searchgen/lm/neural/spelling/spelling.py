"""Printed texts as a transformer's pieces: begin, prompt, text, end.

    pieces(text) = [begin] + tokenise(prompt) + tokenise(text) + end

Prompt and text are tokenised apart, so that the law of texts given a prompt is one law, and its beginning is the same for all texts.

Some tokenizers cannot spell every text: they write an unknown piece, leave signs out, or fail. Such a text has no pieces of its own, and
its density is zero. In place of the piece that is missing stands `UNSPELLED`, whose probability is zero after anything.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from searchgen.errors import RequestError
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.spelling.tokenizer_file import first_id, read_tokenizer

__all__ = ["MOST_PIECES", "UNSPELLED", "Spelling"]

#: What stands in a row of pieces for one that the tokenizer or the network does not have.
UNSPELLED = -1

#: More pieces than any network has.
MOST_PIECES = 1 << 62

#: The letters of scripts written without spaces begin here (CJK radicals).
FIRST_UNSPACED = "⺀"


@dataclass(frozen=True, eq=False)
class Spelling:
    """How a model spells texts.

    Attributes:
        encode: a batch of printed texts to their pieces; of one that cannot be spelled there may be none.
        offsets: a batch of printed texts to where each piece stands, first and last sign; None where the tokenizer does not tell.
        before: begin and prompt; scored by nobody.
        end: what ends every text.
        refused: pieces that no text may hold: unknown ones, begin and end.
        glue: what stands before a text: a space if it follows a prompt, else nothing.
        vocabulary: the tokenizer's pieces, as its file has them, with their ids; None where it does not tell.
        size: number of pieces that the network has; a tokenizer may have more.
    """

    encode: Callable[[list[str]], list[list[int]]]
    offsets: Callable[[list[str]], list[list[tuple[int, int]]]] | None
    before: tuple[int, ...]
    end: tuple[int, ...]
    refused: frozenset[int]
    glue: str
    vocabulary: Callable[[], Mapping[str, int]] | None = None
    size: int = MOST_PIECES

    def spell(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the pieces of texts with `before` and `end`; what cannot be spelled is `UNSPELLED`."""
        return [[*self.before, *self._spelled(pieces), *self.end] for pieces in self.encode(self._glued(texts))]

    def spell_begun(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the pieces of prefixes of texts, with `before` and no end."""
        return [row[: len(row) - len(self.end)] for row in self.spell(texts)]

    def _spelled(self, pieces: list[int]) -> list[int]:
        """Return the pieces of a text; in place of those that no text may hold stands `UNSPELLED`, and of no pieces one of it."""
        if pieces and self.refused.isdisjoint(pieces) and max(pieces) < self.size:
            return pieces
        return [UNSPELLED if piece in self.refused or piece >= self.size else piece for piece in pieces] or [UNSPELLED]

    def places(self, texts: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        """Return where the pieces of each text begin and end, counted in signs that are no spaces.

        Raises:
            RequestError: the tokenizer does not tell.
        """
        if self.offsets is None:
            raise RequestError(
                "a mixture needs the places of pieces, which only a fast tokenizer gives (tokenizer.json); save the model with one"
            )
        glued = self._glued(texts)
        places = []
        for text, spans in zip(glued, self.offsets(glued), strict=True):
            signs = [0, *accumulate(not sign.isspace() for sign in text)]
            places.append(([signs[a] for a, _ in spans], [signs[b] for _, b in spans]))
        return places

    def refusing(self, pieces: Iterable[int]) -> "Spelling":
        """Return the same spelling, which refuses more pieces."""
        return replace(self, refused=self.refused | frozenset(pieces))

    def _glued(self, texts: Sequence[str]) -> list[str]:
        return [text if _is_unspaced(text[:1]) else self.glue + text for text in texts]

    @staticmethod
    def of(folder: Path, config: Mapping[str, Any], settings: NeuralSettings, size: int) -> "Spelling":
        """Read the tokenizer of a model's folder.

        Args:
            folder: of the model.
            config: its config.json.
            settings: how texts are scored.
            size: number of pieces that the network has.

        Raises:
            ModelFileError: it has none, or it is damaged.
            RequestError: it has no token that the settings need.
        """
        tokenizer = read_tokenizer(folder)
        begin = tokenizer.special.get("bos_token", first_id(config.get("bos_token_id")))
        end = tokenizer.special.get("eos_token", first_id(config.get("eos_token_id")))
        spelling = Spelling.around(
            str(folder), tokenizer.encode, tokenizer.offsets, (begin, end), settings, tokenizer.vocabulary
        )
        if not tokenizer.unknown.isdisjoint(spelling.end) and settings.end == "newline":
            raise RequestError(f"{folder}: the tokenizer cannot spell a line end; give another --end")
        return replace(spelling, refused=spelling.refused | tokenizer.unknown).within(str(folder), size)

    def within(self, name: str, size: int) -> "Spelling":
        """Return the spelling under a network of so many pieces.

        Args:
            name: of the model, for messages.
            size: number of pieces.

        Raises:
            RequestError: prompt or end have pieces that it does not have.
        """
        odd = [piece for piece in (*self.before, *self.end) if not 0 <= piece < size]
        if odd:
            raise RequestError(
                f"{name}: begin, prompt or end of a text is piece {odd[0]}, and the network has {size:,}; give another --prompt or --end"
            )
        return replace(self, size=size)

    @staticmethod
    def around(
        name: str,
        encode: Callable[[list[str]], list[list[int]]],
        offsets: Callable[[list[str]], list[list[tuple[int, int]]]] | None,
        special: tuple[int | None, int | None],
        settings: NeuralSettings,
        vocabulary: Callable[[], Mapping[str, int]] | None = None,
    ) -> "Spelling":
        """Return the spelling by an encoder.

        Args:
            name: of the model, for messages.
            encode: a batch of printed texts to their pieces.
            offsets: likewise, to where each piece stands.
            special: the pieces that begin and end a text, as far as there are such.
            settings: how texts are scored.
            vocabulary: the pieces, if they can be told.

        Raises:
            RequestError: a piece that the settings need is missing.
        """
        begin, end = special
        begin = end if begin is None else begin
        prompt = settings.prompt
        before = [] if begin is None else [begin]
        if prompt:
            before += _spelled_once(name, encode, "--prompt", prompt)
        if not before:
            raise RequestError(f"{name}: the model has no token to begin a text with; give --prompt")
        if settings.end == "eos" and end is None:
            raise RequestError(f"{name}: the model has no end token; give --end newline or --end none")
        last = [end] if settings.end == "eos" and end is not None else []
        if settings.end == "newline":
            last = _spelled_once(name, encode, "--end newline:", "\n")
        refused = frozenset(piece for piece in (begin, end) if piece is not None)
        glue = " " if prompt and not prompt[-1].isspace() and not _is_unspaced(prompt[-1]) else ""
        return Spelling(encode, offsets, tuple(before), tuple(last), refused, glue, vocabulary)


def _spelled_once(name: str, encode: Callable[[list[str]], list[list[int]]], flag: str, text: str) -> list[int]:
    """Return the pieces of what a flag asks for.

    Raises:
        RequestError: there are none.
    """
    pieces = encode([text])[0]
    if not pieces:
        raise RequestError(f"{name}: the tokenizer cannot spell {flag} {text!r}; give another one")
    return pieces


def _is_unspaced(sign: str) -> bool:
    return sign >= FIRST_UNSPACED
