"""Every beginning that texts share is one node, and every text finds its own pieces on its way."""

from pathlib import Path

import numpy as np
import pytest

from searchgen.lm.conversion.model import ConvertedModel
from searchgen.lm.conversion.prefix_tree import FEWEST, PrefixTree, nodes_of
from tests.lm.conversion.test_scores import TEXTS, opened, same_bits


@pytest.mark.parametrize("pieces", [1, 2, 5])
@pytest.mark.parametrize("seed", range(20))
def test_nodes_are_the_beginnings(pieces: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [rng.integers(0, pieces, rng.integers(1, 7)).tolist() for _ in range(rng.integers(1, 12))]
    tree = PrefixTree.of(rows)
    beginnings = {tuple(row[:end]) for row in rows for end in range(1, len(row))}
    assert len(tree.pieces) == max(FEWEST, len(beginnings))
    assert nodes_of(rows) == len(beginnings)
    spelled: dict[int, tuple[int, ...]] = {}
    pairs = iter(tree.pair.tolist())
    for row, nodes, length in zip(rows, tree.node.tolist(), tree.lengths.tolist(), strict=True):
        assert length == len(row) - 1
        for place, node in enumerate(nodes[:length]):
            assert spelled.setdefault(node, tuple(row[: place + 1])) == tuple(row[: place + 1])
            assert (tree.pieces[node], tree.depth[node]) == (row[place], place)
            pair = next(pairs)
            assert (tree.at[pair], tree.target[pair]) == (node, row[place + 1])
    assert set(spelled.values()) == beginnings
    assert len({*zip(tree.at.tolist(), tree.target.tolist(), strict=True)}) == len(tree.at)
    for node in spelled:
        assert tree.node.ravel()[tree.cell[node]] == node


@pytest.mark.parametrize("threads", [1, 2])
def test_texts_that_begin_alike_are_read_once(threads: int, tmp_path: Path) -> None:
    """And counts do not depend on threads, though each reads its own texts."""
    model = opened(tmp_path, "llama", 8, threads=threads)
    model._positions = 10_000  # one pass
    rows = model.spelling.spell(["It was late.", "It was late, and dark.", "A dog ran.", *TEXTS[:5]])
    model.scored_rows([""] * len(rows), rows)
    beginnings = {
        tuple(row[model._read_before : end]) for row in rows for end in range(model._read_before + 1, len(row))
    }
    assert model.usage.tokens == len(beginnings) < sum(len(row) - model._read_before - 1 for row in rows)
    assert model.usage.spared == sum(len(row) - 1 for row in rows) - len(beginnings)


@pytest.mark.parametrize("positions", [1, 30, 400])
@pytest.mark.parametrize("threads", [1, 2])
def test_however_passes_are_cut_scores_are_the_same(positions: int, threads: int, tmp_path: Path) -> None:
    model = opened(tmp_path, "llama", 8, threads=threads)
    rows = model.spelling.spell(TEXTS)
    wanted = [model.scored_rows([text], [row])[0] for text, row in zip(TEXTS, rows, strict=True)]
    model._positions = positions
    batches = list(model._batches(rows))
    assert sorted(i for batch in batches for i in batch) == list(range(len(rows)))
    assert all(_nodes(model, [rows[i] for i in batch]) <= positions for batch in batches if len(batch) > 1)
    same_bits(model.scored_rows(TEXTS, rows), wanted)


def _nodes(model: ConvertedModel, rows: list[list[int]]) -> int:
    return len(
        {tuple(row[model._read_before : end]) for row in rows for end in range(model._read_before + 1, len(row))}
    )
