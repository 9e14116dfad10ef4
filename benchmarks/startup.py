"""Waiting times: help, the first sentence of a warm process, and the first run ever with an empty cache."""

import tempfile

from benchmarks.common import Child, Report, cli, options

ARGUMENTS = ("constrain", "--keywords", "dog,park,ball", "--seed", "7")
SET, LATER = "coffee,morning,friend\n", 20
LIBRARIES = "import numpy, numba"


def main() -> None:
    """Measure, and print the table."""
    with options("startup") as (flags, report):
        times = 2 if flags.quick else 7
        libraries = min(cli(program=LIBRARIES).cpu for _ in range(times))
        shown = min(cli("--help").cpu for _ in range(times))
        first = {name: _warm(report, name, times, asked) for name, asked in (("en-ngram", 0.6), ("en", 1.2))}
        report.row("python -c 'import numpy, numba', CPU", f"{libraries:.2f} s")
        report.row("searchgen --help, CPU", f"{shown:.2f} s", "< 0.2 s", shown < 0.2)
        with tempfile.TemporaryDirectory() as folder:
            cold, again = (cli(*ARGUMENTS, environment={"SEARCHGEN_CACHE": folder}) for _ in range(2))
        compiling = cold.wall - again.wall
        report.row("first run ever (compiling, decoding), clock", f"{cold.wall:.1f} s")
        report.row("  of it compiling and decoding", f"{compiling:.1f} s", "< 10 s", compiling < 10)
        report.row("  CPU", f"{cold.cpu:.1f} s")
        report.numbers |= {
            "help": shown,
            "first_sentence": first,
            "later": _later(report),
            "cold": cold.wall,
            "compiling": compiling,
        }


def _warm(report: Report, name: str, times: int, asked: float) -> float:
    """Return the clock's seconds to the first sentence of a warm process under a model."""
    cli(*ARGUMENTS, "--lm", name)  # fills the cache
    warm: list[Child] = [cli(*ARGUMENTS, "--lm", name) for _ in range(times)]
    first = min(run.first_line for run in warm)
    report.row(
        f"warm process to its first sentence under {name}, clock", f"{first:.2f} s", f"< {asked} s", first < asked
    )
    report.row("  the whole process, CPU of all threads", f"{min(run.cpu for run in warm):.2f} s")
    return first


def _later(report: Report) -> float:
    """Return the clock's seconds that each later set of a pipe takes under the default model."""
    walls = [cli(*ARGUMENTS[:1], "--keywords", "-", "--seed", "7", stdin=SET * count).wall for count in (1, 1 + LATER)]
    each = (walls[1] - walls[0]) / LATER
    report.row("later sets of a pipe under en, each, clock", f"{each:.2f} s", "< 0.4 s", each < 0.4)
    return each


if __name__ == "__main__":
    main()
