"""`searchgen selftest`: the exactness harness, for the samplers that come with searchgen and for users' own."""

from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

from searchgen.cli import options
from searchgen.cli.output import complain, progress, write_json, write_line
from searchgen.errors import RequestError, SearchgenError

if TYPE_CHECKING:
    from searchgen.samplers.method import Method
    from searchgen.samplers.proofs.exactness import Finding

__all__ = ["HELP", "SHORT", "selftest"]

SHORT = "Prove the samplers exact on small worlds."

HELP = """Prove samplers exact: play every branch of the compiled code on worlds small enough to enumerate.

The transition matrix of a Markov chain must leave the target invariant and reach every text. For exact and weighted samplers,
probability times weight, summed over all branches, must be the target. No random numbers are drawn.

Samplers of installed packages (entry point group searchgen.samplers) are included. If a property fails, the exit code is 1.

Example: searchgen selftest --sampler mh
"""

BETAS = (1.0, 0.7, 2.0)


HEAD = f"{'verdict':7} {'sampler':12} {'world':11} {'beta':>4} {'error':>8} {'tolerance':>9}  property"


def selftest(
    sampler: Annotated[
        list[str] | None,
        typer.Option("--sampler", metavar="NAME", help="Sampler to prove; by default all. May be repeated."),
    ] = None,
    json: Annotated[bool, options.Json] = False,
) -> None:
    """Run the proofs and print their findings."""
    from searchgen.samplers.proofs.toy_worlds import WORLDS
    from searchgen.samplers.registry import method, names

    chosen = [method(name) for name in sampler or names()]
    for tested in chosen if sampler else ():
        if tested.proof is None:
            raise RequestError(
                f"--sampler {tested.name} is of kind {tested.kind}: it follows no stated law, so there is nothing to prove"
                if tested.kind == "search"
                else f"--sampler {tested.name} has no proof; add one to its Method (docs/python.md)"
            )
    jobs = [(tested, world, beta) for tested in chosen if tested.proof for world in WORLDS for beta in BETAS]
    failed: list[str] = []
    if not json:
        write_line(HEAD)
    with progress("proving") as show:
        for number, (tested, world, beta) in enumerate(jobs):
            if show:
                show(f"{tested.name} on {world}", number / len(jobs))
            failed += [tested.name] * _prove(tested, world, beta, json)
    if failed:
        raise SearchgenError(
            f"{len(failed)} of the properties do not hold: {', '.join(dict.fromkeys(failed))}; do not use these samplers"
        )
    without = [tested.name for tested in chosen if tested.proof is None and tested.kind != "search"]
    if without:
        complain(f"without a proof, and therefore not tested: {', '.join(without)}")
    complain(f"every property holds: {', '.join(dict.fromkeys(tested.name for tested, _, _ in jobs))}")


def _prove(tested: "Method", world: str, beta: float, json: bool) -> int:
    """Play a proof on a world, print its findings, and return how many properties do not hold; a proof without properties counts as one."""
    from searchgen.samplers.proofs.exactness import Finding
    from searchgen.samplers.proofs.toy_worlds import WORLDS

    assert tested.proof is not None
    findings = tested.proof(WORLDS[world](beta)) or [Finding("a proof without a single property", float("inf"), 0.0)]
    for finding in findings:
        _print(tested.name, world, beta, finding, json)
    return sum(not finding.holds for finding in findings)


def _print(name: str, world: str, beta: float, finding: "Finding", json: bool) -> None:
    if json:
        row = {"sampler": name, "world": world, "beta": beta, "property": finding.what}
        deviation = finding.error if isfinite(finding.error) else None
        write_json({**row, "deviation": deviation, "tolerance": finding.tolerance, "holds": finding.holds})
        return
    verdict = "ok" if finding.holds else "FAILS"
    write_line(
        f"{verdict:7} {name:12} {world:11} {beta:4g} {finding.error:8.1e} {finding.tolerance:9.0e}  {finding.what}"
    )
