"""One job of a batch: from its values to its row."""

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from searchgen.batch.jobs import Job
from searchgen.batch.requests import Defaults, identity, request_of
from searchgen.batch.rows import answered, encode, failed, unanswered
from searchgen.errors import Contradiction, NothingFound, RequestError, SearchgenError
from searchgen.record import Record
from searchgen.request import Request
from searchgen.samplers.constrain import Searcher
from searchgen.samplers.sampling import sample, stated_law

__all__ = ["Answer", "Runner", "crashed", "make_runner"]

#: Models a process keeps open.
MOST_MODELS = 4


class Answer(NamedTuple):
    """A row and what the journal needs to know of it."""

    row: bytes
    status: str
    seconds: float
    model: tuple[str, str] | None  # name, hash


def make_runner(defaults: Defaults, threads: int) -> "Runner":
    """Return what a worker does with jobs."""
    return Runner(defaults, threads)


def crashed(job: Job, how: str) -> Answer:
    """Return the answer to a job that has ended its worker twice."""
    error = f"the worker ended twice at this job ({how})"
    return Answer(encode(failed(_identity(job), job.line, error)), "error", 0.0, None)


@dataclass
class Runner:
    """A process's models and defaults.

    Attributes:
        defaults: of jobs.
        threads: threads to share one job's work over.
    """

    defaults: Defaults
    threads: int = 1

    def __post_init__(self) -> None:
        """Begin without a model."""
        self._sources: dict[str, Searcher] = {}

    def __call__(self, job: Job) -> Answer:
        """Return the answer to a job; whatever is wrong with it becomes its row."""
        begun = time.perf_counter()
        status, model = "error", None
        try:
            if job.error:
                raise RequestError(job.error)
            row, status, model = self._answer(job)
            line = encode(row)
        except SearchgenError as error:
            line = encode(failed(_identity(job), job.line, str(error)))
        except Exception as error:  # a fault of ours costs one row, not the run
            message = f"unexpected {type(error).__name__}: {error}; please report it"
            line, status, model = encode(failed(_identity(job), job.line, message)), "error", None
        return Answer(line, status, time.perf_counter() - begun, model)

    def _answer(self, job: Job) -> tuple[dict[str, Any], str, tuple[str, str]]:
        name = identity(job.values, job.line)
        request = request_of(job.values, job.line, self.defaults)
        source = self.source(request.lm)
        model = (request.lm, source.model.hash)
        try:
            records, diagnostics = (
                _searched(source, request) if request.sampler == "anneal" else _drawn(source, request)
            )
        except (NothingFound, Contradiction) as error:
            return unanswered(name, error, request.signature(source.model.hash)), "infeasible", model
        return answered(name, records, diagnostics), "ok", model

    def source(self, name: str) -> Searcher:
        """Return a model, loaded once; the last few are kept."""
        if name not in self._sources:
            while len(self._sources) >= MOST_MODELS:
                del self._sources[next(iter(self._sources))]
            self._sources[name] = Searcher.load(name, threads=self.threads)
        return self._sources[name]


def _searched(source: Searcher, request: Request) -> tuple[list[Record], dict[str, Any]]:
    outcome = source.search(request)
    proposed, legal, accepted = outcome.annealed.tally.sum(axis=0).tolist()
    diagnostics = {
        "notes": list(outcome.notes),
        "log_mass": outcome.log_mass,
        "steps": outcome.annealed.steps,
        "proposed": proposed,
        "legal": legal,
        "accepted": accepted,
        "stopped_early": outcome.annealed.stopped_early,
    }
    return list(outcome.records), diagnostics


def _drawn(source: Searcher, request: Request) -> tuple[list[Record], dict[str, Any]]:
    sampled = sample(source, stated_law(request))
    draws = sampled.draws
    diagnostics = {
        "notes": [*sampled.target.notes, *draws.notes],
        "evaluations": draws.evaluations,
        "log_z": draws.log_z,
        "log_z_error": draws.log_z_error,
        "counts": draws.counts,
        "moves": {name: list(counts) for name, counts in draws.moves.items()},
    }
    return list(sampled.records()), diagnostics


def _identity(job: Job) -> str | int | None:
    """Return the id of a job; of a line that is none, or whose id cannot be, None."""
    try:
        return None if job.error else identity(job.values, job.line)
    except SearchgenError:
        return None
