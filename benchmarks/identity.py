"""Whether a refactoring changes the output of the commands: records all outputs, and compares two recordings.

    python -m benchmarks.identity record FOLDER [--tree TREE] [--models FOLDER] [--only TEXT]   # FOLDER/results.json
    python -m benchmarks.identity compare A B [--only TEXT]                                     # exit code 1 if anything differs

It records the searchgen that this interpreter imports, or that of another tree: `--tree FOLDER`. Commands stand in `identity.toml`, with
the files they read; the models are random ones. It records exit code, stdout and written texts, but not stderr, versions and times.
It imports only `searchgen.cli.main.answer` of searchgen, so modules may move. FOLDER/work keeps the files of the commands.
"""

import argparse
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import takewhile, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

#: Names that were changed between A and B: a pattern of a whole key of JSON output, or of a cell of plain output, and the new name.
#: Put a line here while both recordings are in use, and take it out when the old one is made anew.
RENAMED: dict[str, str] = {
    r"plain": "no quotes",
    r"predicate": "finite verb",
    r"length (\d+(?: to \d+)?) words": r"words \1",
}

#: Passages of messages that were worded otherwise: as in A, and as in B.
REWORDED = {"sentence, quotes, finite_verb, ": "sentence, finite_verb, quotes, "}

#: Commands that answer otherwise on purpose, each with its line of CHANGELOG.md. Emptied with the table above.
MENDED = {
    "neural-batch: batch jobs-law.jsonl --lm models/gpt2 -q": "draws of batch under a transformer are the transformer's",
    "constrain: $ init": "init writes the table [neural], too",
    "onnx-and-mixtures: lm info models/gpt2 --json": "lm info says whether keys and values are kept",
}

HERE = Path(__file__).resolve()

#: What differs between two runs of one command: versions, and fields that are times.
VERSION = re.compile(r'(searchgen[: ]|"version": ?")\d+\.\d+[^:"\s]*')
TIMES = re.compile(r'("(?:seconds|working_seconds|writing_seconds|ess_per_second)": )[-+.e\d]+')

#: Written files with these endings are recorded; of others only the name.
TEXTS = {".json", ".jsonl", ".journal", ".txt", ".csv"}


class Command(NamedTuple):
    """A line of `identity.toml`.

    Attributes:
        key: the section and the line.
        arguments: of searchgen.
        stdin: the file that is piped into it, or "".
        apart: whether it runs in a separate process.
        label: its name in later lines, or "".
    """

    key: str
    arguments: list[str]
    stdin: str
    apart: bool
    label: str


@cache
def written_down() -> dict[str, Any]:
    """Return the content of `identity.toml`."""
    return tomllib.loads(HERE.with_suffix(".toml").read_text(encoding="utf-8"))


def commands(section: str, only: str = "") -> list[Command]:
    """Return the commands of a section whose key contains a text, and those whose signatures they need."""
    lines = [line for line in written_down()["commands"][section].splitlines() if line and line[0] != "#"]
    found = [_command(section, line) for line in lines]
    if len({one.key for one in found}) < len(found):
        raise SystemExit(f"identity.toml: section {section} has a line twice")
    asked = {word for one in found if only in one.key for word in one.arguments}
    return [one for one in found if only in one.key or (one.label and f"SIGNATURE:{one.label}" in asked)]


def _command(section: str, line: str) -> Command:
    words, apart, label, stdin = shlex.split(line), False, "", ""
    if words[0].startswith("@"):
        label = words.pop(0)[1:]
    if words[0] == "$":
        apart = bool(words.pop(0))
    if "<" in words:
        at = words.index("<")
        stdin = words[at + 1]
        del words[at : at + 2]
    return Command(f"{section}: {line}", words, stdin, apart, label)


# Recording


def record(folder: Path, models: Path, tree: Path | None, only: str) -> int:
    """Run the commands, each section in a separate folder and process, two at a time."""
    from benchmarks.identity_models import build_models, server  # not by sections: they may not see this tree

    begun = time.monotonic()
    environment = _environment(tree.resolve() if tree else _imported())
    print(f"recording {environment['PYTHONPATH']}", flush=True)
    build_models(models, written_down()["models"].splitlines(), environment)
    shutil.rmtree(folder / "work", ignore_errors=True)
    sections = [section for section in written_down()["commands"] if commands(section, only)]
    with server(), ThreadPoolExecutor(2) as pool:
        parts = pool.map(lambda section: _section(folder, models, section, only, environment), sections)
        results = {key: value for part in parts for key, value in part.items()}
    text = json.dumps(results, ensure_ascii=False, indent=1)
    (folder / "results.json").write_text(text + "\n", encoding="utf-8")
    faults = [f"exit code 1: {key}" for key, value in results.items() if value["code"] not in (0, 2, 3)]
    print(*faults, f"{len(results)} commands in {time.monotonic() - begun:.0f} s", sep="\n")
    return 0


