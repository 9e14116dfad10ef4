"""The options of sequential Monte Carlo, and which of them serve a target."""

from dataclasses import dataclass, replace

from searchgen.errors import RequestError
from searchgen.samplers.weighted.smc.bridge import NARROWEST
from searchgen.samplers.weighted.smc.ladder import FLAT
from searchgen.target import Target

__all__ = ["Options"]

#: Rungs from soft to hard, and rounds of moves at each.
USUAL_RUNGS, USUAL_ROUNDS = 20, 2


@dataclass(frozen=True)
class Options:
    """How particles grow.

    Attributes:
        order: order of the guide that looks ahead; 0: the model's own, which with near=0 makes every weight the same.
        near: if above 0, contexts of the guide beyond order 2 are those that lead to a demanded word within so many words; 0: all.
        threshold: particles are resampled when their effective number falls below this share of them; 0: never.
        rejuvenate: steps of Metropolis-Hastings of every finished particle, which tell copies apart; with a ladder so many at each
            rung, 0 standing for as many as a text may have words.
        ladder: if above 0, particles grow under beta 1 and are then led to a larger beta over so many rungs.
        soften: over so many rungs particles are led to the law with functions of the text, hard ones soft at first; `rejuvenate` rounds of
            delayed acceptance at each, 0 standing for 2. 0: 20 rungs where there are such functions.
        width: the first width of the smoothed step, in violations.
    """

    order: int = 0
    near: int = 1
    threshold: float = 0.5
    rejuvenate: int = 0
    ladder: int = 0
    soften: int = 0
    width: float = 8.0

    def spelled_out(self, target: Target) -> "Options":
        """Return the options with their defaults for a target."""
        order = self.order or int(target.problem.ngram.order[0])
        soften = self.soften or (USUAL_RUNGS if target.opaque else 0)
        steps = self.rejuvenate or (USUAL_ROUNDS if soften else target.window[1] if self.ladder else 0)
        return replace(self, order=order, rejuvenate=steps, soften=soften)

    def check(self, target: Target) -> None:
        """Refuse options outside their ranges, and those that cannot serve a target.

        Raises:
            RequestError: in these cases.
        """
        for name, (low, high, means) in RANGES.items():
            value = getattr(self, name)
            if value < low or (high is not None and value > high):
                wrong = "is negative" if high is None else "is out of range"
                raise RequestError(f"--sampler smc: {name}={value:g} {wrong}; give {means}")
        if self.soften or target.opaque:
            self._check_soften(target)
        if self.ladder or self.rejuvenate:
            self._check_moves(target)

    def _check_soften(self, target: Target) -> None:
        if not target.opaque:
            raise RequestError(f"--sampler smc: soften={self.soften}, and there is no function of the text; drop it")
        if self.ladder:
            raise RequestError(
                f"--sampler smc: ladder={self.ladder} does not go with functions of the text, which have rungs of their own; drop it"
            )

    def _check_moves(self, target: Target) -> None:
        given = [(name, getattr(self, name)) for name in ("ladder", "soften", "rejuvenate")]
        moves = next(f"{name}={value}" for name, value in given if value)
        if target.text_model is not None:
            raise RequestError(
                f"--sampler smc: {moves} changes words by the n-gram model alone, without {target.text_model.label}; drop it"
            )
        if target.model.unnormalised:
            raise RequestError(
                f"--sampler smc: {moves} draws words from the model, and {target.model.unnormalised}; drop it, or normalise the model"
            )
        beta = float(target.problem.beta[0])
        if self.ladder and not beta > FLAT:
            raise RequestError(f"--sampler smc: {moves} needs a beta above {FLAT:g}, and --beta is {beta:g}; drop it")


#: By name: the least and the largest value of an option, and how a message says so.
RANGES: dict[str, tuple[float, float | None, str]] = {
    "order": (0, None, "the order of a guide, or 0 for the model's own"),
    "near": (0, None, "0 or more words"),
    "threshold": (0.0, 1.0, "a share of particles from 0 to 1"),
    "rejuvenate": (0, 1_000_000, "0 to 1,000,000 steps"),
    "ladder": (0, 1_000, "0 (no ladder) to 1,000 rungs"),
    "soften": (0, 1_000, "0 (as many as usual) to 1,000 rungs"),
    "width": (NARROWEST, 1e6, f"{NARROWEST:g} to 1,000,000 violations"),
}
