"""Mixtures: the law by its definition, what it sums to, pieces that reach across words, and every use of it."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from searchgen.errors import RequestError
from searchgen.lm.boundaries import PrefixLogProbs, prefix_log_probs, token_ends
from searchgen.lm.mixture import Mixture, NGramPart, mixed, open_mixture, parts_of
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.transformer import open_transformer
from searchgen.lm.ngram.load import load
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.scoring import score_tokens
from searchgen.lm.open import MIXTURE, model_type
from searchgen.request.request import PLAIN_TERMS, Request
from searchgen.samplers.chains.moves import labels, step
from searchgen.samplers.mcmc.surrogate import surrogate_matrix
from searchgen.samplers.method import Job
from searchgen.samplers.proofs.exactness import World, imbalance, transition_matrix
from searchgen.samplers.registry import method
from searchgen.target import Target
from searchgen.testing import assert_leaves_invariant, assert_text_model
from tests.cli.runner import searchgen
from tests.lm.neural.tiny_transformer import LETTERS, by_bytes, by_words

ROUNDING, VISIBLE = 1e-5, 1e-4


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(by_words(tmp_path_factory.mktemp("words")))


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(by_bytes(tmp_path_factory.mktemp("bytes")))


def ngram() -> NGram:
    return NGram.from_sentences([["a", "b"], ["b", "a"], ["a", "c", "b"], ["c"], ["b", "c", "a"]] * 3, order=3)


def mixture(words: str) -> Mixture:
    return Mixture("mixture", [NGramPart(ngram()), open_transformer(words)], [0.3, 0.7])


def next_word_laws(words: str, text: str) -> tuple[np.ndarray, np.ndarray]:
    """p(each next word or the end) of both parts, from other code than the mixture's: whole-text scores, and n-gram scores."""
    begun, ended = open_transformer(words, NeuralSettings(end="none")), open_transformer(words)
    before = begun.log_probs([text])[0]
    longer = [*begun.log_probs([f"{text} {word}" for word in LETTERS]), ended.log_probs([text])[0]]
    model = ngram()
    own = []
    for word in (*LETTERS, None):
        ids = model.ids([*text.split(), *([word] if word else [])]).astype(np.int32)
        scores = score_tokens(model.tables, ids, np.array([0, len(ids)]))
        own.append(scores[-2] if word else scores[-1])
    return np.exp(np.array(own)), np.exp(np.array(longer) - before)


def test_every_next_word_is_mixed_and_the_law_is_proper(words: str) -> None:
    """Of every text of up to 3 words, all continuations: weighted means of the parts' laws, with sum 1 but for the n-gram's <unk>."""
    model = mixture(words)
    for text in (" ".join(text) for n in (1, 2, 3) for text in itertools.product(LETTERS, repeat=n)):
        own, neural = next_word_laws(words, text)
        expected = 0.3 * own + 0.7 * neural
        first, *longer = model.prefix_log_probs([text, *(f"{text} {word}" for word in LETTERS)])
        here, end = first.log_p[-1], first.log_end
        found = np.exp([*(one.log_p[-1] - here for one in longer), end])
        assert np.abs(found - expected).max() < ROUNDING
        assert 0.3 * own.sum() + 0.7 - ROUNDING < found.sum() < 1 + ROUNDING
        # Control: whole texts mixed instead of words.
        whole = np.logaddexp(
            *(
                np.log(w) + part.prefix_log_probs([text])[0].log_p[-1]
                for w, part in zip([0.3, 0.7], model.parts, strict=True)
            )
        )
        assert len(text) == 1 or abs(whole - here) > VISIBLE


def test_it_keeps_every_promise_of_a_law(words: str) -> None:
    texts = [" ".join(text) for n in (1, 2, 3) for text in itertools.product(LETTERS, repeat=n)]
    assert_text_model(mixture(words), texts, LETTERS, longest=4)


def test_words_of_any_tokenizer_with_the_space_before_them(letters: str) -> None:
    """Bytes never reach across: each token's share is a difference of scores of prefixes."""
    model = open_mixture(f"en:0.4,{letters}:0.6", NeuralSettings())
    begun, ended = open_transformer(letters, NeuralSettings(end="none")), open_transformer(letters)
    text, cuts = (
        "The dog's ball, it ran.",
        ["The", "The dog's", "The dog's ball", "The dog's ball,", "The dog's ball, it"],
    )
    scores = begun.log_probs([*cuts, "The dog's ball, it ran", text])
    neural = np.append(np.diff(scores, prepend=0.0), ended.log_probs([text])[0] - scores[-1])
    english = load("en")
    ids = english.ids(english.text_form.tokenise(text)).astype(np.int32)
    own = score_tokens(english.tables, ids, np.array([0, len(ids)]))
    expected = np.logaddexp(np.log(0.4) + own, np.log(0.6) + neural).sum()
    assert model.log_probs([text])[0] == pytest.approx(expected, abs=1e-3)
    assert model.counted()["evaluations"] == 1


def test_what_is_forgotten_is_computed_anew(words: str) -> None:
    """By the parts, too: a job's scores must not depend on the jobs before it."""
    both = mixture(words)
    for passes in (1, 2):
        both.forget()
        for _ in range(3):
            both.log_probs(["a b", "b a c"])
        assert both.counted()["forwards"] == passes


