"""`fix` on held-out lines with one planted fault each: exact repairs, and edits of lines without a fault.

    python -m benchmarks.fix [--lm en] [--count 300] [--weight 1] [--tuning] [--harper PATH] [--show 20]

Beside it stand the most probable text one edit away (`--greedy`), and a grammar checker, the first suggestion of each of its findings
taken (`--harper`: the program of harper-cli).
"""

import argparse
import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict

from benchmarks.faults import Fault, planted, sentences
from searchgen.request.model_ref import ModelRef
from searchgen.request.slip_costs import COSTS, Costs
from searchgen.rewriting.fixer import Fixer
from searchgen.sources.source import open_source

__all__ = ["main"]

Mends = Callable[[Sequence[str]], list[str]]


def main() -> None:
    """Mend all lines and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lm", default="en")
    parser.add_argument("--lang", choices=("en", "zh"))
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=23)
    parser.add_argument("--weight", type=float, default=1.0)
    parser.add_argument("--cost", action="append", default=[], metavar="KIND=NATS")
    parser.add_argument("--tuning", action="store_true", help="the lines that the costs were chosen on")
    parser.add_argument("--greedy", action="store_true", help="no costs, one edit")
    parser.add_argument("--harper", metavar="PATH")
    parser.add_argument("--show", type=int, default=0)
    asked = parser.parse_args()
    language = asked.lang or asked.lm[:2]
    faults = [*planted(language, asked.count, asked.seed, asked.tuning)]
    clean = (3 * sentences(language, asked.tuning))[: min(asked.count, len(sentences(language, asked.tuning)))]
    mend = _harper(asked.harper) if asked.harper else _fixer(asked, language)
    begun = time.perf_counter()
    mended, kept = mend([fault.text for fault in faults]), mend(clean)
    seconds = (time.perf_counter() - begun) / (len(faults) + len(clean))
    _print(faults, mended, clean, kept, asked.show)
    print(f"{seconds:.3f} seconds a line")


def _fixer(asked: argparse.Namespace, language: str) -> Mends:
    source = open_source(ModelRef.parse(asked.lm, "中文" if language == "zh" else "english"), threads=1)
    costs = asdict(COSTS[language]) | {kind: float(nats) for kind, nats in (one.split("=") for one in asked.cost)}
    weight = 0.0 if asked.greedy else asked.weight
    fixer = Fixer(source, most=2 if asked.greedy else None, weight=weight, costs=Costs(**costs))
    return lambda lines: [fixer.revise(line)[0].text for line in lines]


def _harper(program: str) -> Mends:
    """Take the first suggestion of each finding, from the right to the left."""

    def mend(lines: Sequence[str]) -> list[str]:
        command = [program, "lint", "--format", "json", "--dialect", "gb"]
        said = subprocess.run(command, input="\n\n".join(lines).encode(), capture_output=True, check=False).stdout
        text = "\n\n".join(lines)
        for lint in sorted(json.loads(said)[0]["lints"], key=lambda one: -one["span"]["char_start"]):
            begin, end = lint["span"]["char_start"], lint["span"]["char_end"]
            first = next(iter(lint["suggestions"]), "")
            quoted = first[first.find("“") + 1 : first.rfind("”")]
            if first.startswith("Replace"):
                text = text[:begin] + quoted + text[end:]
            elif first.startswith("Insert"):
                text = text[:end] + quoted + text[end:]
            elif first.startswith("Remove"):
                text = text[:begin] + text[end:]
        return text.split("\n\n")

    return mend


def _print(
    faults: Sequence[Fault], mended: Sequence[str], clean: Sequence[str], kept: Sequence[str], show: int
) -> None:
    total = Counter(fault.kind for fault in faults)
    exact = Counter(fault.kind for fault, text in zip(faults, mended, strict=True) if text == fault.right)
    touched = Counter(fault.kind for fault, text in zip(faults, mended, strict=True) if text != fault.text)
    for fault, text in [*zip(faults, mended, strict=True)][:show]:
        print(f"{'=' if text == fault.right else '-' if text == fault.text else 'x'} {fault.text} | {text}")
    edits = [(line, text) for line, text in zip(clean, kept, strict=True) if line != text]
    for line, text in edits[: show and len(edits)]:
        print(f"clean: {line} | {text}")
    for kind in total:
        print(f"{kind:12} {exact[kind]:4} of {total[kind]:4} repaired, {touched[kind]:4} touched")
    print(f"repaired exactly: {exact.total() / len(faults):.1%} of {len(faults)}")
    print(f"clean lines touched: {len(edits) / len(clean):.1%} of {len(clean)}")


if __name__ == "__main__":
    main()
