"""Masked proposals look at the other words only, pass by words that cannot be spelled, and hold one pass in memory."""

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")


from searchgen.lm.neural.masked import MaskedModel
from searchgen.lm.neural.transformer import open_any_transformer
from searchgen.lm.ngram.model import NGram
from searchgen.request.request import PLAIN_TERMS, Request
from searchgen.samplers.mcmc.masked_proposals import MaskedProposals
from searchgen.target import Target
from tests.cli.runner import searchgen
from tests.lm.neural.tiny_transformer import masked_by_pieces


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(masked_by_pieces(tmp_path_factory.mktemp("pieces"), ["dog", "ran", "the"]))


@pytest.fixture(scope="module")
def model(folder: str) -> MaskedModel:
    model = open_any_transformer(folder)
    assert isinstance(model, MaskedModel)
    return model


def proposals_of(model: MaskedModel, sentences: list[list[str]], form: str) -> MaskedProposals:
    ngram = NGram.from_sentences(sentences * 3, order=3, form=form)
    request = Request(
        sentence=False, quotes=True, finite_verb=False, terms=PLAIN_TERMS, min_words=1, max_words=3, lm=form
    )
    return MaskedProposals(model, Target.of(request, ngram))


@pytest.mark.parametrize(
    ("form", "words"), [("zh", ["我", "你", "Tom", "10"]), ("en", ["dog", "I", "Tom", "10"]), ("raw", ["a", "b"])]
)
def test_sides_do_not_depend_on_the_word_between_them(model: MaskedModel, form: str, words: list[str]) -> None:
    """Else the way back is drawn from another law than the way forth: Chinese prints 我你 but 我 Tom, and some tokenizers see spaces."""
    proposals = proposals_of(model, [words, words[::-1]], form)
    ids = proposals.target.vocabulary.encode(words).tolist()
    for left in ids:
        for right in ids:
            for text in ((word, left, right) for word in ids):
                for at in range(3):
                    every = {proposals._sides((*text[:at], word, *text[at + 1 :]), at) for word in ids}
                    assert len(every) == 1


def test_a_word_that_the_model_cannot_spell_may_stand_beside_the_mask(model: MaskedModel) -> None:
    proposals = proposals_of(model, [["the", "dog", "ran"], ["the", "ñandú", "ran"]], "en")
    text = proposals.target.vocabulary.encode(["the", "ñandú", "ran"]).tolist()
    first, middle, last = proposals.changes([text] * 3, [0, 1, 2])
    assert middle is None  # no way would lead back to it
    for change in (first, last):
        assert change is not None
        assert np.exp(change.log_m).sum() == pytest.approx(1.0)


def test_scores_of_many_texts_are_reduced_pass_by_pass(model: MaskedModel) -> None:
    """As from a network with 20,000 pieces: the scores of all places together would be 240 MB."""
    torch = pytest.importorskip("torch")
    wide = replace(model, scores=lambda pieces, there, at: torch.zeros(len(at), 20_000), positions=256)
    tracemalloc.start()
    scores = wide.log_probs([" ".join(("the", "ran")[i >> bit & 1] for bit in range(15)) for i in range(100)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.allclose(scores, -15 * np.log(20_000))
    assert peak < 60e6


def test_the_language_is_that_of_the_text() -> None:
    assert Request(lm="some/model", start="医生读了信。").model.proposer == "zh-ngram"


def test_score_says_what_the_numbers_are(folder: str) -> None:
    ran = searchgen("score", "--lm", folder, "--json", stdin=b"The dog ran.\n")
    assert ran.code == 0, ran.err
    assert "not log-probabilities" in ran.err
    assert ran.rows[0]["kind"] == "pseudo"
    assert "Loading" not in ran.err


def test_text_goes_with_a_spec(folder: str, tmp_path: Path) -> None:
    spec = tmp_path / "dog.toml"
    spec.write_text('[constraints]\nkeywords = ["dog"]\n', encoding="utf-8")
    flags = ("--lm", folder, "--sampler", "gibbs", "--max-words", "5", "--seed", "1")
    ran = searchgen("sample", "--spec", str(spec), *flags, "--text", "The cat ran.")
    assert ran.code == 3
    assert "--text does not satisfy keyword dog" in ran.err
