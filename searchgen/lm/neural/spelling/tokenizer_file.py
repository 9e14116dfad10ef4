"""The tokenizer of a model's folder: what it makes of texts, and which pieces it has."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchgen.errors import ModelFileError
from searchgen.lm.bpe import byte_signs
from searchgen.lm.neural.config_file import read_json

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

__all__ = ["TokenizerFile", "first_id", "read_tokenizer"]

#: What special tokens are for.
ROLES = ("bos_token", "eos_token", "unk_token", "cls_token", "sep_token", "mask_token")


@dataclass(frozen=True, eq=False)
class TokenizerFile:
    """A tokenizer as it was read.

    Attributes:
        encode: a batch of printed texts to their pieces; of a text that it leaves signs of out, or fails on, there are none.
        offsets: likewise, to where each piece stands, first and last sign; None where the tokenizer does not tell.
        special: special pieces by what they are for, as far as it has them.
        unknown: pieces that stand for what it does not know.
        vocabulary: all pieces as its file has them, with their ids; None where it does not tell.
    """

    encode: Callable[[list[str]], list[list[int]]]
    offsets: Callable[[list[str]], list[list[tuple[int, int]]]] | None
    special: Mapping[str, int]
    unknown: frozenset[int]
    vocabulary: Callable[[], Mapping[str, int]] | None


def read_tokenizer(folder: Path) -> TokenizerFile:
    """Read the tokenizer of a folder.

    Raises:
        ModelFileError: it has none, or it is damaged.
    """
    path = folder / "tokenizer.json"
    return _fast(folder, path) if path.is_file() else _converted(folder)


def first_id(value: Any) -> int | None:
    """Return a token's id, the first where a configuration lists several, None where there is none."""
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    return None if value is None else int(value)


def _fast(folder: Path, path: Path) -> TokenizerFile:
    from tokenizers import Tokenizer

    try:
        made = Tokenizer.from_file(str(path))
        made.no_padding()
        made.no_truncation()
        unknown = _unknown(made, path)
    except BaseException as error:
        if not _is_of_library(error):
            raise
        raise ModelFileError(f"{path} is damaged: {_line(error)}; fetch the model again") from None
    names = _names(folder)
    special = {role: number for role, name in names.items() if (number := made.token_to_id(name)) is not None}
    pieces = _Pieces(made, _Signs(made) if _leaves_out(made) else None)
    return TokenizerFile(pieces.encode, pieces.offsets, special, _with(unknown, special), made.get_vocab)


def _names(folder: Path) -> dict[str, str]:
    """Return the special pieces that the files beside the tokenizer name, by what they are for."""
    names = {}
    for path in (folder / "tokenizer_config.json", folder / "special_tokens_map.json"):
        for role, value in read_json(path).items():
            if role not in ROLES or not value:
                continue
            name = value.get("content") if isinstance(value, dict) else value
            if not isinstance(name, str) or any("\ud800" <= letter <= "\udfff" for letter in name):
                raise ModelFileError(f"{path}: {role} is no piece of text; fetch the model again")
            names[role] = name
    return names


def _unknown(made: "Tokenizer", path: Path) -> int | None:
    """Return the piece that the tokenizer itself writes for what it does not know, None: there is none."""
    name = getattr(made.model, "unk_token", None)
    if name is not None:
        return made.token_to_id(name)
    if type(made.model).__name__ != "Unigram":
        return None
    number = json.loads(path.read_text(encoding="utf-8"))["model"].get("unk_id")
    return None if number is None else int(number)


def _leaves_out(made: "Tokenizer") -> bool:
    """Return whether a tokenizer leaves out signs that it has no piece for, without a word: byte pairs without all bytes do."""
    model: Any = made.model
    if type(model).__name__ != "BPE" or model.unk_token is not None:
        return False
    parts: tuple[Any, ...] = (made.pre_tokenizer, made.normalizer)
    by_bytes = any(part is not None and b'"ByteLevel"' in part.__getstate__() for part in parts)
    if not (by_bytes or model.byte_fallback):
        return True
    bytes_of = byte_signs() if by_bytes else [f"<0x{byte:02X}>" for byte in range(256)]
    return any(made.token_to_id(sign) is None for sign in bytes_of)


