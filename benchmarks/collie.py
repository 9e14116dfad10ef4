"""Sentences of COLLIE-v1: how many hold, by an oracle that reads the text alone, beside the answers of gpt-4 that come with the tasks.

    python -m benchmarks.collie TASKS.json [--lm en] [--seed 7]

A task asks for words, for words at positions, for a number of characters, or for many short words. Contractions are forbidden where
words are counted, because COLLIE's tokeniser parts them. The words are counted twice: by spaces, and by that tokeniser (nltk, extra `dev`).
"""

import argparse
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nltk.tokenize import NLTKWordTokenizer

import searchgen
from searchgen import at, characters, holds, regex, word_length, words
from searchgen.constraints.algebra.expression import Condition
from searchgen.errors import SearchgenError

__all__ = ["condition_of", "holding", "main"]

OUTER = '.,;:!?…"“”‘’()[]-–—'
KINDS = ("keywords", "short-words", "characters", "positions")

#: No contractions, no dashes between words, and no words that COLLIE's tokeniser parts.
PLAIN = ~regex(".*('|--|-).*") & ~holds("cannot|gonna|gotta|wanna|gimme|lemme")


def condition_of(task: Mapping[str, Any]) -> Condition:
    """Return what a task asks for."""
    if task["kind"] == "keywords":
        return holds(*task["keywords"])
    if task["kind"] == "characters":
        return characters(task["n"])
    if task["kind"] == "short-words":
        return words(task["min_words"], None) & word_length(1, task["max_letters"]) & PLAIN
    condition = words(task["words"]) & PLAIN
    for place, word in task["at"].items():
        condition &= at(int(place), f"={word}")
    return condition


def by_spaces(text: str) -> list[str]:
    """Return the words that spaces part, their outer marks off."""
    return [word for word in (part.strip(OUTER) for part in text.split(" ")) if word]


def by_collie(text: str) -> list[str]:
    """Return the words that COLLIE counts: the tokens with a letter or digit."""
    return [token for token in NLTKWordTokenizer().tokenize(text) if any(map(str.isalnum, token))]


def holding(task: Mapping[str, Any], text: str, words_of: Callable[[str], list[str]] = by_spaces) -> bool:
    """Return whether a text is what a task asks for, by its letters and by one count of its words."""
    found = words_of(text)
    if task["kind"] == "keywords":
        return all(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) for word in task["keywords"])
    if task["kind"] == "characters":
        return len(text) == task["n"]
    if task["kind"] == "short-words":
        return len(found) >= task["min_words"] and all(len(word) <= task["max_letters"] for word in found)
    placed = all(found[int(place) - 1 : int(place)] == [word] for place, word in task["at"].items())
    return len(found) == task["words"] and placed


def answered(task: Mapping[str, Any], lm: str, seed: int) -> tuple[str, float]:
    """Return the text for a task, empty where there is none, and its seconds."""
    began = time.perf_counter()
    try:
        text = searchgen.constrain(where=condition_of(task), lm=lm, seed=seed)[0].text
    except SearchgenError as error:
        text = ""
        print(f"{task['kind']}: {error}")
    return text, time.perf_counter() - began


def main(arguments: Sequence[str] | None = None) -> None:
    """Answer every task and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("tasks", type=Path)
    parser.add_argument("--lm", default="en")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--every", type=int, default=1, help="take every N-th task")
    options = parser.parse_args(arguments)
    tasks = json.loads(options.tasks.read_text(encoding="utf-8"))[:: options.every]
    searchgen.constrain("dog", lm=options.lm, seed=1)  # the model is open, and its loops are compiled
    rows: dict[str, list[tuple[bool, bool, bool, float]]] = defaultdict(list)
    for task in tasks:
        text, seconds = answered(task, options.lm, options.seed)
        held = holding(task, text), holding(task, text, by_collie), holding(task, task["gpt4"])
        rows[task["kind"]].append((*held, seconds))
        print(json.dumps({**task, "text": text, "seconds": round(seconds, 2)}, ensure_ascii=False), flush=True)
    print(
        "\n| kind | tasks | hold | by COLLIE's words | gpt-4 holds | median s | longest s |\n|---|---|---|---|---|---|---|"
    )
    for kind in KINDS:
        if not (found := rows[kind]):
            continue
        shares = (f"{sum(row[place] for row in found) / len(found):.0%}" for place in range(3))
        seconds = sorted(row[3] for row in found)
        print(
            f"| {kind} | {len(found)} | {' | '.join(shares)} | {seconds[len(seconds) // 2]:.1f} | {seconds[-1]:.1f} |"
        )


if __name__ == "__main__":
    main()
