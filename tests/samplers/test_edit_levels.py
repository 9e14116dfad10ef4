"""A charge for edits is a mixture of hard bounds: on every text of a toy world, and in the starts of chains."""

import math
from dataclasses import replace

import numpy as np
import pytest

from searchgen.constraints.words.nearness import Closeness
from searchgen.jobs.draws import stated_law
from searchgen.lm.ngram.model import NGram
from searchgen.request.request import Request
from searchgen.samplers.chains.scorer import padded, score_texts, scorer_of
from searchgen.samplers.edit_levels import draw_starts, edit_levels, guides
from searchgen.samplers.kept_states import Plan
from searchgen.samplers.method import Job
from searchgen.samplers.proofs.exactness import World
from searchgen.samplers.registry import method
from searchgen.target import Target

CHARGE, LONGEST = 0.7, 4


def target_of(**more: object) -> Target:
    lines = ["a b c", "b c a", "a b", "c", "a a b", "b"]
    model = NGram.from_sentences([line.split() for line in lines] * 4, order=2, form="raw")
    fields = {"source": "a b c", "max_edits": 2, "closeness": CHARGE, "max_words": LONGEST, **more}
    target = Target.of(stated_law(Request(sampler="surrogate", sentence=False, finite_verb=False, **fields)), model)
    return replace(target, problem=target.problem._replace(ngram=model.exact_tables()))


@pytest.mark.parametrize("more", [{}, {"keywords": (("a",), ("c",))}, {"keywords": "b", "forbid": "c"}])
def test_the_levels_sum_to_the_law(more: dict[str, object]) -> None:
    """Control: a level left out, or its factor."""
    target = target_of(**more)
    rows = padded(World.of(target.problem, LONGEST).texts, LONGEST)
    law = scorer_of(target)(*rows)

    def mixed(levels: list[tuple[float, object]]) -> float:
        parts = np.array([factor + score_texts(problem, *rows) for factor, problem in levels])  # type: ignore[arg-type]
        return float(np.abs(np.logaddexp.reduce(parts, axis=0) - law).max())

    levels = edit_levels(target)
    assert len(levels) == (3 if more != {"keywords": "b", "forbid": "c"} else 2)  # the source holds the forbidden word
    assert mixed(levels) < 1e-12
    assert mixed(levels[1:]) > 0.01
    assert mixed([(0.0, problem) for _, problem in levels]) > 0.01
    plain = target_of(**more, closeness=None)
    assert edit_levels(plain) == [(0.0, plain.problem)]


def test_starts_have_the_law_of_the_edits() -> None:
    """4,096 starts, whose guide is exact under bigrams. Control: without the charge the shares are others."""
    target = target_of(keywords=(("a",), ("b",)))
    job = Job(target, 4096, 11, method("surrogate").options())
    tokens, lengths = draw_starts(guides(job), Plan.of(job, 4096, 1, 1).counters, 0, 1)
    world = World.of(target.problem, LONGEST)
    law = np.exp(scorer_of(target)(*padded(world.texts, LONGEST)))
    law /= law.sum()
    place = {text: i for i, text in enumerate(world.texts)}
    drawn = np.array([place[tuple(row[:n].tolist())] for row, n in zip(tokens, lengths.tolist(), strict=True)])
    edits = np.round((world.log_density - scorer_of(target)(*padded(world.texts, LONGEST))) / CHARGE).astype(int)
    for number in range(3):
        share, right = float((edits[drawn] == number).mean()), float(law[edits == number].sum())
        assert abs(share - right) < 4.9 * math.sqrt(right * (1 - right) / 4096)
        assert abs(float(world.law[edits == number].sum()) - right) > 0.03


@pytest.mark.parametrize("charge", [CHARGE, 1e-17])
def test_the_factors_sum_to_one(charge: float) -> None:
    """Under a charge so small that 1 - exp(-charge) is rounded to 0, too."""
    factors = [factor for factor, _ in edit_levels(target_of(closeness=charge))]
    assert len(factors) == 3
    assert np.logaddexp.reduce(factors) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("charges", [[0.0], [0.3, 0.4]])
def test_edits_without_a_single_cost_leave_one_part(charges: list[float]) -> None:
    target = target_of()
    (closeness,) = (one for one in target.constraints if isinstance(one, Closeness))
    others = (one for one in target.constraints if one is not closeness)
    changed = replace(target, constraints=(*others, *(replace(closeness, weight=charge) for charge in charges)))
    assert edit_levels(changed) == [(0.0, changed.problem)]