def test_pieces_that_reach_across_words_keep_them_together() -> None:
    starts, ends = token_ends(["the", "dog", "."], "The dog.")
    own = prefix_log_probs(starts, ends, 7, np.log([0.5, 0.5, 0.5, 0.5]))
    pieces = prefix_log_probs([0, 3, 3], [3, 3, 7], 7, np.log([0.2, 0.1, 0.1, 0.9]))  # "The", a lone space, "dog."
    assert own.places.tolist() == [3, 6, 7]
    assert pieces.places.tolist() == [3, 7]
    found = mixed([own, pieces], np.log([0.5, 0.5]))
    begun, end = found.log_p[-1], found.log_end
    assert np.exp(begun) == pytest.approx((0.5 * 0.5 + 0.5 * 0.2) * (0.5 * 0.25 + 0.5 * 0.01))
    assert np.exp(end) == pytest.approx(0.7)
    shared = prefix_log_probs([0, 0, 1], [1, 1, 2], 2, np.log([0.5, 0.5, 0.5]))  # two bytes of one sign
    assert shared.places.tolist() == [1, 2]
    assert np.exp(shared.log_p).tolist() == pytest.approx([0.25, 0.125])
    assert token_ends(["a", "--", "b"], "a—b") == (
        [0, 1, 1],
        [1, 3, 3],
    )  # not printed as it stands: one stretch from there on


@pytest.mark.slow
@pytest.mark.parametrize("beta", [0.7, 2.0])
def test_samplers_have_the_mixtures_law(words: str, beta: float) -> None:
    model = ngram()
    request = Request(
        keywords=(("a",),), sentence=False, quotes=True, terms=PLAIN_TERMS, min_words=1, max_words=3, beta=beta
    )
    target = replace(Target.of(request, model), text_model=mixture(words))
    exact = target.problem._replace(ngram=model.exact_tables())
    world = World.of(exact, 3)
    texts = [" ".join(target.vocabulary.decode(text)) for text in world.texts]
    true = beta * np.array([defined(words, text) for text in texts])
    own = target.own_log_densities(world.texts)
    assert own is not None
    assert np.abs(own - true).max() < 1e-4
    inner = transition_matrix(world, step, labels(span=1, any_span=1, relocate=1, longest=2), 1.0)
    law = World(world.problem, world.texts, own, world.max_tokens)
    steps = np.linalg.matrix_power(inner, 3)
    assert_leaves_invariant(surrogate_matrix(steps, own, world.log_density), law)
    exchanged = Mixture("exchanged", mixture(words).parts, [0.7, 0.3]).log_probs(texts) * beta
    assert imbalance(law, surrogate_matrix(steps, exchanged, world.log_density)) > VISIBLE
    draws = method("importance").draw(Job(target, 2000, 7, method("importance").options()))
    assert draws.log_z is not None
    assert draws.log_z_error is not None
    assert abs(draws.log_z - np.logaddexp.reduce(true)) < 5 * draws.log_z_error


def defined(words: str, text: str) -> float:
    """log p of the mixture by the definition: each word's mean, one after the other."""
    parts = text.split()
    total, begun = 0.0, open_transformer(words, NeuralSettings(end="none"))
    model = ngram()
    ids = model.ids(parts).astype(np.int32)
    own = score_tokens(model.tables, ids, np.array([0, len(ids)]))[:1]
    total += np.log(0.3 * np.exp(own[0]) + 0.7 * np.exp(begun.log_probs(parts[:1])[0]))
    for n in range(1, len(parts) + 1):
        mine, neural = next_word_laws(words, " ".join(parts[:n]))
        at = LETTERS.index(parts[n]) if n < len(parts) else len(LETTERS)
        total += np.log(0.3 * mine[at] + 0.7 * neural[at])
    return float(total)


def test_commands_take_a_mixture(letters: str) -> None:
    name = f"en:0.5,{letters}:0.5"
    model = open_mixture(name, NeuralSettings())
    found = searchgen("constrain", "--lm", name, "--keywords", "dog,park", "--max-words", "7", "--seed", "7", "--json")
    assert found.code == 0, found.err
    rows = list(found.rows)
    for sampler in ("surrogate", "importance"):
        given = ("--sampler", sampler, "--max-words", "5", "-n", "3", "--seed", "3", "--json")
        drawn = searchgen("sample", "--lm", name, "--keywords", "dog", *given)
        assert drawn.code == 0, drawn.err
        rows += drawn.rows
    for row in rows:
        assert row["lm"] == model.label
        assert row["log_prob"] == pytest.approx(model.log_probs([row["text"]])[0], rel=1e-5)
        assert all(row["satisfied"].values())
    again = searchgen("constrain", "--again", rows[0]["signature"], "--json")
    assert again.out == found.out
    scored = searchgen("score", "--lm", name, "--json", stdin=rows[0]["text"].encode())
    assert scored.rows[0]["log_prob"] == pytest.approx(rows[0]["log_prob"], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("en:0.5,gpt2", "is not a part"),
        ("en:0.5,gpt2:0.6", "sum to 1.1"),
        ("en:0,gpt2:1", "is not a part"),
        (":0.5,en:0.5", "is not a part"),
    ],
)
def test_mixtures_that_are_none(name: str, message: str) -> None:
    assert model_type(name) is MIXTURE
    with pytest.raises(RequestError, match=message):
        parts_of(name)
    ran = searchgen("score", "--lm", name, stdin=b"A dog.\n")
    assert ran.code == 2


def test_ends_are_not_left_out(letters: str) -> None:
    with pytest.raises(RequestError, match="--end none"):
        open_mixture(f"en:0.5,{letters}:0.5", NeuralSettings(end="none"))
    nothing: Sequence[PrefixLogProbs] = NGramPart(load("en-ngram")).prefix_log_probs([])
    assert nothing == []
