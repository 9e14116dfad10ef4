"""The card of a trained model: what it was made of and how, with the curves of its losses."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape

from searchgen.lm.training.checkpoints import Progress
from searchgen.lm.training.recipe import Recipe

__all__ = ["card", "loss_plot"]

#: Signs of a plot: width, height, and the margin that holds the axes' numbers.
WIDTH, HEIGHT, MARGIN = 640, 320, 50


def card(name: str, recipe: Recipe, facts: Mapping[str, int], progress: Progress, command: str) -> str:
    """Return README.md: facts, command and recipe, and the held-out loss as it fell.

    Args:
        name: of the model.
        recipe: how it was made.
        facts: counts.
        progress: the curves.
        command: that made it.
    """
    made = "\n".join(f"| {key.replace('_', ' ')} | {value:,} |" for key, value in facts.items())
    chosen = {key.replace("_", " "): value for key, value in asdict(recipe).items() if value is not None}
    chosen["rate"] = recipe.peak
    earlier = f" So are those of what {recipe.start_from} learnt from." if recipe.start_from else ""
    how = "\n".join(f"| {key} | {value} |" for key, value in chosen.items())
    learnt = dict(progress.learnt)
    curve = "\n".join(f"| {step:,} | {bits:.4f} | {_number(learnt.get(step))} |" for step, bits in progress.held_out)
    early = progress.step < progress.steps
    stopped = f" It stopped early, after {progress.step:,} of {progress.steps:,}." if early else ""
    return f"""---
library_name: transformers
pipeline_tag: text-generation
---
# {name}

A causal transformer of {facts["parameters"]:,} weights over single sentences, of LLaMA's architecture, made by

    {command}

Its weights are those after step {progress.best_step:,}: {progress.best:.4f} bits a byte on held-out sentences, ends included.{stopped}
Training took {progress.seconds / 60:.1f} minutes.

![losses](loss.svg)

| step | held out, bits a byte | learnt from, nats a piece |
|---:|---:|---:|
{curve}

| text | |
|---|---:|
{made}

| recipe | |
|---|---|
{how}

Every text begins with `<s>` and ends with `</s>`. What the texts say, and their licences, are the model's, too.{earlier}
"""


def loss_plot(progress: Progress) -> str:
    """Return the curves as SVG: held-out bits a byte, and beside them nats a piece of the text learnt from."""
    curves = [
        ("held out, bits a byte", "#c33", progress.held_out),
        ("learnt from, nats a piece", "#36c", progress.learnt),
    ]
    last = max(progress.steps, 1)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    top = max((loss for _, _, points in curves for _, loss in points), default=1.0)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _place(share * last, 0.0, last, top)
        lines.append(f'<text x="{x:.0f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{share * last:,.0f}</text>')
        x, y = _place(0, share * top, last, top)
        lines.append(f'<line x1="{x:.0f}" y1="{y:.0f}" x2="{WIDTH - MARGIN}" y2="{y:.0f}" stroke="#ddd"/>')
        lines.append(f'<text x="{x - 6:.0f}" y="{y + 4:.0f}" text-anchor="end">{share * top:.2f}</text>')
    for number, (name, colour, points) in enumerate(curves):
        lines += _curve(name, colour, points, last, top, number)
    lines.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 10}" text-anchor="middle">step</text>')
    return "\n".join([*lines, "</svg>\n"])


def _number(loss: float | None) -> str:
    """Write a loss, nothing where nothing was learnt yet."""
    return "" if loss is None else f"{loss:.4f}"


def _curve(
    name: str, colour: str, points: Sequence[tuple[int, float]], last: int, top: float, number: int
) -> list[str]:
    places = " ".join("{:.1f},{:.1f}".format(*_place(step, loss, last, top)) for step, loss in points)
    return [
        f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{places}"/>',
        f'<text x="{WIDTH - MARGIN}" y="{MARGIN - 20 + 16 * number}" text-anchor="end" fill="{colour}">{escape(name)}</text>',
    ]


def _place(step: float, loss: float, last: int, top: float) -> tuple[float, float]:
    return MARGIN + (WIDTH - 2 * MARGIN) * step / last, HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * loss / top