def _imported() -> Path:
    """Return the tree that searchgen would be imported from."""
    spec = importlib.util.find_spec("searchgen")
    if spec is None or spec.origin is None:
        raise SystemExit("there is no searchgen to import; name a tree with --tree")
    return Path(spec.origin).parents[1].resolve()


def _environment(root: Path) -> dict[str, str]:
    """Return an environment without the user's settings, in which every child imports the same searchgen."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SEARCHGEN_") or k == "SEARCHGEN_CACHE"}
    fixed = {"PYTHONPATH": str(root), "SEARCHGEN_CONFIG": "none.toml", "COLUMNS": "80", "LC_ALL": "C.UTF-8"}
    return {**kept, **fixed, "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1", "OPENBLAS_NUM_THREADS": "1"}


def _section(folder: Path, models: Path, section: str, only: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Run a section in a separate process, in a new folder with all input files and a link to the models."""
    begun, place = time.monotonic(), folder / "work" / section
    place.mkdir(parents=True)
    (place / "models").symlink_to(models.resolve(), target_is_directory=True)
    for name, text in written_down()["inputs"].items():
        (place / name).write_text(text, encoding="latin-1" if name.endswith(".latin1") else "utf-8")
    results = place.with_suffix(".json")
    child = [sys.executable, "-P", str(HERE), "work", str(results.resolve()), section, "--only", only]
    with place.with_suffix(".stderr").open("wb") as said:
        done = subprocess.run(child, cwd=place, env=environment, stderr=said, check=False)
    if done.returncode:
        raise SystemExit(f"section {section} failed: {said.name}")
    found: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    print(f"{section}: {len(found)} commands, {time.monotonic() - begun:.0f} s", flush=True)
    return found


def work(results: Path, section: str, only: str) -> int:
    """Run the commands of a section, in the folder it is started in."""
    found: dict[str, Any] = {}
    signatures: dict[str, str] = {}
    for one in commands(section, only):
        print("$", one.key, file=sys.stderr, flush=True)
        arguments = [_filled(word, signatures) for word in one.arguments]
        stdin = Path(one.stdin).read_bytes() if one.stdin else b""
        before = _files()
        code, out = (_in_process_of_its_own if one.apart else _in_this_process)(arguments, stdin)
        if one.label:
            signatures[one.label] = json.loads(out.splitlines()[0])["signature"]
        changed = sorted(path for path, state in _files().items() if before.get(path) != state)
        files = {str(path): _content(path) for path in changed}
        asked = {"arguments": one.arguments, "stdin": stdin.decode("utf-8", "backslashreplace")}
        found[one.key] = {**asked, "code": code, "stdout": cleaned(out.decode()), "files": files}
    results.write_text(json.dumps(found), encoding="utf-8")
    return 0


def _filled(word: str, signatures: Mapping[str, str]) -> str:
    head, _, label = word.partition("SIGNATURE:")
    return head + signatures[label] if label else word


def _in_this_process(arguments: list[str], stdin: bytes) -> tuple[int, bytes]:
    """Return exit code and stdout of a command that is called, with files in the place of stdin and stdout."""
    from searchgen.cli.main import answer

    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out:
        given.write(stdin)
        given.seek(0)
        os.dup2(given.fileno(), 0)
        os.dup2(out.fileno(), 1)
        with open(0, closefd=False) as sys.stdin, open(1, "w", closefd=False) as sys.stdout:
            code = answer(arguments)
        out.seek(0)
        return code, out.read()


def _in_process_of_its_own(arguments: list[str], stdin: bytes) -> tuple[int, bytes]:
    command = [sys.executable, "-P", "-m", "searchgen", *arguments]
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=False)
    return done.returncode, done.stdout


def _files() -> dict[Path, tuple[int, int]]:
    """Return the files of this folder, with times and sizes; the models are behind a link and left out."""
    paths = [path for path in Path().rglob("*") if path.parts[0] != "models" and path.is_file()]
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in paths if "__pycache__" not in path.parts}


def _content(path: Path) -> str:
    if path.suffix not in TEXTS:
        return "(not recorded)"
    text = cleaned(path.read_text(encoding="utf-8"))
    return _journal(text) if path.suffix == ".journal" else text


def cleaned(text: str) -> str:
    """Return a text without versions and times."""
    return TIMES.sub(r'\1"TIME"', VERSION.sub(r"\1VERSION", text))


