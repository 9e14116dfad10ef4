"""A text behind a context has the pieces of the whole, tokenised in one piece."""

import random
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchgen.errors import RequestError
from searchgen.lm.bpe import byte_signs
from searchgen.lm.conversion.gguf_model import open_gguf
from searchgen.lm.gguf.tokenizer import CUTS, read_tokenizer, special_pieces
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.spelling.joint import JointSpelling
from searchgen.lm.neural.spelling.spelling import UNSPELLED
from tests.lm.gguf.test_tokenizer import LINES, PARTS, pairs, scored_facts, table_file
from tests.lm.gguf.tiny_gguf import END, tables, written

ENGLISH, CHINESE = LINES[:10], LINES[-10:]

CONTEXTS = {
    "English": "\n".join(ENGLISH),
    "Chinese": "\n".join(CHINESE) + "\n",
    "one line": "The dog ran.",
    "blank lines": "The dog ran.\n\nA cat sat。\n\n",
    "spaces at the end": "The dog ran. \n It sat.  \n",
    "odd line ends": "The dog ran.\r\nIt sat.\u2028So it is.\n",
    "nothing": "",
}

KINDS = {
    "gpt2": "gpt-2",
    "smollm": "smollm",
    "qwen2": "qwen2",
    "llama 3": "llama-bpe",
    "llama": "",
    "llama without a space": "",
}


def facts_of(kind: str) -> dict[str, Any]:
    if kind.startswith("llama") and kind != "llama 3":
        facts = scored_facts(add_space_prefix=kind == "llama")
        # A line break is a piece of its own, as in vocabularies of Gemma.
        facts["tokens"], facts["scores"] = [*facts["tokens"], "\n"], [*facts["scores"], -9e3]
        return facts | {"token_type": [*facts["token_type"], 4 if kind != "llama" else 1]}
    pieces, merges = pairs(CUTS[KINDS[kind]].pattern)
    return {
        "model": "gpt2", "pre": KINDS[kind], "tokens": list(pieces), "merges": list(merges),
        "token_type": [3 if one == END else 1 for one in pieces], "bos_token_id": 0, "eos_token_id": 0,
    }  # fmt: skip


def spelling(kind: str, context: str) -> tuple[JointSpelling, Any, list[str]]:
    """Return a spelling, the encoder of whole strings, and the pieces."""
    file = table_file(facts_of(kind))
    tokenizer, special = read_tokenizer(file), special_pieces(file)

    def encode(texts: list[str]) -> list[list[int]]:
        return [one.ids for one in tokenizer.encode_batch(texts, add_special_tokens=False)]

    def offsets(texts: list[str]) -> list[list[tuple[int, int]]]:
        return [one.offsets for one in tokenizer.encode_batch(texts, add_special_tokens=False)]

    settings = NeuralSettings(end="newline", prompt=context)
    refused = frozenset(special.refused)
    made = JointSpelling.behind("tiny", encode, offsets, special.begin, special.start, refused, settings)
    return made, encode, file.facts["tokenizer.ggml.tokens"]


