"""A random transformer on the CPU keeps every contract of a law over texts."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from searchgen.lm.neural.architectures.library import library_network  # noqa: E402
from searchgen.lm.neural.causal import CausalModel  # noqa: E402
from searchgen.lm.neural.config_file import read_json  # noqa: E402
from searchgen.lm.neural.network import Network  # noqa: E402
from searchgen.lm.neural.opening import content_hash  # noqa: E402
from searchgen.lm.neural.settings import NeuralSettings  # noqa: E402
from searchgen.lm.neural.transformer import open_transformer  # noqa: E402
from searchgen.testing import assert_text_model  # noqa: E402
from tests.lm.neural.tiny_transformer import LETTERS, by_bytes, by_words  # noqa: E402

#: 32-bit numbers.
ROUNDING = 1e-5

TEXTS = ["The dog ran.", "A", "a cat sat on the mat, and the dog ran.", "学校", "the dog ran.", "x" * 90]


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return by_words(tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return by_bytes(tmp_path_factory.mktemp("bytes"))


def texts_of(length: int) -> list[str]:
    return [" ".join(text) for text in itertools.product(LETTERS, repeat=length)]


def test_the_law_sums_to_one(words: Path) -> None:
    """Ended texts of up to 5 words, and prefixes of 6, are together all that begins with one word."""
    ended, begun = (open_transformer(str(words), NeuralSettings(end=end)) for end in ("eos", "none"))
    finished = sum(np.exp(ended.log_probs(texts_of(length))).sum() for length in range(1, 6))
    longer = np.exp(begun.log_probs(texts_of(6))).sum()
    assert finished + longer == pytest.approx(np.exp(begun.log_probs(texts_of(1))).sum(), abs=ROUNDING)
    assert finished > 0.1


def test_it_factorises(words: Path) -> None:
    begun = open_transformer(str(words), NeuralSettings(end="none"))
    for prefix in ("a", "b c", "c c a"):
        longer = np.exp(begun.log_probs([f"{prefix} {word}" for word in LETTERS])).sum()
        assert longer < np.exp(begun.log_probs([prefix]))[0]  # the rest is the end's


def test_a_prompt_conditions(words: Path) -> None:
    begun = open_transformer(str(words), NeuralSettings(end="none"))
    given = open_transformer(str(words), NeuralSettings(end="none", prompt="c a"))
    whole, prompt = begun.log_probs(["c a b b", "c a"])
    assert given.log_probs(["b b"])[0] == pytest.approx(whole - prompt, abs=ROUNDING)
    assert given.hash != begun.hash


def test_it_keeps_every_promise_of_a_law(letters: Path, words: Path) -> None:
    """Batches, orders, prefixes, early stops and expected pieces; and all texts of up to 4 words sum to at most 1."""
    assert_text_model(open_transformer(str(letters)), TEXTS, tolerance=ROUNDING)
    assert_text_model(open_transformer(str(letters), NeuralSettings(end="none", prompt="He said:")), TEXTS)
    assert_text_model(open_transformer(str(words)), ["a b", "c", "b b a c"], LETTERS, longest=4)


def test_scores_are_those_of_the_library(letters: Path) -> None:
    """Against the library's own network, and against its scores one position after the other."""
    model = open_transformer(str(letters))
    network = library_network(letters, read_json(letters / "config.json"), torch.device("cpu"), torch.float32)
    other = CausalModel("library", "", network, model.spelling)
    ours = model.log_probs(TEXTS)
    assert np.abs(ours - other.log_probs(TEXTS)).max() < ROUNDING * np.abs(ours).max()
    row = model.spelling.spell(TEXTS[:1])[0]
    plain = 0.0
    with torch.inference_mode():
        for at in range(1, len(row)):
            scores = network.head(network.trunk(torch.tensor([row[:at]])))[0, -1]
            plain += float(torch.log_softmax(scores.double(), 0)[row[at]])
    assert ours[0] == pytest.approx(plain, abs=1e-4)


def test_work_is_counted_and_never_done_twice(letters: Path) -> None:
    model = open_transformer(str(letters))
    first = model.log_probs(["a", "b", "a"])
    second = model.log_probs(["b", "c"])
    assert first[0] == first[2]
    assert second[0] == first[1]  # bit for bit, though the batch was another
    usage = model.usage
    assert (usage.evaluations, usage.duplicates, usage.cache_hits, usage.texts) == (5, 1, 1, 3)
    assert usage.tokens == 3 * 2  # begin and the letter are read, the end is only predicted
    assert usage.forwards == 2


def test_little_memory_makes_smaller_passes(letters: Path) -> None:
    model: Any = open_transformer(str(letters))
    expected = model.log_probs(TEXTS)

    def small(pieces: Any) -> Any:
        if pieces.shape[0] > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return model.network.trunk(pieces)

    tight = Network(small, model.network.head, torch.device("cpu"), 256, 1 << 12)
    slow = CausalModel("tight", "", tight, model.spelling)
    assert np.abs(slow.log_probs(TEXTS) - expected).max() < ROUNDING * np.abs(expected).max()
    assert slow.usage.halvings == len(TEXTS) - 1


def test_contents_make_the_hash(letters: Path, tmp_path: Path) -> None:
    other = by_bytes(tmp_path / "other", seed=1)
    plain = NeuralSettings()
    assert content_hash(letters, plain) == content_hash(letters, NeuralSettings(device="cpu"))
    assert (
        len(
            {
                content_hash(letters, plain),
                content_hash(other, plain),
                content_hash(letters, NeuralSettings(end="none")),
            }
        )
        == 3
    )
