"""`searchgen selftest`: the exactness harness, for the samplers that come with searchgen and for users' own."""

from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

from searchgen.cli.output import complain, progress, write_json, write_line
from searchgen.errors import RequestError, SearchgenError

if TYPE_CHECKING:
    from searchgen.samplers.exactness import Finding

__all__ = ["HELP", "SHORT", "selftest"]

SHORT = "Prove samplers exact on small worlds."

HELP = """Prove samplers exact: every branch of the compiled code is played on worlds small enough to enumerate.

Markov chains: the exact transition matrix leaves the target invariant and reaches every text. Exact and weighted samplers: probability
times weight over all branches is the target. No seeds, no luck. Exit code 1 if anything fails.

Example: searchgen selftest --sampler mh
"""

BETAS = (1.0, 0.7, 2.0)


def selftest(
    sampler: Annotated[
        list[str] | None, typer.Option("--sampler", metavar="NAME", help="Which; by default all.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Run the proofs and print what each found."""
    from searchgen.samplers.registry import method, names
    from searchgen.samplers.worlds import WORLDS

    failed = 0
    chosen = [method(name) for name in sampler or names()]
    if sampler:
        for one in chosen:
            if one.proof is None:
                raise RequestError(
                    f"--sampler {one.name} is of kind {one.kind}: it follows no stated law, so there is nothing to prove"
                )
    jobs = [(one, world, beta) for one in chosen if one.proof for world in WORLDS for beta in BETAS]
    with progress() as show:
        for number, (one, world, beta) in enumerate(jobs):
            if show:
                show(f"{one.name} on {world}", number / len(jobs))
            assert one.proof is not None
            for finding in one.proof(WORLDS[world](beta)):
                failed += not finding.holds
                _print(one.name, world, beta, finding, json)
    if failed:
        raise SearchgenError(f"{failed} properties do not hold")
    complain(f"every property holds: {', '.join(sorted({one.name for one, _, _ in jobs}))}")


def _print(name: str, world: str, beta: float, finding: "Finding", json: bool) -> None:
    if json:
        row = {"sampler": name, "world": world, "beta": beta, "property": finding.what}
        deviation = finding.error if isfinite(finding.error) else None
        write_json({**row, "deviation": deviation, "tolerance": finding.tolerance, "holds": finding.holds})
        return
    verdict = "ok" if finding.holds else "FAILS"
    write_line(f"{verdict:5} {name:12} {world:11} beta {beta:<4g} {finding.error:9.1e}  {finding.what}")
