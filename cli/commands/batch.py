"""`searchgen batch`: a file of jobs, a row for each, in order, whatever happens meanwhile."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from searchgen.cli import options
from searchgen.cli.numbers import decimal, whole
from searchgen.cli.output import complain, hush
from searchgen.cli.parts.demands import NO_DEMANDS, Given, refuse_beside, takes_demands
from searchgen.errors import RequestError

if TYPE_CHECKING:
    from searchgen.batch.pool import Engine
    from searchgen.request.from_values import Defaults

__all__ = ["HELP", "SHORT", "batch"]

SHORT = "Answer a file of jobs, one row each, resumable at any moment."

HELP = """Answer a file of jobs: one JSON row for each, in the order of the jobs.

A job is one line. In jsonl it is a JSON object with the fields of a request, in txt a value of --keywords. In csv and tsv it is a row
under a header of field names.

Flags are the defaults of jobs. A row depends on its job and seed only. A line that is not a job gets an error row.

With -o a journal (OUTPUT.journal) records every row. After Ctrl-C, kill -9 or a power cut, --resume continues where the run stopped.

Several machines can share a file: each runs --shard I/N, and --join writes the rows of all shards in order.

Example: searchgen batch jobs.jsonl -o out.jsonl --workers 2
"""

Jobs = typer.Argument(metavar="JOBS", help="A file of jobs; '-' reads stdin. With --join the outputs of all shards.")
Output = typer.Option("--output", "-o", metavar="FILE", help="File for the rows; '-' is stdout.")
Format = typer.Option("--format", metavar="FORMAT", help="jsonl, txt, csv or tsv; by default as the file's name ends.")
Workers = typer.Option("--workers", metavar="N", parser=whole, help="Number of processes; it does not change the rows.")
EngineName = typer.Option("--engine", metavar="NAME", help="Who does the jobs: 'local' processes, or 'ray', a cluster.")
Address = typer.Option("--address", metavar="ADDRESS", help="A Ray cluster; without it one begins on this machine.")
Threads = typer.Option(
    "--threads", metavar="N", parser=whole, help="Threads of each process; they do not change the rows."
)
Resume = typer.Option("--resume", help="Continue an earlier run, or begin one.")
Overwrite = typer.Option("--overwrite", help="Begin again; earlier rows are lost.")
OneShard = typer.Option("--shard", metavar="I/N", help="Do every N-th job only, beginning with the I-th.")
Join = typer.Option("--join", help="Write the rows of all shards, in the order of the jobs.")
Journal = typer.Option(
    "--journal", metavar="FILE", help="The journal, by default OUTPUT.journal. Stdout has one only with this flag."
)
KeepColumns = typer.Option("--keep-columns", help="Jobs may have other columns, too; rows repeat them in `columns`.")
Unique = typer.Option("--unique", help="No text stands in two rows. A job takes its next best text, or another seed.")
Strict = typer.Option("--strict", help="Stop at the first line that is not a job.")
Report = typer.Option(
    "--report", metavar="FILE", help="Write a page about the run (FILE.html), or times and counters as JSON."
)
Sync = typer.Option("--sync", metavar="SECONDS", parser=decimal, help="How often rows are flushed to the disk.")
Quiet = typer.Option(
    "--quiet", "-q", callback=hush, help="Hide progress on stderr; the last line still counts the rows."
)
Verbose = typer.Option("--verbose", "-v", help="Show the line number, status and seconds of each row on stderr.")
RunSeed = typer.Option(
    "--seed", metavar="N", parser=whole, help="Seed of the run; jobs without a seed derive theirs from it."
)
Sampler = typer.Option("--sampler", metavar="NAME", help="'anneal' searches; others draw from the stated law.")
Option = typer.Option("--option", metavar="NAME=VALUE", help="Set an option of the sampler; may be repeated.")
Beta = typer.Option("--beta", metavar="B", parser=decimal, help="Power to which the model's probability is raised.")

#: The most processes; more is a mistake.
MOST_WORKERS = 512


@takes_demands("nothing")
def batch(
    context: typer.Context,
    jobs: Annotated[list[str], Jobs],
    output: Annotated[str, Output] = "-",
    form: Annotated[str | None, Format] = None,
    workers: Annotated[int, Workers] = 1,
    threads: Annotated[int, Threads] = 1,
    engine: Annotated[str, EngineName] = "local",
    address: Annotated[str | None, Address] = None,
    resume: Annotated[bool, Resume] = False,
    overwrite: Annotated[bool, Overwrite] = False,
    shard: Annotated[str, OneShard] = "1/1",
    join: Annotated[bool, Join] = False,
    journal: Annotated[str | None, Journal] = None,
    strict: Annotated[bool, Strict] = False,
    keep_columns: Annotated[bool, KeepColumns] = False,
    unique: Annotated[bool, Unique] = False,
    report: Annotated[str | None, Report] = None,
    sync: Annotated[float, Sync] = 1.0,
    quiet: Annotated[bool, Quiet] = False,
    verbose: Annotated[bool, Verbose] = False,
    spec: Annotated[str | None, options.Spec] = None,
    seed: Annotated[int | None, RunSeed] = None,
    demands: Given = NO_DEMANDS,
    lm: Annotated[str | None, options.Model] = None,
    count: Annotated[int | None, options.Count] = None,
    budget: Annotated[float | None, options.Budget] = None,
    sampler: Annotated[str | None, Sampler] = None,
    option: Annotated[list[str] | None, Option] = None,
    beta: Annotated[float | None, Beta] = None,
    end: Annotated[str | None, options.End] = None,
    prompt: Annotated[str | None, options.Prompt] = None,
    examples: Annotated[str | None, options.Examples] = None,
    device: Annotated[str | None, options.Device] = None,
    dtype: Annotated[str | None, options.Dtype] = None,
    share: Annotated[int, options.Share] = 1,
) -> None:
    """Parse the flags and run."""
    if join:
        return _join(context, jobs, output)
    if demands.from_stdin:
        raise RequestError("--keywords - does not work with batch; give the default keywords, for jobs without any")
    values = _values(context, demands, spec)
    of_spec = int(values.pop("seed", 0))
    run_seed = of_spec if seed is None else seed
    _refuse_numbers(workers, threads, sync, run_seed, form)
    _refuse_together(unique, output, journal, share, values.get("lm"))
    from searchgen.batch.shards import Shard
    from searchgen.cli.loading import say_if_compiling
    from searchgen.cli.parts.batches.places import Places
    from searchgen.cli.parts.batches.running import BatchRun

    defaults = _defaults(values, run_seed, keep_columns, unique)
    places = Places(_only(jobs), output, journal, form, _mode(resume, overwrite), report)
    say_if_compiling()
    run = BatchRun(places, defaults, workers, threads, share, strict, quiet, verbose, sync, Shard.read(shard))
    run.engine = _engine(engine, address, values.get("lm"))
    if not run.perform():
        raise typer.Exit(3)  # silently: the last line has counted them


def _refuse_together(unique: bool, output: str, journal: str | None, share: int, lm: str | None) -> None:
    """Refuse what does not go with `--unique` or `--share`."""
    from searchgen.cli.requests import refuse_share

    refuse_share(share, lm, many=True)
    if unique and share > 1:
        raise RequestError(
            f"--unique and --share {share} do not go together: a job may have to be done again; drop one"
        )
    if unique and output == "-" and journal is not None:
        raise RequestError("--unique reads the texts of earlier rows from the output; give -o FILE")


def _engine(name: str, address: str | None, lm: str | None) -> "Engine":
    """Return what hands jobs to workers."""
    if name not in ("local", "ray"):
        raise RequestError(f"--engine {name}: give local or ray")
    if name == "local":
        if address is not None:
            raise RequestError("--address names a Ray cluster; give --engine ray, too")
        from searchgen.batch.pool import in_order

        return in_order
    from searchgen.batch.ray_pool import in_order as by_ray
    from searchgen.batch.ray_pool import refuse_without_ray
    from searchgen.lm.mixture import is_mixture, parts_of

    refuse_without_ray()
    models = [part for part, _ in parts_of(lm)] if lm and is_mixture(lm) else [lm] if lm else []
    return partial(by_ray, address=address, models=models)


def _only(jobs: list[str]) -> str:
    """Return the one job file."""
    if len(jobs) > 1:
        raise RequestError(f"{len(jobs)} job files are given, and a run takes one; --join joins the outputs of shards")
    return jobs[0]


#: Parameters that may stand beside `--join`: all else is in the journals.
BESIDE_JOIN = {"join", "jobs", "output", "overwrite", "quiet"}


def _join(context: typer.Context, paths: list[str], output: str) -> None:
    """Join the outputs of shards."""
    from searchgen.batch.shards import join
    from searchgen.cli.output import open_stdout
    from searchgen.cli.parts.batches.progress import counted
    from searchgen.cli.parts.outputs import output_place

    refuse_beside(context, BESIDE_JOIN, "--join takes rows as they are")
    place = None if output == "-" else output_place("-o", output)
    if place is None:
        open_stdout().flush()
    mode = "overwrite" if context.params["overwrite"] else "new"
    counts = join(list(map(Path, paths)), place, sys.stdout.fileno() if place is None else -1, mode)
    complain(f"{counted(counts)}, from {len(paths)} shards")
    if counts["infeasible"] + counts["error"]:
        raise typer.Exit(3)


def _values(context: typer.Context, demands: Given, spec: str | None) -> dict[str, Any]:
    """Return the defaults of jobs: those of a spec, and the flags, which win over it."""
    from searchgen.cli.requests import neural_settings

    values = flags = _given(context, demands)
    if spec is not None:
        from searchgen.request.from_toml import read_spec

        values = read_spec(spec).beside(flags)
    neural_settings(values.get("lm"), **flags.get("neural", {}))
    return values


#: Parameters, besides the flags of constraints, that are defaults of jobs, each with the field it stands for.
FIELDS = {name: name for name in ("lm", "count", "budget", "sampler", "beta")} | {"option": "options"}


def _given(context: typer.Context, demands: Given) -> dict[str, Any]:
    from searchgen.demands.demands import with_needed
    from searchgen.lm.neural.settings import NEURAL_FIELDS

    params = context.params
    fields = {field: params[name] for name, field in FIELDS.items() if params[name] not in (None, [], ())}
    values = {field: list(value) if isinstance(value, tuple) else value for field, value in fields.items()}
    demanded = [key for key, value in demands.values.items() if value not in (None, [], ())]
    values |= with_needed({key: demands.as_a_job_has_it(key) for key in demanded})
    neural = {name: params[name] for name in NEURAL_FIELDS if params[name] is not None}
    return {**values, "neural": neural} if neural else values


def _defaults(values: dict[str, Any], seed: int, keep_columns: bool, unique: bool) -> "Defaults":
    """Return what jobs take that say nothing; refuse what no job could use, before any job is read."""
    from searchgen.cli.parts.default_models import noted_models
    from searchgen.cli.requests import refuse_unusable
    from searchgen.request.from_values import Defaults, request_of

    defaults = Defaults(values, seed, {} if "lm" in values else noted_models(), keep_columns, unique)
    request = request_of({"keywords": "word"}, 1, defaults)
    refuse_unusable(request, "lm" in defaults.values)
    if defaults.unique:
        from searchgen.jobs.batch_job import refuse_unique

        refuse_unique(request)
    return defaults


def _mode(resume: bool, overwrite: bool) -> str:
    if resume and overwrite:
        raise RequestError("--resume continues a run and --overwrite begins again; give one of them")
    return "resume" if resume else "overwrite" if overwrite else "new"


def _refuse_numbers(workers: int, threads: int, sync: float, seed: int, form: str | None) -> None:
    from searchgen.batch.jobs import FORMATS

    checks: list[tuple[str, Any, bool, str]] = [
        ("--workers", workers, 1 <= workers <= MOST_WORKERS, f"1 to {MOST_WORKERS}"),
        ("--threads", threads, 1 <= threads <= MOST_WORKERS, f"1 to {MOST_WORKERS}"),
        ("--sync", sync, 0 <= sync <= 3600, "0 to 3600 seconds"),
        ("--seed", seed, 0 <= seed < 2**63, "0 to 2^63 - 1"),
        ("--format", form, form is None or form in FORMATS, ", ".join(FORMATS)),
    ]
    for flag, value, good, allowed in checks:
        if not good:
            raise RequestError(f"{flag} {value}: give {allowed}")
