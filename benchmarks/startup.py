"""How long a user waits: help, the first sentence of a warm process, and the first run ever with an empty cache."""

import tempfile

from benchmarks.common import Child, cli, options

ARGUMENTS = ("constrain", "--keywords", "dog,park,ball", "--seed", "7")
LIBRARIES = "import numpy, numba"


def main() -> None:
    """Measure, and print the table."""
    with options("startup") as (flags, report):
        times = 2 if flags.quick else 7
        libraries = min(cli(program=LIBRARIES).cpu for _ in range(times))
        shown = min(cli("--help").cpu for _ in range(times))
        cli(*ARGUMENTS)  # fills the cache
        warm: list[Child] = [cli(*ARGUMENTS) for _ in range(times)]
        first = min(run.first_line for run in warm)
        report.row("python -c 'import numpy, numba', CPU", f"{libraries:.2f} s")
        report.row("searchgen --help, CPU", f"{shown:.2f} s", "< 0.2 s", shown < 0.2)
        report.row("warm process to its first sentence, clock", f"{first:.2f} s", "< 0.6 s", first < 0.6)
        report.row("  the whole process, CPU of all threads", f"{min(run.cpu for run in warm):.2f} s")
        with tempfile.TemporaryDirectory() as folder:
            cold, again = (cli(*ARGUMENTS, environment={"SEARCHGEN_CACHE": folder}) for _ in range(2))
        compiling = cold.wall - again.wall
        report.row("first run ever (compiling, decoding), clock", f"{cold.wall:.1f} s")
        report.row("  of it compiling and decoding", f"{compiling:.1f} s", "< 10 s", compiling < 10)
        report.row("  CPU", f"{cold.cpu:.1f} s")
        report.numbers |= {"help": shown, "first_sentence": first, "cold": cold.wall, "compiling": compiling}


if __name__ == "__main__":
    main()
