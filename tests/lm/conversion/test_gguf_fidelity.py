"""Log-probabilities of every family of decoders are those of the transformers library."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchgen.errors import RequestError
from searchgen.lm.conversion.gguf_model import open_gguf
from searchgen.lm.neural.settings import NeuralSettings
from tests.lm.gguf.tiny_gguf import KINDS, torch, written

TEXTS = ["The dog ran.", "A cat sat in the park, and it was late.", "学校", "a"]
PROMPT = "It is 7 o'clock. The sun is up."


def expected(made: Any, row: list[int], first: int) -> "np.ndarray[Any, Any]":
    """Return log p of a row's pieces from one on, as the transformers library has them."""
    with torch.no_grad():
        scores = made(torch.tensor([row])).logits[0].double().log_softmax(-1)
    return np.array([float(scores[at - 1, row[at]]) for at in range(first, len(row))])


def assert_same_law(model: Any, made: Any) -> None:
    """Compare the texts' pieces under a model with those under transformers' network."""
    rows, first = model.spelling.spell(TEXTS), len(model.spelling.before)
    spread = []
    for row, found in zip(rows, model.scored_rows(TEXTS, rows), strict=True):
        wanted = expected(made, row, first)
        np.testing.assert_allclose(found, wanted, atol=1e-3, rtol=0)
        spread.append(wanted.std())
    # The network must tell pieces apart, or anything would be near.
    assert max(spread) > 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_log_probs_are_those_of_transformers(kind: str, tmp_path: Path) -> None:
    path, made = written(tmp_path / "model.gguf", kind)
    model = open_gguf(str(path), NeuralSettings(prompt=PROMPT), bits=32)
    assert len(model.spelling.before) > len(PROMPT)
    assert_same_law(model, made)


def test_a_tensor_without_a_place_is_refused(tmp_path: Path) -> None:
    path, _ = written(tmp_path / "model.gguf", "qwen2", facts={"general.architecture": "llama", **as_llama()})
    with pytest.raises(RequestError, match=r"blk\.0\.attn_.\.bias is not known in llama"):
        open_gguf(str(path), NeuralSettings())


def as_llama() -> dict[str, object]:
    sizes = {"embedding_length": 24, "block_count": 2, "attention.head_count": 4, "feed_forward_length": 40}
    return {f"llama.{key}": value for key, value in {**sizes, "attention.head_count_kv": 2}.items()}
