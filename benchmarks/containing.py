"""A sentence that contains a given word: exact look-ahead against loops that generate until the word occurs.

All use one text and the median single word of the task file. Ours pays for its set-up (target, automaton, look-ahead) at every
sentence. The rival is markovify's chain over pairs of words if the package is installed, else the same loop written here.
"""

import random
import re
import tempfile
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np

from benchmarks.common import Report, cli, ngram_source, options, shared
from searchgen.kernels.randomness import key_of
from searchgen.lm.ngram.tables import END
from searchgen.request.request import PLAIN_TERMS, Request
from searchgen.samplers.method import Job
from searchgen.samplers.registry import method
from searchgen.sources.source import Source

ORDER, MOST_WORDS, ASKED = 3, 20, 1000.0


def rival(lines: list[str]) -> tuple[str, Callable[[], str | None]]:
    """Return the name of a loop's generator and a function that generates one sentence."""
    try:
        markovify = import_module("markovify")
    except ImportError:
        return "own loop over pairs of words", chain_of_pairs(lines)
    model = markovify.NewlineText("\n".join(lines), state_size=2, retain_original=False)
    return "markovify", lambda: model.make_sentence(test_output=False)


def chain_of_pairs(lines: list[str]) -> Callable[[], str]:
    """Return a generator of sentences by a chain whose state is the last two words: counts, running sums, bisection."""
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in lines:
        words = ["", "", *line.split(), "."]
        for (a, b), c in zip(pairwise(words), words[2:], strict=False):
            counts[a, b][c] += 1
    running = {state: (list(after), list(accumulate(after.values()))) for state, after in counts.items()}

    def sentence() -> str:
        state, words = ("", ""), []
        while state in running:
            after, sums = running[state]
            word = after[bisect_right(sums, random.random() * sums[-1])]
            words.append(word)
            state = (state[1], word)
        return " ".join(words)

    return sentence


def python_loop(source: Source) -> Callable[[], list[int]]:
    """Return a generator of texts by the same n-gram model in plain Python: running sums and bisection, no compiled code."""
    tables = source.model.tables
    cumulative, words = tables.cumulative.tolist(), tables.word.tolist()
    first, end, total = (tables.node[name].tolist() for name in ("first", "end", "total"))
    state, suffix = tables.node["state"].tolist(), tables.node["suffix"].tolist()
    unigram = list(accumulate(np.exp(tables.node["log_p"][1 : 1 + len(tables.alias_p)].astype(float)).tolist()))
    begin = state[2]

    def text() -> list[int]:
        context = begin
        ids: list[int] = []
        while len(ids) <= MOST_WORDS:
            here = context
            while here and (u := random.random()) >= total[here]:
                here = suffix[here]
            if here:
                word = words[bisect_right(cumulative, u, first[here], end[here] - 1)]
            else:
                word = min(bisect_right(unigram, random.random() * unigram[-1]), len(unigram) - 1)
            if word == END:
                break
            ids.append(word)
            here = context
            while (node := _child(words, first, end, here, word)) == 0 and here:
                here = suffix[here]
            context = state[node]
        return ids

    return text


def _child(words: list[int], first: list[int], end: list[int], context: int, word: int) -> int:
    if context == 0:
        return 1 + word
    low, high = first[context], end[context]
    while low < high:
        middle = (low + high) // 2
        if words[middle] < word:
            low = middle + 1
        else:
            high = middle
    return low if low < end[context] and words[low] == word else 0


def seconds_until(found: Callable[[], bool], most: float, times: int) -> tuple[float, int, int]:
    """Return seconds and tries until `found` is true, over some sentences or a time limit, and the number of sentences."""
    begun, tries, good = time.process_time(), 0, 0
    while good < times and time.process_time() - begun < most:
        good += found()
        tries += 1
    return time.process_time() - begun, tries, good


def median_word(file: Path, source: Source) -> str:
    """Return the single word of median frequency among those the model knows."""
    lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    known = sorted((source.model.id_of[line], line) for line in lines if line in source.model.id_of)
    return known[len(known) // 2][1]


def compiled(source: Source, word: str, sampler: str, count: int, **more: int) -> float:
    """Return seconds a sentence of one of our samplers, its set-up paid once for `count` sentences."""
    request = Request(keywords=((word,),), terms=PLAIN_TERMS, min_words=1, max_words=MOST_WORDS, finite_verb=False)
    found = method(sampler)

    def once(seed: int) -> float:
        begun = time.process_time()
        target = source.proposal(request)
        drawn = found.draw(Job(target, count, key_of(seed), found.options(**more), source.threads))
        return (time.process_time() - begun) / len(drawn.lengths)

    once(0)
    return float(np.median([once(seed) for seed in range(1, 8)]))


def measure(report: Report, corpus: Path, words: Path) -> None:
    """Train, time the loops, and print the ratios."""
    lines = corpus.read_text(encoding="utf-8").splitlines()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.sgm"
        cli("lm", "build", str(corpus), "-o", str(path), "--order", str(ORDER), "--lang", "en")
        source = ngram_source(str(path))
    word = median_word(words, source)
    pattern, identity = re.compile(rf"(?<![\w']){re.escape(word)}(?![\w'])", re.IGNORECASE), source.model.id_of[word]
    begun = time.process_time()
    name, sentence = rival(lines)
    report.row(f"{name}: building the chain, once", f"{time.process_time() - begun:.1f} s")
    text = python_loop(source)
    most = 5.0 if report.quick else 60.0
    loops = {
        f"{name} until {word!r} turns up": lambda: bool(pattern.search(sentence() or "")),
        "plain Python over our n-gram": lambda: identity in text(),
    }
    rates = {}
    for what, found in loops.items():
        spent, tries, good = seconds_until(found, most, 50)
        rates[what] = spent / good if good else spent
        report.row(what, f"{1e3 * rates[what]:,.1f} ms", f"{tries:,} sentences, {good} found")
    rates["compiled ancestral rejection"] = compiled(source, word, "rejection", 1)
    rates["ours, one sentence, set-up included"] = compiled(source, word, "importance", 1)
    rates["ours, 1,000 sentences, set-up included"] = compiled(source, word, "importance", 1000)
    best = rates["ours, one sentence, set-up included"]
    for what in list(rates)[2:]:
        report.row(what, f"{1e3 * rates[what]:,.3f} ms")
    for what, took in rates.items():
        asked = what.startswith(name)
        ratio = took / best
        report.row(
            f"{what} / ours", f"{ratio:,.1f}", f">= {ASKED:,.0f}" if asked else "", ratio >= ASKED if asked else None
        )
    many = rates["ours, 1,000 sentences, set-up included"]
    report.row(f"{name} / ours, 1,000 sentences", f"{next(iter(rates.values())) / many:,.1f}")
    report.numbers |= {"word": word, "seconds": rates}


def main() -> None:
    """Measure, and print the table."""
    with options("containing") as (_, report):
        corpus, words = shared("corpora", "en", "tatoeba.txt"), shared("tasks", "keywords-en.txt")
        if corpus is not None and words is not None:
            measure(report, corpus, words)


if __name__ == "__main__":
    main()
