"""The probe that tells from a large model's hidden states what readers think of a text: taught from verdicts, tested on searches of others.

    python -m benchmarks.sense [--lm smollm2] [--weight 12] [--apart SEED] [--write]

It learns from `benchmarks/verdicts/en.tsv` (texts of searches, each read by one reader) and from the sheets in `benchmarks/readings/`; the
six readers' searches in `benchmarks/judged/` are the test. `--apart` names a seed of `benchmarks.reading`: requests that share two words
with a set of that seed teach nothing, so that its sheet is no test of memory. `--write` stores the probe where searches find it.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.common import ROOT
from benchmarks.reading import draw
from searchgen.lm.catalogue.model import file_behind
from searchgen.lm.conversion.model import ConvertedModel
from searchgen.lm.conversion.prefix_tree import PrefixTree
from searchgen.lm.conversion.probe import Probe, pooled, probe_path
from searchgen.lm.decoder.content_hash import hash_of
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.open import open_text_model
from searchgen.search.expert import PER_WORD, SENSE

__all__ = ["Verdict", "fitted", "read_verdicts"]

Floats = npt.NDArray[np.float64]

#: What a verdict is worth: fine, odd, broken.
WORTH = {"f": 1.0, "o": 0.35, "b": 0.0}

#: The ridge, of weights of states of variance 1, and rounds of Newton's method.
RIDGE, ROUNDS = 0.015, 12

#: Texts of a pass.
TOGETHER = 24

#: Chinese signs begin here; such texts are left out.
HAN = "\u2e80"


class Verdict(NamedTuple):
    """What readers said of a text.

    Attributes:
        request: the words that were asked for.
        text: the text.
        worth: the mean worth of the verdicts.
        fine: the share of readers who found it fine.
        broken: the same of broken.
    """

    request: str
    text: str
    worth: float
    fine: float
    broken: float


def read_verdicts(path: Path) -> list[Verdict]:
    """Return the English verdicts of a table, people's sentences left out."""
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    if header.split("\t")[-3:-1] not in (["words", "text"], ["# keywords", "text"]):
        return []
    found = []
    for line in lines:
        *system, words, text, verdicts = line.split("\t")
        verdicts = verdicts.lower()
        if "human" not in system and max(text) < HAN:
            shares = [sum(one == kind for one in verdicts) / len(verdicts) for kind in WORTH]
            worth = sum(share * value for share, value in zip(shares, WORTH.values(), strict=True))
            found.append(Verdict(words, text, worth, shares[0], shares[2]))
    return found


def apart(verdicts: Iterable[Verdict], sets: Sequence[frozenset[str]]) -> list[Verdict]:
    """Return the verdicts on texts of requests that share at most one word with each of the sets."""
    words = ((verdict, {*verdict.request.replace("/", ",").split(",")}) for verdict in verdicts)
    return [verdict for verdict, own in words if all(len(own & one) < 2 for one in sets)]


@dataclass(frozen=True, eq=False)
class _Recorder(Probe):
    """A probe that keeps what it sees."""

    seen: list[Floats] = field(default_factory=list)

    def sense(self, tree: PrefixTree, states: npt.NDArray[np.float32]) -> list[float]:
        rows = pooled(tree, states)
        self.seen.extend(rows)
        return [0.0] * len(rows)


def states_of(model: ConvertedModel, texts: list[str]) -> Floats:
    """Return the mean and the last hidden state of each text, (n, 2 H)."""
    recorder = model.probe = _Recorder(np.zeros(0), np.zeros(0), 0.0)
    place = {text: i for i, text in enumerate(sorted(set(texts)))}
    rows = model.spelling.spell(list(place))
    for start in range(0, len(rows), TOGETHER):
        model._pass(rows[start : start + TOGETHER])
    return np.array(recorder.seen)[[place[text] for text in texts]]


def fitted(states: Floats, worth: Floats, ridge: float = RIDGE) -> Floats:
    """Return the weights of a logistic regression and its constant, (2 H + 1,), by Newton's method.

    Args:
        states: (n, 2 H).
        worth: (n,) from 0 to 1.
        ridge: penalty of squared weights of columns of variance 1, beside the mean loss.
    """
    mean, spread = states.mean(axis=0), states.std(axis=0) + 1e-3
    x = np.column_stack([(states - mean) / spread, np.ones(len(states))])
    penalty = 2 * ridge * np.append(np.ones(x.shape[1] - 1), 0.0)
    weights = np.zeros(x.shape[1])
    for _ in range(ROUNDS):
        p = 1 / (1 + np.exp(-x @ weights))
        slope = x.T @ (p - worth) / len(x) + penalty * weights
        curvature = (x.T * (p * (1 - p))) @ x / len(x) + np.diag(penalty)
        weights -= np.linalg.solve(curvature, slope)
    own = weights[:-1] / spread
    return np.append(own, weights[-1] - mean @ own)


def shown(verdicts: list[Verdict], score: Floats) -> str:
    """Return how well a score orders texts of one request, and what its first texts are."""
    groups: dict[str, dict[str, tuple[float, Verdict]]] = defaultdict(dict)
    for verdict, value in zip(verdicts, score.tolist(), strict=True):
        groups[verdict.request][verdict.text] = value, verdict
    right = pairs = 0
    first = []
    for group in groups.values():
        members = list(group.values())
        first.append(max(members, key=lambda member: member[0])[1])
        apart = [(a, b) for a, one in members for b, other in members if one.worth > other.worth + 0.3]
        pairs += len(apart)
        right += sum(a > b for a, b in apart)
    fine, broken = (np.mean([getattr(one, name) for one in first]) for name in ("fine", "broken"))
    return f"pairs {right / pairs:.1%} of {pairs:,}; first text fine {fine:.1%}, broken {broken:.1%} ({len(first)})"


def main() -> None:
    """Teach and test."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sense", description=__doc__)
    parser.add_argument("--lm", default="smollm2")
    parser.add_argument("--weight", type=float, default=SENSE)
    parser.add_argument("--apart", type=int, metavar="SEED")
    parser.add_argument("--write", action="store_true")
    flags = parser.parse_args()
    place = ROOT / "benchmarks"
    # Sheets that test a probe teach none.
    sheets = [path for path in sorted((place / "readings").glob("*.tsv")) if "sense" not in path.name]
    taught = [one for path in sheets for one in read_verdicts(path)]
    taught += read_verdicts(place / "verdicts" / "en.tsv")
    if flags.apart is not None:
        sets: list[Any] = [one["words"] for one in draw(flags.apart)]
        taught = apart(taught, [frozenset(one) for one in sets])
    test = read_verdicts(place / "judged" / "en.tsv")
    model: Any = open_text_model(flags.lm, NeuralSettings(examples="default-en"), 1)
    weights = fitted(states_of(model, [one.text for one in taught]), np.array([one.worth for one in taught]))
    texts = [one.text for one in test]
    words = np.array([len(text.split()) for text in texts])
    product = model.log_probs(texts) + open_text_model("en").log_probs(texts) + PER_WORD * words
    sense = states_of(model, texts) @ weights[:-1] + weights[-1]
    print(f"taught by {len(taught):,} texts; tested on searches of others:")
    for name, score in {"product": product, "sense": sense, "both": product + flags.weight * sense}.items():
        print(f"{name:<8} {shown(test, score)}")
    if flags.write:
        np.save(probe_path(hash_of(file_behind(flags.lm)), "en"), weights.astype(np.float32))


if __name__ == "__main__":
    main()
