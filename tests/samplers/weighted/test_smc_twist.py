"""Particles under a transformer: every branch of the production loop, played and weighed against the enumerated law."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("torch")

from searchgen.errors import RequestError
from searchgen.guide import Guide
from searchgen.guide.candidates import new_scratch
from searchgen.kernels.randomness import script
from searchgen.lm.mixture import Mixture, NGramPart
from searchgen.lm.neural.transformer import open_transformer
from searchgen.lm.ngram.model import NGram
from searchgen.request.request import PLAIN_TERMS, Request
from searchgen.samplers.chains.scorer import scorer_of
from searchgen.samplers.method import Job
from searchgen.samplers.proofs.exactness import WEIGHTED, World, next_script
from searchgen.samplers.registry import method
from searchgen.samplers.weighted.smc.proof import Scripted
from searchgen.samplers.weighted.smc.run import grow
from searchgen.samplers.weighted.smc.steps import Particles, new_particles
from searchgen.samplers.weighted.smc.twist import Twist
from searchgen.target import Target
from tests.cli.runner import searchgen
from tests.lm.neural.tiny_transformer import by_bytes, by_words

VISIBLE = 1e-4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return by_words(tmp_path_factory.mktemp("words"))


class Remembered:
    """Prefix scores by a model's own code, each text's kept, so that a thousand branches do not compute them a thousand times."""

    def __init__(self, growing: Any, kept: dict[str, float]) -> None:
        self.growing, self.kept = growing, kept

    def log_probs(self, texts: list[str], parents: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        if any(text not in self.kept for text in texts):
            new = self.growing.log_probs(texts, np.zeros(len(texts), np.int64))
            self.kept.update(zip(texts, new.tolist(), strict=True))
            self.growing._row_of = np.zeros(len(texts), np.int64)
        return np.array([self.kept[text] for text in texts])


class Forgetful(Twist):
    """Control: does not follow the resampling."""

    def select(self, parents: npt.NDArray[np.int64]) -> None:
        pass


class Beginner(Twist):
    """Control: the last step corrects to the beginning's score instead of the whole text's."""

    def advance(self, particles: Particles) -> None:
        whole = self.scorer
        self.scorer = lambda tokens, lengths: whole(tokens, lengths) + 0.1 * lengths
        super().advance(particles)
        self.scorer = whole


def target_under(text_model: Any, most: int, beta: float, forbid: tuple[str, ...] = ()) -> Target:
    ngram = ngram_model()
    request = Request(
        forbid=forbid,
        keywords=(("a",),),
        sentence=False,
        quotes=True,
        terms=PLAIN_TERMS,
        min_words=1,
        max_words=most,
        beta=beta,
    )
    target = replace(Target.of(request, ngram), text_model=text_model)
    return replace(target, problem=target.problem._replace(ngram=ngram.exact_tables()))


def ngram_model() -> NGram:
    return NGram.from_sentences([["a", "b"], ["b", "a"], ["a", "c", "b"], ["c"], ["b", "c", "a"]] * 3, order=3)


def error(
    text_model: Any, particles: int, threshold: float, most: int, beta: float, order: int, kind: Any = Twist
) -> float:
    """Return how far probability x weight is from the density of each text, relative to the whole mass."""
    # Fewer words where pairs of particles are played: their branches are the square of one's.
    target = target_under(text_model, most, beta, ("c",) if particles > 1 else ())
    world = World.of(target.problem, most)
    texts = [" ".join(target.vocabulary.decode(text)) for text in world.texts]
    density = np.exp(beta * text_model.log_probs(texts))  # the definition, apart from the code under test
    at = {text: i for i, text in enumerate(world.texts)}
    guide = Guide.build(target.problem, order=order, max_tokens=world.max_tokens, budget=None)
    scorer, rng, kept, scratch = scorer_of(target), script(4096), {}, new_scratch()
    law = np.zeros(len(world.texts))
    while True:
        rng.depth[0], rng.probability[0] = 0, 1.0
        state = new_particles(particles, guide.max_tokens)
        twist = kind.of(target, scorer, particles)
        if kind is not Twist:
            twist = kind(**vars(twist))
        twist.growing = Remembered(twist.growing, kept)
        grow(state, Scripted(guide, state, threshold, rng, scratch), twist)
        for c in range(particles):
            if state.length[c] >= 0:
                law[at[tuple(state.token[c, : state.length[c]].tolist())]] += rng.probability[0] * np.exp(
                    state.log_weight[c]
                )
        if not next_script(rng):
            break
    return float(np.abs(law / particles - density).max() / density.sum())


slow = pytest.mark.slow


@pytest.mark.parametrize("beta", [pytest.param(0.7, marks=slow), 2.0])
@pytest.mark.parametrize(
    ("particles", "threshold", "most"),
    [pytest.param(1, 0.0, 3, marks=slow), pytest.param(2, 0.0, 2, marks=slow), (2, 1.0, 2)],
)
def test_weights_are_proper_for_the_transformer(
    folder: Path, particles: int, threshold: float, most: int, beta: float
) -> None:
    assert error(open_transformer(str(folder)), particles, threshold, most, beta, 2) < WEIGHTED


@slow
def test_weights_are_proper_for_a_mixture(folder: Path) -> None:
    mixture = Mixture("mixture", [NGramPart(ngram_model()), open_transformer(str(folder))], [0.3, 0.7])
    assert error(mixture, 2, 1.0, 2, 1.0, 2) < WEIGHTED


@pytest.mark.parametrize("kind", [Forgetful, pytest.param(Beginner, marks=slow)])
def test_control_a_fault_is_caught(folder: Path, kind: Any) -> None:
    assert error(open_transformer(str(folder)), 2, 1.0, 2, 1.0, 2, kind) > VISIBLE


@pytest.mark.parametrize("threshold", [pytest.param(0.0, marks=slow), 0.5, pytest.param(1.0, marks=slow)])
def test_whole_runs_estimate_the_mass(folder: Path, threshold: float) -> None:
    """The counters' engine, keys and values kept: log Z within five standard errors, weights as reported."""
    target = target_under(open_transformer(str(folder)), 4, 1.0)
    sampler = method("smc")
    draws = sampler.draw(Job(target, 2000, 7, replace(sampler.options(), threshold=threshold)))
    world = World.of(target.problem, 4)
    texts = [" ".join(target.vocabulary.decode(text)) for text in world.texts]
    true = dict(zip(world.texts, open_transformer(str(folder)).log_probs(texts), strict=True))
    assert np.abs(draws.log_density - [true[text] for text in draws.texts()]).max() < 1e-4
    assert draws.log_z is not None
    assert draws.log_z_error is not None
    assert abs(draws.log_z - np.logaddexp.reduce(list(true.values()))) < 5 * max(draws.log_z_error, 0.01)
    assert draws.report["transformer"]["spared"] > 0
    assert (len(draws.report["resampled_at"]) > 0) == (threshold > 0)
    shares = np.exp(draws.log_weight - np.logaddexp.reduce(draws.log_weight))
    law = np.exp(np.array(list(true.values())) - np.logaddexp.reduce(list(true.values())))
    drawn_law = np.array([shares[[text == drawn for drawn in draws.texts()]].sum() for text in world.texts])
    assert np.abs(drawn_law - law).sum() / 2 < 0.15


def test_the_command_draws_by_particles(tmp_path: Path) -> None:
    letters = str(by_bytes(tmp_path))
    flags = ("--keywords", "dog", "--max-words", "5", "--sampler", "smc", "-n", "8", "--seed", "3", "--json")
    ran = searchgen("sample", "--lm", letters, *flags)
    assert ran.code == 0, ran.err
    model = open_transformer(letters)
    for row in ran.rows:
        assert row["kind"] == "weighted"
        assert row["log_prob"] == pytest.approx(model.log_probs([row["text"]])[0], rel=1e-5)
        assert row["log_density"] == pytest.approx(row["log_prob"])
        assert all(row["satisfied"].values())
    again = searchgen("sample", "--again", ran.rows[0]["signature"], "--json")
    assert again.out == ran.out


def test_rejuvenation_is_refused(folder: Path) -> None:
    target = target_under(open_transformer(str(folder)), 3, 1.0)
    sampler = method("smc")
    with pytest.raises(RequestError, match="changes words by the n-gram model alone"):
        sampler.draw(Job(target, 4, 7, replace(sampler.options(), rejuvenate=5)))
