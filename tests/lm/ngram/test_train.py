"""Training: from files to a model file, and what it refuses."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from searchgen.errors import RequestError
from searchgen.files.cache_folder import cache_folder
from searchgen.lm.ngram.estimation import reading
from searchgen.lm.ngram.estimation.train import Recipe, train
from searchgen.lm.ngram.evaluate import evaluate
from searchgen.lm.ngram.load import load
from searchgen.lm.ngram.model import NGram

RAW = Recipe(order=3, cut=(), min_count=1, form="raw")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SEARCHGEN_CACHE", str(tmp_path / "cache"))
    cache_folder.cache_clear()
    yield
    cache_folder.cache_clear()


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    (folder / "deep").mkdir(parents=True)
    (folder / "b.txt").write_text("a b c\nb c\n\na b c\n")
    (folder / "deep" / "a.txt").write_text("c c a\r\nb c")
    (folder / "notes.md").write_text("not text to train on\n")
    return folder


def test_a_file_is_the_same_model_as_its_sentences(texts: Path, tmp_path: Path) -> None:
    done = train([texts], tmp_path / "m.sgm", RAW, about={"sources": "two files"})
    model = load(tmp_path / "m.sgm")
    expected = NGram.from_sentences([["a", "b", "c"], ["b", "c"], ["c", "c", "a"]], order=3)
    assert model.vocabulary == expected.vocabulary
    assert model.tables.node.tobytes() == expected.tables.node.tobytes()
    assert model.hash == expected.hash
    assert done.size == (tmp_path / "m.sgm").stat().st_size
    assert (model.metadata["sentences"], model.metadata["tokens"], model.metadata["repeated_sentences"]) == (3, 8, 2)
    assert (model.metadata["sources"], model.metadata["order"], model.metadata["form"]) == ("two files", 3, "raw")


def test_repeated_sentences_count_if_asked_to(texts: Path, tmp_path: Path) -> None:
    recipe = Recipe(order=2, cut=(), min_count=1, form="raw", dedupe=False)
    train([texts / "b.txt", texts / "deep"], tmp_path / "m.sgm", recipe)
    sentences = ["a b c", "b c", "a b c", "c c a", "b c"]
    expected = NGram.from_sentences([sentence.split() for sentence in sentences], order=2)
    assert load(tmp_path / "m.sgm").hash == expected.hash


def test_training_is_deterministic_whatever_the_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("".join(f"Line {i % 97} of {i * i % 89} is here. It goes on!\n" for i in range(400)))
    recipe = Recipe(cut=(0, 0, 1), held_out=10)
    whole = train([text], tmp_path / "one.sgm", recipe)
    monkeypatch.setattr(reading, "PIECE", 2000)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    pieces = train([text], tmp_path / "two.sgm", recipe)
    assert (tmp_path / "one.sgm").read_bytes() == (tmp_path / "two.sgm").read_bytes()
    assert whole.held_out == pieces.held_out


def test_standard_input_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\ufeffé b\n".encode())))
    train(["-"], tmp_path / "m.sgm", RAW)
    assert load(tmp_path / "m.sgm").vocabulary[3:] == ["b", "é"]


def test_first_words_get_the_case_they_have_elsewhere(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("The dog saw the cat.\nParis saw the dog. I saw Paris.\n“The cat,” I said.\nZorb saw the dog.\n")
    train([text], tmp_path / "m.sgm", Recipe(order=2, min_count=1))
    vocabulary = set(load(tmp_path / "m.sgm").vocabulary)
    assert {"the", "Paris", "I", "Zorb"} <= vocabulary
    assert not {"The", "paris", "i", "zorb"} & vocabulary


def test_held_out_sentences_are_left_out_always_the_same_ones(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    sentences = [f"word{i} and word{i * 7 % 500}" for i in range(1000)]
    text.write_text("\n".join(sentences))
    first = train([text], tmp_path / "m.sgm", Recipe(order=2, form="raw", held_out=10))
    text.write_text("\n".join([*sentences[:500], "something else", *sentences[500:]]))
    second = train([text], tmp_path / "m.sgm", Recipe(order=3, form="raw", held_out=10))
    assert 60 < len(first.held_out) < 140
    assert set(first.held_out) <= set(second.held_out) <= {*first.held_out, "something else"}
    assert first.metadata["sentences"] + len(first.held_out) == 1000


def test_words_are_limited_by_count_and_number(texts: Path, tmp_path: Path) -> None:
    train([texts], tmp_path / "m.sgm", Recipe(order=2, cut=(), min_count=3, form="raw", limit_vocabulary=1))
    assert load(tmp_path / "m.sgm").vocabulary == ["<unk>", "<s>", "</s>", "c"]


def test_progress_is_told(texts: Path, tmp_path: Path) -> None:
    stages: list[tuple[str, float]] = []
    train([texts], tmp_path / "m.sgm", RAW, progress=lambda stage, done: stages.append((stage, done)))
    assert list(dict.fromkeys(stage for stage, _ in stages)) == ["read", "count", "pack"]
    assert all(0 <= done <= 1 for _, done in stages)


def test_text_that_is_not_utf8_is_refused_by_file_and_line(texts: Path, tmp_path: Path) -> None:
    (texts / "c.txt").write_bytes(b"fine\nfine\n" + "é".encode("latin-1") + b" b\n")
    with pytest.raises(RequestError, match=r"c\.txt, line 3: not UTF-8"):
        train([texts], tmp_path / "m.sgm", RAW)
    assert not (tmp_path / "m.sgm").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "no text to train on"), ("\n \n", "no text to train on"), ("a <s> b\n", "holds <s>")],
)
def test_text_that_gives_no_model_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "text.txt").write_text(content)
    with pytest.raises(RequestError, match=message):
        train([tmp_path / "text.txt"], tmp_path / "m.sgm", RAW)


def test_paths_that_hold_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for paths, message in (
        ([], "name files"),
        ([tmp_path / "empty"], "no .txt"),
        ([tmp_path / "gone"], "no file or folder"),
    ):
        with pytest.raises(RequestError, match=message):
            train(paths, tmp_path / "m.sgm", RAW)
    (tmp_path / "text.txt").write_text("a b")
    with pytest.raises(RequestError, match="no folder"):
        train([tmp_path / "text.txt"], tmp_path / "gone" / "m.sgm", RAW)


@pytest.mark.parametrize(
    "numbers",
    [
        {"order": 0},
        {"order": 7},
        {"cut": (1,)},
        {"min_count": 0},
        {"limit_vocabulary": 0},
        {"held_out": 100.0},
        {"form": "eng"},
    ],
)
def test_impossible_recipes_are_refused(texts: Path, tmp_path: Path, numbers: dict[str, object]) -> None:
    with pytest.raises(RequestError, match="|".join(["impossible", "must start with 0", "unknown text form"])):
        train([texts], tmp_path / "m.sgm", Recipe(**numbers))  # type: ignore[arg-type]


def test_evaluation_counts_unknown_words_apart() -> None:
    model = NGram.from_sentences([["a", "b"], ["a", "c"], ["x"]], order=2, min_count=1)
    whole = evaluate(model, ["a b", "", "a zz"])
    assert (whole.sentences, whole.tokens, whole.unknown, whole.unknown_rate) == (2, 4, 1, 0.25)
    tables = model.exact_tables()
    assert tables.order[0] == 2
    without = evaluate(model, ["a b"])
    assert without.perplexity == without.perplexity_known
    assert whole.perplexity > without.perplexity
    log2_p = -3 * np.log2(without.perplexity)
    assert without.bits_per_character == pytest.approx(-log2_p / len("a b"))
    with pytest.raises(RequestError, match="no text"):
        evaluate(model, [" "])
