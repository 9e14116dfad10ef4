"""Masked transformers: conditionals, pseudo-log-likelihoods, corrected proposals enumerated, pseudo-Gibbs and its label."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from searchgen.errors import RequestError  # noqa: E402
from searchgen.lm.neural.masked import MaskedModel  # noqa: E402
from searchgen.lm.neural.transformer import open_any_transformer, open_transformer  # noqa: E402
from searchgen.lm.ngram.model import NGram  # noqa: E402
from searchgen.request.request import PLAIN_TERMS, Request  # noqa: E402
from searchgen.samplers.mcmc.masked_proposals import MaskedProposals, log_acceptance  # noqa: E402
from searchgen.samplers.mcmc.surrogate import Options  # noqa: E402
from searchgen.samplers.method import Job  # noqa: E402
from searchgen.samplers.proofs.exactness import World, imbalance, is_irreducible  # noqa: E402
from searchgen.samplers.registry import method  # noqa: E402
from searchgen.target import Target  # noqa: E402
from searchgen.testing import assert_leaves_invariant, assert_text_model  # noqa: E402
from tests.cli.runner import Ran, searchgen  # noqa: E402
from tests.lm.neural.tiny_transformer import by_words, masked_by_pieces, masked_by_words  # noqa: E402

VISIBLE = 1e-4
WORDS = ("the", "doctor", "read", "letter", "dog", "park", "a", "old", "house", "wrote", "took", "ball", "book")


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> MaskedModel:
    found = open_any_transformer(str(masked_by_words(tmp_path_factory.mktemp("masked"))))
    assert isinstance(found, MaskedModel)
    return found


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return by_words(tmp_path_factory.mktemp("causal"))


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(masked_by_pieces(tmp_path_factory.mktemp("english"), WORDS))


def target_under(causal: Path | None, **fields: object) -> Target:
    ngram = NGram.from_sentences([["a", "b"], ["b", "a"], ["a", "c", "b"], ["c"], ["b", "c", "a"]] * 3, order=3)
    request = Request(
        keywords=(("a",),), sentence=False, quotes=True, terms=PLAIN_TERMS, min_words=1, max_words=3, **fields
    )
    target = Target.of(request, ngram)
    return target if causal is None else replace(target, text_model=open_transformer(str(causal)))


def bare_scores(masked: MaskedModel, pieces: list[int], at: int) -> np.ndarray:
    """log softmax at one place of one row, straight from the library."""
    from transformers import BertForMaskedLM

    network: Any = BertForMaskedLM.from_pretrained(masked.name)
    network.train(False)
    with torch.inference_mode():
        return torch.log_softmax(network(torch.tensor([pieces])).logits[0, at].double(), 0).numpy()


def test_conditionals_and_pseudo_log_likelihood_are_the_definitions(masked: MaskedModel) -> None:
    a, b, c = 4, 5, 6  # after [CLS] 0, [SEP] 1, [MASK] 2, [UNK] 3
    expected = sum(
        bare_scores(masked, [0, *[2 if i == at else p for i, p in enumerate((a, b, c))], 1], at + 1)[(a, b, c)[at]]
        for at in range(3)
    )
    assert masked.log_probs(["a b c", "b"])[0] == pytest.approx(expected, abs=1e-5)
    alone = masked.conditionals([("a", "c")], [np.array([a, b, c])])[0]
    full = bare_scores(masked, [0, a, 2, c, 1], 2)[[a, b, c]]
    assert np.exp(alone).sum() == pytest.approx(1.0, abs=1e-12)
    assert np.abs(alone - (full - np.logaddexp.reduce(full))).max() < 1e-5


def test_it_keeps_the_promises_of_a_masked_model(masked: MaskedModel) -> None:
    assert_text_model(masked, ["a b c", "b", "c b c a", "a b c a"])


def proposal_matrices(proposals: MaskedProposals, world: World) -> tuple[np.ndarray, np.ndarray]:
    """(n, n) proposal probabilities of one masked change, and log m(x_i | x_-i) - log m(y_i | x_-i), from the code that production runs."""
    number = {text: i for i, text in enumerate(world.texts)}
    q, correction = np.zeros((len(number), len(number))), np.zeros((len(number), len(number)))
    for text, i in number.items():
        for at, change in enumerate(proposals.changes([text] * len(text), list(range(len(text))))):
            assert change is not None
            for word, log_m in zip(change.ids.tolist(), change.log_m.tolist(), strict=True):
                other = number.get((*text[:at], word, *text[at + 1 :]))
                if other is not None and other != i:
                    q[i, other] += np.exp(log_m) / len(text)
                    correction[i, other] = change.log_m[change.now] - log_m
    return q, correction


def completed(moves: np.ndarray) -> np.ndarray:
    np.fill_diagonal(moves, 0.0)
    np.fill_diagonal(moves, 1.0 - moves.sum(axis=1))
    return moves


@pytest.mark.parametrize("beta", [0.7, 1.0, 2.0])
def test_corrected_proposals_leave_the_causal_law_invariant(masked: MaskedModel, causal: Path, beta: float) -> None:
    target = target_under(causal, beta=beta)
    world = World.of(target.problem, 3)
    true = target.own_log_densities(world.texts)
    assert true is not None
    neural = World(world.problem, world.texts, true, world.max_tokens)
    q, correction = proposal_matrices(MaskedProposals(masked, target), world)
    ratio = log_acceptance(true[None, :], true[:, None], np.zeros_like(q), correction)
    exact = completed(q * np.minimum(1.0, np.exp(np.minimum(ratio, 0.0))))
    assert_leaves_invariant(exact, neural)
    assert not is_irreducible(exact)  # lengths never change: the cheap rounds beside it do that
    # Controls: m forgotten; its two factors exchanged; accepted untested, as pseudo-Gibbs does.
    for wrong in (true[None, :] - true[:, None], true[None, :] - true[:, None] - correction, np.zeros_like(q)):
        assert imbalance(neural, completed(q * np.exp(np.minimum(wrong, 0.0)))) > VISIBLE


@pytest.mark.parametrize("own", [False, True])
def test_draws_have_the_law_of_the_target(masked: MaskedModel, causal: Path, own: bool) -> None:
    """A state of each of 800 chains against the enumerated law, causal or the masked model's own energy: chi-square, p floor 1e-6."""
    target, count = target_under(causal), 800
    if own:
        target = replace(target, text_model=masked)
    job = Job(target, count, 7, Options(chains=count, burn_in=60, thin=1, masked=masked.name))
    draws = method("surrogate").draw(job)
    world = World.of(target.problem, 3)
    true = target.own_log_densities(world.texts)
    assert true is not None
    expected = np.exp(true - np.logaddexp.reduce(true)) * count
    seen = dict.fromkeys(world.texts, 0)
    for text in draws.texts():
        seen[text] += 1
    common = expected >= 5
    pairs = [(seen[t], e) for t, e, c in zip(world.texts, expected, common, strict=True) if c]
    pairs.append((count - sum(s for s, _ in pairs), max(expected[~common].sum(), 1e-9)))
    statistic = sum((s - e) ** 2 / e for s, e in pairs)
    k = len(pairs) - 1
    z = ((statistic / k) ** (1 / 3) - (1 - 2 / (9 * k))) / (2 / (9 * k)) ** 0.5
    assert z < 4.75
    assert 0 < draws.counts["masked_accepted"] < draws.counts["masked"]


