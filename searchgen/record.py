"""One result, the same for every command."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from searchgen.plain_json import plain

__all__ = ["Record", "Span", "on_one_line", "partial_record"]

#: Fields that stand in the JSON only where they have a value.
OPTIONAL = ("neural", "examples", "violations", "measures", "source")

#: A field for pages and notebooks, which is no part of the JSON.
SHOWN_ONLY = "token_log_p"


@dataclass(frozen=True)
class Span:
    """A place of a printed text that was demanded.

    Attributes:
        item: as `satisfied` names it, without `keyword`, `starts with` or `ends with`.
        form: the words of the text.
        start: where they begin, in characters of the text.
        end: where they end.
    """

    item: str
    form: str
    start: int
    end: int


@dataclass(frozen=True)
class Record:
    """A text with its scores, and how it was made.

    Attributes:
        text: as printed.
        tokens: its tokens.
        log_prob: natural log of the model's probability, end included.
        log_prob_per_token: log_prob / (number of tokens + 1).
        log_density: of the target that was searched or sampled, terms included.
        log_weight: natural log of the weight of a draw of kind `weighted`, else 0.
        kind: exact, weighted, markov, search, approximate or pseudo.
        satisfied: for each constraint, whether the text satisfies it.
        spans: where the text holds what was demanded: item, form, start and end in characters.
        sampler: the method.
        lm: name and hash of the model.
        seed: of the request.
        steps: made by all chains of the request.
        window: fewest and most words (characters in Chinese, tokens of a raw model) that were allowed.
        signature: replays the request.
        rank: 1 for the best of the request.
        line: number of the input line, from 1; None without stdin.
        stopped_early: whether the clock's safety net, an outage or Ctrl-C ended the run.
        neural: under a transformer, what the request cost: tests, texts scored, passes, tokens (docs/neural.md); absent without one.
        examples: the example lines that a transformer read first, by count and hash; absent without any.
        violations: how often the text violates each preference; absent without any.
        measures: similarity, overlap and edits, where a weight of the request counts them; absent without any.
        source: the text that was given, of a template and of commands that change texts; absent of others.
        token_log_p: natural log p of each token and of the end under the n-gram model, for a plot; not part of the JSON.
    """

    text: str
    tokens: tuple[str, ...]
    log_prob: float
    log_prob_per_token: float
    log_density: float
    log_weight: float
    kind: str
    satisfied: dict[str, bool]
    spans: tuple[Span, ...]
    sampler: str
    lm: str
    seed: int
    steps: int
    window: tuple[int, int]
    signature: str
    rank: int
    line: int | None = None
    stopped_early: bool = False
    neural: dict[str, int] | None = None
    examples: dict[str, Any] | None = None
    violations: dict[str, int] | None = None
    measures: dict[str, float] | None = None
    source: str | None = None
    token_log_p: tuple[float, ...] = ()

    @property
    def html(self) -> str:
        """The text as HTML, its demanded words in `mark` elements."""
        from searchgen.markup.marked import marked

        return marked(self.text, {"demanded": [(span.start, span.end) for span in self.spans]})

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the text with its demanded words marked, its scores, and how probable each token is."""
        from searchgen.markup.charts import bar_chart
        from searchgen.markup.marked import table

        kept = sum(self.satisfied.values())
        facts = [("log p", f"{self.log_prob:.2f}"), ("log-density", f"{self.log_density:.2f}"), ("kind", self.kind)]
        facts += [("sampler", self.sampler), ("constraints", f"{kept} of {len(self.satisfied)} hold")]
        bars = list(zip((*self.tokens, "(end)"), self.token_log_p, strict=False))
        numbered = [(f"{number} {token}", log_p) for number, (token, log_p) in enumerate(bars, 1)]
        chart = bar_chart(numbered, "log p given the words before", f"log p of each token of {self.text}")
        names, values = zip(*facts, strict=True)
        return f"<p>{self.html}</p>{table(names, [values])}{chart}"

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values, in a fixed order."""
        values = {name: plain(value) for name, value in asdict(self).items() if name != SHOWN_ONLY}
        return {name: value for name, value in values.items() if name not in OPTIONAL or value is not None}


def partial_record(**values: Any) -> dict[str, Any]:
    """Return the JSON values of a record of which only some are known, with further fields; the others are null.

    Args:
        values: fields of a record, as `Record.as_json` gives them, and other fields of a command.

    Example:
        >>> row = partial_record(text="A dog.", passes=True)
        >>> row["text"], row["seed"], row["passes"]
        ('A dog.', None, True)
    """
    return {
        **{field.name: None for field in fields(Record) if field.name not in (SHOWN_ONLY, *OPTIONAL)},
        **values,
    }


def on_one_line(text: str) -> str:
    r"""Return a text with ` / ` for line breaks, where each text has one line; a slash of its own is `\/` there.

    Example:
        >>> on_one_line("At 24/7\nwe sleep"), on_one_line("At 24/7")
        ('At 24\\/7 / we sleep', 'At 24/7')
    """
    return text.replace("/", "\\/").replace("\n", " / ") if "\n" in text else text
