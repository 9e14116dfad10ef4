"""Random transformers of a few thousand weights, written as folders in Hugging Face format."""

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402
from transformers import GPT2Config, GPT2LMHeadModel  # noqa: E402

__all__ = ["LETTERS", "by_bytes", "by_words"]

END = "<end>"
LETTERS = ("a", "b", "c")


def by_words(folder: Path, seed: int = 0) -> Path:
    """Write a model whose pieces are the words a, b, c and the end."""
    vocabulary = {END: 0, **{word: i for i, word in enumerate(LETTERS, 1)}}
    tokenizer = Tokenizer(models.WordLevel(vocabulary))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return _written(folder, tokenizer, seed)


def by_bytes(folder: Path, seed: int = 0) -> Path:
    """Write a model whose pieces are bytes, so that it spells everything."""
    vocabulary = {sign: i for i, sign in enumerate([END, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return _written(folder, tokenizer, seed)


def _written(folder: Path, tokenizer: Tokenizer, seed: int) -> Path:
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=tokenizer.get_vocab_size(),
        n_positions=256,
        n_embd=16,
        n_layer=2,
        n_head=2,
        initializer_range=0.6,  # far from uniform
        bos_token_id=0,
        eos_token_id=0,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    roles = {"bos_token": END, "eos_token": END}
    (folder / "tokenizer_config.json").write_text(json.dumps(roles), encoding="utf-8")
    return folder
