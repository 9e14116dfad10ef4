"""The network behind the table of architectures: the default is what `lm train` makes, and every option does what it says."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from benchmarks import architectures  # noqa: E402
from benchmarks.architecture_options import Network, Options, _features, _turned, places  # noqa: E402
from benchmarks.architecture_trials import ROW, TRIALS, Rows, Trial, learn  # noqa: E402
from searchgen.lm.neural.architectures.llama import Llama  # noqa: E402
from searchgen.lm.neural.architectures.llama_shape import Shape  # noqa: E402
from searchgen.lm.training.packing import BEGIN, pack, visible  # noqa: E402

SHAPE = Shape(40, 16, 2, 2, 32, ROW)
BREAK = 9
TEXTS = [[2 + (3 * i + 5 * j) % 38 for j in range(4 + i % 9)] for i in range(60)]
ROWS = Rows(pack(TEXTS[:50], ROW, 0), pack(TEXTS[50:], ROW, 0), 200, 40, (BREAK,))
NETWORKS = {name: trial for name, trial in TRIALS.items() if trial.options != Options()}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Products as small as these are slower on several, most of all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network(options: Options) -> Network:
    """Return one with weights large enough for attention to matter."""
    made = Network(SHAPE, options, (BREAK,)).initialise(0)
    with torch.no_grad():
        for block in made.blocks.parameters():
            block.mul_(10.0 if block.ndim == 2 else 1.0)
    return made


def test_default_is_what_lm_train_makes():
    ours: Any = network(Options())
    theirs: Any = Llama(SHAPE)
    rows = torch.from_numpy(ROWS.learnt.astype(np.int64))
    with torch.no_grad():
        theirs.embedding.copy_(ours.embedding)
        for mine, block in zip(ours.blocks, theirs.blocks, strict=True):
            block.attend.copy_(torch.cat([mine.query, mine.key, mine.value]))
            block.gated.copy_(torch.cat([mine.gate, mine.up]))
            block.out.copy_(mine.out)
            block.down.copy_(mine.down)
        torch.testing.assert_close(ours(rows, visible(rows)), theirs(rows, visible(rows)))


def test_default_draws_as_lm_train_does():
    ours: Any = Network(SHAPE).initialise(0)
    theirs: Any = Llama(SHAPE).initialise(0)
    assert torch.equal(ours.embedding, theirs.embedding)
    assert ours.blocks[0].down.std().item() == pytest.approx(theirs.blocks[0].down.std().item(), rel=0.2)


@pytest.mark.parametrize("name", TRIALS)
def test_every_trial_learns(name: str):
    found = learn(TRIALS[name], ROWS, SHAPE, 0, 1e-2, 4, ROW)
    assert np.isfinite(found["bits"])
    assert found["pieces"] == 4 * ROW  # equally many for all


def test_divergence_is_told():
    found = learn(Trial(Options(deviation="1e30")), ROWS, SHAPE, 0, 1e-2, 4, ROW)
    assert found["bits"] is None


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_sees_what_comes_later(name: str):
    made = network(NETWORKS[name].options)
    rows = torch.from_numpy(ROWS.learnt.astype(np.int64))[:1]
    changed = rows.clone()
    changed[0, 60] = 2 + (changed[0, 60] + 1) % 38
    with torch.no_grad():
        one, other = made(rows, visible(rows)), made(changed, visible(changed))
    assert torch.equal(one[:, :60], other[:, :60])
    assert not torch.equal(one[:, 60:], other[:, 60:])


@pytest.mark.parametrize(
    "options", [Options(), Options(linear=True), Options(residual=True), Options(positions="none")]
)
def test_reading_on_is_reading_all(options: Options):
    made = network(options)
    texts = torch.tensor([[BEGIN, *TEXTS[8]], [BEGIN, *TEXTS[17]]])
    with torch.no_grad():
        whole, _ = made.read(texts)
        first, seen = made.read(texts[:, :5])
        second, seen = made.read(texts[:, 5:8], seen, 5)
        third, seen = made.read(texts[:, 8:], seen, 8)
    torch.testing.assert_close(torch.cat([first, second, third], dim=1), whole)
    torch.testing.assert_close(made(texts, visible(texts)), whole)
    if options.linear:  # however much was read
        assert seen[0].second.shape == (2, 2, 16, 8)


def test_linear_attention_approaches_softmax():
    """With many directions the mean of the features' products is the exponential that softmax takes."""
    generator = torch.Generator().manual_seed(0)
    q, k = torch.randn(2, 6, 8, generator=generator) / 2  # the variance of the mean grows with exp(|q + k|^2)
    directions = torch.randn(100_000, 8, generator=generator)
    products = _features(q, directions, False) @ _features(k, directions, False).mT / len(directions)
    torch.testing.assert_close(products, (q @ k.mT / 8**0.5).exp(), rtol=0.05, atol=0.0)


