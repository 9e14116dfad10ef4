"""`searchgen score`: the log-probability of texts."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from searchgen.cli import options
from searchgen.cli.output import complain, write_json, write_line
from searchgen.errors import NothingFound, RequestError, SearchgenError

if TYPE_CHECKING:
    from searchgen.lm.ngram.model import NGram
    from searchgen.vocabulary import Vocabulary

__all__ = ["HELP", "SHORT", "score"]

SHORT = "Print the log-probability of texts, one a line of stdin."

HELP = """Print the natural log-probability of each line of stdin under a model, a tab, and the line.

The end of the text counts. A word the model does not know counts as <unk> times its spelling, letter by letter, and is named in the JSON.

Example: searchgen score < texts.txt
"""


def score(
    lm: Annotated[str, typer.Option("--lm", metavar="MODEL", help="en, zh, or a model or ARPA file.")] = "en",
    raw_tokens: Annotated[bool, options.Raw] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with every term.")] = False,
) -> None:
    """Score each line before the next is read."""
    from searchgen.cli.stdin import lines, standard_input
    from searchgen.lm import load
    from searchgen.vocabulary import Vocabulary

    stream = standard_input("score")
    model = load(lm, complain)
    if raw_tokens and model.form != "raw":
        raise RequestError(f"--raw-tokens: {lm} is a model of printed text ({model.form}); drop the flag")
    vocabulary = Vocabulary(model.vocabulary, model.text_form, stored_kinds=model.kinds)
    failed = total = 0
    for number, line in enumerate(lines(stream), 1):
        total += 1
        try:
            row = _scored(line, model, vocabulary)
        except SearchgenError as error:
            failed += 1
            complain(f"line {number}: {error}")
            row = {"text": "", "log_prob": None, "status": "malformed", "error": str(error)}
        if json:
            write_json({**row, "line": number})
        else:
            write_line("" if row["log_prob"] is None else f"{row['log_prob']:.6f}\t{row['text']}")
    if failed:
        raise NothingFound(f"no score for {failed} of {total} lines")


def _scored(line: bytes, model: "NGram", vocabulary: "Vocabulary") -> dict[str, Any]:
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
        "terms": {"model": float(log_p.sum()), "spelling": spelling},
        "log_p": log_p.tolist(),
        "unknown": unknown,
        "lm": f"{model.name}@{model.hash[:12]}",
        "status": "ok",
        "error": None,
    }
