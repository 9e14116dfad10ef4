"""Where a batch reads and writes: its jobs, its rows, its journal, its report."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchgen.batch.jobs import format_of
from searchgen.batch.shards import journal_of
from searchgen.cli.parts.outputs import file_behind, output_place
from searchgen.errors import RequestError

__all__ = ["Places"]


@dataclass(frozen=True)
class Places:
    """Where a run reads and writes.

    Attributes:
        jobs: a file, or "-".
        output: a file, or "-".
        journal: a file, or None: beside the output, or none for standard output.
        format: of the jobs, or None: by the file's name.
        mode: "new", "resume" or "overwrite".
        report: a file for times and counters, or None.
    """

    jobs: str
    output: str = "-"
    journal: str | None = None
    format: str | None = None
    mode: str = "new"
    report: str | None = None

    def refuse_clashes(self) -> None:
        """Refuse files that are the same, or that cannot do what is asked of them.

        Raises:
            RequestError: in this case.
        """
        if self.journal == "-" or self.report == "-":
            raise RequestError("--journal and --report need the name of a file; '-' stands for the jobs and the rows")
        if self.mode != "new" and self.output == "-" and self.journal is None:
            raise RequestError(f"--{self.mode} needs the rows of the earlier run: give -o FILE, or --journal FILE")
        if self.journal is not None and self.journal_path is not None:
            output_place("--journal", self.journal_path)
        place = Path(self.output)
        if (
            self.output != "-"
            and self.journal_path is not None
            and (place.is_symlink() or (place.exists() and not place.is_file()))
        ):
            output_place("-o", self.output)
        files: dict[str, Any] = {
            "the job file": sys.stdin if self.jobs == "-" else self.jobs,
            "the output": sys.stdout if self.output == "-" else self.output,
            "the journal": self.journal_path,
            "the report": self.report,
        }
        places = [(name, place) for name, place in files.items() if place is not None]
        for i, (name, place) in enumerate(places):
            for other, there in places[:i]:
                if _are_one(place, there):
                    raise RequestError(f"{other} and {name} are the same file{_named(place, there)}; name another")

    @property
    def journal_path(self) -> Path | None:
        """The journal's file, if there is one."""
        if self.journal is not None:
            return Path(self.journal)
        output = Path(self.output)
        if self.output == "-" or (output.exists() and not output.is_file() and not output.is_dir()):
            return None
        return journal_of(output)

    @property
    def form(self) -> str:
        """The format of the jobs."""
        return self.format or format_of(self.jobs)


def _are_one(place: Any, other: Any) -> bool:
    """Return whether two places, paths or streams, are one file, there already or not yet."""
    behind = file_behind(place)
    if behind is not None and behind == file_behind(other):
        return True
    paths = [Path(one) for one in (place, other) if isinstance(one, str | Path)]
    return len(paths) == 2 and paths[0].resolve() == paths[1].resolve()


def _named(*places: Any) -> str:
    """Return a path among places, for a message."""
    return next((f", {place}" for place in places if isinstance(place, str | Path)), "")
