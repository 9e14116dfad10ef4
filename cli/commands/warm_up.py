"""`searchgen warm-up`: compile and decode in advance."""

import time
from concurrent.futures import ThreadPoolExecutor

from searchgen.cli.output import complain, progress

__all__ = ["HELP", "SHORT", "warm_up"]

SHORT = "Compile the inner loops now; later commands start at once."

HELP = """Compile the inner loops of every sampler and decode the embedded models, so that later commands start at once.

Example: searchgen warm-up
"""


def warm_up() -> None:
    """Run one small request under each embedded n-gram model, and one draw of each sampler, two at a time."""
    from searchgen.cli.loading import say_if_compiling
    from searchgen.files.cache_folder import cache_folder
    from searchgen.request.request import Annealing, Request

    say_if_compiling()
    from searchgen.kernels.precompile import TRACE, compile_sampler
    from searchgen.samplers.registry import BUILT_IN
    from searchgen.search.searcher import Searcher
    from searchgen.sources.source import open_source

    for name, word in (("en-ngram", "dog"), ("zh-ngram", "学校")):
        started = time.perf_counter()
        request = Request(keywords=((word,),), lm=name, annealing=Annealing(chains=2, steps=40))
        with progress(f"preparing {name}"):
            Searcher.of(open_source(request.model, notify=complain)).search(request)
        complain(f"{name}: ready in {time.perf_counter() - started:.1f} s")
    parts = (*BUILT_IN, TRACE)
    with progress("compiling") as show, ThreadPoolExecutor(2) as pool:
        for number, (sampler, seconds) in enumerate(zip(parts, pool.map(compile_sampler, parts), strict=True), 1):
            complain(f"{sampler}: " + (f"compiled in {seconds:.0f} s" if seconds else "already compiled"))
            if show:
                show("compiling", number / len(parts))
    complain(f"compiled code is kept in {cache_folder()}; SEARCHGEN_CACHE names another folder")
