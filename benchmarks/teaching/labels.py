"""What the teacher makes of each candidate: natural log p of the text and its end, and of what ends with each of its pieces.

    python -m benchmarks.teaching.labels FOLDER [--teacher smollm2] [--language en] [--texts 24] [--threads 1] [--seconds N]

Requests whose candidates are there are labelled; the same command goes on later. A candidate that the teacher cannot spell has no label.
Labels of another teacher, tokenizer or other example lines are refused.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from benchmarks.teaching.records import Records, header_of, read_records
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.open import open_text_model

__all__ = ["labels", "spread"]

Member = TypeVar("Member")

#: Requests that are scored together: rows of like lengths are one pass.
TOGETHER = 8

#: Seconds after which candidates are looked for again.
PAUSE = 5.0


def main() -> None:
    """Label what there is, and wait for more where a time is given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.teaching.labels", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--teacher", default="smollm2")
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="of the ten example lines")
    parser.add_argument("--seconds", type=float, default=0.0, help="wait so long for further candidates")
    parser.add_argument("--texts", type=int, default=24, help="of a request, from its best to its worst")
    parser.add_argument("--threads", type=int, default=1)
    flags = parser.parse_args()
    teacher: Any = open_text_model(flags.teacher, NeuralSettings(examples=f"default-{flags.language}"), flags.threads)
    end = time.monotonic() + flags.seconds
    while True:
        for path in sorted(flags.folder.glob("candidates*.jsonl")):
            records = Records(
                flags.folder / path.name.replace("candidates", "labels"),
                {"teacher": teacher.hash, "candidates": header_of(path)["lm"]},
                "these are labels of another teacher, tokenizer or search: remove the file to label anew",
            )
            rows = list(read_records(path))[records.done :]
            for start in range(0, len(rows), TOGETHER):
                part = rows[start : start + TOGETHER]
                for row, values in zip(
                    part, labels(teacher, [spread(row["texts"], flags.texts) for row in part]), strict=True
                ):
                    records.add({**row, **values})
                teacher.forget()
        if time.monotonic() > end:
            return
        time.sleep(PAUSE)


def labels(teacher: Any, groups: Sequence[Sequence[str]]) -> Iterator[dict[str, Any]]:
    """Yield, for the texts of each request, those that the teacher spells, log p of each, and of its prefixes and end."""
    every = sorted({text for texts in groups for text in texts if teacher.fits([text])[0]})
    scored = dict(zip(every, teacher.prefix_log_probs(every), strict=True)) if every else {}
    for texts in groups:
        record: dict[str, Any] = {"texts": [], "log_p": [], "prefixes": []}
        for text in texts:
            prefixes = scored.get(text)
            total = -np.inf if prefixes is None else float(prefixes.log_p[-1] + prefixes.log_end)
            if prefixes is None or not np.isfinite(total):
                print(f"the teacher cannot spell {text!r}: left out", file=sys.stderr)
                continue
            record["texts"].append(text)
            record["log_p"].append(round(total, 3))
            record["prefixes"].append([prefixes.places.tolist(), prefixes.log_p.round(3).tolist()])
        yield record


def spread(texts: Sequence[Member], count: int) -> list[Member]:
    """Return so many members of a list, evenly from the first to the last.

    Example:
        >>> spread("abcdefg", 3)
        ['a', 'd', 'g']
    """
    return [texts[i] for i in np.unique(np.linspace(0, len(texts) - 1, count).round().astype(int))] if texts else []


if __name__ == "__main__":
    main()
