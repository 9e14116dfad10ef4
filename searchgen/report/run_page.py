"""The page of one run: of a search, of draws, or of a request that no text answers."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from searchgen.errors import SearchgenError
from searchgen.jobs.draws import Sampled
from searchgen.markup.charts import bar_chart
from searchgen.markup.marked import marked, table, token_spans
from searchgen.record import Record
from searchgen.report.meanings import FIGURES, KINDS, MOVES
from searchgen.report.page import rendered, request_facts, safe
from searchgen.report.traces import draws_traces, search_traces
from searchgen.request.request import Request
from searchgen.samplers.chains.frames import Frame, chain_frames, difference, origin, text_frames
from searchgen.samplers.chains.observer import Observer, Text
from searchgen.search.outcome import Outcome
from searchgen.target import Target

__all__ = ["draws_page", "failed_page", "search_page"]

#: Texts that a page shows.
MOST_TEXTS = 200

#: Moves, each with how often it was proposed, legal and accepted.
Tally = dict[str, tuple[int, int, int]]


def search_page(outcome: Outcome, observer: Observer) -> str:
    """Return the page of a search.

    Args:
        outcome: its texts.
        observer: has seen it, with accepted moves recorded.
    """
    target, records = observer.target, outcome.records
    best = _ids(records[0], target, outcome.annealed.texts)
    frames = [] if best is None else text_frames(observer, best)
    ended = "" if outcome.failure is None else f" The search ended early: {outcome.failure or 'interrupted'}."
    return _page(
        "constrain",
        outcome.request,
        records,
        verdict=f"Found {_counted(len(records), 'text')}. {_all_satisfied(records)}{ended}",
        state="good" if outcome.failure is None else "doubt",
        notes=outcome.notes,
        frames=_shown(frames, target),
        frames_title="How the first text came about",
        frames_note="Each step is a move that was accepted, from a random draw that holds the demanded words to the text above.",
        traces=search_traces(observer, origin(observer, _root(observer, best))) if best is not None else [],
        moves=_moves(_tally(observer)),
        figures=[
            _figure("kind", "search", KINDS["search"]),
            _figure("look-ahead log Z", f"{outcome.log_mass:.2f}"),
            _figure("steps", f"{outcome.annealed.steps:,}"),
        ],
    )


def draws_page(sampled: Sampled, diagnostics: dict[str, Any], observer: Observer) -> str:
    """Return the page of draws.

    Args:
        sampled: the draws.
        diagnostics: of them.
        observer: has seen the chains, if the sampler shows any.
    """
    draws, kind = sampled.draws, diagnostics["kind"]
    records = list(islice(sampled.records(), MOST_TEXTS))
    stage = observer.stages[-1] if observer.stages else None
    frames = chain_frames(stage, 0) if stage is not None and stage.starts else []
    trusted, doubts = diagnostics["trusted"], diagnostics["doubts"]
    words = {
        True: " The diagnostics raise no doubt.",
        None: "",
        False: " They cannot be trusted for estimates; see below.",
    }
    ended = "" if draws.failure is None else f" The run ended early: {draws.failure or 'interrupted'}."
    return _page(
        "sample",
        sampled.request,
        records,
        verdict=f"{_counted(len(draws.lengths), 'draw')} of {sampled.method.name}. {_all_satisfied(records)}{words[trusted]}{ended}",
        state="good" if trusted is not False and draws.failure is None else "doubt",
        notes=(*sampled.target.notes, *draws.notes),
        left_out=len(draws.lengths) - len(records),
        frames=_shown(frames, sampled.target),
        frames_title="How the first chain moves",
        frames_note="Each step is a move that was accepted, from a random draw that holds the demanded words on.",
        traces=draws_traces(draws, stage),
        moves=_moves(draws.moves),
        figures=[
            _figure("kind", kind, KINDS.get(kind, "")),
            *_quality(diagnostics),
            _figure("distinct", f"{diagnostics['distinct']:,}"),
            _figure("evaluations", f"{draws.evaluations:,}"),
        ],
        features=_features(diagnostics.get("features", {})),
        doubts=doubts,
    )


def failed_page(command: str, request: Request, error: SearchgenError) -> str:
    """Return the page of a request that has no text.

    Args:
        command: that was given.
        request: what was asked for.
        error: why there is none.
    """
    return _page(command, request, [], verdict=f"No text: {error}.", state="bad")


def _page(command: str, request: Request, records: Sequence[Record], *, verdict: str, state: str, **parts: Any) -> str:
    words = ", ".join("|".join(item) for item in request.keywords)
    first = records[0] if records else None
    page: dict[str, Any] = {
        "command": command,
        "title": words or request.starts_with or request.ends_with or "texts",
        "language": "zh" if first is not None and request.model.language == "zh" else "en",
        "verdict": verdict,
        "state": state,
        "request": request_facts(request),
        "signature": first.signature if first is not None else "",
        "texts": [{"html": safe(record.html), "scores": _scores(record)} for record in records[:MOST_TEXTS]],
        "texts_title": "The texts" if len(records) > 1 else "The text",
        "left_out": 0,
        "constraints": list(first.satisfied) if first is not None and all(first.satisfied.values()) else [],
        "words_chart": safe(words_chart(first)) if first is not None else "",
        **dict.fromkeys(("frames", "traces", "moves", "figures", "doubts"), ()),
        **dict.fromkeys(("frames_title", "frames_note", "features"), ""),
    }
    return rendered("run.html", page | parts)


def words_chart(record: Record) -> str:
    """Return how probable each token of a record's text is, as SVG."""
    bars = zip((*record.tokens, "(end)"), record.token_log_p, strict=False)
    numbered = [(f"{number} {token}", log_p) for number, (token, log_p) in enumerate(bars, 1)]
    return bar_chart(numbered, "log p given the words before", f"log p of each token of: {record.text}")