def logits(made: Network, row: list[int]) -> Any:
    """Return attention logits as they follow from positions alone, all queries being equal and all keys, with lines and columns."""
    line, column = places(torch.tensor([row]), made._breaks)
    angles = made._angles(line, column)
    pair = torch.randn(2, 1, 1, 1, 8, generator=torch.Generator().manual_seed(1))
    q, k = (_turned(one.expand(1, 1, len(row), 8), angles) for one in pair)
    return (q @ k.mT)[0, 0], line[0], column[0]


def test_rotary_over_lines_depends_on_differences_of_line_and_column_only():
    row = [BEGIN, 3, 4, 5, BREAK, 3, 4, 5, BREAK, 6, 7, BREAK, 8]
    found, line, column = logits(network(Options(positions="lines")), row)
    of: dict[tuple[int, int], list[float]] = {}
    for i in range(len(row)):
        for j in range(len(row)):
            of.setdefault((int(line[i] - line[j]), int(column[i] - column[j])), []).append(float(found[i, j]))
    assert max(max(values) - min(values) for values in of.values()) < 1e-4
    assert np.diff(sorted(values[0] for values in of.values())).min() > 1e-4  # and tells them apart


def test_positions_are_those_of_the_sentence():
    """Each sentence of a packed row gets the numbers that it gets alone, whatever its positions are."""
    alone = torch.tensor([[BEGIN, *TEXTS[5]]])
    packed = torch.tensor([[BEGIN, *TEXTS[3], BEGIN, *TEXTS[5]]])
    for name in NETWORKS:
        # 64 bits: with weights this large, 32 differ from processor to processor by more than a wrong position would show.
        made = network(NETWORKS[name].options).double()
        with torch.no_grad():
            one, other = made(alone, visible(alone)), made(packed, visible(packed))
        torch.testing.assert_close(other[:, -alone.shape[1] :], one, msg=name)


def test_initial_deviations():
    means = {"width": 16, "arithmetic": 24, "geometric": 512**0.5, "quadratic": 640**0.5}
    for name, mean in means.items():
        made = Network(SHAPE, Options(deviation=name)).initialise(0)
        assert made._deviation("up", made.blocks[0].up) == pytest.approx(mean**-0.5)
    scaled = Network(Shape(400, 64, 2, 2, 32, ROW), Options(output="untied, scaled")).initialise(0)
    assert scaled.embedding.std().item() == pytest.approx(1.0, rel=0.02)
    assert scaled.head.std().item() == pytest.approx(1 / 8, rel=0.02)


def test_plain_layers_have_equally_many_weights():
    sizes = {
        kind: sum(map(torch.numel, Network(SHAPE, Options(inner=kind)).parameters())) for kind in ("gated", "gelu")
    }
    assert sizes["gated"] == sizes["gelu"]


def test_finished_runs_are_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    flags = argparse.Namespace(results=tmp_path / "runs.jsonl", seeds=2, steps=2, batch=ROW, rate=1e-2)
    vars(flags).update(width=16, layers=1, heads=2, inner=32, vocab=40)
    trials = {"baseline": Trial(), "post-norm": TRIALS["post-norm"]}
    monkeypatch.setattr(architectures, "shared", lambda *parts: tmp_path)
    monkeypatch.setattr(architectures, "english", lambda folder, vocabulary: ROWS)
    monkeypatch.setattr(architectures, "verse", lambda file: ROWS)
    monkeypatch.setattr(architectures, "LENGTHS", (8,))
    architectures.measure(flags, trials, architectures.Book(flags))
    whole = architectures.Book(flags)
    assert len(whole.runs()) == 2 * (2 + 2)
    lines = flags.results.read_text(encoding="utf-8").splitlines()
    flags.results.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:50], encoding="utf-8")  # stopped as it wrote
    capsys.readouterr()
    architectures.measure(flags, trials, architectures.Book(flags))
    assert len(capsys.readouterr().out.splitlines()) == 1
    again = architectures.Book(flags)
    assert {run: one["bits"] for run, one in again.runs().items()} == {
        run: one["bits"] for run, one in whole.runs().items()
    }
    architectures.print_table(trials, again, 2)
    assert "post-norm" in capsys.readouterr().out
    flags.rate = 2e-2
    assert not architectures.Book(flags).records  # other settings are another table
