"""The first run: the inner loops compiled by several processes at once, on a toy problem of the same types.

python -m searchgen.samplers.precompile engine|guide|NAME of a sampler
"""

import atexit
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from searchgen.cache_folder import cache_folder
from searchgen.compiled import compiled_folder
from searchgen.errors import SearchgenError
from searchgen.guide import Guide
from searchgen.lm.ngram.model import NGram
from searchgen.randomness import counter
from searchgen.request import PLAIN_TERMS, Annealing, Request, Terms
from searchgen.samplers.anneal import anneal
from searchgen.target import Target

__all__ = ["compile_loops", "compile_sampler", "is_compiled", "marker"]

PARTS = ("engine", "guide")
DONE = "complete"


def marker(sampler: str) -> Path:
    """Return the file that says that a sampler's loops have been compiled on this machine, from these sources."""
    return compiled_folder() / f"{sampler}.complete"


def compile_sampler(name: str) -> float:
    """Compile a sampler's loops in a process of its own, unless they are; return the seconds it took, 0 if they were.

    Raises:
        SearchgenError: the process failed.
    """
    if marker(name).exists():
        return 0.0
    begun = time.monotonic()
    environment = {**os.environ, "SEARCHGEN_CACHE": str(cache_folder())}
    command = [sys.executable, "-m", "searchgen.samplers.precompile", name]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise SearchgenError(f"the loops of {name} could not be compiled: {why[-1]}")
    marker(name).touch()
    return time.monotonic() - begun


def is_compiled() -> bool:
    """Return whether the inner loops have been compiled on this machine, from these sources."""
    return (compiled_folder() / DONE).exists()


def compile_loops() -> Callable[[], None]:
    """Begin to compile, in processes of their own, what is not compiled yet; return what waits for them."""
    if is_compiled():
        return lambda: None
    environment = {**os.environ, "SEARCHGEN_CACHE": str(cache_folder())}
    command = [sys.executable, "-m", "searchgen.samplers.precompile"]
    # Silent, and in sessions of their own: Ctrl-C in a terminal goes to this process only, which ends them.
    nothing = subprocess.DEVNULL
    running = [
        subprocess.Popen(
            [*command, part], env=environment, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
        )
        for part in PARTS
    ]
    for process in running:
        atexit.register(process.terminate)

    def wait() -> None:
        if not any([process.wait() for process in running]):
            (compiled_folder() / DONE).touch()

    return wait


def _toy_target(terms: Terms | None = None) -> Target:
    """Return a target whose arrays have the types of an embedded model's; no terms given: those of a search."""
    sentences = [
        ["the", "dog", "ran", "."],
        ["a", "dog", "sat", ",", "and", "the", "cat", "ran", "."],
        ["it", "ran", "."],
    ] * 3
    model = NGram.from_sentences(sentences, order=3, form="en")
    request = Request(keywords=(("dog",),), min_words=1, max_words=6, finite_verb=False)
    return Target.of(replace(request, terms=terms) if terms else request, model)


def _engine() -> None:
    target = _toy_target()
    text = target.vocabulary.encode(["the", "dog", "ran", "."])
    tokens = np.zeros((1, target.room), np.int32)
    tokens[0, : len(text)] = text
    plan = Annealing(chains=1, steps=2, blocks=1)
    anneal(target.problem, (tokens, np.array([len(text)])), counter(1).word[None, :], plan)
    target.log_prob(text.tolist())


def _guide() -> None:
    target = _toy_target()
    guide = Guide.build(target.problem, room=target.room, bigrams=target.bigrams, threads=1)
    guide.draw_texts(counter(1).word[None, :], threads=1)
    # Of a search under a transformer:
    from searchgen.samplers.surrogate import thresholds
    from searchgen.samplers.token_fit import fitted

    thresholds(counter(1).word[None, :], 1, np.zeros(1))
    fitted(target.problem, [(1,)], np.zeros(1))


def _sampler(name: str) -> None:
    # imported late: a search needs neither
    from searchgen.samplers.method import Job
    from searchgen.samplers.registry import method

    found = method(name)
    found.draw(Job(_toy_target(PLAIN_TERMS), 2, 1, found.options()))


if __name__ == "__main__":
    part = sys.argv[1]
    {"engine": _engine, "guide": _guide}.get(part, lambda: _sampler(part))()