# commands


def sample(lm: str, *arguments: str) -> Ran:
    return searchgen("sample", "--lm", lm, "--seed", "1", *arguments)


def test_pseudo_gibbs_begins_with_the_text_and_says_what_it_is(english: str) -> None:
    text = "The doctor read the letter."
    ran = sample(english, "--text", text, "--keywords", "letter", "--sampler", "gibbs", "-n", "6", "--json")
    assert ran.code == 0, ran.err
    assert len(ran.rows) == 6
    for row in ran.rows:
        assert row["kind"] == "pseudo"
        assert "pseudo-log-likelihoods" in row["lm"]
        assert len(row["tokens"]) == 6
        assert row["tokens"][-1] == "."
        assert "letter" in row["tokens"]
        assert all(word.lower() in WORDS or len(word) == 1 for word in row["tokens"][:-1])
        assert row["log_prob"] == pytest.approx(open_any_transformer(english).log_probs([row["text"]])[0], abs=1e-4)
    assert len({row["text"] for row in ran.rows}) > 1
    assert searchgen("sample", "--again", ran.rows[0]["signature"], "--json").out == ran.out


def test_a_signature_pins_the_masked_model(english: str, tmp_path: Path) -> None:
    """By the hash of its files: the draws are repeated, and refused once a file has changed."""
    proposer = shutil.copytree(english, tmp_path / "proposer")
    drawn = [f"--option={one}" for one in (f"masked={proposer}", "chains=2", "burn_in=2", "inner=1")]
    ran = searchgen("sample", "--sampler", "surrogate", "--max-words", "5", "--seed", "1", "--json", *drawn)
    assert ran.code == 0, ran.err
    signature = ran.rows[0]["signature"]
    assert "masked_hash=" in signature
    assert searchgen("sample", "--again", signature, "--json").out == ran.out
    changed = proposer / "tokenizer_config.json"
    changed.write_text(changed.read_text(encoding="utf-8") + " ", encoding="utf-8")
    refused = searchgen("sample", "--again", signature, "--json")
    assert (refused.code, refused.err.count("\n")) == (2, 1), refused.err
    assert f"masked={proposer} has changed" in refused.err


