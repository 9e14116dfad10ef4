"""Pieces are those of the transformers library's own tokenizer classes, and of the tokenizer files that models come with."""

import importlib
import json
import mmap
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.bpe import byte_signs
from searchgen.lm.gguf.file import GgufFile
from searchgen.lm.gguf.tokenizer import CUTS, read_tokenizer, special_pieces
from tests.lm.gguf.tiny_gguf import END
from tests.places import ROOT

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers  # isort: skip
from transformers import GPT2Tokenizer, LlamaTokenizer, Qwen2Tokenizer  # isort: skip

LINES = [
    line
    for language in ("en", "zh")
    for line in (ROOT / "corpora" / f"everyday-{language}.txt").read_text(encoding="utf-8").splitlines()[:400]
]

#: What texts are put together from: digits of several scripts, contractions in both cases, marks, spaces of several kinds, emoji.
PARTS = [
    "7", "42", "1984", "1234567", "½", "²", "٣٤", "Ⅷ", "３", "I'm", "we'LL", "don't", "'S", "’s", "it's", "they'd've",
    " ", "  ", "   ", "\n", "\n\n", " \n ", "\t", "\r\n", "\u3000", "\xa0", "\u200b", ".", "...", "!?", "。", "，", "“", "”", "。\n",
    "!\n", "-", "--", "_", "#", "$5", "🙂", "👩‍👩‍👧", "é", "e\u0301", "Ä", "ñ", "ß", "ﬁ", "学校", "你好", "天", "한국", "ひ", "naïve",
    "The", "dog", "a", "ran", " the", " dogs", "ABC", "camelCase", "x1y2", "http://a.b/c?d=1", "<s>", "<0x41>", "▁", "Ġ",
]  # fmt: skip


def generated(number: int, seed: int = 5) -> list[str]:
    """Return lines of random parts, some behind a real sentence."""
    draw = random.Random(seed)
    made = ["".join(draw.choices(PARTS, k=draw.randint(1, 12))) for _ in range(number)]
    return [line if i % 3 else draw.choice(LINES) + line for i, line in enumerate(made)] + LINES[:50] + LINES[-50:]


def table_file(facts: dict[str, Any]) -> GgufFile:
    return GgufFile(Path("model.gguf"), {f"tokenizer.ggml.{k}": v for k, v in facts.items()}, {}, mmap.mmap(-1, 1))