def _journal(text: str) -> str:
    """Return a journal without checksums, times, and values that follow from the length of the version."""
    entries = [json.loads(line.rpartition(" ")[0]) for line in text.splitlines()]
    rows = [[*one[:3], one[5]] if one[0] == "row" else one for one in entries if one[0] != "synced"]
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


# Comparing


def compare(a: Path, b: Path, only: str) -> int:
    """Print a line for each difference of two recordings; return 1 if there is one, or a command is in one only."""
    one, other = (json.loads((folder / "results.json").read_text(encoding="utf-8")) for folder in (a, b))
    keys = [key for key in dict.fromkeys([*one, *other]) if only in key]
    differing = mended = 0
    for key in keys:
        found = differences(one.get(key), other.get(key))
        if found and key in MENDED:
            mended += 1
            print(f"{key}: mended: {MENDED[key]}")
            continue
        differing += bool(found)
        print(*(f"{key}: {line}\n" for line in found), sep="", end="")
    print(f"{len(keys)} commands, {mended} mended, {differing} differ")
    return int(differing > 0)


def differences(one: dict[str, Any] | None, other: dict[str, Any] | None) -> list[str]:
    """Return the differences between two answers to a command, a line each."""
    if one is None or other is None:
        return [f"only in {'B' if one is None else 'A'}"]
    plain = ("arguments", "stdin", "code")
    found = [f"{name}: {one[name]!r} | {other[name]!r}" for name in plain if one[name] != other[name]]
    texts = {"stdout": (one["stdout"], other["stdout"])}
    for name in dict.fromkeys([*one["files"], *other["files"]]):
        texts[name] = one["files"].get(name, "(no file)"), other["files"].get(name, "(no file)")
    differing = {name: (renamed(x), y) for name, (x, y) in texts.items() if _meaning(renamed(x)) != _meaning(y)}
    return found + [f"{name}: {_difference(x, y)}" for name, (x, y) in differing.items()]


def renamed(text: str) -> str:
    """Return a text of A in which keys, cells of plain output, and passages of messages have the names of B."""
    for old, new in REWORDED.items():
        text = text.replace(old, new)
    for old, new in RENAMED.items():
        text = re.sub(rf'(?<=["]){old}(?=\\?":)', new, text)
        text = re.sub(rf"(?:(?<=\t)|(?<=; )){old}(?=\t|; )", new, text)
    return text


def _meaning(text: str) -> list[Any]:
    """Return the meaning of an output's lines: of JSON the values without the order of keys, with the requests of signatures parsed too."""
    return [_meant(line) for line in text.splitlines()]


def _meant(line: str) -> Any:
    try:
        return _signatures_read(json.loads(line))
    except ValueError:
        return line


def _signatures_read(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _signatures_read(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_signatures_read(each) for each in value]
    if isinstance(value, str) and value.startswith("searchgen:") and ":{" in value:
        head, _, body = value.partition(":{")
        return [head, _meant("{" + body)]
    return value


def _difference(one: str, other: str) -> str:
    """Return the first line that differs in meaning, from a little before the first different character."""
    pairs = zip_longest(one.splitlines(), other.splitlines(), fillvalue="(no line)")
    number, (x, y) = next((i, pair) for i, pair in enumerate(pairs, 1) if _meant(pair[0]) != _meant(pair[1]))
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(x, y, strict=False)))
    at = max(0, same - 30)
    return f"line {number}, sign {at + 1}: {x[at : at + 80]} | {y[at : at + 80]}"


def main() -> int:
    """Record or compare."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identity", description=__doc__.partition("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, paths in (("record", ["folder"]), ("compare", ["a", "b"]), ("work", ["results"])):
        one = verbs.add_parser(verb)
        for path in paths:
            one.add_argument(path, type=Path)
        one.add_argument("--only", default="", metavar="TEXT", help="commands whose section and line contain this")
        if verb == "record":
            one.add_argument(
                "--tree", type=Path, help="whose searchgen is recorded; by default the one that is imported"
            )
            one.add_argument("--models", type=Path, help="made there unless they exist; FOLDER/models by default")
        if verb == "work":  # a section of `record`, in a process of its own
            one.add_argument("section")
    flags = parser.parse_args()
    if flags.verb == "record":
        return record(flags.folder, flags.models or flags.folder / "models", flags.tree, flags.only)
    if flags.verb == "work":
        return work(flags.results, flags.section, flags.only)
    return compare(flags.a, flags.b, flags.only)


if __name__ == "__main__":
    sys.exit(main())
