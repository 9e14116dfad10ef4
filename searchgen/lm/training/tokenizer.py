"""The tokenizer: byte-level pieces of English words; of Chinese whole characters, for none reaches across two."""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer
from tokenizers.decoders import ByteLevel as Bytes
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Split
from tokenizers.pre_tokenizers import Sequence as Both
from tokenizers.trainers import BpeTrainer

from searchgen.errors import ModelFileError, RequestError, not_utf8
from searchgen.lm.bpe import BEGIN, END, PATTERN, BytePairs, byte_signs

__all__ = ["CONFIG", "read_tokenizer", "refuse_other_script", "train_tokenizer"]

#: tokenizer_config.json, beside tokenizer.json.
CONFIG = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": BEGIN, "eos_token": END}

#: A text is in another script if so many pieces a byte are needed: then nearly every piece is one byte.
BYTE_BY_BYTE = 0.8

#: Sentences that are looked at for this.
SAMPLE = 500


def train_tokenizer(texts: Sequence[str], vocabulary: int) -> Tokenizer:
    """Return a tokenizer with at most so many pieces, those of a sequence that occurs twice or more.

    Example:
        >>> made = train_tokenizer(["the dog and the cat", "the dog ran"], 300)
        >>> made.encode("the dog ran!").tokens
        ['the', 'Ġdog', 'Ġ', 'r', 'an', '!']
    """
    made = Tokenizer(BPE())
    made.pre_tokenizer = Both([Split(Regex(PATTERN), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)])
    made.decoder = Bytes()
    trainer = BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        special_tokens=[BEGIN, END],
        initial_alphabet=byte_signs(),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer, length=len(texts))
    return made


def read_tokenizer(folder: Path) -> str:
    """Return the tokenizer of a model that `lm train` made, as it is written.

    Raises:
        RequestError: there is none, or it is of another kind.
    """
    path = folder / "tokenizer.json"
    try:
        written = path.read_text(encoding="utf-8")
        BytePairs.of(written)
        return written
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or not_utf8()
        raise RequestError(f"--tokenizer {folder}: {path.name} cannot be read ({reason})") from None
    except ModelFileError as error:
        raise RequestError(f"--tokenizer {folder}: {error}") from None


def refuse_other_script(tokenizer: Tokenizer, texts: Sequence[str]) -> None:
    """Refuse texts that a tokenizer can only spell byte by byte.

    Raises:
        RequestError: in this case.
    """
    sample = list(texts[:: max(1, len(texts) // SAMPLE)])
    pieces = sum(len(encoding.ids) for encoding in tokenizer.encode_batch(sample))
    size = sum(len(text.encode()) for text in sample)
    if pieces > BYTE_BY_BYTE * size:
        raise RequestError(
            f"the tokenizer spells this text almost byte by byte ({pieces:,} pieces for {size:,} bytes), as one made for another "
            "script does; drop --tokenizer or --start-from"
        )
