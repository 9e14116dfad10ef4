"""One job of a batch: from its values to its row."""

import json
import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from searchgen.batch.jobs import Job
from searchgen.batch.pool import Engine, in_order
from searchgen.batch.rows import answered, answered_by, encode, failed, unanswered
from searchgen.errors import Contradiction, ModelRefusal, NothingFound, Outage, RequestError, SearchgenError
from searchgen.jobs.draws import Sampled, sample, stated_law
from searchgen.jobs.similar_job import SimilarJob
from searchgen.record import Record
from searchgen.request.from_values import Defaults, columns_of, identity, request_of, seed_again
from searchgen.request.request import Request
from searchgen.rewriting.revision import COMMANDS, Revision
from searchgen.search.outcome import Outcome
from searchgen.search.searcher import Searcher, search_together
from searchgen.sources.cache import SourceCache
from searchgen.sources.source import Source

__all__ = [
    "BESIDE",
    "OUTAGE",
    "REFUSAL",
    "UNOPENED",
    "Answer",
    "Runner",
    "answers_of",
    "crashed",
    "refuse_unique",
    "searched",
]

#: What the journal's names of transformers begin with; the n-gram model beside it and what makes its law follow.
BESIDE = "transformer beside "

#: The status of a job that has no row: a server or the memory failed, a server refuses key or model, a model cannot be opened.
OUTAGE, REFUSAL, UNOPENED = "outage", "refusal", "unopened"


#: A row, its status, name and hash of its model (None: it needs none), and further results.
Rowed = tuple[dict[str, Any], str, tuple[str, str] | None, tuple[dict[str, Any], ...]]

#: Further results of a job, at most, where no text may stand in two rows.
OTHERS = 8

#: What is asked for in a rehearsal: a budget in seconds, and texts.
REHEARSAL = {"budget": 0.05, "n": 1}

#: Fields of a job that say how many texts it wants, and for how long to look for them.
COUNTS = ("n", "count", "budget")


class Answer(NamedTuple):
    """A row and what the journal needs to know of it."""

    row: bytes
    status: str
    seconds: float
    model: tuple[str, str] | None  # name, hash
    others: tuple[dict[str, Any], ...] = ()  # further results, where no text may stand in two rows


class _Unopened(ModelRefusal):
    """The model of all jobs that name none cannot be opened."""


