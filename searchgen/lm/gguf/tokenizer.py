"""The tokenizer that a GGUF file's tables describe, as the tokenizers library has it.

Kind `gpt2`: byte-level pairs, merged in the order of a list; how texts are cut before that, the file only names (`tokenizer.ggml.pre`).
Kind `llama`: pairs of letters, merged by the score of what they make, and bytes for letters that have no piece (SentencePiece).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.bpe import byte_signs
from searchgen.lm.gguf.file import GgufFile

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["CUTS", "SPACE", "Special", "read_tokenizer", "special_pieces"]

#: What a word is, for byte pairs: GPT-2's pattern, and those of newer models, which take 3 digits, or 1, and line ends together.
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
NEWER = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
THREE, ONE = NEWER.format(digits="{1,3}"), NEWER.format(digits="")


@dataclass(frozen=True)
class Cut:
    """How texts are cut into words.

    Attributes:
        pattern: of a word.
        digits: whether each digit is a word by itself.
        whole: whether a word that is a piece is taken as it is, before any merging.
        composed: whether letters are composed first (NFC).
    """

    pattern: str
    digits: bool = False
    whole: bool = False
    composed: bool = False


#: By the name that a file gives. Another name is refused: a tokenizer that is nearly right gives wrong scores.
CUTS = {
    "gpt-2": Cut(GPT2),
    "smollm": Cut(GPT2, digits=True),
    "starcoder": Cut(GPT2, digits=True),
    "refact": Cut(GPT2, digits=True),
    "command-r": Cut(GPT2, digits=True),
    "llama-bpe": Cut(THREE, whole=True),
    "llama3": Cut(THREE, whole=True),
    "llama-v3": Cut(THREE, whole=True),
    "qwen2": Cut(ONE, composed=True),
}

PRE = "tokenizer.ggml.pre"

#: Types of pieces: unknown, control, defined by the user, and a single byte.
UNKNOWN, CONTROL, USER, BYTE = 2, 3, 4, 6

#: What stands for a space in a piece.
SPACE = "▁"


@dataclass(frozen=True)
class Special:
    """Pieces with a part of their own.

    Attributes:
        begin: what stands before every text; None: nothing does.
        start: a piece to begin with where nothing stands before a text.
        end: what ends a text, if there is such.
        refused: pieces that no text may hold.
    """

    begin: int | None
    start: int | None
    end: int | None
    refused: tuple[int, ...]


def special_pieces(file: GgufFile) -> Special:
    """Return the pieces of a file that have a part of their own.

    Raises:
        ModelFileError: a number is no piece's.
    """
    pieces, types = _pieces(file), _types(file)

    def number(role: str) -> int | None:
        key = f"tokenizer.ggml.{role}_token_id"
        if file.facts.get(key) is None:
            return None
        found = int(file.fact(key))
        if not 0 <= found < len(pieces):
            raise ModelFileError(f"{file.path}: the {role} token is {found}, of {len(pieces):,} pieces; fetch it again")
        return found

    begin, end, unknown = number("bos"), number("eos"), number("unknown")
    if unknown is None and _kind(file) == "llama":
        unknown = 0
    cut = _cut(file)
    # Files of Llama 3 leave it to their readers.
    begins = file.facts.get("tokenizer.ggml.add_bos_token", cut.whole if cut else _kind(file) == "llama")
    # A document of GPT-2's kind follows the end of another one.
    document = pieces.index("<|endoftext|>") if "<|endoftext|>" in pieces else begin
    start = document if document is not None else end
    refused = {i for i, kind in enumerate(types[: len(pieces)]) if kind in (CONTROL, UNKNOWN)}
    refused |= {one for one in (begin, end, unknown) if one is not None}
    return Special(begin if begins else None, start, end, tuple(sorted(refused)))


def read_tokenizer(file: GgufFile) -> "Tokenizer":
    """Return the tokenizer of a file.

    Raises:
        RequestError: its kind, or its way of cutting texts, is not known here.
        ModelFileError: a table is missing or damaged.
    """
    kind = _kind(file)
    if kind not in ("gpt2", "llama"):
        raise RequestError(
            f"{file.path} has a tokenizer of the kind {str(kind)[:20]!r}; those known are gpt2 and llama"
        )
    pieces = _pieces(file)
    try:
        tokenizer = _byte_pairs(file, pieces) if kind == "gpt2" else _scored_pairs(file, pieces)
        types = _types(file)
        from tokenizers import AddedToken

        own = [piece for piece, one in zip(pieces, types, strict=False) if one == USER and piece]
        tokenizer.add_tokens([AddedToken(piece, normalized=False) for piece in own])
    except (RequestError, ModelFileError):
        raise
    except Exception as error:  # the library raises Exception itself
        raise ModelFileError(
            f"{file.path}: its tokenizer is damaged ({' '.join(str(error).split())[:120]}); fetch it again"
        ) from None
    return tokenizer


def _kind(file: GgufFile) -> Any:
    return file.facts.get("tokenizer.ggml.model")


def _cut(file: GgufFile) -> Cut | None:
    name = file.facts.get(PRE)
    return CUTS.get(name) if isinstance(name, str) and _kind(file) == "gpt2" else None


def _pieces(file: GgufFile) -> list[str]:
    pieces = file.facts.get("tokenizer.ggml.tokens")
    if not isinstance(pieces, list) or not pieces or not isinstance(pieces[0], str):
        raise ModelFileError(f"{file.path} lacks the table tokenizer.ggml.tokens; fetch it again")
    return pieces


def _types(file: GgufFile) -> list[int]:
    types = file.facts.get("tokenizer.ggml.token_type", [])
    if not isinstance(types, list):
        raise ModelFileError(f"{file.path}: its tokenizer.ggml.token_type is no table; fetch it again")
    return types


def _byte_pairs(file: GgufFile, pieces: Sequence[str]) -> "Tokenizer":
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    cut = _cut(file)
    if cut is None:
        name = file.facts.get(PRE, "")
        raise RequestError(
            f"{file.path} cuts texts as {str(name)[:30]!r} ({PRE}), which is not known here: {', '.join(CUTS)}"
        )
    merges = [tuple(pair.split(" ", 1)) for pair in file.facts.get("tokenizer.ggml.merges") or []]
    vocabulary, unknown = {piece: i for i, piece in enumerate(pieces)}, None
    if not vocabulary.keys() >= set(byte_signs()):
        # A byte without a piece becomes one that no text may hold; else it would be left out.
        refused = special_pieces(file).refused
        if not refused:
            raise RequestError(f"{file.path}: its tokenizer cannot spell every text; name another file")
        unknown = pieces[refused[0]]
    model = models.BPE(vocabulary, merges, unk_token=unknown, ignore_merges=cut.whole)
    tokenizer = Tokenizer(model)
    if cut.composed:
        tokenizer.normalizer = normalizers.NFC()
    steps: list[Any] = [pre_tokenizers.Digits(individual_digits=True)] if cut.digits else []
    steps.append(pre_tokenizers.Split(Regex(cut.pattern), "isolated"))
    steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    return tokenizer


def _scored_pairs(file: GgufFile, pieces: Sequence[str]) -> "Tokenizer":
    from tokenizers import Tokenizer, models, normalizers

    scores = file.facts.get("tokenizer.ggml.scores")
    if not isinstance(scores, list) or len(scores) != len(pieces):
        raise ModelFileError(f"{file.path} lacks a score for each piece (tokenizer.ggml.scores); fetch it again")
    number = {piece: i for i, piece in enumerate(pieces)}
    pairs = []
    for piece, i in number.items():
        for at in range(1, len(piece)):
            if piece[:at] in number and piece[at:] in number:
                pairs.append((-scores[i], number[piece[:at]], number[piece[at:]]))
    merges = [(pieces[left], pieces[right]) for _, left, right in sorted(pairs)]
    unknown = file.fact("tokenizer.ggml.unknown_token_id", int, 0)
    model = models.BPE(number, merges, unk_token=pieces[int(unknown)], fuse_unk=True, byte_fallback=True)
    tokenizer = Tokenizer(model)
    spaces: list[Any] = [normalizers.Replace(" ", SPACE)]
    if file.facts.get("tokenizer.ggml.add_space_prefix", True):
        spaces.insert(0, normalizers.Prepend(SPACE))
    tokenizer.normalizer = normalizers.Sequence(spaces)
    return tokenizer
