"""`searchgen score`: the log-probability of texts."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from itertools import chain, islice
from math import inf
from typing import TYPE_CHECKING, Annotated, Any

from searchgen.cli import options
from searchgen.cli.output import complain, note, write_json, write_line
from searchgen.cli.parts.demands import NO_DEMANDS, Given, takes_demands
from searchgen.errors import NothingFound, Outage, RequestError, SearchgenError, not_utf8
from searchgen.plain_json import plain
from searchgen.record import partial_record

if TYPE_CHECKING:
    from searchgen.demands.judge import Judge
    from searchgen.lm.neural.settings import NeuralSettings
    from searchgen.lm.ngram.model import NGram
    from searchgen.lm.protocol import TextModel
    from searchgen.request.request import Request
    from searchgen.vocabulary import Vocabulary

__all__ = ["HELP", "SHORT", "score"]

SHORT = "Print the log-probability of each line of stdin."

HELP = """Print the natural log-probability of each line of stdin under a model, a tab, and the line.

The end of the text is part of the score. An unknown word is scored as <unk> and spelled letter by letter; the JSON lists it.

With constraints, a column between the two names the broken constraints, or is 'ok'. The JSON then has 'satisfied' and 'log_density'.
The density is that of sample: beta times log_prob, or null for a text outside the target.

A transformer scores 256 lines at a time, without constraints; searchgen check tests those. A masked model gives pseudo-log-likelihoods,
which are not log-probabilities. Their kind in the JSON is 'pseudo'.

