"""Quality by evaluations of a transformer and by CPU seconds: `constrain`, a CGMH loop, reranked n-gram texts."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from benchmarks.cgmh import Loop
from benchmarks.common import keyword_request
from searchgen.kernels.randomness import counter, key_of
from searchgen.lm.neural.top_pieces import Expected
from searchgen.lm.protocol import ExpectsPieces, TextModel, expecting
from searchgen.request.request import Annealing, Request
from searchgen.samplers.optimise.annealing_loop import anneal
from searchgen.search.lockstep import in_step
from searchgen.search.look_ahead import look_ahead
from searchgen.search.searcher import Searcher, search_together
from searchgen.search.transformer_plan import EVALUATIONS_PER_SECOND, TransformerPlan
from searchgen.search.transformer_search import TransformerSearch
from searchgen.sources.source import Source
from searchgen.target import Target

__all__ = ["compare", "sharing"]

#: First and last temperature of the CGMH loop.
HOT, COLD = 1.0, 0.3

#: Chains of one n-gram search that is re-ranked, and the shares of its texts that are scored: all, or those likely to be the best.
RERANKED, SHARES = 48, {"reranked": 1.0, "half reranked": 0.5}

#: Densities of one text depend in their last bits on the other texts of the batch.
NEAR = 1e-3

Text = tuple[int, ...]
Curves = dict[str, list[list[float]]]


@dataclass
class Trace:
    """The best log-probability a token so far, by evaluations and by seconds of CPU.

    Attributes:
        best: after each call of the transformer.
        density: the best log-density of the target of `constrain` (rewards and charges included), after the last call or after each.
        evaluations: until then.
        seconds: until then.
    """

    best: list[float] = field(default_factory=list)
    density: list[float] = field(default_factory=list)
    evaluations: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    begun: float = field(default_factory=time.process_time)

    def add(self, values: Sequence[float], count: int) -> None:
        """Add the values of a call."""
        self.best.append(max([*self.best[-1:], *values]))
        self.evaluations.append(count + (self.evaluations[-1] if self.evaluations else 0))
        self.seconds.append(time.process_time() - self.begun)

    def at(self, seconds: float, values: list[float]) -> float:
        """Return the last of `values` before a time in seconds, or the first if all are later."""
        done = [value for value, when in zip(values, self.seconds, strict=True) if when <= seconds]
        return done[-1] if done else values[0]

    def reached(self, value: float) -> float:
        """Return the evaluations until a value is reached; inf: never."""
        found = [n for best, n in zip(self.best, self.evaluations, strict=True) if best >= value]
        return found[0] if found else np.inf


def compare(report: Any, source: Source, sets: Sequence[str], model: str, multiples: Sequence[int]) -> None:
    """Measure every method on every set at multiples of the time of a default search, and print the table."""
    curves: Curves = {name: [] for name in ("constrain", "cgmh", *SHARES)}
    densities: Curves = {name: [] for name in ("constrain", *SHARES)}
    ratios, needed = [], []
    for line in sets:
        request = keyword_request(line, lm=model, seed=11, min_words=6, max_words=14)
        runs = {times: _constrained(source, request, times) for times in multiples}
        unit = runs[multiples[0]].seconds[-1] / multiples[0]
        cgmh = _cgmh(source, request, multiples[-1] * unit)
        reranked = {name: _reranked(source, request, multiples[-1] * unit, share) for name, share in SHARES.items()}
        curves["constrain"].append([runs[times].best[-1] for times in multiples])
        for name, run in (("cgmh", cgmh), *reranked.items()):
            curves[name].append([run.at(times * unit, run.best) for times in multiples])
        densities["constrain"].append([runs[times].density[-1] for times in multiples])
        for name, run in reranked.items():
            densities[name].append([run.at(times * unit, run.density) for times in multiples])
        needed.append((_needed(list(runs.values()), cgmh.best[-1]), cgmh.reached(cgmh.best[-1])))
        ratios.append(needed[-1][0] / needed[-1][1])
        seconds = ", ".join(f"{run.seconds[-1]:.2f}" for run in runs.values())
        shown = {**curves, **{f"density of {name}": rows for name, rows in densities.items()}}
        print(f"  {line}: {seconds} s, evaluations {needed[-1]}")
        print("   ", ", ".join(f"{name} {np.round(rows[-1], 3)}" for name, rows in shown.items()), flush=True)
    _print(report, curves, densities, np.array(ratios), multiples)
    report.numbers |= {"curves": curves, "densities": densities, "evaluations": needed}


def _needed(runs: list[Trace], goal: float) -> float:
    """Return the evaluations until a value is reached by longer and longer runs, all counted; inf: never."""
    total = 0.0
    for run in runs:
        if np.isfinite(run.reached(goal)):
            return total + run.reached(goal)
        total += run.evaluations[-1]
    return np.inf


def _print(
    report: Any, curves: Curves, densities: Curves, ratios: npt.NDArray[np.float64], multiples: Sequence[int]
) -> None:
    reached = int(np.isfinite(ratios).sum())
    report.row(f"sets on which constrain reaches the best of CGMH at {multiples[-1]}x", f"{reached} of {len(ratios)}")
    middle = float(np.median(ratios))
    report.row("  evaluations for it, share of CGMH's: median", f"{middle:.3f}", "<= 0.1", middle <= 0.1)
    shown = ", ".join(f"{one}x" for one in multiples)
    means = {name: np.mean(rows, axis=0) for name, rows in curves.items()}
    for name, mean in means.items():
        report.row(f"best log p a token at {shown} the time: {name}", ", ".join(f"{one:.3f}" for one in mean))
    for name in SHARES:
        gain = np.array(densities["constrain"]) - np.array(densities[name])
        report.row(
            f"constrain above n-gram search, {name}, nats of its target",
            ", ".join(f"{one:+.2f}" for one in gain.mean(axis=0)),
            "> 0",
            bool((gain.mean(axis=0) > 0).all()),
        )
        report.row("  standard errors", ", ".join(f"{one:.2f}" for one in gain.std(axis=0) / np.sqrt(len(gain))))
        counts = [f"{(one > NEAR).sum()}/{(abs(one) <= NEAR).sum()}/{(one < -NEAR).sum()}" for one in gain.T]
        report.row("  sets won/equal/lost", ", ".join(counts))


def _each(target: Target, score: Any, texts: Sequence[Text]) -> tuple[npt.NDArray[np.float64], list[float]]:
    """Return log p of texts, and log p per token."""
    log_p = score([target.printed(text) for text in texts])
    return log_p, [value / (len(text) + 1) for value, text in zip(log_p.tolist(), texts, strict=True)]


@dataclass(eq=False)
class Watched:
    """The transformer of a source; every call goes to a trace as well."""

    source: Source
    trace: Trace

    def __post_init__(self) -> None:
        """Forget the scores of other runs."""
        self.model = _fresh(self.source)

    @property
    def expectable(self) -> Mapping[str, int] | None:
        """The pieces that the model can predict; None: it cannot. Protocols do not see the names that `__getattr__` finds."""
        model = expecting(self.model)
        return None if model is None else model.expectable

    def expected(self, texts: Sequence[str]) -> list[Expected]:
        """Return the model's predictions at every place of texts."""
        return cast(ExpectsPieces, self.model).expected(texts)

    def note_expected(self, most: int) -> None:
        """Have the model keep the `most` best pieces at every place."""
        cast(ExpectsPieces, self.model).note_expected(most)

    def __getattr__(self, name: str) -> Any:
        """Be the model in everything else."""
        return getattr(self.model, name)

    def log_probs(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Score texts, and note the best of them."""
        log_p = self.model.log_probs(texts)
        form = self.source.model.text_form
        self.trace.add(
            [value / (len(form.tokenise(text)) + 1) for value, text in zip(log_p.tolist(), texts, strict=True)],
            len(texts),
        )
        return log_p


def _fresh(source: Source) -> TextModel:
    """Return the transformer of a source, without the scores of other runs."""
    model = source.text_model
    assert model is not None
    model.forget()
    return model


def _constrained(source: Source, request: Request, times: int) -> Trace:
    """Run `constrain` with a multiple of the default restarts and edits (or tests)."""
    trace = Trace()
    seconds = times * TransformerPlan().evaluations / EVALUATIONS_PER_SECOND
    run = TransformerSearch().begin(source, replace(request, annealing=Annealing().for_budget(seconds)))
    in_step([run], Watched(source, trace))
    if run.failure is not None or run.scored is None:
        raise run.failure or RuntimeError("nothing scored")
    trace.density = [max(run.scored.density.values())]
    return trace


def _cgmh(source: Source, request: Request, seconds: float) -> Trace:
    """Run the loop for a time from the best start of the n-gram model, cooled from HOT to COLD."""
    trace = Trace()
    run = TransformerSearch().begin(source, request)
    model, target = _fresh(source), run.proposal

    def score(texts: Sequence[Text]) -> npt.NDArray[np.float64]:
        log_p, each = _each(target, model.log_probs, texts)
        trace.add(each, len(texts))
        return log_p

    printed, ids = next(run.steps(model))[0], target.vocabulary.ids
    start = tuple(ids[token] for token in target.form.tokenise(printed))
    loop = Loop(target, score, start, float(score([start])[0]), np.random.default_rng(request.seed))
    while (share := (time.process_time() - trace.begun) / seconds) < 1:
        loop.step(1 / (HOT * (COLD / HOT) ** share))
    return trace


def _reranked(source: Source, request: Request, seconds: float, share: float) -> Trace:
    """Search under the n-gram model only, again and again, and let the transformer score a share of what it finds, the densest first."""
    trace = Trace()
    proposal, guide = look_ahead(source, request)
    model, plan = _fresh(source), TransformerPlan()
    number = 0
    while not trace.seconds or trace.seconds[-1] < seconds:
        key = key_of(request.seed, request.canonical(), f"again {number}")
        counters = np.stack([counter(key, chain).word for chain in range(RERANKED)])
        schedule = Annealing(chains=RERANKED, steps=plan.restart_steps)
        found = anneal(proposal.problem, guide.draw_texts(counters), counters, schedule).texts
        found = found[: max(1, round(share * len(found)))]
        log_p, each = _each(proposal, model.log_probs, found)
        trace.add(each, len(found))
        weights = [proposal.token_weight(text) for text in found]
        trace.density.append(max([*trace.density[-1:], *(log_p + np.array(weights)).tolist()]))
        number += 1
    return trace


def sharing(report: Any, searcher: Searcher, sets: Sequence[str], name: str) -> None:
    """Count the passes of many searches alone and in step."""
    jobs = [(searcher, keyword_request(line, lm=name, seed=7, min_words=6, max_words=14)) for line in sets]
    model = searcher.source.text_model
    assert model is not None
    passes, seconds = [], []
    for groups in ([[job] for job in jobs], [jobs]):
        before, begun = model.counted()["forwards"], time.process_time()
        for group in groups:
            search_together(group)
        passes.append(model.counted()["forwards"] - before)
        seconds.append(time.process_time() - begun)
    ratio = passes[1] / passes[0]
    report.row(f"passes of {len(jobs)} searches alone, together", f"{passes[0]}, {passes[1]}")
    report.row("  ratio", f"1/{1 / ratio:.1f}", "<= 1/8", ratio <= 1 / 8)
    report.row("  CPU a set alone, together", f"{seconds[0] / len(jobs):.2f}, {seconds[1] / len(jobs):.2f} s")
    report.numbers |= {"passes": passes, "sharing_seconds": seconds}