def test_score_says_what_its_numbers_are(english: str) -> None:
    ran = searchgen("score", "--lm", english, "--json", stdin=b"The doctor read the letter.\n")
    assert ran.code == 0, ran.err
    assert "pseudo-log-likelihoods" in ran.rows[0]["lm"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--text", "The doctor read the zzzyx.", "--sampler", "gibbs"), "zzzyx"),
        (("--text", "The dog.", "--sampler", "gibbs", "--keywords", "park"), "keyword park"),
        (("--text", "The dog.", "--sampler", "surrogate"), "--text starts the chains of --sampler gibbs"),
        (("--sampler", "smc"), "masked model"),
        (("--sampler", "mh"), "is a function without parts"),
        (("--prompt", "Once"), "drop --prompt"),
    ],
)
def test_what_a_masked_model_cannot_do(english: str, arguments: tuple[str, ...], said: str) -> None:
    ran = sample(english, "--max-words", "5", *arguments)
    assert ran.code in (2, 3)
    assert said in ran.err
    assert ran.err.count("\n") <= 3


def test_wrong_kinds_are_refused(masked: MaskedModel, causal: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="is a masked model"):
        open_transformer(masked.name)
    target = target_under(causal)
    with pytest.raises(RequestError, match="name a masked one"):
        method("surrogate").draw(Job(target, 1, 1, Options(masked=str(causal))))
    ran = searchgen("lm", "eval", masked.name, "-", stdin=b"a b\n")
    assert ran.code == 2
    assert "gives a text no probability" in ran.err
    for given, said in ((str(causal), "name a masked one"), ("masked_hash=ab", "needs the model that it belongs to")):
        option = given if "=" in given else f"masked={given}"
        ran = searchgen("sample", "--sampler", "surrogate", "--max-words", "5", "--option", option)
        assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
        assert said in ran.err
    with pytest.raises(RequestError, match="is no folder"):
        method("surrogate").draw(Job(target, 1, 1, Options(masked="en")))
    bare = masked_by_words(tmp_path)
    (bare / "tokenizer_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RequestError, match="no mask token"):
        open_any_transformer(str(bare))
