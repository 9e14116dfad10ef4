"""A run of `searchgen batch`: jobs from a file, rows to another, the journal beside it."""

import json
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from searchgen.batch.jobs import Job, read_jobs
from searchgen.batch.journal import Header
from searchgen.batch.pool import Engine, in_order
from searchgen.batch.seen import Seen
from searchgen.batch.shards import Shard
from searchgen.batch.store import Store
from searchgen.batch.texts import Texts
from searchgen.cli.output import complain, open_stdout, progress
from searchgen.cli.parts.batches.places import Places
from searchgen.cli.parts.batches.progress import Pace, clock, counted
from searchgen.cli.parts.outputs import output_place
from searchgen.cli.parts.report import write_report
from searchgen.cli.stdin import standard_input
from searchgen.errors import ModelRefusal, NothingFound, Outage, RequestError, SearchgenError
from searchgen.jobs.batch_job import BESIDE, OUTAGE, REFUSAL, UNOPENED, Answer, answers_of
from searchgen.kernels.precompile import compile_loops
from searchgen.request.from_values import Defaults, columns_of, identity

if TYPE_CHECKING:
    from searchgen.report.batch_page import BatchRows

__all__ = ["BatchRun"]


#: Characters of the first error that the summary shows.
LONGEST_REASON = 300


