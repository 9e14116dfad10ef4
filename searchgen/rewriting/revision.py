"""What texts are changed by: a verb with its numbers, the same from flags, from a job and from a signature."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Protocol

from searchgen.constraints.length import MOST_WORDS
from searchgen.constraints.words.edits import MOST_EDITS
from searchgen.demands.demands import Demands
from searchgen.errors import RequestError
from searchgen.meaning.measures import cosine_of, overlap_of
from searchgen.record import partial_record
from searchgen.request.from_values import OF_TEXTS, Defaults, fields_of, free_values, request_of, usual_model
from searchgen.request.json_values import typed
from searchgen.request.request import Annealing, Request
from searchgen.request.signatures import signed, signed_values
from searchgen.request.slip_costs import COSTS, Costs
from searchgen.rewriting.fixer import Fixer
from searchgen.rewriting.paraphraser import LEAST, MOST, Paraphraser
from searchgen.rewriting.rewriter import CLOSENESS, Rewriter, Rewritten
from searchgen.rewriting.shortener import COVERAGE, CUT, Shortener
from searchgen.search.searcher import Searcher
from searchgen.sources.source import Source
from searchgen.text.items.lists import parse_items

__all__ = ["COMMANDS", "NOTHING", "STEPS", "Reviser", "Revision"]

#: The fields of a result's record that are a revision's own, where there is no result.
NOTHING = dict.fromkeys(("edits", "similarity", "overlap", "changes", "trail"))

#: Steps of a chain: few edits leave little to search.
STEPS = 3_000

#: The most paraphrases of one text.
MOST_PARAPHRASES = 24

#: The largest cost of an edit in nats, and the largest weight of costs.
MOST_COST = 100.0


class Reviser(Protocol):
    """Changes texts under one model."""

    def revise(self, text: str) -> list[Rewritten]:
        """Return the best changed texts, best first.

        Raises:
            RequestError: the text is none.
            NothingFound: there is no answer.
        """


@dataclass(frozen=True)
class Revision:
    """A verb with its numbers; a number that the verb does not have is None.

    Attributes:
        command: the verb, one of `COMMANDS`.
        request: constraints, number of texts, seed, schedule, model.
        max_edits: the most edits of a text.
        protect: phrases of the texts that stay untouched.
        closeness: of `rewrite`: what an edit costs, in nats; None: the usual.
        weight: of `fix`: what the costs of slips are multiplied by; None: 1.
        costs: of `fix`: costs by kind of slip, in nats, where they are not the usual ones.
        max_words: of `shorten`: the most words of a result.
        coverage: of `shorten`: what content counts.
        cut: of `shorten`: what a stretch costs that is left out, in nats.
        min_similarity: of `paraphrase`: to the text; None: the usual.
        max_overlap: of `paraphrase`: with the text; None: the usual.
        vectors: of `paraphrase`: folder of the model that measures similarity; "": vectors of the language.
    """

    command: str
    request: Request
    max_edits: int | None = None
    protect: tuple[str, ...] = ()
    closeness: float | None = None
    weight: float | None = None
    costs: Mapping[str, float] = field(default_factory=dict)
    max_words: int | None = None
    coverage: float | None = None
    cut: float | None = None
    min_similarity: float | None = None
    max_overlap: float | None = None
    vectors: str = ""

    def __post_init__(self) -> None:
        most = MOST_EDITS
        if self.max_edits is not None and not 1 <= self.max_edits <= most:
            raise RequestError(f"--max-edits {self.max_edits}: give a number from 1 to {most}")
        for name in ("max_edits", "max_words", "closeness", "weight", "coverage", "cut"):
            value = getattr(self, name)
            if value is not None and name not in COMMANDS[self.command]:
                raise RequestError(f"{name} does not go with {self.command}; drop it")
            if isinstance(value, float) and not 0 <= value <= MOST_COST:
                raise RequestError(f"--{name} {value:g}: give a number from 0 to {MOST_COST:g}")
        if self.command == "shorten" and not (self.max_words and 1 <= self.max_words <= MOST_WORDS):
            raise RequestError(f"shorten needs --max-words N, a number from 1 to {MOST_WORDS}")
        if not -1 <= (self.min_similarity or 0.0) <= 1:
            raise RequestError(f"--min-similarity {self.min_similarity:g}: give a number from -1 to 1")
        if not 0 <= (self.max_overlap or 0.0) <= 1:
            raise RequestError(f"--max-overlap {self.max_overlap:g}: give a number from 0 to 1")
        if self.command == "paraphrase" and self.request.count > MOST_PARAPHRASES:
            raise RequestError(f"-n {self.request.count}: give a number from 1 to {MOST_PARAPHRASES}")
        self._check_costs()
        is_bare = self.request.demands == Demands.nothing()
        if self.command == "rewrite" and is_bare:
            raise RequestError("nothing is required; give --keywords, --without-letters or another constraint")
        if self.command != "rewrite" and not is_bare:
            raise RequestError(f"{self.command} takes no constraints; use rewrite")
        if self.command == "rewrite" and self.request.annealing == Annealing():
            object.__setattr__(self, "request", replace(self.request, annealing=Annealing(steps=STEPS)))

    def _check_costs(self) -> None:
        names = [one.name for one in fields(Costs)]
        for name, cost in self.costs.items():
            if self.command != "fix" or name not in names:
                raise RequestError(f"unknown cost {name!r}; fix has {', '.join(names)}")
            if not 0 <= cost <= MOST_COST:
                raise RequestError(f"cost {name} = {cost:g}: give a number of nats from 0 to {MOST_COST:g}")

    def reviser(self, source: Source, trails: bool = True) -> Reviser:
        """Return what changes texts under a model; `trails`: whether chains write down the edits that led to each text."""
        if self.command == "fix":
            usual = asdict(COSTS.get(source.model.form, Costs()))
            weight = 1.0 if self.weight is None else self.weight
            costs = Costs(**{**usual, **self.costs})
            return Fixer(source, self.request.count, self.max_edits, self.protect, weight, costs)
        if self.command == "shorten":
            numbers = (COVERAGE if self.coverage is None else self.coverage, CUT if self.cut is None else self.cut)
            return Shortener(source, self.max_words or 1, self.request.count, self.protect, *numbers)
        if self.command == "paraphrase":
            least = LEAST if self.min_similarity is None else self.min_similarity
            most = MOST if self.max_overlap is None else self.max_overlap
            return Paraphraser(source, self.request.count, least, most, self.protect, self.vectors)
        closeness = CLOSENESS if self.closeness is None else self.closeness
        return Rewriter(Searcher.of(source), self.request, self.max_edits, self.protect, closeness, trails)

    def signature(self, text: str, model_hash: str) -> str:
        """Return one line that repeats the results of a text."""
        values: dict[str, Any] = {"command": self.command, "text": text}
        values |= {
            name: getattr(self, name)
            for name in COMMANDS[self.command]
            if getattr(self, name) not in (None, (), {}, "")
        }
        return signed({**values, **self.request.differences()}, model_hash)

    @staticmethod
    def from_signature(signature: str, command: str) -> "tuple[Revision, str, str]":
        """Return what a signature describes, its text, and the hash of its model.

        Args:
            signature: as a result has it.
            command: the verb that repeats it.

        Raises:
            RequestError: it is none, or belongs to another command.
        """
        values, model_hash = signed_values(signature)
        theirs = values.pop("command", "constrain")
        if theirs != command:
            raise RequestError(f"the signature belongs to {theirs}; repeat it with searchgen {theirs} --again")
        text = _text_of(values)
        own = _own(values, command)
        return Revision(command, Request.from_mapping(values), **own), text, model_hash

    @staticmethod
    def of_job(values: Mapping[str, Any], line: int, defaults: Defaults) -> "tuple[Revision, str]":
        """Return what a job describes, and its text.

        Args:
            values: of the job.
            line: number of its line, in place of a missing id.
            defaults: what it takes where it says nothing.

        Raises:
            RequestError: a field is unknown, has the wrong type or an impossible value.
        """
        job = {**defaults.values, **fields_of(values, defaults)}
        command, text = job.pop("command"), _text_of(job)
        foreign = next((name for name in OF_TEXTS[2:] if name in values and name not in COMMANDS[command]), None)
        if foreign is not None:
            raise RequestError(f"field {foreign!r} does not go with {command}; drop it")
        if isinstance(job.get("protect"), str):
            job["protect"] = [phrase for item in parse_items([job["protect"]]) for phrase in item]
        own = _own(job, command)
        if job.get("sampler", "anneal") != "anneal":
            raise RequestError(f"{command} searches; drop the field 'sampler'")
        if job.get("lm") is None:
            job["lm"] = usual_model(text, "anneal", defaults)
        request = request_of({**free_values(), **job}, line, replace(defaults, values={}))
        return Revision(command, request, **own), text

    def record(self, text: str, result: Rewritten, rank: int, reviser: Reviser, source: Source) -> dict[str, Any]:
        """Return a result as plain values of JSON.

        Args:
            text: that was given.
            result: one of its results.
            rank: of the result.
            reviser: that made it.
            source: its model.
        """
        form, model = source.lexicon.vocabulary.form, self.vectors or self.request.demands["vectors"]
        spans = [asdict(span) for span in reviser.judge.spans_in(result.text)] if isinstance(reviser, Rewriter) else []
        return partial_record(
            text=result.text,
            tokens=list(result.tokens),
            log_prob=result.log_prob,
            log_density=result.score,
            kind="search",
            satisfied=result.satisfied,
            spans=spans,
            sampler="anneal",
            lm=source.label,
            seed=self.request.seed,
            signature=self.signature(text, source.hash),
            rank=rank,
            source=text,
            edits=result.edits,
            similarity=cosine_of(text, result.text, form.name, model),
            overlap=overlap_of(text, result.text, form),
            changes=[change._asdict() for change in result.changes],
            trail=[step._asdict() for step in result.trail],
            status="ok",
            error=None,
        )


#: The verbs, each with the fields of a job that are its own, and no request's.
COMMANDS: dict[str, dict[str, Any]] = {
    "rewrite": {"max_edits": int, "protect": tuple[str, ...], "closeness": float},
    "fix": {"max_edits": int, "protect": tuple[str, ...], "weight": float, "costs": dict[str, float]},
    "shorten": {"max_words": int, "protect": tuple[str, ...], "coverage": float, "cut": float},
    "paraphrase": {"protect": tuple[str, ...], "min_similarity": float, "max_overlap": float, "vectors": str},
}


def _text_of(values: dict[str, Any]) -> str:
    """Take the text out of values."""
    text = values.pop("text", None)
    if not isinstance(text, str):
        raise RequestError("the field 'text' is missing; give the text to change")
    if not text.strip():
        raise RequestError("the text is empty; give one to change")
    return text


def _own(values: dict[str, Any], command: str) -> dict[str, Any]:
    """Take the fields that are a verb's own out of values, and those of other verbs, which may stand in defaults."""
    types = COMMANDS[command]
    given = {name: values.pop(name) for name in types if values.get(name) is not None}
    for name in {*types, *OF_TEXTS}:
        values.pop(name, None)
    result = {name: typed(name, value, types[name]) for name, value in given.items() if name != "costs"}
    costs = given.get("costs", {})
    if not isinstance(costs, Mapping) or not all(isinstance(nats, int | float) for nats in costs.values()):
        raise RequestError("field 'costs' is no object of numbers, such as {\"form\": 5.0}")
    return {**result, **({"costs": {name: float(nats) for name, nats in costs.items()}} if costs else {})}
