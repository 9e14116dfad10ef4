"""Twenty concepts in 25 to 45 words: sets of the task file joined, each in a process of its own; found, time and memory.

Words are drawn from the sets of `tasks/keywords-en.txt`, shuffled by a seed, until there are twenty different ones. A text counts as
found where a plain reading of it finds every word, or with `--inflect` where every item is satisfied, and it has 25 to 45 words.
"""

import json
import re
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from benchmarks.common import Child, cli, options, shared

CONCEPTS, FEWEST, MOST = 20, 25, 45

#: Of 100 sets so many are to be found, each within so many seconds and bytes.
FOUND, SECONDS, BYTES = 98, 10.0, 2e9


def sets(file: Path, seed: int) -> Iterator[list[str]]:
    """Yield sets of different words."""
    listed = [line.split(",") for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    chance = Random(seed)
    while True:
        words: dict[str, None] = {}
        while len(words) < CONCEPTS:
            words |= dict.fromkeys(word.strip().lower() for word in chance.choice(listed))
        yield list(words)[:CONCEPTS]


def holds(words: Sequence[str], text: str) -> bool:
    """Return whether a text holds the words and has the length, without use of searchgen's code."""
    printed = [part for part in re.split(r"[\s-]+", text) if re.search(r"\w", part)]
    folded = text.casefold().replace("’", "'")
    held = all(re.search(rf"(?<![\w']){re.escape(word)}(?![\w'])", folded) for word in words)
    return held and FEWEST <= len(printed) <= MOST


def found(words: Sequence[str], ran: Child, inflected: bool) -> bool:
    """Return whether a process printed a text that holds."""
    if ran.code:
        return False
    record = json.loads(ran.output)
    if inflected:
        return all(record["satisfied"].values()) and holds((), record["text"])
    return all(record["satisfied"].values()) and holds(words, record["text"])


def _flags(parser: ArgumentParser) -> None:
    parser.add_argument("--lm", default="en")
    parser.add_argument("--sets", type=int, default=100, help="sets without --inflect")


def main() -> None:
    """Measure, and print the table."""
    with options("many_keywords", _flags) as (flags, report):
        file = shared("tasks", "keywords-en.txt")
        if file is None:
            return
        for inflected, count in ((False, 3 if flags.quick else flags.sets), (True, 2 if flags.quick else 20)):
            runs: list[tuple[bool, Child]] = []
            for words, seed in zip(sets(file, seed=20), range(count), strict=False):
                ran = cli(
                    *("constrain", "--keywords", ",".join(words), "--min-words", str(FEWEST), "--max-words", str(MOST)),
                    *("--lm", flags.lm, "--seed", str(seed), "--json", *(["--inflect"] if inflected else [])),
                )
                runs.append((found(words, ran, inflected), ran))
            name, good = ("--inflect" if inflected else "as written"), sum(is_found for is_found, _ in runs)
            spent = sorted(ran.cpu for _, ran in runs)
            times, largest = sorted(ran.wall for _, ran in runs), max(ran.largest_bytes for _, ran in runs)
            report.row(
                f"{flags.lm}, {name}: found", f"{good} of {count}", f"{FOUND} of 100", good * 100 >= FOUND * count
            )
            report.row("  seconds: median", f"{times[count // 2]:.1f}")
            report.row("  CPU of a process: median, largest", f"{spent[count // 2]:.1f}, {spent[-1]:.1f}")
            report.row("  longest", f"{times[-1]:.1f}", f"{SECONDS:.0f}", times[-1] <= SECONDS)
            report.row("  largest process", f"{largest / 1e9:.2f} GB", f"{BYTES / 1e9:.0f} GB", largest <= BYTES)
            report.numbers[name] = {"found": good, "sets": count, "seconds": times, "cpu": spent, "bytes": largest}


if __name__ == "__main__":
    main()
