"""A score depends on the text alone: neither on the batch nor on how its context was read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from searchgen.lm.conversion.cached import remove_conversions
from searchgen.lm.conversion.gguf_model import open_gguf
from searchgen.lm.conversion.model import ConvertedModel
from searchgen.lm.decoder.content_hash import hash_of
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.testing import assert_text_model
from tests.lm.gguf import tiny_gguf
from tests.lm.gguf.test_tokenizer import scored_facts
from tests.lm.gguf.tiny_gguf import written
from tests.places import ROOT

TEXTS = [line[:40] for line in (ROOT / "corpora" / "everyday-en.txt").read_text(encoding="utf-8").splitlines()[20:60]]
TEXTS += ["a", "b.", "The", "ab ab", "x" * 45]

#: A context that leaves room for 50 pieces.
CONTEXT = "It is late.\nA dog ran.\n"


def opened(tmp_path: Path, kind: str, bits: int, prompt: str = CONTEXT, threads: int = 1) -> ConvertedModel:
    path = tmp_path / f"{kind}.gguf"
    if not path.exists():
        written(path, kind)
    return open_gguf(str(path), NeuralSettings(end="newline", prompt=prompt), threads, bits=bits)


@pytest.mark.parametrize("bits", [8, 32])
@pytest.mark.parametrize("kind", ["llama", "llama one key", "qwen2", "gemma3"])
@pytest.mark.parametrize("prompt", [CONTEXT, ""])
def test_a_score_is_the_same_alone_and_in_every_batch(kind: str, bits: int, prompt: str, tmp_path: Path) -> None:
    model = opened(tmp_path, kind, bits, prompt)
    whole, begun = model.spelling.spell(TEXTS), model.spelling.spell_begun(TEXTS)
    for rows in (whole, begun):
        alone = [model.scored_rows([text], [row])[0] for text, row in zip(TEXTS, rows, strict=True)]
        for size in (2, 3, 7, len(rows)):
            for start in range(0, len(rows), size):
                part = slice(start, start + size)
                same_bits(model.scored_rows(TEXTS[part], rows[part]), alone[part])


def same_bits(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> None:
    for one, other in zip(found, wanted, strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("bits", [8, 32])
def test_texts_far_apart_in_length_keep_their_bits(bits: int, tmp_path: Path) -> None:
    """One pass, padded to the longest."""
    model = opened(tmp_path, "llama", bits)
    short, long = model.spelling.spell_begun(["a"]), model.spelling.spell(["x" * 90])
    (alone,) = model.scored_rows(["a"], short)
    together = [one.log_p for one in model._pass([*short, *long])]
    same_bits(together[:1], [alone])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("most", [0, 1, 5])
def test_scores_of_few_positions_at_a_time_are_those_of_all(
    most: int, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for together in (1000, 64, 7, 2):
        monkeypatch.setattr("searchgen.lm.conversion.model.TOGETHER", together)
        model = opened(tmp_path, "llama tied", 8, threads=threads)
        model.note_expected(most)
        found.append(model._scored(TEXTS))
    for other in found[1:]:
        same_bits([one.log_p for one in other], [one.log_p for one in found[0]])
        same_bits([one.piece_log_p for one in other], [one.piece_log_p for one in found[0]])
        same_bits([one.piece for one in other], [one.piece for one in found[0]])
    assert {one.piece.shape[1] for one in found[0]} == {most}


def test_what_is_read_once_takes_no_room_in_a_pass(tmp_path: Path) -> None:
    model = opened(tmp_path, "llama", 8)
    row = model.spelling.spell(["a"])[0]
    model._positions = 8 * (len(row) - model._read_before)
    model.scored_rows(["a"] * 8, [row] * 8)
    assert model.usage.forwards == 1


@pytest.mark.parametrize("kind", ["llama one key", "qwen3", "gemma3"])
def test_a_context_read_once_gives_the_scores_of_reading_it_anew(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = opened(tmp_path, kind, 32)
    rows = model.spelling.spell(TEXTS)
    found = model.scored_rows(TEXTS, rows)
    same_bits(opened(tmp_path, kind, 32).scored_rows(TEXTS, rows), found)
    monkeypatch.setattr(ConvertedModel, "_read_before", 0)
    for anew, kept in zip(opened(tmp_path, kind, 32).scored_rows(TEXTS, rows), found, strict=True):
        assert len(anew) > len(kept)
        np.testing.assert_allclose(anew[-len(kept) :].sum(), kept.sum(), rtol=1e-5)


def contexts(kept: Path) -> list[Path]:
    return sorted((kept / "converted").glob("*/contexts/*"))


@pytest.mark.parametrize(
    "damage", ["truncated", "longer", "another shape", "no number", "one bit", "empty", "a folder"]
)
def test_a_damaged_context_is_read_anew(damage: str, tmp_path: Path, kept: Path) -> None:
    model = opened(tmp_path, "llama", 8)
    wanted = model.log_probs(TEXTS)
    (place,) = contexts(kept)
    content = place.read_bytes()
    changed = bytearray(content)
    changed[len(changed) // 2] ^= 4
    if damage == "a folder":
        place.unlink()
        place.mkdir()
    else:
        place.write_bytes(
            {
                "truncated": content[:-100],
                "longer": content + bytes(4),
                "another shape": content[: len(content) // 2],
                "no number": content[:64] + np.full(8, np.nan, np.float32).tobytes() + content[96:],
                "one bit": bytes(changed),
                "empty": b"",
            }[damage]
        )
    assert opened(tmp_path, "llama", 8).log_probs(TEXTS).tobytes() == wanted.tobytes()
    if damage != "a folder":
        assert place.read_bytes() == content


def test_contexts_of_other_models_and_lines_are_not_taken(tmp_path: Path, kept: Path) -> None:
    for kind, prompt in (("llama", CONTEXT), ("llama", "A cat.\n"), ("llama tied", CONTEXT)):
        opened(tmp_path, kind, 8, prompt).log_probs(["a"])
    assert [len({path.parent for path in contexts(kept)}), len(contexts(kept))] == [2, 3]
    freed = sum(remove_conversions(hash_of(path)) for path in tmp_path.rglob("*.gguf"))
    assert freed > 0
    assert contexts(kept) == []


def test_two_threads_give_the_same_bits_in_every_batch(tmp_path: Path) -> None:
    model = opened(tmp_path, "qwen2", 8, threads=2)
    together = model.log_probs(TEXTS)
    model.forget()
    alone = [model.log_probs([text])[0] for text in TEXTS]
    assert together.tobytes() == np.array(alone).tobytes()


@pytest.mark.parametrize("bits", [8, 32])
def test_laws_of_text_models(bits: int, tmp_path: Path) -> None:
    assert_text_model(opened(tmp_path, "qwen3", bits), TEXTS[:6])


def test_eight_bits_are_near_the_numbers_of_the_file(tmp_path: Path) -> None:
    exact, near = (opened(tmp_path, "llama", bits).log_probs(TEXTS) for bits in (32, 8))
    pieces = np.array([len(row) for row in opened(tmp_path, "llama", 32).spelling.spell(TEXTS)])
    assert 0 < np.abs((near - exact) / pieces).mean() < 0.05


#: Sizes of which rows have whole runs of 4 bits.
WIDE = {"hidden_size": 64, "intermediate_size": 96, "head_dim": 16, "initializer_range": 0.15}


def test_four_bits_are_nearer_than_none_and_the_same_alone_and_in_every_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny_gguf, "SIZES", {**tiny_gguf.SIZES, **WIDE})
    monkeypatch.setitem(tiny_gguf.KINDS, "llama wide", ("llama", {"model_type": "llama", **WIDE}))
    exact, eight, four = (opened(tmp_path, "llama wide", bits) for bits in (32, 8, 4))
    rows = four.spelling.spell(TEXTS)
    wanted, near, alone = (
        [model.scored_rows([text], [row])[0] for text, row in zip(TEXTS, rows, strict=True)]
        for model in (exact, eight, four)
    )
    for size in (2, 3, 7, len(rows)):
        for start in range(0, len(rows), size):
            part = slice(start, start + size)
            same_bits(four.scored_rows(TEXTS[part], rows[part]), alone[part])

    def off(found: list[np.ndarray]) -> float:
        return float(np.abs(np.concatenate(found) - np.concatenate(wanted)).mean())

    assert 0 < off(near) < off(alone) < np.concatenate(wanted).std() / 2
    weights = [(model.folder / "weights.bin").stat().st_size for model in (four, eight, exact)]
    assert weights == sorted(weights)


def test_one_space_stands_behind_a_prompt(tmp_path: Path) -> None:
    """SentencePiece puts one before every text by itself."""
    path, _ = written(tmp_path / "m.gguf", tokenizer=scored_facts())
    model = open_gguf(str(path), NeuralSettings(prompt="The dog ran."))
    row = model.spelling.spell(["He sat."])[0][len(model.spelling.before) : -1]
    pieces = scored_facts()["tokens"]
    assert "".join(pieces[one] for one in row) == "▁He▁sat."
