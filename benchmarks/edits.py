"""`constrain` under a transformer that tells what it expects: edits beside rounds of chains, as many texts allowed, in one run."""

import time
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from benchmarks.common import keyword_request
from searchgen.search.lockstep import in_step
from searchgen.search.transformer_search import TransformerSearcher
from searchgen.target import Target

__all__ = ["edits_beside_rounds"]


def edits_beside_rounds(report: Any, searcher: TransformerSearcher, sets: Sequence[str], model: str) -> None:
    """Search every set both ways in turns, and print what was found, in nats, and what it took."""
    whole = searcher.transformer
    found: dict[str, list[tuple[float, ...]]] = {"edits": [], "rounds": []}
    for line in sets:
        for way, rows in found.items():
            whole.forget()
            begun = time.process_time()
            search = searcher.begin(keyword_request(line, lm=model, seed=7, min_words=6, max_words=14), None)
            if way == "rounds":
                search.piece_words = lambda: None
            in_step([search], whole)
            assert search.finds is not None
            densities, target = search.finds.ranked()[1], cast(Target, search.target)
            opinions = searcher.opinions(search.found(), target, search.request)
            best = densities[0] if opinions is None else opinions.max()
            rows.append((densities[0], best, len(densities), time.process_time() - begun))
    edits, rounds = (np.array(rows) for rows in found.values())
    report.row("texts scored, edits and rounds", ", ".join(f"{one[:, 2].mean():.0f}" for one in (edits, rounds)))
    report.row("CPU a set, edits and rounds", ", ".join(f"{one[:, 3].mean():.2f} s" for one in (edits, rounds)))
    for column, what in enumerate(("the densest text", "the best opinion (searchgen/ranking/association.py)")):
        gain = edits[:, column] - rounds[:, column]
        error = gain.std() / np.sqrt(len(gain))
        report.row(f"edits above rounds, nats: {what}", f"{gain.mean():+.2f} +- {error:.2f}", "> 0", gain.mean() > 0)
    report.numbers |= {way: np.array(rows).tolist() for way, rows in found.items()}
