"""`searchgen shorten`: given texts in few words. It is hidden: less than half of its texts are fluent and faithful."""

from typing import Annotated

import typer

from searchgen.cli import options
from searchgen.cli.commands.texts.rewrite import Diff, Protect, Text
from searchgen.cli.numbers import whole
from searchgen.cli.output import note
from searchgen.cli.parts.demands import refuse_beside

__all__ = ["HELP", "SHORT", "shorten"]

SHORT = "Shorten texts to a number of words. A trial."

HELP = """Shorten a text, or each line of stdin, to at most N words, in Chinese N characters. Words are left out, never changed.

This is a trial: most results are not good yet.

One line in gives -n lines out, in order, each printed before the next is read. A text that has no more words is printed as it is.

Example: searchgen shorten "The old man feeds the birds in the park every morning." --max-words 6
"""

Words = typer.Option("--max-words", metavar="N", parser=whole, help="Most words of a result, in Chinese characters.")
TRIAL = "shorten is a trial: read its texts before you use them, because most are not fluent and faithful"


def shorten(
    context: typer.Context,
    text: Annotated[str | None, Text] = None,
    max_words: Annotated[int | None, Words] = None,
    protect: Annotated[list[str] | None, Protect] = None,
    diff: Annotated[bool, Diff] = False,
    lm: Annotated[str | None, options.Model] = None,
    count: Annotated[int, options.Count] = 1,
    again: Annotated[str | None, options.Again] = None,
    json: Annotated[bool, options.Json] = False,
    quiet: Annotated[bool, options.Quiet] = False,
) -> None:
    """Shorten each text before the next is read."""
    from searchgen.cli.parts.revisions import Revisions, repeat
    from searchgen.cli.requests import phrases
    from searchgen.demands.demands import Demands
    from searchgen.request.request import Request
    from searchgen.rewriting.revision import Revision

    if again is not None:
        note(TRIAL)
        refuse_beside(context, {"again", "lm", "json", "diff", "quiet"}, "--again repeats a result unchanged")
        return repeat("shorten", again, lm, json, diff)
    protected = phrases("--protect", protect) if protect else ()
    request = Request(Demands.nothing(), count=count)
    revision = Revision("shorten", request, protect=protected, max_words=max_words)
    Revisions(revision, lm, json, diff).run(text, "shorten", TRIAL)
