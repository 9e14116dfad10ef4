"""`searchgen constrain`: texts that hold the demanded words."""

import secrets
from typing import Annotated

import typer

from searchgen.cli.numbers import decimal, whole
from searchgen.errors import RequestError

__all__ = ["HELP", "SHORT", "constrain"]

SHORT = "Print texts that hold the demanded words."

HELP = """Print texts that hold the demanded words.

Every text satisfies every constraint, or the command says why none can and exits with code 3.

Lists are split at commas; '|' separates alternatives, '\\,' is a literal comma, '@FILE' reads one entry a line.
'--keywords -' reads one set a line from stdin and answers each with one line, in order, before it reads the next.

Example: searchgen constrain --keywords "dog,new york|boston" -n 3 --seed 7
"""

Words = typer.Option(
    "--min-words", "--min-chars", metavar="N", parser=whole, help="Fewest words (characters in Chinese)."
)
MaxWords = typer.Option(
    "--max-words", "--max-chars", metavar="N", parser=whole, help="Most words (characters in Chinese)."
)
Keywords = typer.Option(
    "--keywords", "-k", metavar="LIST", help="Words or phrases to hold, in any order; '-' reads sets from stdin."
)
Ends = typer.Option("--ends-with", metavar="TEXT", help="What the text ends with, before the final mark.")
Sentence = typer.Option("--sentence/--no-sentence", help="One sentence: a final mark at the end, none inside.")
FiniteVerb = typer.Option(
    "--finite-verb/--no-finite-verb", help="An English sentence has a finite verb, if the rest allows one."
)
Model = typer.Option("--lm", metavar="MODEL", help="en, zh, or a model or ARPA file; by default the words' language.")
Raw = typer.Option("--raw-tokens", help="The model's tokens are read and printed as they stand, between single spaces.")
Budget = typer.Option(
    "--budget", metavar="SECONDS", parser=decimal, help="Work for each set, turned into steps by a fixed rate."
)
Seed = typer.Option(
    "--seed", metavar="N", parser=whole, help="Makes the result repeatable; fresh by default, shown in JSON."
)
Again = typer.Option("--again", metavar="SIGNATURE", help="Repeat the result that has this signature, bit for bit.")


def constrain(
    context: typer.Context,
    keywords: Annotated[list[str] | None, Keywords] = None,
    ordered: Annotated[bool, typer.Option("--ordered", help="Hold them in the order given.")] = False,
    forbid: Annotated[
        list[str] | None, typer.Option("--forbid", metavar="LIST", help="Words or phrases that must not occur.")
    ] = None,
    starts_with: Annotated[
        str | None, typer.Option("--starts-with", metavar="TEXT", help="What the text begins with.")
    ] = None,
    ends_with: Annotated[str | None, Ends] = None,
    sentence: Annotated[bool, Sentence] = True,
    finite_verb: Annotated[bool, FiniteVerb] = True,
    quotes: Annotated[bool, typer.Option("--quotes", help="Quotation marks and brackets may occur.")] = False,
    min_words: Annotated[int | None, Words] = None,
    max_words: Annotated[int | None, MaxWords] = None,
    lm: Annotated[str | None, Model] = None,
    raw_tokens: Annotated[bool, Raw] = False,
    count: Annotated[
        int, typer.Option("-n", metavar="N", parser=whole, help="How many texts, each unlike the others.")
    ] = 1,
    seed: Annotated[int | None, Seed] = None,
    budget: Annotated[float | None, Budget] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    again: Annotated[str | None, Again] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show on stderr what was asked and done.")] = False,
) -> None:
    """Parse the flags into one request a set, answer each, and print."""
    from searchgen.cli.answers import Answers
    from searchgen.cli.requests import forbidden, with_keywords
    from searchgen.cli.stdin import lines, refuse_twice, standard_input
    from searchgen.request import Annealing, Request

    answers = Answers(json=json, verbose=verbose, raw_tokens=raw_tokens)
    if again is not None:
        _refuse_beside_again(context)
        answers.repeat(again, lm)
        return
    refuse_twice(keywords or [], "--keywords")
    _refuse_empty(keywords, {"--starts-with": starts_with, "--ends-with": ends_with})
    template = Request(
        forbid=forbidden(forbid or []),
        ordered=ordered,
        starts_with=starts_with or "",
        ends_with=ends_with or "",
        sentence=sentence,
        finite_verb=finite_verb,
        quotes=quotes,
        min_words=min_words,
        max_words=max_words,
        count=count,
        seed=secrets.randbits(32) if seed is None else seed,
        annealing=Annealing() if budget is None else Annealing().for_texts(count).for_budget(budget),
    )
    if keywords == ["-"]:
        answers.stream(lines(standard_input("--keywords -")), template, lm)
    else:
        answers.one(with_keywords(template, keywords or [], lm))


#: What may be said beside `--again`: the rest is in the signature.
BESIDE_AGAIN = {"again", "lm", "raw_tokens", "json", "verbose"}


def _refuse_beside_again(context: typer.Context) -> None:
    for option in context.command.params:
        value = context.params.get(option.name or "")
        if option.name not in BESIDE_AGAIN and value and value != option.default:
            raise RequestError(f"--again repeats a result as it was; drop {option.opts[0]}")


def _refuse_empty(keywords: list[str] | None, edges: dict[str, str | None]) -> None:
    for flag, text in edges.items():
        if text is not None and not text.strip():
            raise RequestError(f"{flag} {text!r} is empty; give at least one word, or drop it")
    if not keywords and not any(edges.values()):
        raise RequestError("nothing is demanded; give --keywords, --starts-with or --ends-with")
