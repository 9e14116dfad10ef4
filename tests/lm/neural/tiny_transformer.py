"""Random transformers of a few thousand weights, written as folders in Hugging Face format."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers  # noqa: E402
from transformers import AutoConfig, AutoModelForCausalLM, BertConfig, BertForMaskedLM  # noqa: E402

# As commands do for small models: two threads wait for each other most of the time.
torch.set_num_threads(1)

SIZES = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.6,
}

__all__ = ["LETTERS", "by_bytes", "by_words", "masked_by_pieces", "masked_by_words", "written"]

END = "<end>"
LETTERS = ("a", "b", "c")


def by_words(folder: Path, seed: int = 0) -> Path:
    """Write a model whose pieces are the words a, b, c and the end."""
    vocabulary = {END: 0, **{word: i for i, word in enumerate(LETTERS, 1)}}
    tokenizer = Tokenizer(models.WordLevel(vocabulary))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return written(folder, tokenizer, seed)


def by_bytes(folder: Path, seed: int = 0, kind: str = "gpt2") -> Path:
    """Write a model whose pieces are bytes, so that it spells everything; `kind` is one of `CONFIGS`."""
    vocabulary = {sign: i for i, sign in enumerate([END, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return written(folder, tokenizer, seed, kind)


#: Architectures (up to a space) with their sizes; all with weights far from uniform.
CONFIGS: dict[str, dict[str, Any]] = {
    "gpt2": {"n_positions": 256, "n_embd": 16, "n_layer": 2, "n_head": 2, "initializer_range": 0.6},
    "llama": {**SIZES, "num_key_value_heads": 1},
    "llama plain": SIZES,
    "qwen2": {**SIZES, "num_key_value_heads": 1},
    "gpt_neox": SIZES,
    "opt": {**SIZES, "ffn_dim": 32, "word_embed_proj_dim": 16, "init_std": 0.6, "pad_token_id": 1},
    "bloom": {"hidden_size": 16, "n_layer": 2, "n_head": 2, "initializer_range": 0.6},
    "mamba": {"hidden_size": 16, "num_hidden_layers": 2, "state_size": 4},
}


def written(folder: Path, tokenizer: Tokenizer, seed: int, kind: str = "gpt2") -> Path:
    """Write a model with a tokenizer; `kind` is one of `CONFIGS`."""
    torch.manual_seed(seed)
    given = {"vocab_size": tokenizer.get_vocab_size(), "bos_token_id": 0, "eos_token_id": 0, **CONFIGS[kind]}
    build: Any = AutoModelForCausalLM.from_config
    build(AutoConfig.for_model(kind.partition(" ")[0], **given)).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    roles = {"bos_token": END, "eos_token": END}
    (folder / "tokenizer_config.json").write_text(json.dumps(roles), encoding="utf-8")
    return folder


def masked_by_words(folder: Path, seed: int = 0) -> Path:
    """Write a masked model whose pieces are the words a, b, c and its marks."""
    marks = {"cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]", "unk_token": "[UNK]"}
    vocabulary = {word: i for i, word in enumerate([*marks.values(), *LETTERS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return _masked(folder, tokenizer, marks, seed)


def masked_by_pieces(folder: Path, words: Sequence[str], seed: int = 0) -> Path:
    """Write a masked model of lower-cased English: these words are one piece, others are spelled letter by letter."""
    marks = {"cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]", "unk_token": "[UNK]"}
    letters = "abcdefghijklmnopqrstuvwxyz'"
    pieces = dict.fromkeys([*marks.values(), *letters, *(f"##{letter}" for letter in letters), *".,?!", *words])
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return _masked(folder, tokenizer, marks, seed)


def _masked(folder: Path, tokenizer: Tokenizer, marks: dict[str, str], seed: int) -> Path:
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        initializer_range=0.6,  # far from uniform
    )
    BertForMaskedLM(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(marks), encoding="utf-8")
    return folder
