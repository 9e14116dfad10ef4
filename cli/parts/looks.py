"""What a user wants to see of a run besides its texts: the live view, the trace of its moves, and the report."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchgen.cli.loading import compiling
from searchgen.cli.output import complain, hushed, live_console, progress
from searchgen.cli.parts.outputs import file_behind, output_place
from searchgen.cli.parts.report import write_report
from searchgen.errors import RequestError, SearchgenError

if TYPE_CHECKING:
    from searchgen.request.request import Request
    from searchgen.samplers.chains.observer import Observer

__all__ = ["Looks"]

#: Takes the share of a run that is done.
OnProgress = Callable[[float], None] | None


@dataclass
class Looks:
    """The flags of a run that is looked at.

    Attributes:
        watch: show it live on the terminal.
        trace: file for the moves.
        all_moves: of these, also those that were not accepted.
        report: file for the page, or for the diagnostics as JSON.
        observer: what looks; None: nothing needs one.
    """

    watch: bool = False
    trace: Path | None = None
    all_moves: bool = False
    report: Path | None = None
    observer: "Observer | None" = None

    @staticmethod
    def of(watch: bool, trace: str | None, all_moves: bool, report: str | None) -> "Looks":
        """Return the looks that flags ask for; files that cannot be written are refused before any work.

        Raises:
            RequestError: a file cannot be written, both are one file, or all moves are to be traced into none.
        """
        if all_moves and trace is None:
            raise RequestError("--trace-all says what --trace FILE holds; give --trace, or drop it")
        places = {
            flag: None if name is None else output_place(flag, name)
            for flag, name in (("--trace", trace), ("--report", report))
        }
        first, second = places["--trace"], places["--report"]
        if first is not None and second is not None and _are_one(first, second):
            raise RequestError(f"--trace and --report are the same file, {second}; name another")
        return Looks(watch, first, all_moves, second)

    @property
    def wants_page(self) -> bool:
        """Whether the report is a page for people."""
        from searchgen.report.page import is_page

        return self.report is not None and is_page(self.report)

    @property
    def any(self) -> bool:
        """Whether anything is asked for."""
        return self.watch or self.trace is not None or self.report is not None

    @contextmanager
    def looking(self, what: str, shows_moves: bool = True) -> "Iterator[tuple[Observer | None, OnProgress]]":
        """Give the observer of a run and the callback for its progress, and show both on a terminal.

        Args:
            what: the run is called.
            shows_moves: whether the sampler shows its moves; the page of one that does not has no replay.
        """
        from searchgen.kernels.precompile import TRACE
        from searchgen.samplers.chains.observer import Observer

        moves = self.trace is not None or (self.wants_page and shows_moves)
        console = live_console() if self.watch else None
        if self.watch and console is None and not hushed():
            complain(
                "--watch needs a terminal on stderr, and there is none; the run goes on unseen, with the same texts"
            )
        if moves or console is not None:
            self.observer = Observer(recorded="proposed" if self.all_moves else "accepted")
        traced = (TRACE,) if self.observer is not None and not self.all_moves else ()
        if console is None or self.observer is None:
            with progress(what) as show, compiling(*traced):
                yield self.observer, (lambda share: show(what, share)) if show else None
            return
        from searchgen.cli.parts.live_view import LiveView

        with LiveView(console, self.observer) as view, compiling(*traced):
            self.observer.on_look = view.look
            yield self.observer, view.progress

    def write(self, signature: str, page: "Callable[[Observer], str]", report: Callable[[], Mapping[str, Any]]) -> None:
        """Write what is asked for.

        Args:
            signature: of the run.
            page: makes the page of what was seen.
            report: makes the diagnostics.
        """
        if self.trace is not None and self.observer is not None:
            from searchgen.report.trace_file import write_trace

            write_trace(self.trace, self.observer, signature)
        if self.report is not None and self.wants_page:
            from searchgen.report.page import write_page
            from searchgen.samplers.chains.observer import Observer

            write_page(self.report, page(self.observer or Observer()))
        elif self.report is not None:
            write_report(self.report, report())

    def write_failed(
        self, command: str, request: "Request", error: SearchgenError, run: Mapping[str, Any] | None = None
    ) -> None:
        """Write the report of a run that found no text; there is no trace of it.

        Args:
            command: that ran.
            request: what was asked for.
            error: why there is no text.
            run: what decides the run, for a report in JSON.
        """
        if self.report is None:
            return
        if not self.wants_page:
            write_report(
                self.report, {"status": "infeasible", "error": str(error), **(run or {}), "sampler": request.sampler}
            )
            return
        from searchgen.report.page import write_page
        from searchgen.report.run_page import failed_page

        write_page(self.report, failed_page(command, request, error))


def _are_one(first: Path, second: Path) -> bool:
    return first.resolve() == second.resolve() or (
        file_behind(first) is not None and file_behind(first) == file_behind(second)
    )