class _Pieces:
    """Texts by the tokenizers library; of one that cannot be spelled there are no pieces, which stand on the whole of it."""

    def __init__(self, made: "Tokenizer", signs: "_Signs | None") -> None:
        self._made, self._signs = made, signs

    def encode(self, texts: list[str]) -> list[list[int]]:
        return [[] if encoding is None else encoding.ids for encoding in self._encoded(texts)]

    def offsets(self, texts: list[str]) -> list[list[tuple[int, int]]]:
        encodings = zip(texts, self._encoded(texts), strict=True)
        return [[(0, len(text))] if encoding is None else encoding.offsets for text, encoding in encodings]

    def _encoded(self, texts: list[str]) -> "list[Encoding | None]":
        try:
            encodings = self._made.encode_batch(texts, add_special_tokens=False)
        except BaseException as error:
            if not _is_of_library(error):
                raise
            return [self._encoded([text])[0] for text in texts] if len(texts) > 1 else [None] * len(texts)
        return [
            encoding if encoding.ids and (self._signs is None or self._signs.are_in(text)) else None
            for text, encoding in zip(texts, encodings, strict=True)
        ]


class _Signs:
    """The signs that byte pairs begin with, where some may be missing."""

    def __init__(self, made: "Tokenizer") -> None:
        model: Any = made.model
        self._made, self._pieces, self._whole = made, made.get_vocab(), bool(model.ignore_merges)
        self._inside, self._last = model.continuing_subword_prefix or "", model.end_of_word_suffix or ""

    def are_in(self, text: str) -> bool:
        """Return whether the vocabulary has all signs of a text, as they stand once it is normalised and cut into words."""
        normalizer: Any = self._made.normalizer
        cutter: Any = self._made.pre_tokenizer
        text = text if normalizer is None else normalizer.normalize_str(text)
        words = [text] if cutter is None else [word for word, _ in cutter.pre_tokenize_str(text)]
        return all((self._whole and word in self._pieces) or self._has(word) for word in words)

    def _has(self, word: str) -> bool:
        last = len(word) - 1
        return all(
            (self._inside if at else "") + sign + (self._last if at == last else "") in self._pieces
            for at, sign in enumerate(word)
        )


def _converted(folder: Path) -> TokenizerFile:
    """Read the vocabulary files of older folders by the transformers library, whose import takes seconds."""
    from transformers import AutoTokenizer

    try:
        made = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        names = {role: value for role in ROLES if isinstance(value := getattr(made, role, None), str)}
        special = {role: first_id(made.convert_tokens_to_ids(name)) for role, name in names.items()}
    except BaseException as error:
        if not _is_of_library(error):
            raise
        raise ModelFileError(
            f"{folder} has no tokenizer that can be read ({_line(error)}); save the model with tokenizer.json"
        ) from None

    def encode(texts: list[str]) -> list[list[int]]:
        try:
            return list(made(texts, add_special_tokens=False)["input_ids"]) if texts else []
        except BaseException as error:
            if not _is_of_library(error):
                raise
            return [encode([text])[0] for text in texts] if len(texts) > 1 else [[]]

    known = {role: number for role, number in special.items() if number is not None}
    return TokenizerFile(encode, None, known, _with(None, known), None)


def _with(unknown: int | None, special: Mapping[str, int]) -> frozenset[int]:
    """Return the unknown pieces: the tokenizer's, and the one that the files beside it name."""
    return frozenset(piece for piece in (unknown, special.get("unk_token")) if piece is not None)


def _is_of_library(error: BaseException) -> bool:
    """Return whether a library failed: it raises Exception itself, and where it panics what is none. Signals raise other things."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
