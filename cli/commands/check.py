"""`searchgen check`: which texts satisfy the constraints."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import chain
from typing import Annotated

from searchgen.cli import options
from searchgen.cli.output import complain, note, write_json, write_line
from searchgen.cli.parts.demands import NO_DEMANDS, Given, takes_demands
from searchgen.errors import NothingFound, RequestError, not_utf8
from searchgen.record import on_one_line, partial_record

__all__ = ["HELP", "SHORT", "check"]

SHORT = "Print the lines of stdin that break a constraint."

HELP = """Print each line of stdin that breaks a constraint: its number, the broken constraints and the line, separated by tabs.

The share of lines that pass is printed on stderr. If a line fails, the exit code is 3. --json prints an object for every line. With --lines
or --acrostic, texts have several lines, and blank lines part them.

Example: searchgen check --keywords "doctor,letter" < texts.txt
"""


@takes_demands("law")
def check(
    demands: Given = NO_DEMANDS,
    lm: Annotated[str | None, options.LawModel] = None,
    raw_tokens: Annotated[bool, options.Raw] = False,
    json: Annotated[bool, options.Json] = False,
) -> None:
    """Check each line before the next is read."""
    from searchgen.cli.loading import load_source, starting
    from searchgen.cli.requests import law_request, of_texts
    from searchgen.cli.stdin import lines, standard_input
    from searchgen.constraints.length import MOST_WORDS
    from searchgen.constraints.lines.division import shape_of
    from searchgen.demands.judge import Judge

    if demands.from_stdin:
        raise RequestError("check reads the texts from stdin; give the keywords themselves")
    stream = standard_input("check")
    window = {"min_words": demands["min_words"] or 1, "max_words": demands["max_words"] or MOST_WORDS}
    request, texts = of_texts(law_request(demands.demands(**window), lm), lm, lines(stream))
    with starting():
        # What a transformer's texts must satisfy is decided by the words of the n-gram model beside it.
        source = load_source(request.model.ngram, request.neural, raw_tokens)
    judge = Judge.of(request.demands, source.lexicon.vocabulary)
    for remark in judge.notes:
        note(remark)
    failed = total = 0
    decoded = ((number, _decoded(line, number).strip()) for number, line in enumerate(texts, 1))
    lined = shape_of(judge.constraints) is not None
    for number, text in _poems(decoded) if lined else decoded:
        total += 1
        tokens, satisfied = judge.form.tokenise(text), judge.judged(text, lined)
        lacks = [part for part, holds in satisfied.items() if not holds]
        failed += bool(lacks)
        if json:
            spans = [asdict(span) for span in judge.spans_in(text)]
            known = {"text": text, "tokens": tokens, "satisfied": satisfied, "spans": spans, "lm": source.label}
            write_json(partial_record(**known, line=number, passes=not lacks, status="ok", error=None))
        elif lacks:
            write_line(f"{number}\t{'; '.join(lacks)}\t{on_one_line(text)}")
    if not total:
        raise RequestError("stdin is empty; pipe one text a line into check")
    share = f"{total - failed} of {total} {'texts' if lined else 'lines'} pass ({(total - failed) / total:.1%})"
    if failed:
        raise NothingFound(share)  # the exit code says the rest
    complain(share)


def _poems(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield texts of several lines, which blank lines part, each with the number of its first line."""
    first, poem = 0, list[str]()
    for number, line in chain(lines, [(0, "")]):
        if line:
            first = first if poem else number
            poem.append(line)
        elif poem:
            yield first, "\n".join(poem)
            poem = []


def _decoded(line: bytes, number: int) -> str:
    """Return a line as text; stderr says of one that is no UTF-8 that its signs are lost."""
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        complain(f"line {number}: {not_utf8(error)}")
        return line.decode("utf-8", "replace")
