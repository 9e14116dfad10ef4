"""The laws of `examples/`: of paraphrases, of mended and of shortened texts, and two published objectives.

Densities by plain Python on every text of a toy world, and the chains of `surrogate` and `mh` enumerated there. Each weight, bound or count
that is left out or wrong is seen.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest

from searchgen.jobs.draws import stated_law
from searchgen.lm.ngram.model import NGram
from searchgen.meaning.vectors import vectors_of
from searchgen.request.from_toml import read_spec
from searchgen.samplers.chains.moves import labels, step
from searchgen.samplers.chains.scorer import Floats, padded, scorer_of
from searchgen.samplers.mcmc.delayed_acceptance import cheap_problem
from searchgen.samplers.mcmc.surrogate import surrogate_matrix
from searchgen.samplers.proofs.exactness import STATIONARY, World, imbalance, is_irreducible, transition_matrix
from searchgen.target import Target
from tests.constraints.test_edits import fewest
from tests.lm.ngram.test_kenlm import log_p_of, steps_of
from tests.places import EXAMPLES

Text = tuple[str, ...]

#: What a fault must show at least.
VISIBLE = 1e-4

LONGEST = 5


@dataclass(frozen=True)
class Law:
    """A spec on the toy world.

    Attributes:
        spec: its name in `examples/`.
        source: the text that its texts are near.
        toy: fields that are others than in the spec.
        added: what the law adds to log p of a text of so many edits; -inf where it forbids it.
        weights: fields with a wrong weight or measure, each of which must be seen in densities and by chains.
        bounds: fields with a wrong bound, which must be seen in densities.
        power: of the model's probability.
    """

    spec: str
    source: str
    toy: dict[str, Any]
    added: Callable[[Text, Text], float]
    weights: tuple[dict[str, Any], ...]
    bounds: tuple[dict[str, Any], ...]
    power: float = 1.0

    @property
    def words(self) -> Text:
        """The tokens of the source."""
        return tuple(self.source.lower().replace(".", " .").split())

    def log_density(self, text: Text) -> float:
        """Natural log, by plain Python."""
        added = self.added(text, self.words) if printable(text) else float("-inf")
        return self.power * log_p(text) + added if added > float("-inf") else added


def shared(text: Text, source: Text) -> float:
    mine, theirs = (Counter(word for word in one if word.isalpha()) for one in (text, source))
    return 2 * (mine & theirs).total() / (mine.total() + theirs.total())


def unlike(text: Text, source: Text) -> float:
    return 1 - vectors_of("en").similarity(" ".join(text), " ".join(source))


def paraphrased(text: Text, source: Text) -> float:
    is_within = shared(text, source) <= 0.7 and fewest(source, text) <= 2
    return -30 * unlike(text, source) if is_within else float("-inf")


def annealed(text: Text, source: Text) -> float:
    is_within = fewest(source, text) <= 2
    return -30 * unlike(text, source) - 10 * shared(text, source) if is_within else float("-inf")


def mended(text: Text, source: Text) -> float:
    edits = fewest(source, text)
    return -8.0 * edits if edits <= 2 else float("-inf")


def is_part(text: Text, source: Text) -> bool:
    """Whether a text is three words of the source in their order, and its stop."""
    rest = iter(source)
    return len(text) == 4 and text[-1] == "." and all(token in rest for token in text)


def shortened(text: Text, source: Text) -> float:
    return -4.0 * len({"dog", "saw", "cat"} - {*text}) if is_part(text, source) else float("-inf")


def climbed(text: Text, source: Text) -> float:
    return -12 * unlike(text, source) if is_part(text, source) else float("-inf")


LAWS = {
    "paraphrase": Law(
        "paraphrase",
        "A dog ran.",
        {"similar_to": "A dog ran.", "max_edits": 2},
        paraphrased,
        ({"similarity_weight": 20.0}, {"similarity_weight": None}),
        ({"max_overlap": 0.9}, {"max_edits": 1}, {"similar_to": "A cat ran."}),
    ),
    "fix": Law(
        "fix",
        "A dog ran.",
        {},
        mended,
        ({"closeness": 4.0}, {"closeness": None}),
        ({"max_edits": 1}, {"source": "A cat ran."}),
    ),
    "shorten": Law(
        "shorten",
        "A dog saw a cat.",
        {"prefer": ["4: holds(dog, saw, cat)"], "max_edits": 2, "min_words": 3, "max_words": 3},
        shortened,
        ({"prefer": ["3: holds(dog, saw, cat)"]}, {"prefer": ["4: holds(dog, saw)"]}),
        ({"max_edits": 3}, {"regex": ""}, {"max_words": 4}),
    ),
    "upsa": Law(
        "upsa",
        "A dog ran.",
        {"similar_to": "A dog ran.", "max_edits": 2, "sampler": "surrogate"},
        annealed,
        ({"overlap_weight": 9.0}, {"overlap_weight": None}, {"similarity_weight": 20.0}, {"similar_to": "A cat ran."}),
        ({"max_edits": 1},),
    ),
    "hc": Law(
        "hc",
        "A dog saw a cat.",
        {
            "similar_to": "A dog saw a cat.",
            "max_edits": 2,
            "min_words": 3,
            "max_words": 3,
            "beta": 1 / 3,
            "sampler": "surrogate",
        },
        climbed,
        ({"similarity_weight": 11.0}, {"similarity_weight": 0.0}, {"beta": 0.5}),
        ({"max_edits": 3}, {"regex": ""}, {"max_words": 4}),
        power=1 / 3,
    ),
}


@cache
def model() -> NGram:
    lines = "a dog ran .|a cat ran .|dog saw a cat .|a cat saw a dog .|a dog saw .|cat ran a dog ."
    return NGram.from_sentences([line.split() for line in lines.split("|")] * 3, order=3, form="en")


@cache
def log_p(text: Text) -> float:
    """Natural log p of a text and its end."""
    tables = model().exact_tables()
    return log_p_of(tables, steps_of(tables), [model().id_of[token] for token in text])


def printable(text: Text) -> bool:
    """Whether a text is one: one to four words, no stop before or after another, and no initial (`A.`)."""
    count = sum(map(str.isalpha, text))
    is_read = text[0] != "." and text[:2] != ("a", ".") and (".", ".") not in pairwise(text)
    return 1 <= count <= 4 and is_read


def target_of(law: Law, **wrong: Any) -> Target:
    """The target of a law under the toy model."""
    fields = {"source": law.source, "max_words": 4, **law.toy, **wrong}
    request = stated_law(read_spec(str(EXAMPLES / f"{law.spec}.toml")).request(fields, 7))
    target = Target.of(request, model())
    return replace(target, problem=target.problem._replace(ngram=model().exact_tables()))


def scores(target: Target, texts: list[tuple[int, ...]]) -> Floats:
    return scorer_of(target)(*padded(texts, LONGEST))


def right_law(law: Law, texts: list[tuple[int, ...]]) -> Floats:
    return np.array([law.log_density(tuple(model().tokens(list(text)))) for text in texts])


@pytest.mark.parametrize("name", LAWS)
def test_the_density_of_every_text(name: str) -> None:
    law, tokens = LAWS[name], sorted(model().id_of[token] for token in ["a", "dog", "cat", "saw", "ran", "."])
    texts = [text for length in range(1, LONGEST + 1) for text in product(tokens, repeat=length)]
    right, density = right_law(law, texts), scores(target_of(law), texts)
    assert np.isfinite(right).sum() > 5
    assert np.array_equal(np.isfinite(density), np.isfinite(right))
    allowed = np.isfinite(right)
    assert np.abs(density[allowed] - right[allowed]).max() < 1e-6
    for wrong in (*law.weights, *law.bounds):
        other = scores(target_of(law, **wrong), texts)
        assert not np.allclose(other, right, atol=1e-3), wrong


@pytest.mark.parametrize("name", LAWS)
def test_surrogate_leaves_the_law_invariant(name: str) -> None:
    law = LAWS[name]
    target = target_of(law)
    world = World.of(target.problem, LONGEST)
    right = right_law(law, world.texts)
    allowed = np.flatnonzero(np.isfinite(right))
    texts = [world.texts[i] for i in allowed]
    cheap = cheap_problem(target.problem, 2)
    density = scores(replace(target, problem=cheap, opaque=()), world.texts)
    moves = labels(span=1, any_span=1, relocate=1, longest=3)
    inner = transition_matrix(World(cheap, world.texts, density, LONGEST), step, moves, 1.0)
    twice = (inner @ inner)[np.ix_(allowed, allowed)]
    small = World(target.problem, texts, right[allowed], LONGEST)

    def matrix(**wrong: Any) -> Floats:
        return surrogate_matrix(twice, scores(target_of(law, **wrong), texts), density[allowed])

    assert imbalance(small, matrix()) < STATIONARY
    assert is_irreducible(matrix())
    for wrong in law.weights:
        assert imbalance(small, matrix(**wrong)) > VISIBLE, wrong


def test_mh_leaves_the_law_within_some_edits_invariant() -> None:
    """Control: the law that charges for each edit."""
    within = replace(LAWS["fix"], added=lambda text, source: 0.0 if fewest(source, text) <= 2 else float("-inf"))
    world = World.of(target_of(within, closeness=None).problem, LONGEST)
    right = replace(world, log_density=right_law(within, world.texts))
    matrix = transition_matrix(world, step, labels(span=1, any_span=1, relocate=1, longest=2), 1.0)
    assert imbalance(right, matrix) < STATIONARY
    assert is_irreducible(matrix)
    charged = replace(world, log_density=right_law(LAWS["fix"], world.texts))
    assert imbalance(charged, matrix) > VISIBLE
