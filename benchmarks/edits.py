"""`constrain` under a transformer that gives its predictions: edits and test rounds in one run, with equally many texts allowed."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.common import keyword_request
from searchgen.ranking.association import WEIGHT, reranking_scores
from searchgen.search.lockstep import in_step
from searchgen.search.transformer_search import TransformerSearch, judge, log_unigram
from searchgen.sources.source import Source

__all__ = ["edits_beside_rounds"]


class Silent(Source):
    """A model that hides its predictions."""

    @property
    def piece_words(self) -> None:
        """None, so the search makes test rounds."""


def edits_beside_rounds(report: Any, source: Source, sets: Sequence[str], model: str) -> None:
    """Search every set both ways in turns, and print the gain in nats and the cost."""
    whole = source.text_model
    assert whole is not None
    silent = Silent(source.ref, source.model, source.lexicon, source.threads, source.opened)
    sources = {"edits": source, "rounds": silent}
    found: dict[str, list[tuple[float, ...]]] = {way: [] for way in sources}
    for line in sets:
        for way, rows in found.items():
            whole.forget()
            begun = time.process_time()
            request = keyword_request(line, lm=model, seed=7, min_words=6, max_words=14)
            run = TransformerSearch().begin(sources[way], request)
            in_step([run], whole)
            assert run.scored is not None
            assert run.target is not None
            densities = run.scored.ranked()[1]
            model = judge(run.source)
            assert model is not None
            alone = log_unigram(run.source, run.target)
            best = reranking_scores(run.result()[0], run.target, model, alone, WEIGHT).max()
            rows.append((densities[0], best, len(densities), time.process_time() - begun))
    edits, rounds = (np.array(rows) for rows in found.values())
    report.row("texts scored, edits and rounds", ", ".join(f"{one[:, 2].mean():.0f}" for one in (edits, rounds)))
    report.row("CPU a set, edits and rounds", ", ".join(f"{one[:, 3].mean():.2f} s" for one in (edits, rounds)))
    for column, what in enumerate(("the densest text", "the best reranking score (searchgen/ranking/association.py)")):
        gain = edits[:, column] - rounds[:, column]
        error = gain.std() / np.sqrt(len(gain))
        report.row(f"edits above rounds, nats: {what}", f"{gain.mean():+.2f} +- {error:.2f}", "> 0", gain.mean() > 0)
    report.numbers |= {way: np.array(rows).tolist() for way, rows in found.items()}
