"""The keyword sets of the task files, each file through one process by stdin: number of answers, and time.

`--save` writes the answers with their signatures to benchmarks/results/, a JSON object per line.
"""

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, Report, cli, options, shared

RESULTS = ROOT / "benchmarks" / "results"

#: By model: how many sets are to be answered, and in how many seconds.
ASKED = {"en": (200, 80.0), "zh": (40, None), "en-ngram": (200, 40.0)}


def holds(keywords: str, text: str, language: str) -> bool:
    """Return whether a text holds the words, without use of searchgen's code."""
    folded = text.casefold().replace("’", "'")
    words = [word.strip().casefold() for word in keywords.split(",")]
    if language == "zh":
        return all(word in folded for word in words)
    return all(re.search(rf"(?<![\w']){re.escape(word)}(?![\w'])", folded) for word in words)


def answers(report: Report, file: Path, model: str, quick: bool) -> list[dict[str, Any]]:
    """Answer the sets of a file, print the results, and return the records."""
    sets = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()][: 5 if quick else None]
    lines = "".join(f"{line}\n" for line in sets)
    run = cli("constrain", "--keywords", "-", "--lm", model, "--seed", "1", "--json", stdin=lines)
    records = [json.loads(line) for line in run.output.splitlines()]
    good = sum(
        record["status"] == "ok" and all(record["satisfied"].values()) and holds(one, record["text"], model[:2])
        for one, record in zip(sets, records, strict=True)
    )
    number, seconds = ASKED[model]
    report.row(f"{file.name}, {model}: answered", f"{good} of {len(sets)}", f"{number} of {number}", good == len(sets))
    asked = f"< {seconds:.0f} s" if seconds else ""
    report.row("  time, clock", f"{run.wall:.1f} s", asked, run.wall < seconds if seconds and not quick else None)
    report.row("  CPU of all threads", f"{run.cpu:.1f} s")
    report.numbers[model] = {"answered": good, "sets": len(sets), "seconds": run.wall}
    for one, record in zip(sets, records, strict=True):
        if record["status"] != "ok":
            print(f"  {one}: {record['error']}")
    return [{"keywords": one, **record} for one, record in zip(sets, records, strict=True)]


def main() -> None:
    """Measure, and print the table."""
    with options("tasks", lambda parser: parser.add_argument("--save", action="store_true")) as (flags, report):
        for model in ASKED:
            file = shared("tasks", f"keywords-{model[:2]}.txt")
            if file is None:
                continue
            records = answers(report, file, model, flags.quick)
            if flags.save and model in ("en", "zh"):
                text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
                (RESULTS / f"constrain-{model}.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
