"""Printed texts as a transformer's pieces: begin, prompt, text, end.

    pieces(text) = [begin] + tokenise(prompt) + tokenise(text) + end

Prompt and text are tokenised apart, so that the law of texts given a prompt is one law, and its beginning is the same for all texts.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.neural.settings import NeuralSettings

__all__ = ["Spelling", "first_id", "read_json", "read_tokenizer"]

#: What special tokens are for.
ROLES = ("bos_token", "eos_token", "unk_token", "cls_token", "sep_token", "mask_token")

#: The letters of scripts written without spaces begin here (CJK radicals).
FIRST_UNSPACED = "⺀"


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file, empty if there is no file.

    Raises:
        ModelFileError: it is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{path} cannot be read: {error}; fetch the model again") from None
    if not isinstance(content, dict):
        raise ModelFileError(f"{path} holds no JSON object; fetch the model again")
    return content


@dataclass(frozen=True, eq=False)
class Spelling:
    """How a model spells texts.

    Attributes:
        encode: a batch of printed texts to their pieces.
        offsets: a batch of printed texts to where each piece stands, first and last sign; None where the tokenizer does not tell.
        before: begin and prompt; scored by nobody.
        end: what ends every text.
        refused: pieces that no text may hold: unknown ones, begin and end.
        glue: what stands before a text: a space if it follows a prompt, else nothing.
        vocabulary: the tokenizer's pieces, as its file has them, with their ids; None where it does not tell.
    """

    encode: Callable[[list[str]], list[list[int]]]
    offsets: Callable[[list[str]], list[list[tuple[int, int]]]] | None
    before: tuple[int, ...]
    end: tuple[int, ...]
    refused: frozenset[int]
    glue: str
    vocabulary: Callable[[], Mapping[str, int]] | None = None

    def spell(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the pieces of texts with `before` and `end`.

        Raises:
            RequestError: the model cannot spell a text; the message names it.
        """
        try:
            rows = self.encode(self._glued(texts))
        except Exception as error:  # the tokenizers library raises Exception itself
            raise RequestError(f"the model's tokenizer failed on {_shown(texts)}: {error}") from None
        for text, pieces in zip(texts, rows, strict=True):
            if not pieces or not self.refused.isdisjoint(pieces):
                raise RequestError(
                    f"the model's tokenizer cannot spell {_shown([text])}; choose another model or words"
                )
        return [[*self.before, *pieces, *self.end] for pieces in rows]

    def spell_begun(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the pieces of prefixes of texts, with `before` and no end.

        Raises:
            RequestError: as for `spell`.
        """
        return [row[: len(row) - len(self.end)] for row in self.spell(texts)]

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

    def _glued(self, texts: Sequence[str]) -> list[str]:
        return [text if _is_unspaced(text[:1]) else self.glue + text for text in texts]

    @staticmethod
    def of(folder: Path, config: dict[str, Any], settings: NeuralSettings) -> "Spelling":
        """Read the tokenizer of a model's folder.

        Raises:
            ModelFileError: it has none, or it is damaged.
            RequestError: it has no token that the settings need.
        """
        encode, offsets, find, special, vocabulary = read_tokenizer(folder)
        begin = special.get("bos_token", config.get("bos_token_id"))
        end = special.get("eos_token", config.get("eos_token_id"))
        begin, end = (first_id(find(token) if isinstance(token, str) else token) for token in (begin, end))
        unknown = first_id(find(special["unk_token"])) if "unk_token" in special else None
        return Spelling.around(str(folder), encode, offsets, (begin, end, unknown), settings, vocabulary)

    @staticmethod
    def around(
        name: str,
        encode: Callable[[list[str]], list[list[int]]],
        offsets: Callable[[list[str]], list[list[tuple[int, int]]]] | None,
        special: tuple[int | None, int | None, int | None],
        settings: NeuralSettings,
        vocabulary: Callable[[], Mapping[str, int]] | None = None,
    ) -> "Spelling":
        """Return the spelling by an encoder.

        Args:
            name: of the model, for messages.
            encode: a batch of printed texts to their pieces.
            offsets: likewise, to where each piece stands.
            special: the pieces that begin and end a text, and the unknown one, as far as there are such.
            settings: how texts are scored.
            vocabulary: the pieces, if they can be told.

        Raises:
            RequestError: a piece that the settings need is missing.
        """
        begin, end, unknown = special
        begin = end if begin is None else begin
        prompt = settings.prompt
        before = [] if begin is None else [begin]
        if prompt:
            before += encode([prompt])[0]
        if not before:
            raise RequestError(f"{name}: the model has no token to begin a text with; give --prompt")
        if settings.end == "eos" and end is None:
            raise RequestError(f"{name}: the model has no end token; give --end newline or --end none")
        last = [end] if settings.end == "eos" and end is not None else []
        if settings.end == "newline":
            last = encode(["\n"])[0]
        refused = frozenset(piece for piece in (begin, end, unknown) if piece is not None)
        glue = " " if prompt and not prompt[-1].isspace() and not _is_unspaced(prompt[-1]) else ""
        return Spelling(encode, offsets, tuple(before), tuple(last), refused, glue, vocabulary)


def read_tokenizer(folder: Path) -> tuple[Any, Any, Callable[[str], Any], dict[str, str], Any]:
    """Return what encodes a batch, their places (or None), what finds a token's id, special tokens by their role, and all (or None)."""
    written = read_json(folder / "tokenizer_config.json") | read_json(folder / "special_tokens_map.json")
    special = {
        role: value["content"] if isinstance(value, dict) else value
        for role, value in written.items()
        if role in ROLES and value
    }
    if (folder / "tokenizer.json").is_file():
        from tokenizers import Tokenizer

        try:
            fast = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:
            raise ModelFileError(f"{folder / 'tokenizer.json'} is damaged: {error}; fetch the model again") from None
        fast.no_padding()
        fast.no_truncation()
        return (
            lambda texts: [encoding.ids for encoding in fast.encode_batch(texts, add_special_tokens=False)],
            lambda texts: [encoding.offsets for encoding in fast.encode_batch(texts, add_special_tokens=False)],
            fast.token_to_id,
            special,
            fast.get_vocab,
        )
    # Older folders have vocabulary files that the transformers library converts; its import takes seconds.
    from transformers import AutoTokenizer

    try:
        slow = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:
        raise ModelFileError(f"{folder} has no tokenizer that can be read: {str(error).splitlines()[0]}") from None
    special = {role: value for role in ROLES if (value := getattr(slow, role, None))}
    return (
        lambda texts: list(slow(texts, add_special_tokens=False)["input_ids"]),
        None,
        slow.convert_tokens_to_ids,
        special,
        None,
    )


def first_id(value: Any) -> int | None:
    """Return a token's id, the first where a configuration lists several, None where there is none."""
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    return None if value is None else int(value)


def _is_unspaced(sign: str) -> bool:
    return sign >= FIRST_UNSPACED


def _shown(texts: Sequence[str]) -> str:
    text = texts[0] if texts else ""
    return repr(text if len(text) <= 60 else text[:57] + "...")
