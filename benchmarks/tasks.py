"""The keyword sets of the task files, each file through one process by stdin: how many are answered, and how soon.

`--save` writes the answers with their signatures to benchmarks/results/, a JSON object a line.
"""

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, Report, cli, options, shared

RESULTS = ROOT / "benchmarks" / "results"
ASKED = {"en": (200, 40.0), "zh": (40, None)}


def holds(keywords: str, text: str, language: str) -> bool:
    """Return whether a text holds the words, found without any of searchgen's code."""
    folded = text.casefold().replace("’", "'")
    words = [word.strip().casefold() for word in keywords.split(",")]
    if language == "zh":
        return all(word in folded for word in words)
    return all(re.search(rf"(?<![\w']){re.escape(word)}(?![\w'])", folded) for word in words)


def answers(report: Report, file: Path, language: str, quick: bool) -> list[dict[str, Any]]:
    """Answer the sets of a file, print how it went, and return the records."""
    sets = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()][: 5 if quick else None]
    lines = "".join(f"{line}\n" for line in sets)
    run = cli("constrain", "--keywords", "-", "--lm", language, "--seed", "1", "--json", stdin=lines)
    records = [json.loads(line) for line in run.output.splitlines()]
    good = sum(
        record["status"] == "ok" and all(record["satisfied"].values()) and holds(one, record["text"], language)
        for one, record in zip(sets, records, strict=True)
    )
    number, seconds = ASKED[language]
    report.row(f"{file.name}: answered", f"{good} of {len(sets)}", f"{number} of {number}", good == len(sets))
    asked = f"< {seconds:.0f} s" if seconds else ""
    report.row("  time, clock", f"{run.wall:.1f} s", asked, run.wall < seconds if seconds and not quick else None)
    report.row("  CPU of all threads", f"{run.cpu:.1f} s")
    report.numbers[language] = {"answered": good, "sets": len(sets), "seconds": run.wall}
    for one, record in zip(sets, records, strict=True):
        if record["status"] != "ok":
            print(f"  {one}: {record['error']}")
    return [{"keywords": one, **record} for one, record in zip(sets, records, strict=True)]


def main() -> None:
    """Measure, and print the table."""
    with options("tasks", lambda parser: parser.add_argument("--save", action="store_true")) as (flags, report):
        for language in ASKED:
            file = shared("tasks", f"keywords-{language}.txt")
            if file is None:
                continue
            records = answers(report, file, language, flags.quick)
            if flags.save:
                text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
                (RESULTS / f"constrain-{language}.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
