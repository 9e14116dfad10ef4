"""Vectors of sentences against the formula in plain NumPy, the file of vectors, and the nearest of all lines."""

from pathlib import Path

import numpy as np
import pytest

from searchgen.errors import ModelFileError, NotFound, RequestError
from searchgen.meaning.nearest import Kept, nearest
from searchgen.meaning.overlap import overlap
from searchgen.meaning.pooling import SIGNS
from searchgen.meaning.vectors import DATA, Vectors, sequences_of, vectors_of
from tests.places import CORPORA

SMALL = Vectors(
    "en",
    ("the", "dog", "cat", "door"),
    np.array([60, 3, 2, 1]),
    100,
    np.array([[1, 0], [3, 4], [4, 3], [-5, 0]], np.int8),
    np.array([0.1, -0.2], np.float32),
    (0.5, 2.0),
    ("a", "b"),
)


def plain(text: str) -> np.ndarray:
    """The formula, word by word; `zebra` has no stored part and weight 1."""
    total, known, stored, spelled = 0.0, 0.0, np.zeros(2), np.zeros(SIGNS)
    for word in text.split():
        place = SMALL.words.index(word) if word in SMALL.words else -1
        weight = 1e-3 / (1e-3 + SMALL.count[place] / 100) if place >= 0 else 1.0
        total += weight
        signs = sequences_of([word], "en")[0].astype(float)
        spelled += weight * signs / np.linalg.norm(signs)
        if place >= 0:
            known += weight
            stored += weight * SMALL.stored[place] / np.linalg.norm(SMALL.stored[place])
    first = (stored / known - SMALL.mean) * 0.5 if known else np.zeros(2)
    whole = np.concatenate([first, 2.0 * spelled / total])
    return whole / np.linalg.norm(whole)


def test_sentences_by_the_formula() -> None:
    texts = ["the dog", "zebra", "cat cat door zebra", "the"]
    found = SMALL.sentences([*texts, "...", ""])
    assert np.allclose(found[:4], [plain(text) for text in texts], atol=1e-5)
    assert not found[4:].any()
    assert SMALL.similarity("the dog", "") == 0.0
    assert SMALL.similarity("dog the", "The dog!") == pytest.approx(1.0)


def test_signs_of_letter_sequences_are_fixed_and_unlike() -> None:
    rows = sequences_of(["running", "runs", "door"], "en").astype(float)
    assert rows[0][:8].tolist() == sequences_of(["running"], "en")[0][:8].tolist()
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert unit[0] @ unit[1] > 0.25 > abs(unit[0] @ unit[2])
    characters = sequences_of(["朋友", "友朋", "门"], "zh")
    assert (characters[0] == characters[1]).all()


def test_vectors_are_read_as_they_were_written(tmp_path: Path) -> None:
    SMALL.save(tmp_path / "x.npz", "a command")
    again = Vectors.open(tmp_path / "x.npz")
    assert (again.stored == SMALL.stored).all()
    assert (again.words, again.sources, again.total) == (SMALL.words, SMALL.sources, 100)
    assert (again.sentences(["the cat"]) == SMALL.sentences(["the cat"])).all()
    (tmp_path / "y.npz").write_bytes((tmp_path / "x.npz").read_bytes()[:99])
    with pytest.raises(ModelFileError, match="damaged"):
        Vectors.open(tmp_path / "y.npz")
    with pytest.raises(RequestError, match="no word vectors for 'fr'"):
        vectors_of("fr")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_shipped_vectors_name_their_texts_and_none_is_share_alike(language: str) -> None:
    vectors = vectors_of(language)
    assert len(vectors.sources) > 8
    assert not [name for name in vectors.sources if "by-sa" in name or not name.startswith(f"{language}/")]
    assert (DATA / f"{language}.npz").stat().st_size < 3_500_000
    assert len(vectors.words) == len(vectors.stored)


def test_like_sentences_are_nearer_than_unlike_ones() -> None:
    for language, first, second, other in (
        (
            "en",
            "The doctor saw the sick child.",
            "A nurse looked after the ill boy.",
            "The train to the city was late.",
        ),
        ("zh", "医生给孩子看病。", "护士照顾生病的小孩。", "去城里的火车晚点了。"),
    ):
        vectors = vectors_of(language)
        assert vectors.similarity(first, second) > vectors.similarity(first, other)


def test_the_nearest_lines_are_those_of_a_full_sort() -> None:
    for language, text in (("en", "I would like a cup of coffee."), ("zh", "我想喝一杯咖啡。")):
        lines = (CORPORA / f"everyday-{language}.txt").read_text(encoding="utf-8").splitlines()[:300]
        lines += [lines[7], "", "..."]
        vectors = vectors_of(language)
        wanted = [round(vectors.similarity(line, text), 4) for line in lines]
        order = sorted(range(len(lines)), key=lambda place: (-wanted[place], place))[:8]
        found = nearest(vectors, text, lines, 8)
        assert [round(near.similarity, 4) for near in found] == [wanted[place] for place in order]
        assert all(lines[near.number - 1] == near.line for near in found)
        assert Kept.of(lines).nearest(vectors, text, 8) == found
    assert nearest(vectors_of("en"), "a dog", ["dog", "x", "dog"], 2)[0].number == 1
    with pytest.raises(NotFound, match="has a vector"):
        nearest(vectors_of("en"), "qqzzx", ["a dog"], 1)
    with pytest.raises(RequestError, match="no lines"):
        nearest(vectors_of("en"), "a dog", [], 1)


def test_overlap() -> None:
    assert overlap("a b a".split(), "a a c d".split()) == 4 / 7  # noqa: SIM905
    assert overlap([], []) == 1.0
