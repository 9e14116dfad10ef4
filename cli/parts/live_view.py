"""The live view of a run: its best texts with the last edit marked, temperature, acceptance by move, constraints, speed and time left."""

import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Self

import numpy as np
from rich.console import Group
from rich.live import Live
from rich.text import Text as Line

from searchgen.cli.parts.batches.progress import clock
from searchgen.jobs.compared import compact
from searchgen.markup.marked import token_spans
from searchgen.samplers.chains.frames import difference

if TYPE_CHECKING:
    from rich.console import Console

    from searchgen.samplers.chains.observer import Observer, Stage, Text

__all__ = ["LiveView"]

#: Seconds between two pictures, at least, and how many times longer than drawing one: so the view takes at most 1 %.
LEAST_SECONDS, TIMES = 0.1, 100

#: Texts that are shown.
BEST = 5

CHANGED, DEMANDED, FAINT = "bold underline yellow", "bold cyan", "dim"


class LiveView:
    """Draws a run on a terminal, and leaves nothing behind."""

    def __init__(self, console: "Console", observer: "Observer") -> None:
        """Prepare a view; the first look draws it.

        Args:
            console: the terminal.
            observer: knows the target, and the stages so far.
        """
        self.console, self.observer = console, observer
        self.live = Live(console=console, transient=True, auto_refresh=False, redirect_stdout=False)
        self.start, self.next, self.share = time.monotonic(), 0.0, 0.0
        self.origin: tuple[float, float] | None = None

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()

    def progress(self, share: float) -> None:
        """Take the share of the run that is done; the first one is where the time left is counted from."""
        self.share = share
        if self.origin is None and share:
            self.origin = time.monotonic(), share

    def look(self, stage: "Stage") -> None:
        """Draw a stage, unless the last picture is too new."""
        now = time.monotonic()
        if now < self.next:
            return
        self.live.update(Group(*self.lines(stage, now)), refresh=True)
        taken = time.monotonic() - now
        self.next = now + taken + max(LEAST_SECONDS, TIMES * taken)

    def lines(self, stage: "Stage", now: float) -> list[Line]:
        """Return the lines of a picture."""
        leaders = self._leaders(stage)
        lines = [self._head(stage, now), *(self._text(stage, *leader) for leader in leaders)]
        tally = stage.tally() or next((one.tally() for one in reversed(self.observer.stages) if one.chains), {})
        moves = [f"{name} {counts[2] / max(1, counts[0]):.1%}" for name, counts in tally.items()]
        if moves:
            lines.append(_plain(f"accepted  {'  '.join(moves)}"))
        if leaders:
            satisfied = self.observer.target.satisfied(leaders[0][1])
            broken = [name for name, holds in satisfied.items() if not holds]
            held = f"{len(satisfied) - len(broken)} of {len(satisfied)} constraints hold"
            lines.append(_plain(f"best text {held}{': not ' + ', '.join(broken) if broken else ''}"))
        return lines

    def _head(self, stage: "Stage", now: float) -> Line:
        steps, seconds = sum(one.done for one in self.observer.stages), max(now - self.start, 1e-3)
        parts = [stage.name]
        if stage.chains is not None:
            parts.append(f"temperature {1.0 / stage.power:.2f}")
        parts += [f"{compact(steps)} steps", f"{compact(steps / seconds)}/s"]
        if 0.0 < self.share < 1.0:
            parts.append(f"{self.share:.0%}")
        if self.origin is not None and self.origin[1] < self.share < 1.0:
            left = (now - self.origin[0]) * (1 - self.share) / (self.share - self.origin[1])
            parts.append(f"{clock(left)} left")
        return _plain("  ".join(parts), "bold")

    def _leaders(self, stage: "Stage") -> "list[tuple[int, Text, float]]":
        """Return the best texts of a stage as it stands: chain, text and log-density."""
        chains = stage.chains
        if chains is None:
            return [(-1, text, density) for text, density in stage.leaders[:BEST]]
        texts: dict[Text, tuple[int, Text, float]] = {}
        for c in np.argsort(-chains.log_density, kind="stable").tolist():
            text = tuple(chains.token[c, : chains.length[c]].tolist())
            texts.setdefault(text, (c, text, float(chains.log_density[c])))
            if len(texts) == BEST:
                break
        return list(texts.values())

    def _text(self, stage: "Stage", chain: int, text: "Text", density: float) -> Line:
        target = self.observer.target
        tokens, printed = target.vocabulary.decode(text), target.printed(text)
        line = Line(f"{density:9.2f}  ", style=FAINT, no_wrap=True, overflow="ellipsis", end="")
        head = len(line)
        line.append(printed, style="not dim")
        demanded = [(span.start, span.end) for span in target.spans(text)]
        changed = token_spans(printed, tokens, self._changed(stage, chain, text))
        for spans, style in ((demanded, DEMANDED), (changed, CHANGED)):
            for begin, end in spans:
                line.stylize(style, head + begin, head + end)
        line.end = "\n"
        return line

    def _changed(self, stage: "Stage", chain: int, text: "Text") -> Collection[int]:
        """Return the places that the last edit of a text changed."""
        event = self.observer.made_by.get(text)
        edit = stage.last_edit(chain) if chain >= 0 else None if event is None else (event.parent or text, text)
        if edit is None or edit[1] != text:
            return ()
        at, _, new = difference(*edit)
        return range(at, at + len(new))


def _plain(text: str, style: str = "") -> Line:
    return Line(text, style=style, no_wrap=True, overflow="ellipsis")
