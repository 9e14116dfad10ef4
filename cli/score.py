"""`searchgen score`: the log-probability of texts."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from searchgen.cli import options
from searchgen.cli.output import complain, write_json, write_line
from searchgen.errors import NothingFound, RequestError, SearchgenError

if TYPE_CHECKING:
    from searchgen.lm.ngram.model import NGram
    from searchgen.target import Target
    from searchgen.vocabulary import Vocabulary

__all__ = ["HELP", "SHORT", "score"]

SHORT = "Print the log-probability of texts, one a line of stdin."

HELP = """Print the natural log-probability of each line of stdin under a model, a tab, and the line.

The end of the text counts. A word the model does not know counts as <unk> times its spelling, letter by letter, and is named in the JSON.
With constraints each line also says what it lacks ('ok' if nothing), between the two, and the JSON has 'satisfied' and the
'log_density' of the target that sample draws from: beta times log_prob, null where the target has no such text.

Example: searchgen score < texts.txt
"""

#: What a text must be beside the constraints: the target has no word that its model does not know and nobody demands.
KNOWN = "words known or demanded"


def score(
    keywords: Annotated[list[str] | None, options.Keywords] = None,
    ordered: Annotated[bool, options.Ordered] = False,
    forbid: Annotated[list[str] | None, options.Forbid] = None,
    starts_with: Annotated[str | None, options.Starts] = None,
    ends_with: Annotated[str | None, options.Ends] = None,
    sentence: Annotated[bool, options.OneSentence] = False,
    min_words: Annotated[int | None, options.Words] = None,
    max_words: Annotated[int | None, options.MaxWords] = None,
    beta: Annotated[float, options.Beta] = 1.0,
    lm: Annotated[str | None, options.NGram] = None,
    raw_tokens: Annotated[bool, options.Raw] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with every term.")] = False,
) -> None:
    """Score each line before the next is read."""
    from searchgen.cli.requests import law_request
    from searchgen.cli.stdin import lines, standard_input
    from searchgen.lm import load
    from searchgen.request import MOST_WORDS
    from searchgen.target import Target
    from searchgen.vocabulary import Vocabulary

    if keywords == ["-"]:
        raise RequestError("score reads the texts from stdin; give the keywords themselves")
    asked = (keywords, forbid, starts_with, ends_with, sentence, min_words, max_words)
    request = law_request(
        keywords=keywords,
        ordered=ordered,
        forbid=forbid,
        starts_with=starts_with,
        ends_with=ends_with,
        sentence=sentence,
        min_words=min_words or 1,
        max_words=max_words or MOST_WORDS,
        beta=beta,
        lm=lm,
    )
    stream = standard_input("score")
    model = load(request.lm, complain)
    if raw_tokens and model.form != "raw":
        raise RequestError(f"--raw-tokens: {request.lm} is a model of printed text ({model.form}); drop the flag")
    target = Target.of(request, model) if any(asked) else None
    vocabulary = Vocabulary(model.vocabulary, model.text_form, stored_kinds=model.kinds)
    failed = total = 0
    for number, line in enumerate(lines(stream), 1):
        total += 1
        try:
            row = _scored(line, model, vocabulary, target, beta)
        except SearchgenError as error:
            failed += 1
            complain(f"line {number}: {error}")
            row = {"text": "", "log_prob": None, "status": "malformed", "error": str(error)}
        if json:
            write_json({**row, "line": number})
        else:
            write_line(_line(row))
    if failed:
        raise NothingFound(f"no score for {failed} of {total} lines")


def _line(row: dict[str, Any]) -> str:
    if row["log_prob"] is None:
        return ""
    cells = [f"{row['log_prob']:.6f}", row["text"]]
    if "satisfied" in row:
        cells.insert(1, "; ".join(part for part, holds in row["satisfied"].items() if not holds) or "ok")
    return "\t".join(cells)


def _scored(
    line: bytes, model: "NGram", vocabulary: "Vocabulary", target: "Target | None", beta: float
) -> dict[str, Any]:
    import numpy as np

    from searchgen.lm.ngram.scoring import score_tokens

    try:
        text = line.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise RequestError(f"not UTF-8: {error.reason} at byte {error.start + 1}") from None
    tokens = model.text_form.tokenise(text)
    if not tokens:
        raise RequestError("the line has no words; write a text")
    ids = model.ids(tokens)
    log_p = score_tokens(model.tables, ids, np.array([0, len(ids)], np.int64))
    unknown = [token for token, i in zip(tokens, ids.tolist(), strict=True) if i == 0]
    spelling = sum(-(len(token) + 1) * float(np.log(vocabulary.alphabet_size + 1)) for token in unknown)
    total = float(log_p.sum()) + spelling
    return {
        "text": text,
        "tokens": tokens,
        "log_prob": total,
        "log_prob_per_token": total / (len(tokens) + 1),
        **_density(tokens, unknown, target, beta * total),
        "terms": {"model": float(log_p.sum()), "spelling": spelling},
        "log_p": log_p.tolist(),
        "unknown": unknown,
        "lm": f"{model.name}@{model.hash[:12]}",
        "status": "ok",
        "error": None,
    }


def _density(tokens: list[str], unknown: list[str], target: "Target | None", log_density: float) -> dict[str, Any]:
    """Return the log-density of a text under the target, and what it satisfies if there is anything to."""
    if target is None:
        return {"log_density": None if unknown else log_density}
    known = all(target.vocabulary.find(token) >= 0 for token in unknown)
    satisfied = {**target.checked(tokens), KNOWN: known}
    return {"log_density": log_density if all(satisfied.values()) else None, "satisfied": satisfied}
