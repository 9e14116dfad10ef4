"""What is printed is new: no sentence of the training text, unless nothing else was found."""

import random

from searchgen.lm.companions import load_training_sentences
from searchgen.lm.embedded import EMBEDDED
from searchgen.lm.ngram.load import load
from searchgen.lm.training_sentences import FALSE, FEWEST, MOST, TrainingSentences
from searchgen.request.model_ref import ModelRef
from searchgen.request.request import Annealing, Request
from searchgen.search.searcher import Searcher
from searchgen.sources.source import open_source
from tests.cli.runner import model

REQUEST = Request(keywords=(("dog",),), annealing=Annealing(chains=6, steps=600), seed=3)


def test_every_sentence_is_found_again_and_hardly_any_other() -> None:
    draw = random.Random(1)
    sentences = [[str(draw.randrange(50)) for _ in range(draw.randint(FEWEST, MOST))] for _ in range(3000)]
    known = TrainingSentences.of(sentences[:1500])
    assert all(sentence in known for sentence in sentences[:1500])
    assert sum(sentence in known for sentence in sentences[1500:]) <= 3 * FALSE * 1500
    assert ["a"] * (FEWEST - 1) not in TrainingSentences.of([["a"] * (FEWEST - 1)])


def test_embedded_models_know_theirs() -> None:
    for name in EMBEDDED:
        assert len(load_training_sentences(load(name)).bits) > 50_000
    english = load_training_sentences(load("en"))
    assert ["When", "he", "had", "finished", "he", "drew", "a", "deep", "breath", "."] in english
    assert ["When", "he", "had", "finished", "he", "drew", "a", "deep", "dog", "."] not in english


def toy_searcher() -> Searcher:
    return Searcher.of(open_source(ModelRef.parse(model("en"))))


def test_a_training_sentence_gives_way_to_the_next_best() -> None:
    plain = toy_searcher()
    first = plain.search(REQUEST).records[0]
    other = toy_searcher()
    other.source.__dict__["training_sentences"] = TrainingSentences.of([first.tokens])
    second = other.search(REQUEST).records[0]
    assert second.tokens != first.tokens
    assert second.log_density <= first.log_density
    assert (first.rank, second.rank) == (1, 1)


def test_where_nothing_else_is_found_it_is_printed_and_said() -> None:
    searcher = toy_searcher()
    found = searcher.search(REQUEST)
    searcher.source.__dict__["training_sentences"] = TrainingSentences.of(
        map(searcher.source.model.text_form.tokenise, everything(found))
    )
    again = searcher.search(REQUEST)
    assert again.records[0].tokens == found.records[0].tokens
    assert any("all texts found are sentences of the training text" in note for note in again.notes)


def everything(found) -> list[str]:
    searched = toy_searcher().source.target(found.request)
    return [searched.form.detokenise(tuple(searched.vocabulary.decode(ids))) for ids in found.annealed.texts]
