"""A model in a GGUF file as a law over printed texts: the file is converted, and its tokenizer spells the texts."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.conversion.bits import chosen_bits
from searchgen.lm.conversion.cached import Converted
from searchgen.lm.conversion.converting import convert
from searchgen.lm.conversion.model import ConvertedModel, open_session
from searchgen.lm.conversion.probe import probe_of
from searchgen.lm.decoder.content_hash import TOKENIZER, hash_of
from searchgen.lm.gguf.file import is_gguf
from searchgen.lm.gguf.tokenizer import SPACE
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.spelling.joint import JointSpelling
from searchgen.lm.neural.spelling.spelling import Spelling
from searchgen.lm.protocol import ModelType

if TYPE_CHECKING:
    from tokenizers import Encoding

__all__ = ["GGUF", "open_gguf", "require_extra"]

#: Libraries of the extra that a file needs to be read and computed.
EXTRA = ("gguf", "tokenizers", "onnx")


def require_extra(what: str) -> None:
    """Refuse to go on without the libraries of the extra.

    Raises:
        RequestError: one is missing; the message names the command that installs it.
    """
    from importlib.util import find_spec

    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise RequestError(f"{what} needs {missing[0]}: pip install 'searchgen[gguf]'")


def open_gguf(
    name: str, settings: NeuralSettings, threads: int = 1, path: Path | None = None, bits: int | None = None
) -> ConvertedModel:
    """Open a GGUF file, converted before or now.

    Args:
        name: as the user named it.
        settings: how texts are scored; the device is the CPU.
        threads: of the CPU.
        path: of the file; None: the name.
        bits: of a weight once converted, 8, 4 or 32; None: those that were chosen.

    Raises:
        ModelFileError: it is missing or damaged.
        RequestError: it is of an unknown kind, a library is missing, or the settings ask for another device.
    """
    path = path or Path(os.path.expanduser(name))
    require_extra(f"{path}, a GGUF file,")
    if settings.device not in ("auto", "cpu"):
        raise RequestError(f"--device {settings.device}: {path} is computed on the CPU; drop the flag")
    if settings.dtype not in ("auto", "float32"):
        raise RequestError(f"--dtype {settings.dtype}: {path} has numbers of its conversion; drop the flag")
    converted = convert(path, chosen_bits(path) if bits is None else bits)
    spelling = _spelling(name, converted, settings)
    digest = hashlib.sha256(repr((settings.end, settings.prompt, settings.examples_text)).encode())
    digest.update(f"{hash_of(path)} {converted.folder.name}".encode())
    probe = probe_of(hash_of(path), settings)
    if probe is not None:
        digest.update(probe.mean.tobytes() + probe.last.tobytes())
    return ConvertedModel(
        name,
        digest.hexdigest(),
        lambda: open_session(converted),
        converted.facts,
        spelling,
        threads=threads,
        folder=converted.folder,
        probe=probe,
    )


def _spelling(name: str, converted: Converted, settings: NeuralSettings) -> Spelling:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(converted.folder / TOKENIZER))
    except Exception as error:  # the library raises Exception itself
        raise ModelFileError(f"{converted.folder / TOKENIZER} is damaged ({error}); delete the folder") from None

    def encoded(texts: list[str]) -> list["Encoding | None"]:
        """Return what the tokenizer makes of texts, None of one that it fails on."""
        try:
            return list(tokenizer.encode_batch(texts, add_special_tokens=False))
        except Exception:  # the library raises Exception itself, and a text that it fails on has no pieces
            return [None] if len(texts) == 1 else [part for text in texts for part in encoded([text])]

    def encode(texts: list[str]) -> list[list[int]]:
        return [[] if encoding is None else encoding.ids for encoding in encoded(texts)]

    def offsets(texts: list[str]) -> list[list[tuple[int, int]]]:
        return [[] if encoding is None else encoding.offsets for encoding in encoded(texts)]

    special = converted.special
    if settings.end == "newline" or settings.examples_text:
        return JointSpelling.behind(
            name,
            encode,
            offsets,
            special.begin,
            special.start,
            frozenset(special.refused),
            settings,
            tokenizer.get_vocab,
        )
    start = special.start if special.begin is None else special.begin
    spelling = Spelling.around(name, encode, offsets, (start, special.end), settings, tokenizer.get_vocab)
    if "".join(tokenizer.encode("a", add_special_tokens=False).tokens).startswith(SPACE):
        spelling = replace(spelling, glue="")  # a space stands before every text anyway
    return spelling.refusing(special.refused)


def _is_gguf_name(name: str) -> bool:
    return is_gguf(Path(os.path.expanduser(name)))  # that of Path raises where there is no such user


#: GGUF files, as the registry of models lists them.
GGUF = ModelType("gguf", _is_gguf_name, open_gguf, large=lambda name: True)