def texts_of_many_kinds(number: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    parts = [part for part in PARTS if "\n" not in part and part != "<s>"]
    odd = ["".join(draw.choices(parts, k=draw.randint(1, 6))).strip() for _ in range(number)]
    return [one for one in odd if one] + ENGLISH + CHINESE + ["a", "。", "“No.”", "'s", "3"]


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("kind", KINDS)
def test_pieces_are_those_of_the_whole(kind: str, context: str) -> None:
    made, encode, _ = spelling(kind, CONTEXTS[context])
    whole = CONTEXTS[context]
    whole += "" if not whole or whole.endswith("\n") else "\n"
    scored = 0
    for text in texts_of_many_kinds(300, 3):
        (expected,) = encode([whole + text + "\n"])
        (found,) = made.spell([text])
        if UNSPELLED in found:
            # The text changes pieces that the context has under every ordinary text.
            assert expected[: len(made.before)] != list(made.before)
            continue
        scored += 1
        begun = len(found) - len(expected)
        assert begun in (0, 1), "only the piece that begins everything stands before"
        assert found[begun:] == expected
        (prefix,) = made.spell_begun([text])
        assert prefix[begun:] == encode([whole + text])[0]
    assert scored > 250


def test_a_context_is_tokenised_once() -> None:
    for kind in ("smollm", "qwen2", "llama 3"):
        made, _, _ = spelling(kind, CONTEXTS["English"])
        assert made.tail == ENGLISH[-1] + "\n"


def test_a_mark_and_the_line_end_are_one_piece() -> None:
    made, encode, pieces = spelling("qwen2", CONTEXTS["Chinese"])
    (row,) = made.spell(["我们去学校。"])
    (last,) = encode(["。\n"]) or [[]]
    assert len(last) == 1, pieces[last[0]]
    assert row[-1] == last[0]


def test_a_text_that_changes_the_context_cannot_be_spelled() -> None:
    """The context ends with a line end that some texts, behind it, make part of a longer piece."""
    vocabulary = {"a": 1, "\n": 2, "\na": 3, "b": 4, "\nc": 5, "c": 6}

    def encode(texts: list[str]) -> list[list[int]]:
        found = []
        for text in texts:
            row, at = [], 0
            while at < len(text):
                size = 2 if text[at : at + 2] in ("\nc",) else 1
                row.append(vocabulary.get(text[at : at + size], 9))
                at += size
            found.append(row)
        return found

    made = JointSpelling.behind(
        "tiny", encode, None, None, None, frozenset({9}), NeuralSettings(end="newline", prompt="ab\n")
    )
    assert made.spell(["ab"]) == [[1, 4, 2, 1, 4, 2]]
    for text in ("cb", "ax"):
        (row,) = made.spell([text])
        assert UNSPELLED in row


def test_a_text_that_cannot_be_spelled_has_one_place() -> None:
    """As it has one piece. A tokenizer says of such a text, with what stands before it, that it has none."""

    def encode(texts: list[str]) -> list[list[int]]:
        return [[] if "Z" in text else [ord(letter) for letter in text] for text in texts]

    def offsets(texts: list[str]) -> list[list[tuple[int, int]]]:
        return [[(0, len(one))] if "Z" in one else [(at, at + 1) for at in range(len(one))] for one in texts]

    made = JointSpelling.behind("tiny", encode, offsets, None, None, frozenset(), NeuralSettings(prompt="ab\n"))
    assert made.first == 3
    bad, good = made.spell(["aZ bc", "a b"])
    assert bad == [*made.before, UNSPELLED]
    assert good == [*made.before, *map(ord, "a b\n")]
    assert made.places(["aZ bc", "a b"]) == [([0], [4]), ([0, 1, 1], [1, 1, 2])]


def test_a_text_of_two_lines_is_refused() -> None:
    made, _, _ = spelling("smollm", "")
    with pytest.raises(RequestError, match="several lines"):
        made.spell(["The dog.\nThe cat."])


@pytest.mark.parametrize("context", ["English", "Chinese", "blank lines", "nothing"])
@pytest.mark.parametrize("kind", KINDS)
def test_places(kind: str, context: str) -> None:
    made, _, pieces = spelling(kind, CONTEXTS[context])
    texts = [*ENGLISH[:4], *CHINESE[:4], "a🙂 b", "学 校。", "I'm 42 years, 天啊!"]
    for text, row, (starts, ends) in zip(texts, made.spell(texts), made.places(texts), strict=True):
        own = [pieces[one] for one in row[len(made.before) :]]
        assert (starts, ends) == expected_places(own, text, kind)


def expected_places(own: list[str], text: str, kind: str) -> tuple[list[int], list[int]]:
    """Return places from the bytes of pieces."""
    sign_of = {sign: byte for byte, sign in enumerate(byte_signs())}
    content = (text + "\n").encode()
    letter = [i for i, sign in enumerate(text + "\n") for _ in sign.encode()]  # which each byte is part of
    marks = [0]
    for sign in text:
        marks.append(marks[-1] + (not sign.isspace()))
    found: list[bytes] = []
    for piece in own:
        if not kind.startswith("llama") or kind == "llama 3":
            found.append(bytes(sign_of[sign] for sign in piece))
        elif piece.startswith("<0x"):
            found.append(bytes([int(piece[3:5], 16)]))
        else:
            found.append(piece.replace("▁", " ").encode())
    joined = b"".join(found)
    assert joined.endswith(content)
    # What stands before the text: the space of SentencePiece, or pieces of the context that texts may change.
    at = len(content) - len(joined)
    starts, ends = [], []
    for one in found:
        first, last = max(at, 0), at + len(one) - 1
        at += len(one)
        if letter[first] >= len(text) and first:
            continue
        starts.append(marks[min(letter[first], len(text))])
        # A space that the tokenizer adds stands where the first letter does.
        ends.append(marks[min(letter[last] + 1, len(text))] if last >= 0 else int(one == b" "))
    return starts, ends


@pytest.mark.parametrize(
    "more",
    [
        {"tokens": [END, "a", "b", "Ġ", "Ċ"]},
        {"tokens": [END, "a", "b", "Ġ", "Ċ", "ab", "aĊ", "Ġb"], "merges": ["a b", "a Ċ", "Ġ b"]},
        {"tokens": [END, "a", "b", "Ġ", "Ċ", "ĊĊ", "ba"], "merges": ["Ċ Ċ", "b a"]},
    ],
)
@pytest.mark.parametrize("prompt", ["", "a b\nba\n"])
def test_masses_sum_to_at_most_one(more: dict[str, Any], prompt: str, tmp_path: Path) -> None:
    texts = ["".join(one) for size in range(1, 8) for one in product("ab ", repeat=size)]
    texts = [one for one in texts if one == one.strip()]
    masses = []
    for seed in range(4):
        path, _ = written(tmp_path / f"{seed}.gguf", "qwen2", tables(**{"pre": "qwen2", **more}), seed)
        model = open_gguf(str(path), NeuralSettings(end="newline", prompt=prompt), bits=32)
        masses.append(float(np.exp(model.log_probs(texts)).sum()))
    assert max(masses) <= 1 + 1e-6
    # Under every model: no two texts have the same pieces, and those of one never begin those of another.
    rows = sorted(model.spelling.spell(texts))
    assert all(row != after[: len(row)] for row, after in pairwise(rows))
    assert model.log_probs(["c"]).tolist() == [-np.inf]
