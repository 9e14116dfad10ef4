"""What is seen of chains under way: their moves, a thinned log-density, and a call after every piece of work. It changes no step.

A run has stages: one annealing, one restart, the scored texts of one pass. Each stage keeps its last moves only (`traced_steps.py`), and
all stages together at most `MOST_MOVES`: the oldest stages lose theirs first. How many were made is always known.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np

from searchgen.samplers.chains.chains import advance_part
from searchgen.samplers.chains.moves import MOVES, Chains
from searchgen.samplers.chains.traced_steps import Ring, advance_accepted, advance_proposed, new_ring

__all__ = ["MOST_MOVES", "VERDICTS", "Event", "Observer", "Recorded", "Stage", "Text"]

Text = tuple[int, ...]

#: What is recorded: nothing, the accepted moves, or all that were proposed.
Recorded = Literal["", "accepted", "proposed"]

#: Moves kept of a run, at most.
MOST_MOVES = 100_000

#: Entries of the log-density of each chain over a stage.
POINTS = 200

#: Moves that are looked at for the last edit: many give a text back as it was.
LOOKED_AT = 50

#: What became of a proposal, as the ring numbers it.
VERDICTS = ("not legal", "rejected", "accepted")


class Event(NamedTuple):
    """A move.

    Attributes:
        stage: name of its stage.
        chain: number of the chain; -1: there is none.
        step: number of the step, or of the round.
        move: its name.
        verdict: one of `VERDICTS`.
        temperature: of the step; None where the move has none.
        before: log-density of the text that it left; None: not known.
        after: of the text that it proposed; None: it has none, or it was not needed in full.
        text: the proposed text, as ids; where nothing legal was proposed, the text as it stays.
        parent: the text that it left; None: no longer known.
    """

    stage: str
    chain: int
    step: int
    move: str
    verdict: str
    temperature: float | None
    before: float | None
    after: float | None
    text: Text
    parent: Text | None


@dataclass(eq=False)
class Stage:
    """A part of a run: some chains from their first states on, or the texts of a pass.

    Attributes:
        name: says what the part is.
        law: whose log-density its moves change: "target", "n-gram" or "transformer".
        chains: the states; they move on. None: there are none.
        steps: of each chain, in all.
        ring: the last moves of each chain, and its log-density; None: neither is recorded.
        recorded: what goes into the ring.
        starts: the first text of each chain, and its log-density.
        own: moves that are made outside the compiled loops.
        own_made: number of these, with those that are no longer kept.
        done: steps made so far by all chains together.
        power: the current inverse temperature.
        dropped: whether its moves were given up for those of later stages.
        leaders: the best texts of a stage without chains, and their log-densities.
        last_tally: the moves of a stage whose states are no longer kept.
    """

    name: str
    law: str
    chains: Chains | None
    steps: int
    ring: Ring | None
    recorded: Recorded
    starts: list[tuple[Text, float]] = field(default_factory=list)
    own: deque[Event] = field(default_factory=lambda: deque(maxlen=MOST_MOVES))
    own_made: int = 0
    done: int = 0
    power: float = 1.0
    dropped: bool = False
    leaders: list[tuple[Text, float]] = field(default_factory=list)
    last_tally: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    @property
    def every(self) -> int:
        """Steps from one entry of the series to the next."""
        return max(1, -(-self.steps // POINTS))

    @property
    def made(self) -> int:
        """Moves made so far, of the recorded kind."""
        return self.own_made + (0 if self.ring is None else int(self.ring.made.sum()))

    @property
    def kept(self) -> int:
        """Moves that are still known."""
        if self.dropped:
            return 0
        ring = 0 if self.ring is None else int(np.minimum(self.ring.made, self.ring.step.shape[1]).sum())
        return len(self.own) + ring

    def stepper(self, first: int, count: int) -> Callable[..., None]:
        """Return what makes the steps of `count` chains from number `first` on: `advance_part`, or what also writes them down."""
        if self.ring is None:
            return advance_part
        ring = Ring._make(column[first : first + count] for column in self.ring)
        traced = advance_accepted if self.recorded == "accepted" else advance_proposed
        return partial(traced, ring=ring, every=self.every)

    def add(self, event: Event) -> None:
        """Keep a move that is made outside the compiled loops, if such moves are recorded."""
        if self.recorded == "proposed" or (self.recorded and event.verdict == "accepted"):
            self.own.append(event)
            self.own_made += 1

    def trim(self) -> None:
        """Give back the room that the moves did not need."""
        if self.ring is not None and self.ring.made.max(initial=0) < self.ring.step.shape[1]:
            most = int(self.ring.made.max(initial=0))
            kept = {name: getattr(self.ring, name)[:, :most].copy() for name in Ring._fields[:8]}
            self.ring = self.ring._replace(**kept)

    def drop(self) -> None:
        """Forget the moves and the states, but not how many moves there were."""
        self.own.clear()
        self.starts.clear()
        self.chains, self.last_tally = None, self.tally()
        if self.ring is not None:
            self.ring = self.ring._replace(
                **{name: getattr(self.ring, name)[:, :0].copy() for name in Ring._fields[:8]}
            )
        self.dropped = True

    def moves_of(self, chain: int) -> Iterator[Event]:
        """Yield the kept moves of a chain, the earliest first."""
        ring = self.ring
        if ring is None or self.dropped:
            return
        room, made = ring.step.shape[1], int(ring.made[chain])
        known = made <= room  # none was overwritten, so the first move left the start
        parent: Text | None = self.starts[chain][0] if known else None
        for number in range(max(0, made - room), made):
            at = number % room
            text = self._written(chain, at)
            verdict = VERDICTS[ring.verdict[chain, at]]
            yield Event(
                stage=self.name,
                chain=chain,
                step=int(ring.step[chain, at]),
                move=MOVES[ring.move[chain, at]],
                verdict=verdict,
                temperature=1.0 / float(ring.power[chain, at]),
                before=float(ring.before[chain, at]),
                after=None if np.isnan(ring.after[chain, at]) else float(ring.after[chain, at]),
                text=text,
                parent=parent,
            )
            if verdict == "accepted":
                parent = text

    def last_edit(self, chain: int) -> tuple[Text, Text] | None:
        """Return the texts before and after the last accepted move that changed the text of a chain; None: none is known."""
        if self.ring is None or self.recorded != "accepted":
            return None
        room, made = self.ring.step.shape[1], int(self.ring.made[chain])
        kept = range(made - 1, max(made - room, 0) - 1, -1)
        texts = [*(self._written(chain, number % room) for number in kept[:LOOKED_AT])]
        if made <= min(room, LOOKED_AT):
            texts.append(self.starts[chain][0])
        return next(((before, after) for after, before in pairwise(texts) if after != before), None)

    def _written(self, chain: int, at: int) -> Text:
        assert self.ring is not None
        return tuple(self.ring.token[chain, at, : self.ring.length[chain, at]].tolist())

    def events(self) -> Iterator[Event]:
        """Yield all kept moves: chain after chain, then those made outside the compiled loops."""
        if self.ring is not None:
            for chain in range(len(self.ring.made)):
                yield from self.moves_of(chain)
        yield from self.own

    def series(self, chain: int) -> list[tuple[int, float, float]]:
        """Return step, log-density and temperature of a chain at equal distances; empty: they are not recorded."""
        if self.ring is None:
            return []
        count = int(self.ring.due[chain, 1])
        values = zip(self.ring.series[chain, :count].tolist(), self.ring.powers[chain, :count].tolist(), strict=True)
        return [(i * self.every, density, 1.0 / power) for i, (density, power) in enumerate(values)]

    def best(self) -> list[tuple[Text, float]]:
        """Return the densest text that each chain has seen, and its log-density, in the order of chains."""
        chains = self.chains
        if chains is None:
            return []
        rows = zip(chains.best_token, chains.best_length.tolist(), chains.best.tolist(), strict=True)
        return [(tuple(row[:length].tolist()), density) for row, length, density in rows]

    def tally(self) -> dict[str, tuple[int, int, int]]:
        """Return, for each move, how often it was proposed, legal and accepted."""
        if self.chains is None:
            return self.last_tally
        total = self.chains.tally.sum(axis=0).tolist()
        return {name: (row[0], row[1], row[2]) for name, row in zip(MOVES, total, strict=True) if row[0]}


@dataclass(eq=False)
class Observer:
    """Sees a run.

    Attributes:
        recorded: which moves are written down.
        on_look: called after every piece of work with the stage that it belongs to.
        stages: of the run so far.
        target: of the run, for those who print its texts; known before the first stage.
        made_by: for each text that was first made outside the compiled loops of another one: that move.
    """

    recorded: Recorded = ""
    on_look: Callable[[Stage], None] | None = None
    stages: list[Stage] = field(default_factory=list)
    target: Any = None
    made_by: dict[Text, Event] = field(default_factory=dict)

    def begin(self, name: str, law: str, chains: Chains | None = None, steps: int = 0, most: int = MOST_MOVES) -> Stage:
        """Begin a stage.

        Args:
            name: says what it is.
            law: whose log-density its moves change.
            chains: with their first states; None: it has none in compiled loops.
            steps: of each chain.
            most: moves kept of it, at most.
        """
        self.settle()
        ring, starts = None, []
        if chains is not None:
            starts = _texts(chains)
            if self.recorded and steps:
                count = len(chains.length)
                ring = new_ring(count, min(steps, max(1, most // count)), chains.token.shape[1], POINTS)
        stage = Stage(name, law, chains, steps, ring, self.recorded, starts)
        self.stages.append(stage)
        return stage

    def look(self, stage: Stage, done: int = 0, power: float | None = None) -> None:
        """Show a stage after a piece of work.

        Args:
            stage: which one.
            done: steps made by all chains since the last time.
            power: the inverse temperature at the end.
        """
        stage.done += done
        if power is not None:
            stage.power = power
        if self.on_look is not None:
            self.on_look(stage)

    @property
    def made(self) -> int:
        """Moves made so far, of the recorded kind."""
        return sum(stage.made for stage in self.stages)

    @property
    def kept(self) -> int:
        """Moves that are still known."""
        return sum(stage.kept for stage in self.stages)

    def events(self) -> Iterator[Event]:
        """Yield all kept moves, stage after stage."""
        for stage in self.stages:
            yield from stage.events()

    def settle(self) -> None:
        """Give back what a run that has ended does not need."""
        for stage in self.stages[-1:]:
            stage.trim()
        self._make_room()

    def _make_room(self) -> None:
        """Forget the oldest moves while there are too many; a stage alone never has."""
        left = self.kept - MOST_MOVES
        for stage in self.stages[:-1]:
            if left <= 0:
                return
            left -= stage.kept
            stage.drop()


def _texts(chains: Chains) -> list[tuple[Text, float]]:
    rows: Any = zip(chains.token, chains.length.tolist(), chains.log_density.tolist(), strict=True)
    return [(tuple(row[:length].tolist()), density) for row, length, density in rows]