Example: searchgen score < texts.txt
"""

#: What a text must be beside the constraints: the target has no word that its model does not know and nobody demands.
KNOWN = "words known or demanded"

#: Lines that a transformer scores together.
TOGETHER = 256

Row = dict[str, Any]


@takes_demands("law")
def score(
    demands: Given = NO_DEMANDS,
    beta: Annotated[float, options.Beta] = 1.0,
    lm: Annotated[str | None, options.LawModel] = None,
    raw_tokens: Annotated[bool, options.Raw] = False,
    json: Annotated[bool, options.Json] = False,
    end: Annotated[str, options.End] = "eos",
    prompt: Annotated[str, options.Prompt] = "",
    examples: Annotated[str, options.Examples] = "",
    device: Annotated[str, options.Device] = "auto",
    dtype: Annotated[str, options.Dtype] = "auto",
) -> None:
    """Score the lines of stdin, each before the next is read unless a transformer scores many at once."""
    from searchgen.cli.requests import law_request, neural_settings, of_texts
    from searchgen.cli.stdin import lines, standard_input
    from searchgen.constraints.length import MOST_WORDS
    from searchgen.demands.demands import Demands
    from searchgen.lm.open import open_text_model

    if demands.from_stdin:
        raise RequestError("score reads the texts from stdin; give the keywords themselves")
    if demands["prefer"]:
        raise RequestError(
            "score does not count preferences; drop --prefer, or read 'violations' in the results of constrain"
        )
    constrained = demands.demands() != Demands.nothing()
    request = law_request(
        demands.demands(min_words=demands["min_words"] or 1, max_words=demands["max_words"] or MOST_WORDS),
        beta=beta,
        lm=lm,
    )
    settings = neural_settings(lm, end=end, prompt=prompt, device=device, dtype=dtype, examples=examples)
    request, texts = of_texts(request, lm, lines(standard_input("score")))
    if request.model.scores_texts:
        if raw_tokens:
            raise RequestError(f"--raw-tokens: {lm} reads printed text; drop the flag")
        if constrained or beta != 1:
            raise RequestError(f"{lm} scores texts without constraints and beta; searchgen check looks at constraints")
        texts, settings = _in_language(texts, settings)
        model = open_text_model(request.lm, settings, os.cpu_count() or 1)
        if _is_masked(model):
            complain(f"{lm} is a masked model: its scores are pseudo-log-likelihoods, not log-probabilities")
        rows = _scored_whole(texts, model)
    else:
        rows = map(_by_words(request, raw_tokens, constrained), texts)
    _print(rows, json)


def _in_language(texts: Iterator[bytes], settings: "NeuralSettings") -> "tuple[Iterator[bytes], NeuralSettings]":
    """Return the texts, and settings whose default examples are in the language of the first one."""
    from searchgen.lm.examples import DEFAULT, resolved
    from searchgen.text import detect

    if settings.examples != DEFAULT:
        return texts, settings
    first = next(texts, b"")
    language = detect(first.decode("utf-8", "replace"))
    return chain([first] if first else [], texts), replace(settings, examples=resolved(DEFAULT, language))


def _print(rows: Iterable[Row], json: bool) -> None:
    """Print rows as they come; stderr names those that failed, and those that are impossible.

    Raises:
        NothingFound: some line had no score.
    """
    failed = total = 0
    for total, row in enumerate(rows, 1):
        if row["error"] is not None:
            failed += 1
            complain(f"line {total}: {row['error']}")
        elif "reason" in row and not json:
            complain(f"line {total}: {row['reason']}")
        if json:
            write_json(plain(partial_record(**row, line=total)))
        else:
            write_line(_line(row))
    if failed:
        raise NothingFound(f"no score for {failed} of {total} lines")


def _line(row: Row) -> str:
    if row["log_prob"] is None:
        return ""
    cells = [f"{row['log_prob']:.6f}", row["text"]]
    if "satisfied" in row:
        cells.insert(1, "; ".join(part for part, holds in row["satisfied"].items() if not holds) or "ok")
    return "\t".join(cells)


def _malformed(error: SearchgenError) -> Row:
    return {"text": "", "log_prob": None, "status": "malformed", "error": str(error)}


def _decoded(line: bytes) -> str:
    try:
        text = line.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise RequestError(not_utf8(error)) from None
    if not text:
        raise RequestError("the line has no words; write a text")
    return text


def _by_words(request: "Request", raw_tokens: bool, constrained: bool) -> Callable[[bytes], Row]:
    """Return what scores a line under an n-gram model, and under the target if there are constraints."""
    from searchgen.demands.judge import Judge
    from searchgen.lm.ngram.load import load
    from searchgen.vocabulary import Vocabulary

    model = load(request.lm, complain)
    if raw_tokens and model.form != "raw":
        raise RequestError(f"--raw-tokens: {request.lm} is a model of printed text ({model.form}); drop the flag")
    vocabulary = Vocabulary(model.vocabulary, model.text_form, stored_kinds=model.kinds)
    judge = Judge.of(request.demands, vocabulary) if constrained else None
    for remark in judge.notes if judge else ():
        note(remark)

    def row(line: bytes) -> Row:
        try:
            return _scored(line, model, vocabulary, judge, request.beta)
        except SearchgenError as error:
            return _malformed(error)

    return row


def _scored_whole(lines: Iterator[bytes], model: "TextModel") -> Iterator[Row]:
    """Yield a row for each line, many scored at once; a line that the model cannot score spoils no other."""
    while part := list(islice(lines, TOGETHER)):
        rows: list[Row] = []
        for line in part:
            try:
                rows.append({"text": _decoded(line), "status": "ok", "error": None})
            except SearchgenError as error:
                rows.append(_malformed(error))
        good = [row for row in rows if row["error"] is None]
        try:
            scores = model.log_probs([row["text"] for row in good]).tolist()
        except Outage:
            raise
        except RequestError:
            scores = [_alone(row["text"], model) for row in good]
        for row, score in zip(good, scores, strict=True):
            row.update(_malformed(score) if isinstance(score, SearchgenError) else _whole(row["text"], score, model))
        yield from rows


def _alone(text: str, model: "TextModel") -> float | SearchgenError:
    try:
        return float(model.log_probs([text])[0])
    except Outage:
        raise  # not the line's fault; earlier rows are printed
    except SearchgenError as error:
        return error


def _whole(text: str, log_prob: float, model: "TextModel") -> Row:
    from searchgen.text import detect, text_form

    tokens = text_form(detect(text)).tokenise(text)
    each = log_prob / (len(tokens) + 1)
    kind = {"kind": "pseudo"} if _is_masked(model) else {}
    impossible = {"reason": f"{model.label} cannot spell the text, whose probability is zero"}
    why = impossible if log_prob == -inf else {}
    return {"tokens": tokens, "log_prob": log_prob, "log_prob_per_token": each, **kind, **why, "lm": model.label}


def _is_masked(model: "TextModel") -> bool:
    from searchgen.lm.protocol import FillsMasks

    return isinstance(model, FillsMasks)


def _scored(line: bytes, model: "NGram", vocabulary: "Vocabulary", judge: "Judge | None", beta: float) -> Row:
    import numpy as np

    from searchgen.lm.ngram.evaluate import impossible_token
    from searchgen.lm.ngram.scoring import score_tokens
    from searchgen.lm.ngram.tables import as_logs

    text = _decoded(line)
    tokens = (vocabulary if judge is None else judge.vocabulary).form.tokenise(text)
    if not tokens:
        raise RequestError("the line has no words; write a text")
    ids = model.ids(tokens)
    log_p = as_logs(score_tokens(model.tables, ids, np.array([0, len(ids)], np.int64)))
    unknown = [token for token, i in zip(tokens, ids.tolist(), strict=True) if i == 0]
    spelling = sum(-(len(token) + 1) * float(np.log(vocabulary.alphabet_size + 1)) for token in unknown)
    total = float(log_p.sum()) + spelling
    impossible = [token for token, value in zip((*tokens, ""), log_p.tolist(), strict=True) if value == -np.inf]
    return {
        "text": text,
        "tokens": tokens,
        "log_prob": total,
        "log_prob_per_token": total / (len(tokens) + 1),
        **_density(text, unknown, judge, beta * total),
        "terms": {"model": float(log_p.sum()), "spelling": spelling},
        "log_p": log_p.tolist(),
        "unknown": unknown,
        **({"reason": impossible_token(model, impossible[0])} if impossible else {}),
        "lm": f"{model.name}@{model.hash[:12]}",
        "status": "ok",
        "error": None,
    }


def _density(text: str, unknown: list[str], judge: "Judge | None", log_density: float) -> Row:
    """Return the log-density of a text under the target, and what it satisfies if there is anything to."""
    if judge is None:
        return {"log_density": None if unknown else log_density}
    known = all(judge.vocabulary.find(token) >= 0 for token in unknown)
    satisfied = {**judge.judged(text), KNOWN: known}
    spans = [asdict(span) for span in judge.spans_in(text)]
    return {"log_density": log_density if all(satisfied.values()) else None, "satisfied": satisfied, "spans": spans}
