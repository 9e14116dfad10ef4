"""Models merged from several texts, and pruned ones: laws whose sums are one, whose files lose nothing, with the loss that is stated."""

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchgen.errors import ModelFileError
from searchgen.lm.embedded import EDITIONS, NGRAMS, data_file
from searchgen.lm.ngram.estimation.counts import count_ngrams
from searchgen.lm.ngram.estimation.kneser_ney import MILLION, Counted, counted, discounts, kneser_ney
from searchgen.lm.ngram.estimation.merge import LARGEST, merged
from searchgen.lm.ngram.estimation.prune import losses, pruned
from searchgen.lm.ngram.estimation.trie import parents, siblings
from searchgen.lm.ngram.estimation.words import encode_sentences
from searchgen.lm.ngram.load import load
from searchgen.lm.ngram.storage.packed import HEAD, MERGED, pack
from searchgen.lm.ngram.storage.unpacked import unpack
from tests.places import DATA

LINES = (DATA / "kenlm" / "train.txt").read_text(encoding="utf-8").splitlines()
ORDER = 3


def texts() -> tuple[list[np.ndarray], list[str]]:
    """Two texts over one vocabulary."""
    tokens, vocabulary = encode_sentences(line.split() for line in LINES)
    end = int(np.flatnonzero(tokens == 2)[len(LINES) // 3]) + 1
    return [tokens[:end], tokens[end:]], vocabulary


def models() -> tuple[list[Counted], list[str]]:
    both, vocabulary = texts()
    return [counted(count_ngrams(text, ORDER, len(vocabulary))) for text in both], vocabulary


def sums(model: Counted) -> np.ndarray:
    """The mass of each context with children: its n-grams' own, and that of backing off."""
    weights, trie = kneser_ney(model), model.trie
    found = []
    for k in range(2, trie.order + 1):
        contexts = slice(trie.starts[k - 1], trie.starts[k])
        groups = siblings(trie.children[contexts])
        own = groups.sums(weights.alpha[trie.starts[k] : trie.starts[k + 1]])
        found.append(own + weights.backoff[contexts][groups.context])
    return np.concatenate(found)


@pytest.mark.parametrize("times", [1, 3])
def test_a_text_merged_with_nothing_is_itself(times: int) -> None:
    both, _ = models()
    alone, same = kneser_ney(both[0]), kneser_ney(merged(both[:1], [times]))
    capped = both[0].adjusted * times > LARGEST  # these share a discount
    assert capped.mean() < 0.01
    assert np.abs(alone.p - same.p)[~capped].max() < 3e-4 * (times > 1) + 2e-6


def test_shares_of_texts_after_a_context_are_those_of_their_counts() -> None:
    """alpha = sum of k (c - D) / sum of k c, and D the mean of the sums that are equal."""
    both, vocabulary = models()
    model = merged(both, [4, 1])
    weights, trie = kneser_ney(model), model.trie
    parent = np.concatenate([[0], parents(trie.children)])
    word = vocabulary.index("the")
    first, second = ([int(one.adjusted[1 + word]) for one in both], int(model.adjusted[1 + word]))
    assert second == 4 * first[0] + first[1]
    taken = discounts(model.counts_of_counts)
    node = trie.starts[ORDER] + 7
    total = model.adjusted[parent == parent[node]].sum()
    count = int(model.adjusted[node])
    assert weights.alpha[node] == pytest.approx((count - taken[ORDER - 1][min(count, LARGEST)]) / total, abs=1e-12)


def test_probabilities_sum_to_one_merged_and_pruned() -> None:
    both, _ = models()
    whole = merged(both, [4, 1])
    frequency = np.ones(len(whole.trie.word))
    small = pruned(whole, losses(whole, frequency), 0.02)
    assert len(small.trie.word) < 0.9 * len(whole.trie.word)
    for model in (whole, small):
        assert np.abs(sums(model) - 1).max() < 1e-12
        assert kneser_ney(model).alpha.min() >= 0


def test_the_stated_loss_is_the_divergence_up_to_second_order() -> None:
    """Of every n-gram without children: the law after its context, word by word, with it and without."""
    both, vocabulary = models()
    whole = merged(both, [2, 1])
    trie, weights = whole.trie, kneser_ney(whole)
    stated = losses(whole, np.ones(len(trie.word)))
    parent = np.concatenate([[0], parents(trie.children)])
    checked = 0
    for node in range(trie.starts[ORDER], trie.starts[ORDER + 1], 97):
        context = parent[node]
        lower = full_law(whole, weights, int(trie.suffix[context]), len(vocabulary))
        p = weights.backoff[context] * lower
        without = (weights.backoff[context] + weights.alpha[node]) * lower
        for child in np.flatnonzero(parent == context):
            p[trie.word[child]] += weights.alpha[child]
            without[trie.word[child]] += weights.alpha[child] * (child != node)
        seen = p > 0
        exact = float((p[seen] * np.log(p[seen] / without[seen])).sum())
        second = float(((without - p)[seen] ** 2 / p[seen])[np.flatnonzero(seen) != trie.word[node]].sum()) / 2
        assert stated[node] - 1e-12 <= exact + 1e-12
        assert exact - stated[node] <= second + 1e-12
        checked += 1
    assert checked > 10


def full_law(model: Counted, weights: Any, context: int, words: int) -> np.ndarray:
    """p(word | context) of all words; context 0 is the empty one."""
    trie = model.trie
    if context <= 0:
        return weights.p[1 : 1 + words].copy()
    law = weights.backoff[context] * full_law(model, weights, int(trie.suffix[context]), words)
    parent = np.concatenate([[0], parents(trie.children)])
    for child in np.flatnonzero(parent == context):
        law[trie.word[child]] += weights.alpha[child]
    return law


def test_a_file_of_a_merged_model_loses_nothing_and_has_its_own_version(tmp_path: Path) -> None:
    both, vocabulary = models()
    whole = merged(both, [4, 1])
    model = pruned(whole, losses(whole, np.ones(len(whole.trie.word))), 0.02)
    path = tmp_path / "merged.sgm"
    path.write_bytes(pack(model, vocabulary, {"form": "raw"}))
    assert HEAD.unpack(path.read_bytes()[: HEAD.size])[1] == MERGED
    read = unpack(path).model
    for mine, theirs in zip((*model.trie, *model[1:]), (*read.trie, *read[1:]), strict=True):
        assert np.array_equal(mine, theirs)


def test_discounts_above_their_counts_are_refused(tmp_path: Path) -> None:
    both, vocabulary = models()
    content = pack(merged(both, [1, 1]), vocabulary, {"form": "raw"})
    magic, version, _, _, key = HEAD.unpack(content[: HEAD.size])
    (size,) = struct.unpack_from("<I", content, HEAD.size)
    about = json.loads(content[HEAD.size + 4 : HEAD.size + 4 + size])
    about["counts_of_counts"][1][0] = MILLION + 1
    text = json.dumps(about).encode()
    body = struct.pack("<I", len(text)) + text + content[HEAD.size + 4 + size :]
    path = tmp_path / "forged.sgm"
    path.write_bytes(HEAD.pack(magic, version, zlib.crc32(body), len(body), key) + body)
    with pytest.raises(ModelFileError, match="its discounts are larger than their counts"):
        load(path)


@pytest.mark.parametrize("name", NGRAMS)
def test_what_ships_has_read_no_share_alike_text(name: str) -> None:
    endings = [".sgm", "-classes.sgm"] if name == "en-ngram" else [".sgm"]
    for ending in endings:
        facts = unpack(data_file(name, ending)).metadata
        assert facts["files"], ending
        assert not [file for file in facts["files"] if "by-sa" in file], ending
        assert "share-alike" in facts["sources"]
    assert load(name).metadata["edition"] == EDITIONS[name]
