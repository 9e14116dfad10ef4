"""Under a large model the embedded mixture explores, and is heard as a second expert; densities stay the large model's."""

import numpy as np
import pytest

pytest.importorskip("gguf")

import searchgen
from searchgen.errors import RequestError
from searchgen.lm.conversion.model import ConvertedModel
from searchgen.lm.conversion.probe import Probe
from searchgen.lm.open import open_text_model
from searchgen.request.model_ref import ModelRef
from searchgen.request.request import Request
from searchgen.samplers.chains.observer import Observer
from searchgen.samplers.chains.scorer import padded, scorer_of
from searchgen.search.expert import PER_WORD, SENSE, Expert
from searchgen.search.searcher import Searcher
from searchgen.search.transformer_search import TransformerSearch
from searchgen.sources.source import Source, open_source
from searchgen.token_table import WORD_REWARDS
from tests.cli.runner import searchgen as command
from tests.lm.catalogue.stand_in import Place, place, wheel  # noqa: F401 - a fixture

#: What a word of an English text is worth beside the target's own reward.
REWARD = PER_WORD - WORD_REWARDS["en"]

REQUEST = Request(keywords=(("dog",), ("park",)), lm="tiny", seed=3)


@pytest.fixture
def source(place: Place) -> Source:  # noqa: F811
    """A tiny large model."""
    assert command("lm", "get", "tiny", "--from", str(wheel(place.folder, place.content)), "-q").code == 0
    return open_source(REQUEST.model, REQUEST.reading)


def test_large_models_alone_have_an_explorer(source: Source) -> None:
    assert source.explorer is not None
    assert source.explorer.ref.name == "en"
    assert source.explorer.model is source.model
    assert ModelRef.parse("tiny", "狗").explorer == ModelRef.parse("zh")
    for name in ("en", "en-ngram", "my.sgm:0.5,tiny:0.5"):
        assert ModelRef.parse(name, "dog").explorer is None, name


def test_only_searches_open_it(source: Source) -> None:
    assert command("score", "--lm", "tiny", stdin=b"A dog.\n").code == 0
    assert source.hash
    assert "explorer" not in vars(source)


def test_an_explorer_has_more_restarts(source: Source) -> None:
    assert source.explorer is not None
    explored = TransformerSearch().begin(source, REQUEST)
    alone = TransformerSearch().begin(source.explorer, REQUEST.but(lm="en"))
    assert source.explorer.text_model is not None
    for _ in alone.steps(source.explorer.text_model):
        pass
    assert alone.scored is not None
    assert len(explored.first) > 1.2 * len(alone.scored.own)


def test_the_large_model_begins_with_the_best_texts_of_the_explorer(source: Source) -> None:
    run = TransformerSearch().begin(source, REQUEST)
    assert run.expert is not None
    target, model = run.proposal, run.expert.model
    log_q = model.log_probs([target.printed(text) for text in run.first])
    words = np.array([len(target.printed(text).split()) for text in run.first])
    worth = log_q + REWARD * words + np.array([target.token_weight(text) for text in run.first])
    assert len(run.first) > 100
    assert (np.diff(worth) < 1e-6).all()


def test_an_expert_adds_its_log_probability_and_a_reward_for_each_word(source: Source) -> None:
    run = TransformerSearch().begin(source, REQUEST)
    target = source.target(REQUEST.but(beta=0.5))
    texts = [*run.first[:3], (*run.first[0], *run.first[0])]  # the last holds more than one sentence
    expert = Expert(open_text_model("en-ngram:1"))
    plain = scorer_of(target)(*padded(texts, target.max_tokens))
    scores = expert.beside(scorer_of(target), target)(*padded(texts, target.max_tokens))
    assert scores[3] == plain[3] == -np.inf
    printed = [target.printed(text) for text in texts[:3]]
    added = 0.5 * (expert.model.log_probs(printed) + REWARD * np.array([len(text.split()) for text in printed]))
    assert np.allclose(scores[:3], plain[:3] + added)
    assert np.allclose(expert.without(texts[:3], scores[:3]), plain[:3])


def test_what_readers_find_fine_leads_and_ranks(source: Source) -> None:
    model = source.text_model
    assert isinstance(model, ConvertedModel)
    run = TransformerSearch().begin(source, REQUEST)
    target = source.target(REQUEST)
    texts = run.first[:4]
    plain = Expert(open_text_model("en-ngram:1"))
    scores = plain.beside(scorer_of(target), target)(*padded(texts, target.max_tokens))
    size = int(model.facts["width"])
    model.probe = Probe(np.random.default_rng(1).normal(size=size), np.zeros(size), 0.25)
    model.forget()
    sense = model.sense([target.printed(text) for text in texts])
    assert sense is not None
    assert sense.std() > 0.01
    expert = Expert(open_text_model("en-ngram:1"))
    led = expert.beside(scorer_of(target), target)(*padded(texts, target.max_tokens))
    assert np.allclose(led, scores + SENSE * sense)
    assert np.allclose(expert.without(texts, led), plain.without(texts, scores))


def test_what_is_printed_is_ranked_by_both_and_has_the_density_of_the_large_model(source: Source) -> None:
    outcome = Searcher.of(source).search(REQUEST.but(count=3))
    explorer = source.explorer
    assert explorer is not None
    model, other = source.text_model, explorer.text_model
    assert model is not None
    assert other is not None
    target, scores = source.target(REQUEST), []
    for record in outcome.records:
        ids = target.vocabulary.encode(record.tokens)
        log_p = float(model.log_probs([record.text])[0])
        assert record.log_density == pytest.approx(log_p + target.token_weight(ids), abs=1e-4)
        scores.append(record.log_density + float(other.log_probs([record.text])[0]) + REWARD * len(record.text.split()))
    assert scores == sorted(scores, reverse=True)


def test_a_search_repeats(source: Source) -> None:
    assert len({Searcher.of(source).search(REQUEST).records[0].text for _ in range(2)}) == 1


def test_chinese_words_have_the_chinese_explorer(source: Source) -> None:
    record = searchgen.constrain("公园", lm="tiny", seed=1)[0]
    assert "公园" in record.text


def test_texts_that_the_explorer_cannot_read_are_searched_without_it(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer = source.explorer
    assert explorer is not None
    assert explorer.text_model is not None

    def refuse(texts: object) -> None:
        raise RequestError("a text of 300 pieces is longer than the 256 that en can read")

    monkeypatch.setattr(explorer.text_model, "log_probs", refuse)
    (record,) = Searcher.of(source).search(REQUEST).records
    assert {"dog", "park"} <= set(record.tokens)


def test_an_observer_sees_densities_of_the_large_model(source: Source) -> None:
    observer = Observer()
    outcome = Searcher.of(source).search(REQUEST, observer=observer)
    names = [stage.name for stage in observer.stages]
    own = observer.stages[names.index("texts explored") :]
    seen = {text: density for stage in own for text, density in stage.leaders}
    (record,) = outcome.records
    target = source.target(REQUEST)
    assert seen[tuple(target.vocabulary.encode(record.tokens).tolist())] == pytest.approx(record.log_density, abs=1e-6)
