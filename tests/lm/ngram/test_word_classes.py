"""Word classes: the exchange finds them, their file keeps them, the class law is a law, and the ranking is what its formula says."""

from pathlib import Path

import numpy as np
import pytest

from searchgen.errors import ModelFileError
from searchgen.lm.companions import load_classes
from searchgen.lm.embedded import data_file
from searchgen.lm.ngram.estimation.exchange import exchange
from searchgen.lm.ngram.estimation.words import encode_sentences
from searchgen.lm.ngram.load import load
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.scoring import score_tokens
from searchgen.lm.ngram.tables import BEGIN, END
from searchgen.lm.ngram.word_classes import WordClasses, open_classes, pack_classes
from searchgen.ranking.word_classes import LAST, ranked
from searchgen.request.model_ref import ModelRef
from searchgen.request.request import Request
from searchgen.samplers.optimise.annealing_loop import Annealed
from searchgen.search.searcher import Searcher
from searchgen.sources.source import open_source
from searchgen.target import Target

NOUNS, VERBS = ("dog", "cat", "hen"), ("ran", "sat", "hid")
SENTENCES = [[article, noun, verb, "."] for article in ("the", "a") for noun in NOUNS for verb in VERBS] * 2

LARGEST_EN = 13_000_000


@pytest.fixture(scope="module")
def words() -> NGram:
    return NGram.from_sentences(SENTENCES, order=3, form="en")


def of_words(model: NGram) -> np.ndarray:
    """The classes of the toy's words: marks alone, two more for all else but the articles, which share one."""
    tokens, _ = encode_sentences(SENTENCES)
    return exchange(tokens, model.size, np.array([0, 1, 2, model.id_of["."]]), 3)


def file_of(model: NGram, folder: Path) -> Path:
    tokens, vocabulary = encode_sentences(SENTENCES)
    assert vocabulary == model.vocabulary
    path = folder / "classes.sgm"
    path.write_bytes(pack_classes(tokens, of_words(model), model, 3, (0,), {}))
    return path


def test_exchange_finds_the_parts_of_speech(words: NGram) -> None:
    classes = of_words(words)
    for group in (NOUNS, VERBS, ("the", "a")):
        assert len({classes[words.id_of[word]] for word in group}) == 1
    assert len(set(classes.tolist())) == 7


def test_exchange_never_lowers_the_likelihood() -> None:
    rng = np.random.default_rng(3)
    tokens = np.concatenate([[1, *rng.integers(3, 23, 6), 2] for _ in range(200)]).astype(np.int32)
    before = -np.inf
    for sweeps in range(4):
        classes = exchange(tokens, 23, np.arange(3), 4, sweeps=sweeps)
        inside = tokens[:-1] != END
        pairs = np.zeros((7, 7))
        np.add.at(pairs, (classes[tokens[:-1][inside]], classes[tokens[1:][inside]]), 1)
        masses = np.bincount(classes[tokens], minlength=7)
        likelihood = sum(n * np.log(n) for n in pairs.ravel() if n) - 2 * sum(n * np.log(n) for n in masses if n)
        assert likelihood >= before - 1e-9
        before = likelihood


def test_the_file_keeps_the_classes(words: NGram, tmp_path: Path) -> None:
    classes = open_classes(file_of(words, tmp_path), words)
    assert classes.of_word.tolist() == of_words(words).tolist()


def test_classes_of_another_model_are_refused(words: NGram, tmp_path: Path) -> None:
    other = NGram.from_sentences(SENTENCES[:5], order=2, form="en")
    with pytest.raises(ModelFileError, match="word classes of the model"):
        open_classes(file_of(words, tmp_path), other)


def test_the_law_of_the_next_class_sums_to_one(words: NGram, tmp_path: Path) -> None:
    classes = open_classes(file_of(words, tmp_path), words)
    first = words.id_of["the"]
    one_of_each = [int(np.flatnonzero(classes.of_word == c)[0]) for c in range(7) if c not in (BEGIN, END)]
    second = [classes.score(np.array([first, w], np.int32), np.array([0, 2]))[1] for w in one_of_each]
    end = classes.score(np.array([first], np.int32), np.array([0, 1]))[1]
    assert np.exp([*second, end]).sum() == pytest.approx(1.0, abs=1e-6)


def test_ranking_is_its_formula(words: NGram, tmp_path: Path) -> None:
    classes = open_classes(file_of(words, tmp_path), words)
    target = Target.of(Request(keywords=(("dog",),), min_words=1, max_words=8, finite_verb=False), words)
    printed = ["the dog ran .", "the dog .", "the the dog ran .", "dog ran the ."]
    texts = [tuple(target.vocabulary.encode(text.split())) for text in printed]
    density = np.array([-3.0, -2.0, -1.0, -2.5])
    annealed = Annealed(texts, density, 1, False, np.zeros((3, 3), np.int64))

    def score(text: tuple[int, ...], log_density: float) -> float:
        ids, bounds = np.array(text, np.int32), np.array([0, len(text)])
        over = classes.score(ids, bounds)
        unigram = words.tables.node["log_p"][1 + np.array([*text, END])]
        ratio = score_tokens(words.tables, ids, bounds) - unigram
        pairs = ratio[:-1] + ratio[1:]
        number = len(text) - 1  # all but the final mark
        return log_density + 2.5 * (over.sum() + number + pairs.min() + LAST * (over[-1] + over[-2]))

    expected = sorted(range(4), key=lambda i: -score(texts[i], density[i]))
    got = ranked(annealed, target, classes, 2.5)
    assert got.texts == [texts[i] for i in expected]
    assert got.log_density.tolist() == density[expected].tolist()
    assert got.texts[0] == texts[0]
    assert ranked(annealed, target, classes, 0.0).texts == [texts[i] for i in np.argsort(-density)]


def test_english_comes_with_classes_and_other_models_without() -> None:
    model = load("en")
    classes = load_classes(model)
    assert isinstance(classes, WordClasses)
    assert len(classes.of_word) == model.size
    assert load_classes(NGram.from_sentences(SENTENCES)) is None
    endings = (".sgm", "-classes.sgm", "-sentences.npy")
    assert sum(data_file("en-ngram", ending).stat().st_size for ending in endings) <= LARGEST_EN


def test_a_whole_sentence_is_preferred() -> None:
    searcher = Searcher.of(open_source(ModelRef.parse("en-ngram")))
    request = Request(keywords=(("needs",), ("fire",), ("alarm",)), seed=1)
    by_density = searcher.search(Request(**{**vars(request), "class_weight": 0.0})).records[0]
    by_classes = searcher.search(request).records[0]
    again = searcher.search(request).records[0]
    assert by_classes.text == again.text
    assert by_density.kind == by_classes.kind == "search"
    assert '"class_weight":0.0' in by_density.signature
