"""A blind sheet of two versions of a model and people: the sets of `benchmarks.reading`, a number of each kind.

python -m benchmarks.teaching.sheet sets FOLDER --seed N          # sets.json
python -m benchmarks.reading write FOLDER SYSTEM --lm en          # SYSTEM.json, by each checkout
python -m benchmarks.teaching.sheet mix FOLDER SYSTEM ... --seed N -o SHEET.tsv      # SHEET.tsv and SHEET.key.tsv
"""

import argparse
import json
import random
from pathlib import Path

from benchmarks.reading import HUMAN, draw

#: Sets of each kind.
SETS = {"two": 12, "three": 10, "four": 8, "concepts": 10}


def main() -> None:
    """Draw the sets, or write the sheet and its key."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.teaching.sheet", description=__doc__)
    parser.add_argument("step", choices=("sets", "mix"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("systems", nargs="*")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("-o", "--output", type=Path)
    flags = parser.parse_args()
    flags.folder.mkdir(parents=True, exist_ok=True)
    sets = flags.folder / "sets.json"
    if flags.step == "sets":
        drawn = draw(flags.seed)
        rows = [row for kind, count in SETS.items() for row in [one for one in drawn if one["kind"] == kind][:count]]
        sets.write_text(json.dumps(rows, indent=0), encoding="utf-8")
        return
    rows = json.loads(sets.read_text(encoding="utf-8"))
    texts = {name: json.loads((flags.folder / f"{name}.json").read_text(encoding="utf-8")) for name in flags.systems}
    texts[HUMAN] = [row[HUMAN] for row in rows]
    lines = [(name, i) for name in texts for i in range(len(rows)) if texts[name][i]]
    random.Random(f"sheet {flags.seed}").shuffle(lines)
    sheet = [f"{number}\t{texts[name][i]}\n" for number, (name, i) in enumerate(lines, 1)]
    key = [
        f"{number}\t{name}\t{rows[i]['kind']}\t{','.join(rows[i]['words'])}\n"
        for number, (name, i) in enumerate(lines, 1)
    ]
    flags.output.write_text("".join(sheet), encoding="utf-8")
    flags.output.with_suffix(".key.tsv").write_text("".join(key), encoding="utf-8")


if __name__ == "__main__":
    main()