def make_runner(defaults: Defaults, threads: int, workers: int, share: bool = False) -> "Runner | SharedRunner":
    """Return what one of so many workers does with jobs, or with tuples of them that share a transformer's passes."""
    cores = max(1, (os.cpu_count() or 1) // workers)
    runner = Runner(defaults, SourceCache(threads, min(threads, cores)))
    return SharedRunner(runner) if share else runner


def answers_of(
    jobs: Iterator[Job], defaults: Defaults, workers: int, threads: int, share: int, engine: Engine = in_order
) -> Generator[tuple[Job, Answer], Any]:
    """Yield each job with its answer, in order. Without shared passes a job that is sent in return is done next.

    Args:
        jobs: in order.
        defaults: of jobs.
        workers: number of processes.
        threads: threads of each.
        share: jobs that go through a transformer together.
        engine: hands jobs to workers.
    """
    if share == 1:
        yield from engine(jobs, make_runner, (defaults, threads, workers), workers, partial(crashed, defaults=defaults))
        return
    groups = iter(lambda: tuple(islice(jobs, share)), ())
    arguments = (defaults, threads, workers, True)
    for group, answers in engine(groups, make_runner, arguments, workers, partial(_all_crashed, defaults=defaults)):
        yield from zip(group, answers, strict=True)


def crashed(job: Job, how: str, defaults: Defaults) -> Answer:
    """Return the answer to a job that has ended its worker twice."""
    error = f"the worker process ended twice at this job ({how})"
    return Answer(encode(failed(_identity(job), job.line, error), _columns(job, defaults)), "error", 0.0, None)


def _all_crashed(jobs: Sequence[Job], how: str, defaults: Defaults) -> list[Answer]:
    """Return the answers to jobs done together that have ended their worker twice."""
    return [crashed(job, how, defaults) for job in jobs]


def _columns(job: Job, defaults: Defaults) -> dict[str, Any] | None:
    """Return the columns that go into the row of a job, None: they are not kept."""
    return columns_of(job.values) if defaults.keep_columns else None


@dataclass(frozen=True)
class Prepared:
    """A job that is a request, and its model.

    Attributes:
        name: its id.
        request: the request.
        source: the model, loaded.
        unique: whether its texts may be those of other rows, so that it needs more of them.
    """

    name: str | int
    request: Request
    source: Source
    unique: bool = False

    @property
    def model(self) -> tuple[str, str]:
        """What the journal calls the model, and its hash."""
        if not self.source.ref.scores_texts:
            return self.request.lm, self.source.hash
        settings = asdict(self.request.reading)
        law = {name: settings[name] for name in ("end", "prompt")}
        if settings["examples"]:
            law["examples"] = settings["examples"]
        return f"{BESIDE}{self.source.ref.proposer}: {self.request.lm} {json.dumps(law)}", self.source.hash

    def perform(self) -> Outcome | Sampled:
        """Search, or draw from the stated law.

        Raises:
            SearchgenError: it has no answer.
        """
        if self.request.sampler == "anneal":
            return Searcher.of(self.source).search(self.request)
        return sample(self.source, stated_law(self.request))

    def rowed(self, outcome: Outcome | Sampled | BaseException) -> Rowed:
        """Return the row of what became of it, its status and its model.

        Raises:
            Outage: a server or the memory failed: it has no row yet.
        """
        if isinstance(outcome, NothingFound | Contradiction):
            row = unanswered(self.name, outcome, self.request.signature(self.source.hash))
            return row, "infeasible", self.model, ()
        if isinstance(outcome, BaseException):
            raise outcome
        # A row depends on its job only, so what an outage has left of one is none.
        failure = outcome.failure if isinstance(outcome, Outcome) else outcome.draws.failure
        if failure is not None:
            raise failure
        records, diagnostics = searched(outcome) if isinstance(outcome, Outcome) else _drawn(outcome)
        others: tuple[dict[str, Any], ...] = ()
        if self.unique and isinstance(outcome, Outcome):
            others = tuple(record.as_json() for record in outcome.others(OTHERS))
        return answered(self.name, records, diagnostics), "ok", self.model, others


@dataclass(frozen=True)
class PreparedRevision(Prepared):
    """A job that changes a text, and its model.

    Attributes:
        revision: what changes it.
        text: the text.
    """

    revision: Revision = field(kw_only=True)
    text: str = field(kw_only=True)

    def rows(self) -> Rowed:
        """Change the text, and return the row."""
        signature = self.revision.signature(self.text, self.source.hash)
        reviser = self.revision.reviser(self.source)
        try:
            results = reviser.revise(self.text)
        except (NothingFound, Contradiction) as error:
            return unanswered(self.name, error, signature), "infeasible", self.model, ()
        ranked = enumerate(results, 1)
        records = [self.revision.record(self.text, result, rank, reviser, self.source) for rank, result in ranked]
        return answered_by(self.name, records, {"notes": []}), "ok", self.model, ()


@dataclass
class Runner:
    """A process's models and defaults.

    Attributes:
        defaults: of jobs.
        sources: the models; under a transformer a job has no more threads, with those of the other workers, than there are cores.
    """

    defaults: Defaults
    sources: SourceCache = field(default_factory=SourceCache)

    def __call__(self, job: Job) -> Answer:
        """Return the answer to a job; whatever is wrong with it becomes its row."""
        return self.answer(job, lambda: self._done(self.prepare(job)))

    def rehearse(self, job: Job) -> None:
        """Open the model of a job and do a small part of a search, so that loops are compiled when processes fork.

        Draws have no small part, and nobody wants to pay a server twice.
        """
        with suppress(Exception):  # the job itself will say what is wrong
            values = {name: value for name, value in job.values.items() if name not in COUNTS}
            small = job if values.get("command") == "similar" else replace(job, values={**values, **REHEARSAL})
            prepared = self.prepare(small)
            if isinstance(prepared, SimilarJob) or "://" in prepared.request.lm:
                return
            if isinstance(prepared, PreparedRevision):
                prepared.rows()
            elif prepared.request.sampler == "anneal":
                prepared.perform()

    def answer(self, job: Job, make_row: Callable[[], Rowed]) -> Answer:
        """Return the answer to a job from its row; whatever goes wrong on the way becomes the row, and an outage none."""
        start = time.perf_counter()
        status, model = "error", None
        others: tuple[dict[str, Any], ...] = ()
        try:
            row, status, model, others = make_row()
        except Outage as error:
            kinds = ((_Unopened, UNOPENED), (ModelRefusal, REFUSAL), (Outage, OUTAGE))
            status = next(name for kind, name in kinds if isinstance(error, kind))
            row = failed(_identity(job), job.line, str(error))
        except SearchgenError as error:
            row = failed(_identity(job), job.line, str(error))
        except Exception as error:  # a fault of ours costs one row, not the run
            row = failed(_identity(job), job.line, f"unexpected {type(error).__name__}: {error}; please report it")
        seconds = time.perf_counter() - start
        return Answer(encode(row, _columns(job, self.defaults)), status, seconds, model, others)

    def prepare(self, job: Job) -> Prepared | SimilarJob:
        """Return the request of a job with its model.

        Raises:
            RequestError: the job is none.
            ModelRefusal: the model of jobs that name none cannot be opened.
        """
        if job.error:
            raise RequestError(job.error)
        name = identity(job.values, job.line)
        if job.values.get("command") in COMMANDS:
            revision, text = Revision.of_job(job.values, job.line, self.defaults)
            if self.defaults.unique:
                raise RequestError(
                    f"--unique: {revision.command} changes given texts, which may be alike; drop the flag"
                )
            source = self._source(job, revision.request)
            return PreparedRevision(name, revision.request, source, revision=revision, text=text)
        if job.values.get("command") == "similar":
            if self.defaults.unique:
                raise RequestError("--unique: similar finds given lines, which may be alike; drop the flag")
            return SimilarJob.of_values(name, job.values, self.defaults)
        request = request_of(job.values, job.line, self.defaults)
        if self.defaults.unique:
            refuse_unique(request)
            request = request.but(seed=seed_again(request.seed, job.attempt))
        return Prepared(name, request, self._source(job, request), self.defaults.unique)

    def _source(self, job: Job, request: Request) -> Source:
        """The model of a request."""
        try:
            source = self.sources.source(request.model, request.reading)
            if request.model.scores_texts:
                _ = source.text_model  # an error in opening it shows here
        except RequestError as error:
            if {"lm", "neural"} & job.values.keys():
                raise
            raise _Unopened(str(error)) from None  # every job without a model of its own would fail so
        return source

    def _done(self, job: Prepared | SimilarJob) -> Rowed:
        if isinstance(job, PreparedRevision | SimilarJob):
            return job.rows()
        try:
            outcome: Outcome | Sampled | BaseException = job.perform()
        except (NothingFound, Contradiction) as error:
            outcome = error
        return job.rowed(outcome)


@dataclass
class SharedRunner:
    """Does several jobs at once, those that search under one transformer in step.

    Attributes:
        runner: the process's models; it does all other jobs.
    """

    runner: Runner

    def rehearse(self, jobs: Sequence[Job]) -> None:
        """Do a small part of the first job."""
        self.runner.rehearse(jobs[0])

    def __call__(self, jobs: Sequence[Job]) -> list[Answer]:
        """Return the answers to jobs, in their order."""
        start = time.perf_counter()
        together: dict[Any, list[tuple[int, Prepared]]] = {}
        for i, job in enumerate(jobs):
            with suppress(Exception):  # what is wrong with it the runner says, below
                prepared = self.runner.prepare(job)
                if isinstance(prepared, PreparedRevision | SimilarJob):
                    continue
                model, searches = prepared.source.text_model, prepared.request.sampler == "anneal"
                if model is not None and searches:
                    together.setdefault(model, []).append((i, prepared))
        answers: dict[int, Answer] = {}
        for group in together.values():
            outcomes = search_together([(Searcher.of(prepared.source), prepared.request) for _, prepared in group])
            for (i, prepared), outcome in zip(group, outcomes, strict=True):
                answer = self.runner.answer(jobs[i], partial(prepared.rowed, outcome))
                answers[i] = answer._replace(seconds=(time.perf_counter() - start) / len(jobs))
        return [answers[i] if i in answers else self.runner(job) for i, job in enumerate(jobs)]


def refuse_unique(request: Request) -> None:
    """Refuse a job whose texts may repeat, by its law, where no text may stand in two rows.

    Raises:
        RequestError: in this case.
    """
    if request.sampler != "anneal":
        raise RequestError(
            f"--unique is for jobs that search; sampler {request.sampler!r} draws texts from a law, and they may repeat"
        )


def searched(outcome: Outcome) -> tuple[list[Record], dict[str, Any]]:
    """Return the texts of a search, and its counts as plain JSON values."""
    proposed, legal, accepted = outcome.annealed.tally.sum(axis=0).tolist()
    diagnostics = {
        "notes": list(outcome.notes),
        "log_mass": outcome.log_mass,
        "steps": outcome.annealed.steps,
        "proposed": proposed,
        "legal": legal,
        "accepted": accepted,
        "stopped_early": outcome.annealed.stopped_early,
        **({"neural": outcome.report} if outcome.report else {}),
    }
    return list(outcome.records), diagnostics


def _drawn(sampled: Sampled) -> tuple[list[Record], dict[str, Any]]:
    draws = sampled.draws
    diagnostics = {
        "notes": [*sampled.target.notes, *draws.notes],
        "evaluations": draws.evaluations,
        "log_z": draws.log_z,
        "log_z_error": draws.log_z_error,
        "counts": draws.counts,
        "moves": {name: list(counts) for name, counts in draws.moves.items()},
        **({"neural": sampled.neural} if sampled.neural else {}),
    }
    return list(sampled.records()), diagnostics


def _identity(job: Job) -> str | int:
    """Return the id of a job; of a line that is none, or whose id cannot be, its number."""
    try:
        return job.line if job.error else identity(job.values, job.line)
    except SearchgenError:
        return job.line