def _scores(record: Record) -> str:
    weight = f", log weight {record.log_weight:.2f}" if record.kind == "weighted" else ""
    broken = [name for name, holds in record.satisfied.items() if not holds]
    lost = f", breaks {', '.join(broken)}" if broken else ""
    return f"log p {record.log_prob:.2f}, log-density {record.log_density:.2f}{weight}{lost}"


def _all_satisfied(records: Sequence[Record]) -> str:
    if not records:
        return ""
    if all(all(record.satisfied.values()) for record in records):
        count = len(records[0].satisfied)
        return f"{'Each' if len(records) > 1 else 'It'} satisfies {'all ' if count > 1 else ''}{_counted(count, 'constraint')}."
    return "Some break a constraint; each says which."


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _ids(record: Record, target: Target, texts: Iterable[Text]) -> Text | None:
    """Return the ids of a record's text, which is among these."""
    return next((text for text in texts if target.vocabulary.decode(text) == list(record.tokens)), None)


def _root(observer: Observer, text: Text | None) -> Text:
    """Return the text that a chain found and that a text was made of, step by step."""
    seen: set[Text] = set()
    while text in observer.made_by and text not in seen:
        seen.add(text)
        text = observer.made_by[text].parent
    return text or ()


def _shown(frames: Sequence[Frame], target: Target) -> list[dict[str, Any]]:
    """Return frames as the page shows them."""
    shown = []
    for frame in frames:
        tokens, printed = list(target.vocabulary.decode(frame.text)), target.printed(frame.text)
        at, _, new = difference(frame.before or frame.text, frame.text)
        demanded = [(span.start, span.end) for span in target.spans(frame.text)]
        kinds = {"demanded": demanded, "changed": token_spans(printed, tokens, range(at, at + len(new)))}
        shown.append({"html": safe(marked(printed, kinds)), "caption": _caption(frame, target)})
    return shown


def _caption(frame: Frame, target: Target) -> str:
    parts = [frame.stage, f"step {frame.step:,}" if frame.step else "", frame.move]
    if frame.before is not None:
        _, old, new = difference(frame.before, frame.text)
        old_words, new_words = (" ".join(target.vocabulary.decode(tuple(part))) or "nothing" for part in (old, new))
        parts.append(f"{old_words} → {new_words}")
    if frame.temperature is not None:
        parts.append(f"temperature {frame.temperature:.2f}")
    if frame.log_density is not None:
        law = "" if frame.law == "target" else f" ({frame.law})"
        parts.append(f"log-density{law} {frame.log_density:.2f}")
    return ", ".join(part for part in parts if part)


def _tally(observer: Observer) -> Tally:
    """Return the moves of all stages together."""
    total: Tally = {}
    for stage in observer.stages:
        for name, counts in stage.tally().items():
            before = total.get(name, (0, 0, 0))
            total[name] = (before[0] + counts[0], before[1] + counts[1], before[2] + counts[2])
    return total


def _moves(tally: Tally) -> dict[str, Any] | tuple[()]:
    if not tally:
        return ()
    rows = [[name, *(f"{count:,}" for count in counts), f"{_rate(counts):.1%}"] for name, counts in tally.items()]
    chart = bar_chart([(name, _rate(counts)) for name, counts in tally.items()], "share accepted", "acceptance by move")
    return {
        "table": safe(table(["move", "proposed", "legal", "accepted", "rate"], rows)),
        "chart": safe(chart),
        "meanings": [(name, MOVES[name]) for name in tally if name in MOVES],
    }


def _rate(counts: tuple[int, int, int]) -> float:
    return counts[2] / max(1, counts[0])


def _figure(name: str, value: str, meaning: Any = None) -> dict[str, Any]:
    return {"name": name, "value": value, "meaning": FIGURES[name] if meaning is None else meaning}


def _quality(diagnostics: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the numbers that say how good draws are, those that the method has."""
    density = diagnostics.get("features", {}).get("log_density", {})
    log_z, error = diagnostics.get("log_z"), diagnostics.get("log_z_error")
    values = {
        "ESS": diagnostics.get("ess", density.get("ess_bulk")),
        "R-hat": density.get("r_hat"),
        "Pareto k": diagnostics.get("pareto_k"),
        "largest share": diagnostics.get("largest_share"),
    }
    shown = {
        name: f"{value:.0f}" if name == "ESS" else f"{value:.3f}" for name, value in values.items() if value is not None
    }
    if log_z is not None:
        shown["log Z"] = f"{log_z:.3f}" + (f" ± {error:.3f}" if error else "")
    return [_figure(name, value) for name, value in shown.items()]


def _features(features: dict[str, dict[str, float]]) -> Any:
    if not features:
        return ""
    rows = [
        [name, *("-" if row[key] is None else f"{row[key]:.{digits}f}" for key, digits in SHOWN_COLUMNS.items())]
        for name, row in features.items()
    ]
    return safe(table(["feature", "mean", "R-hat", "bulk ESS", "tail ESS"], rows))


#: Numbers of a feature, each with its digits.
SHOWN_COLUMNS = {"mean": 2, "r_hat": 3, "ess_bulk": 0, "ess_tail": 0}