@dataclass
class BatchRun:
    """A run and how far it is.

    Attributes:
        places: where it reads and writes.
        defaults: of jobs.
        workers: number of processes.
        threads: threads of each.
        share: jobs that go through a transformer together.
        strict: stop at the first error.
        quiet: no progress.
        verbose: a line for each row, in place of the progress.
        interval: seconds between two times that the files are made durable.
        shard: the part of the jobs that the run does.
        engine: hands jobs to workers.
        jobs: how many jobs were read, those of other shards included.
        seen: the rows that the page of the run shows; None: there is none.
    """

    places: Places
    defaults: Defaults
    workers: int = 1
    threads: int = 1
    share: int = 1
    strict: bool = False
    quiet: bool = False
    verbose: bool = False
    interval: float = 1.0
    shard: Shard = field(default_factory=Shard)
    engine: Engine = in_order
    jobs: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    computed: int = 0
    first_error: str = ""
    working_seconds: float = 0.0
    writing_seconds: float = 0.0
    seen: "BatchRows | None" = None

    def perform(self) -> bool:
        """Do every job that has no row yet, and return whether every job has a text.

        Raises:
            RequestError: the files are of another run.
            NothingFound: `strict`, and a job is none.
        """
        self.places.refuse_clashes()
        report = None if self.places.report is None else output_place("--report", self.places.report)
        start = time.monotonic()
        with _jobs(self.places.jobs) as stream, self._store() as store:
            kept = store.kept
            self.counts, self.models = dict(kept.counts), dict(kept.models)
            if kept.rows or kept.dropped_bytes:
                cut = (
                    f"; {kept.dropped_bytes} bytes without a whole line in the journal were cut off"
                    if kept.dropped_bytes
                    else ""
                )
                state = "were written before; append the others with >>" if self.places.output == "-" else "are kept"
                complain(f"{kept.rows} rows {state}{cut}")
            self._same_models()
            self._begin_page(report, kept.rows)
            if self.workers > 1:
                compile_loops()()  # once here, not in every process
            is_done = False
            try:
                self._work(store, self._rest(stream, store), stream)
                store.settle()
                if self.shard.of > 1:
                    store.end_shard(self.jobs)
                is_done = True
            finally:
                if is_done or self.computed:  # a run that is refused before its first row leaves nothing
                    if self.first_error:
                        complain(f"first error: {self.first_error}")
                    complain(f"{counted(self.counts)}, {clock(time.monotonic() - start)}")
                    if report is not None:
                        self._write_report(report, self._figures(store, time.monotonic() - start))
        return self.counts["infeasible"] + self.counts["error"] == 0

    def _begin_page(self, report: Path | None, kept: int) -> None:
        """Begin to collect rows where the report is a page: those of earlier runs first."""
        from searchgen.report.page import is_page

        if report is None or not is_page(report):
            return
        from searchgen.report.batch_page import BatchRows

        self.seen = BatchRows()
        if kept and self.places.output != "-":
            with Path(self.places.output).open("rb") as rows:
                for row in islice(rows, kept):
                    self.seen.add(row)

    def _write_report(self, report: Path, figures: dict[str, Any]) -> None:
        if self.seen is None:
            write_report(report, figures)
            return
        from searchgen.report.batch_page import batch_page
        from searchgen.report.page import write_page

        write_page(report, batch_page(self.seen, figures, Path(self.places.jobs).name))

    def _work(self, store: Store, jobs: Iterator[Job], stream: BinaryIO) -> None:
        answered = answers_of(jobs, self.defaults, self.workers, self.threads, self.share, self.engine)
        if self.defaults.unique:
            from searchgen.jobs.new_texts import with_new_texts

            answered = with_new_texts(answered, self._texts(store))
        with progress("first job") as show, closing(answered) as answers:
            pace = Pace(stream, show)
            for job, answer in answers:
                self._write(store, job, answer)
                if self.verbose:
                    complain(f"line {job.line}: {answer.status}, {answer.seconds:.2f} s")
                elif not self.quiet:
                    pace.update(job, self.counts)

    def _texts(self, store: Store) -> Texts:
        """Return the texts of the rows of earlier runs."""
        texts = Texts()
        if store.kept.rows:
            with Path(self.places.output).open("rb") as rows:
                for row, (line, _) in zip(rows, store.fingerprints(), strict=False):
                    texts.keep(row, line)
        return texts

    def _write(self, store: Store, job: Job, answer: Answer) -> None:
        start = time.perf_counter()
        if self.strict and answer.status == "error":
            error = json.loads(answer.row)["diagnostics"]["error"]
            raise NothingFound(
                f"line {job.line}: {error} (--strict stops here; correct the line and continue with --resume)"
            )
        if answer.status in (OUTAGE, REFUSAL, UNOPENED):
            if answer.status != UNOPENED:
                store.settle()  # the run has begun, though it has no row
            error = json.loads(answer.row)["diagnostics"]["error"]
            kept = " (earlier rows are kept; continue with --resume)" if sum(self.counts.values()) else ""
            raise (Outage if answer.status == OUTAGE else ModelRefusal)(f"line {job.line}: {error}{kept}")
        if answer.model is not None:
            self._same_model(*answer.model)
        try:
            store.append(job, answer.row, answer.status, answer.seconds, answer.model)
        except BrokenPipeError:
            raise
        except OSError as error:
            where = "stdout" if self.places.output == "-" else self.places.output
            rest = (
                "make room, then continue with --resume" if store.journal is not None else "make room, then begin again"
            )
            raise SearchgenError(f"cannot write {where}: {error.strerror}; {rest}") from None
        if self.seen is not None:
            self.seen.add(answer.row, answer.seconds)
        if answer.status == "error" and not self.first_error:
            self.first_error = f"line {job.line}: {json.loads(answer.row)['diagnostics']['error']}"[:LONGEST_REASON]
        self.counts[answer.status] += 1
        self.computed += 1
        self.working_seconds += answer.seconds
        self.writing_seconds += time.perf_counter() - start

    @contextmanager
    def _store(self) -> Iterator[Store]:
        models = {"models": dict(self.defaults.models)} if self.defaults.models else {}
        marks = {name: True for name in ("keep_columns", "unique") if getattr(self.defaults, name)}
        values = {**self.defaults.values, **models, **marks}
        header = Header(self.defaults.seed, values, self.places.form, shard=str(self.shard))
        journal, mode = self.places.journal_path, self.places.mode
        if self.places.output == "-":
            open_stdout().flush()
            store = Store.stream(os.dup(sys.stdout.fileno()), journal, header, mode, self.interval)
        elif journal is None:
            store = Store(os.open(self.places.output, os.O_WRONLY), None, self.interval)
        else:
            store = Store.open(Path(self.places.output).resolve(), journal, header, mode, self.interval)
        try:
            yield store
        finally:
            store.release()

    def _rest(self, stream: BinaryIO, store: Store) -> Iterator[Job]:
        """Yield the jobs without a row, having compared the others with the journal."""
        seen, fingerprints = Seen(), store.fingerprints()
        left = store.kept.rows
        for job in self._jobs(stream):
            checked = _unlike(job, seen)
            self.jobs += 1
            if not self.shard.has(self.jobs):
                continue
            if not left:
                yield checked
                continue
            left -= 1
            if next(fingerprints) != (job.line, job.fingerprint):
                raise RequestError(
                    f"{self.places.jobs}: line {job.line} is not the job its row was made of; a job file may only grow. "
                    "Restore it, or begin again with --overwrite"
                )
        if left:
            raise RequestError(
                f"{self.places.jobs} has {left} jobs fewer than the output has rows; restore it, or begin again with --overwrite"
            )

    def _jobs(self, stream: BinaryIO) -> Iterator[Job]:
        """Yield all jobs; errors of the file as a whole name it."""
        name = "stdin" if self.places.jobs == "-" else self.places.jobs
        try:
            yield from read_jobs(
                stream, self.places.form, self.defaults.keep_columns, lambda line: complain(f"{name}: {line}")
            )
        except RequestError as error:
            raise RequestError(f"{name}: {error}") from None

    def _same_models(self) -> None:
        from searchgen.lm.ngram.load import load

        for name in list(self.models):
            if name.startswith(BESIDE):
                continue  # opened with its first job, which has the settings; its row is refused then
            self._same_model(name, load(name).hash)

    def _same_model(self, name: str, model_hash: str) -> None:
        from searchgen.lm.embedded import other_edition

        earlier = self.models.setdefault(name, model_hash)
        if earlier != model_hash:
            raise RequestError(
                f"model {name} has changed: it is {model_hash[:12]} now, and the rows were made with {earlier[:12]}; "
                f"restore it, or begin again with --overwrite{other_edition(name)}"
            )

    def _figures(self, store: Store, seconds: float) -> dict[str, Any]:
        """Return what the report holds."""
        return {
            "rows": self.counts,
            "kept": store.kept.rows,
            "computed": self.computed,
            "dropped_bytes": store.kept.dropped_bytes,
            "seconds": seconds,
            "working_seconds": self.working_seconds,
            "writing_seconds": self.writing_seconds,
            "workers": self.workers,
        }


@contextmanager
def _jobs(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield standard_input("batch -")
        return
    with ExitStack() as opened:
        try:
            stream = opened.enter_context(Path(name).open("rb"))
        except OSError as error:
            raise RequestError(f"cannot read the job file {name}: {error.strerror}") from None
        if stat.S_ISCHR(os.fstat(stream.fileno()).st_mode) and not os.path.samefile(name, os.devnull):
            raise RequestError(f"the job file {name} is a device, which may have no end; name a file")
        yield stream


def _unlike(job: Job, seen: Seen) -> Job:
    """Return the job, or an error in its place if its id is that of another."""
    if job.error:
        return job
    try:
        name = identity(job.values, job.line)
    except SearchgenError as error:
        return replace(job, values=columns_of(job.values), error=str(error))
    before = seen.line_of(name, job.line)
    return (
        job
        if before is None
        else replace(
            job,
            values=columns_of(job.values),
            error=f"id {name!r} is already taken by line {before}; give each job another id",
        )
    )
