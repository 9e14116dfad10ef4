"""Whether `constrain` ranks the texts of a search as readers do: judged texts, by density and by reranking score.

`judged/en.tsv` holds 12 of the 24 best-ranked texts of each of 240 searches, the best included. Keywords are words of held-out
sentences. Six strict readers (language models, each with a shuffled share of the sentences) call each text fine (F), odd (O) or
broken (B).

    python -m benchmarks.ranking [--quick]
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.common import keyword_request, options
from searchgen.ranking.association import WEIGHT, reranking_scores
from searchgen.request.model_ref import ModelRef
from searchgen.samplers.chains.moves import MOVES
from searchgen.samplers.chains.scorer import padded, scorer_of
from searchgen.samplers.optimise.annealing_loop import Annealed
from searchgen.search.transformer_search import judge, log_unigram
from searchgen.sources.source import Source, open_source

JUDGED = Path(__file__).resolve().parent / "judged" / "en.tsv"

#: Searches that are looked at with --quick.
QUICK = 24

Floats = npt.NDArray[np.float64]


class Judged(NamedTuple):
    """One text of a search."""

    keywords: str
    text: str
    letter: str


def main() -> None:
    """Measure, and print the table."""
    with options("ranking") as (flags, report):
        lines = JUDGED.read_text(encoding="utf-8").splitlines()
        rows = [Judged(*line.split("\t")) for line in lines if not line.startswith("#")]
        searches = [list(group) for _, group in groupby(rows, key=lambda row: row.keywords)]
        searches = searches[: QUICK if flags.quick else None]
        source = open_source(ModelRef.parse("en"))
        orders = [scores(source, search) for search in searches]
        letters = [np.array([row.letter for row in search]) for search in searches]
        report.row("searches; fine, odd, broken texts", counts(letters))
        report.row("searches with a fine text", f"{np.mean(['F' in one for one in letters]):.0%}")
        for place, name in enumerate(("density", "score")):
            first = [one[np.argmax(order[place])] for one, order in zip(letters, orders, strict=True)]
            report.row(
                f"the first by {name} is fine, is broken",
                f"{first.count('F') / len(first):.0%}, {first.count('B') / len(first):.0%}",
            )
            told = [pairs(letters, [order[place] for order in orders], better) for better in ("F", "FO")]
            report.row(
                "  pairs in the right order: fine or not, broken or not", ", ".join(f"{one:.1%}" for one in told)
            )
            report.numbers |= {name: told}


def scores(source: Source, search: Sequence[Judged]) -> tuple[Floats, Floats]:
    """Return log-density and score of the texts of a search."""
    request = keyword_request(search[0].keywords, lm="en", seed=1)
    target = source.target(request)
    form, ids = source.model.text_form, target.vocabulary.ids
    texts = [tuple(ids[token] for token in form.tokenise(row.text)) for row in search]
    density = scorer_of(target)(*padded(texts, target.max_tokens))
    found = Annealed(texts, density, 0, False, np.zeros((len(MOVES), 3), np.int64))
    model = judge(source)
    assert model is not None
    return density, reranking_scores(found, target, model, log_unigram(source, target), WEIGHT)


def pairs(letters: Sequence[npt.NDArray[np.str_]], order: Sequence[Floats], better: str) -> float:
    """Return the share of pairs of one search, one text among the better and one not, with the better first."""
    right = total = 0.0
    for own, values in zip(letters, order, strict=True):
        good = np.isin(own, list(better))
        difference = values[good][:, None] - values[~good][None, :]
        right += float((difference > 0).sum() + (difference == 0).sum() / 2)
        total += difference.size
    return right / total


def counts(letters: Sequence[npt.NDArray[np.str_]]) -> str:
    """Return how many searches and texts there are."""
    every = np.concatenate(letters)
    return f"{len(letters)}; " + ", ".join(str(int((every == letter).sum())) for letter in "FOB")


if __name__ == "__main__":
    main()
