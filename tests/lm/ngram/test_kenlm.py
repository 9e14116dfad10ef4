"""Estimates and ARPA files agree with KenLM's lmplz and query, to the digits its files have."""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from searchgen.lm.ngram.estimation.trie import parents
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.storage.arpa import read_arpa
from searchgen.lm.ngram.tables import BEGIN, END, NGramTables
from tests.places import DATA, ROOT

SMALL = DATA / "kenlm"
SHARED = Path(os.environ.get("SEARCHGEN_SHARED", ROOT.parent / "shared")) / "reference" / "kenlm"
CUTS = {"order3": (3, ()), "order4-pruned": (4, (0, 0, 1, 1)), "order5": (5, ())}

models = pytest.mark.parametrize(
    ("folder", "name"),
    [
        (SMALL, "order3"),
        (SMALL, "order4-pruned"),
        *(pytest.param(SHARED, name, marks=pytest.mark.shared) for name in CUTS),
    ],
)


Step = tuple[float, int]


def steps_of(tables: NGramTables) -> list[dict[int, Step]]:
    """For each node: what reading a word below it costs, and the context after it."""
    first, node = tables.node["first"], tables.node
    return [
        {int(tables.word[i]): (float(node["log_p"][i]), int(node["state"][i])) for i in range(a, b)}
        for a, b in itertools.pairwise(first.tolist())
    ]


def log_p_of(tables: NGramTables, steps: list[dict[int, Step]], ids: Sequence[int]) -> float:
    """Score a sentence as the definition says, the slow way."""
    context, total = int(tables.node["state"][1 + BEGIN]), 0.0
    for word in [*ids, END]:
        while word not in steps[context]:
            total += float(tables.node["log_backoff"][context])
            context = int(tables.node["suffix"][context])
        log_p, context = steps[context][word]
        total += log_p
    return total


def lines(path: Path) -> list[list[str]]:
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return [line.split() for line in path.read_text().splitlines()]


def estimated(folder: Path, name: str) -> NGram:
    order, cut = CUTS[name]
    return NGram.from_sentences(lines(folder / "train.txt"), order, cut=cut)


def scores(folder: Path, name: str) -> np.ndarray:
    rows = (folder / f"{name}.scores.tsv").read_text().splitlines()
    return np.array([float(row.split("\t")[0]) for row in rows])


def ngrams(model: NGram) -> dict[tuple[str, ...], tuple[float, float]]:
    """All stored n-grams with log10 p and back-off."""
    tables = model.tables
    parent = [-1, *parents(np.diff(tables.node["first"])).tolist()]
    texts: list[tuple[str, ...]] = [()]
    for i in range(1, len(parent)):
        texts.append((*texts[parent[i]], model.vocabulary[tables.word[i]]))
    log10 = np.log(10)
    return {
        text: (float(node["log_p"]) / log10, float(node["log_backoff"]) / log10)
        for text, node in zip(texts, tables.node, strict=False)
    }


@models
def test_an_estimate_has_the_probabilities_of_lmplz(folder: Path, name: str) -> None:
    ours = ngrams(estimated(folder, name))
    reference = ngrams(NGram.from_arpa(folder / f"{name}.arpa"))
    assert ours.keys() == reference.keys()
    pairs = np.array([(ours[text], reference[text]) for text in ours])
    assert np.abs(pairs[:, 0] - pairs[:, 1]).max() < 1e-4


@models
def test_scores_are_those_of_kenlm(folder: Path, name: str) -> None:
    sentences, expected = lines(folder / "test.txt"), scores(folder, name)
    for model in (estimated(folder, name), NGram.from_arpa(folder / f"{name}.arpa")):
        steps = steps_of(model.tables)
        ours = [log_p_of(model.tables, steps, model.ids(sentence).tolist()) / np.log(10) for sentence in sentences]
        assert np.abs(np.array(ours) - expected).max() < 1e-4


def test_an_arpa_file_lists_its_vocabulary_by_falling_probability() -> None:
    read = read_arpa(SMALL / "order3.arpa")
    assert read.vocabulary[:3] == ["<unk>", "<s>", "</s>"]
    p = read.levels[0].p[3:]
    pairs = list(zip(-p, read.vocabulary[3:], strict=True))
    assert pairs == sorted(pairs)