@cache
def pairs(pattern: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return pieces and merges of byte pairs, learnt from real lines cut by a pattern."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=1200, special_tokens=[END], initial_alphabet=byte_signs(), show_progress=False
    )
    # Runs of spaces and line ends behind marks are pieces of real vocabularies, too.
    learner.train_from_iterator(
        [*LINES, *("\n".join(LINES[i : i + 20]) for i in range(0, 800, 20)), *generated(500, 1)], trainer
    )
    vocabulary = learner.get_vocab()
    merges = [" ".join(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    return tuple(sorted(vocabulary, key=lambda piece: vocabulary[piece])), tuple(merges)


def ours(facts: dict[str, Any]) -> Any:
    tokenizer = read_tokenizer(table_file(facts))
    # As the cache keeps it.
    tokenizer = Tokenizer.from_str(tokenizer.to_str())
    return lambda texts: [one.ids for one in tokenizer.encode_batch(texts, add_special_tokens=False)]


def theirs(name: str, pieces: tuple[str, ...], merges: tuple[str, ...]) -> Any:
    """Return the reference's encoder."""
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    split = [tuple(pair.split(" ")) for pair in merges]
    if name == "qwen2":
        made: Any = Qwen2Tokenizer(vocab=vocabulary, merges=split)
    elif CUTS[name].whole:
        # As the tokenizer.json of Llama 3 has it.
        pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        plain = Tokenizer(models.BPE(vocabulary, split, ignore_merges=True))
        plain.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(pattern), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        return lambda texts: [one.ids for one in plain.encode_batch(texts)]
    else:
        made = GPT2Tokenizer(vocab=vocabulary, merges=split)
        if name != "gpt-2":
            # As the tokenizer.json of SmolLM, StarCoder and others has it.
            made.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
                [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
            )
    return lambda texts: made(texts, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("name", CUTS)
def test_byte_pairs(name: str) -> None:
    pieces, merges = pairs(CUTS[name].pattern)
    if CUTS[name].whole:  # a word that no merges make
        pieces = (*pieces, "ĠcamelCase", "Ġzyzzyva")
    lines = [*generated(2000), "A zyzzyva. A camelCase.", "", " ", "\n"]
    found = ours(
        {"model": "gpt2", "pre": name, "tokens": list(pieces), "merges": list(merges), "token_type": [1] * len(pieces)}
    )
    assert found(lines) == theirs(name, pieces, merges)(lines)


def test_the_cuts_differ() -> None:
    text = ["In 1984 we'LL go.\n\n  Now。\nhe"]
    cuts = {}
    for name in ("gpt-2", "smollm", "llama-bpe", "qwen2"):
        tokenizer = read_tokenizer(table_file({"model": "gpt2", "pre": name, "tokens": byte_signs(), "merges": []}))
        cuts[name] = [piece for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text[0])]
    assert len({tuple(one) for one in cuts.values()}) == 4
    assert "1984" not in cuts["qwen2"]
    assert "Ġ1984" in cuts["gpt-2"]
    assert "198" in cuts["llama-bpe"]


@pytest.mark.parametrize("name", ["default", "qwen35", "gpt-4o", "", None, 7, ["qwen2"]])
def test_an_unknown_cut_is_refused(name: Any) -> None:
    facts = {"model": "gpt2", "tokens": byte_signs(), "merges": []} | ({} if name is None else {"pre": name})
    with pytest.raises(RequestError, match=r"tokenizer\.ggml\.pre"):
        read_tokenizer(table_file(facts))


@pytest.mark.parametrize("kind", ["bert", "t5", "rwkv", "no-such", "", None, 3])
def test_an_unknown_kind_is_refused(kind: Any) -> None:
    with pytest.raises(RequestError, match="those known are gpt2 and llama"):
        read_tokenizer(table_file({"model": kind, "tokens": ["a"]}))


BYTE_PIECES = [f"<0x{byte:02X}>" for byte in range(256)]


@cache
def scored() -> tuple[str, ...]:
    """Return the pieces of a SentencePiece vocabulary: unknown, begin, end, bytes, then what merges make, then letters."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    learner.train_from_iterator(LINES, trainers.BpeTrainer(vocab_size=1500, show_progress=False))
    vocabulary = learner.get_vocab()
    merged = sorted((piece for piece in vocabulary if len(piece) > 1), key=lambda piece: vocabulary[piece])
    letters = sorted(piece for piece in vocabulary if len(piece) == 1)
    return ("<unk>", "<s>", "</s>", *BYTE_PIECES, *merged, *letters)


def scored_facts(**more: Any) -> dict[str, Any]:
    pieces = scored()
    types = [2, 3, 3, *[6] * 256, *[1] * (len(pieces) - 259)]
    scores = [0.0] * 259 + [-float(i) for i in range(len(pieces) - 259)]
    facts = {
        "model": "llama", "tokens": list(pieces), "scores": scores, "token_type": types,
        "bos_token_id": 1, "eos_token_id": 2, "unknown_token_id": 0,
    }  # fmt: skip
    return facts | more


@pytest.mark.parametrize("prefix", [True, False])
def test_scored_pairs(prefix: bool) -> None:
    facts = scored_facts(add_space_prefix=prefix)
    vocabulary = {piece: i for i, piece in enumerate(facts["tokens"])}
    learn: Any = importlib.import_module("transformers.convert_slow_tokenizer")
    scores = dict(zip(facts["tokens"], facts["scores"], strict=True))
    made: Any = LlamaTokenizer(
        vocab=vocabulary, merges=learn.generate_merges(vocabulary, scores), add_prefix_space=prefix
    )
    # They take <s> for the piece of that name, and add no space before a text that begins with one.
    lines = [line for line in generated(2000) if "<s>" not in line and not line.startswith((" ", "▁"))]
    assert len(lines) > 1500
    assert ours(facts)(lines) == made(lines, add_special_tokens=False)["input_ids"]


def test_bytes_stand_for_letters_without_a_piece() -> None:
    (pieces,) = ours(scored_facts(add_space_prefix=False))(["🙂\n"])
    assert [scored()[one] for one in pieces] == ["<0xF0>", "<0x9F>", "<0x99>", "<0x82>", "<0x0A>"]


def test_a_space_stands_before_every_text() -> None:
    for text, begin in (("dog", "▁dog"), (" dog", "▁▁dog"), ("\ndog", "▁<0x0A>dog")):
        (pieces,) = ours(scored_facts())([text])
        assert "".join(scored()[one] for one in pieces) == begin


def test_pieces_that_users_defined_are_taken_first() -> None:
    facts = scored_facts()
    facts["tokens"], facts["scores"] = [*facts["tokens"], "\n\n", "dog dog"], [*facts["scores"], -9e3, -9e3]
    facts["token_type"] = [*facts["token_type"], 4, 4]
    (pieces,) = ours(facts)(["a\n\ndog dog"])
    assert pieces[-2:] == [len(scored()), len(scored()) + 1]


def test_special_pieces() -> None:
    assert special_pieces(table_file(scored_facts())).begin == 1
    assert special_pieces(table_file(scored_facts(add_bos_token=False))).begin is None
    assert set(special_pieces(table_file(scored_facts())).refused) == {0, 1, 2}
    pairs_facts = {"model": "gpt2", "tokens": ["a", END, "b"], "bos_token_id": 2, "eos_token_id": 0, "pre": "gpt-2"}
    assert special_pieces(table_file(pairs_facts)).begin is None
    assert special_pieces(table_file(pairs_facts)).start == 1
    # Files of Llama 3 do not say that texts begin with a piece.
    assert special_pieces(table_file(pairs_facts | {"pre": "llama-bpe"})).begin == 2
    with pytest.raises(ModelFileError, match="the eos token is 7"):
        special_pieces(table_file(pairs_facts | {"eos_token_id": 7}))
