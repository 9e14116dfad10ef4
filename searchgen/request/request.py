"""One typed description of a job; flags, JSON and the signature are spellings of it."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cached_property
from math import isfinite
from typing import Any

from searchgen.constraints import CONSTRAINTS
from searchgen.demands.demands import Demands, demand_flags
from searchgen.demands.values import taken
from searchgen.errors import RequestError
from searchgen.lm.examples import AUTOMATIC, DEFAULT, resolved
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.plain_json import brief
from searchgen.request.json_values import differences, filled, listed, typed
from searchgen.request.model_ref import ModelRef
from searchgen.request.signatures import UNNAMED, signed, signed_values

__all__ = ["PLAIN_TERMS", "Annealing", "Request", "Terms"]


#: The published table that turns a budget in seconds into steps: a rate, so that a job means the same work everywhere.
STEPS_PER_SECOND = 1_000_000

#: The longest lists: keywords, phrases in all (alternatives and forbidden ones too), forbidden single words, characters of a phrase.
MOST_KEYWORDS, MOST_PHRASES, MOST_FORBIDDEN, LONGEST_PHRASE = 200, 2000, 200_000, 1000

#: Forbidden words that tell the language of a request without others.
MOST_WORDS = 100

#: Chains for each text asked for, if more than one is, so that enough different ones are found.
CHAINS_PER_TEXT = 6

#: A small budget has fewer chains, not shorter ones, down to two: many short chains end far from any optimum (measured).
LEAST_STEPS, FEWEST_CHAINS = 5_000, 2

#: Where keywords are many, chains are so many times fewer and longer, and the usual schedule has so many times more steps (measured).
LONGER_CHAINS, MORE_STEPS = 4, 4

#: The most a request may ask for; beyond it is a mistake, or work for several requests.
MOST_TEXTS, MOST_SECONDS, MOST_CHAINS = 1000, 86_400, 10_000
MOST_DRAWS, LARGEST_BETA = 1_000_000, 100.0

#: The largest weight of each term, in nats a token (`unigram` times up to 20), and of anything else.
LARGEST_TERM = {"terms.word": 100.0, "terms.proper_noun": 100.0, "terms.comma": 100.0, "terms.unigram": 10.0}
LARGEST_WEIGHT = 1e6


@dataclass(frozen=True)
class Terms:
    """Additive log weights a token adds to the target of `constrain`, in nats.

    Attributes:
        word: for each word, without which English is telegraphic; None: the default of the language.
        proper_noun: for each word printed with a capital inside a sentence, unless it is demanded.
        comma: for each comma, semicolon, colon or dash.
        unigram: times -log p(word) of the unigram model, which favours content words.
    """

    word: float | None = None
    proper_noun: float = -3.0
    comma: float = -1.2
    unigram: float = 0.0


#: No rewards and no charges: the law is the model's own on the texts that the constraints accept.
PLAIN_TERMS = Terms(word=0.0, proper_noun=0.0, comma=0.0, unigram=0.0)


@dataclass(frozen=True)
class Annealing:
    """The schedule of `constrain`, in steps; temperatures multiply every log-density.

    Attributes:
        chains: independent chains, each begun from a draw of the guide.
        steps: steps of each chain.
        hot: first temperature.
        cold: last temperature; it falls geometrically in `blocks` stages.
        blocks: number of stages.
    """

    chains: int = 24
    steps: int = 5_000
    hot: float = 1.5
    cold: float = 0.15
    blocks: int = 40

    @property
    def expected_seconds(self) -> float:
        """Seconds the schedule takes by the published table (two cores of a 2020 laptop)."""
        return self.chains * self.steps / STEPS_PER_SECOND

    def for_texts(self, count: int) -> "Annealing":
        """Return the schedule with chains enough to find so many different texts."""
        return replace(self, chains=max(self.chains, CHAINS_PER_TEXT * count)) if count > 1 else self

    def for_many_keywords(self, count: int) -> "Annealing":
        """Return the schedule with fewer and longer chains: orders of many keywords take long to be tried.

        The usual schedule makes four times as many steps, too. One for a budget keeps its number.

        Args:
            count: texts asked for.
        """
        longer = LONGER_CHAINS * (MORE_STEPS if self.is_usual(count) else 1)
        return replace(self, chains=max(1, self.chains // LONGER_CHAINS), steps=longer * self.steps)

    def is_usual(self, count: int) -> bool:
        """Return whether the schedule is that of a request for so many texts that says nothing of it."""
        return self.for_texts(count) == Annealing().for_texts(count)

    def for_budget(self, seconds: float, count: int = 1) -> "Annealing":
        """Return the schedule that a budget in seconds stands for: the same number of steps on every machine.

        Args:
            seconds: of the published table.
            count: texts asked for.

        Raises:
            RequestError: the number is not above 0, or beyond a day.
        """
        if not 0 < seconds <= MOST_SECONDS:
            raise RequestError(
                f"--budget {seconds:g}: give a number of seconds above 0, at most {MOST_SECONDS:,} (a day)"
            )
        steps = int(seconds * STEPS_PER_SECOND)
        fewest = CHAINS_PER_TEXT * count if count > 1 else FEWEST_CHAINS
        chains = min(self.for_texts(count).chains, max(fewest, steps // LEAST_STEPS))
        return replace(self, chains=chains, steps=self.blocks * max(1, steps // (chains * self.blocks)))


@dataclass(frozen=True, init=False)
class Request:
    """What the text must be, with which model, and how hard to search.

    Attributes:
        demands: a value for every flag of every constraint: keywords, forbid, sentence, max_words, ...
        lm: name of an embedded model, path of a model file, or a transformer: its folder or its name on the hub.
        count: number of texts.
        seed: every random choice is a function of it.
        terms: additive terms of the target.
        annealing: the schedule of the search.
        class_weight: how much the word classes that come with a model count when the texts of a search are ranked; 0: not at all.
        association_weight: how much the words that go least with what precedes them count when a transformer's texts are ranked;
            None: the default.
        beta: power of the model's probability in the target.
        sampler: name of the method; `anneal` searches for the best texts, others draw from the stated law.
        options: of the sampler, as "name=value".
        opaque: functions of the text that weigh or forbid it, as "FILE.py:NAME".
        start: a text for every chain to begin with, where the sampler takes one; "": it finds its own.
        neural: how a transformer scores texts; without one it says nothing.
    """

    demands: Demands = field(default_factory=Demands)
    lm: str = UNNAMED
    count: int = 1
    seed: int = 0
    terms: Terms = field(default_factory=Terms)
    annealing: Annealing = field(default_factory=Annealing)
    class_weight: float = 2.5
    association_weight: float | None = None
    beta: float = 1.0
    sampler: str = "anneal"
    options: tuple[str, ...] = ()
    opaque: tuple[str, ...] = ()
    start: str = ""
    neural: NeuralSettings = field(default_factory=NeuralSettings)

    def __init__(self, demands: Demands | None = None, **values: Any) -> None:
        """Take fields of a request, and demands by their own names.

        Args:
            demands: what `values` do not name; by default the usual ones of a search.
            values: fields, and values for flags of constraints.

        Raises:
            RequestError: no text or no search could answer it.
            TypeError: a name is neither.

        Example:
            >>> Request(keywords=(("dog",),), seed=7).keywords
            (('dog',),)
        """
        specs = {f.name: f for f in fields(self) if f.name != "demands"}
        for name, spec in specs.items():
            if name in values:
                value = values.pop(name)
                # One option, or one term, is a text of its own.
                value = [value] if spec.type == tuple[str, ...] and isinstance(value, str) else value
                value = taken(name, value, spec.type)
            else:
                value = spec.default if spec.default_factory is MISSING else spec.default_factory()
            object.__setattr__(self, name, value)
        object.__setattr__(
            self, "demands", (demands or Demands()).but(**values) if values or demands is None else demands
        )
        self._check()

    def __getattr__(self, name: str) -> Any:
        """Return a demand by its name."""
        demands = self.__dict__.get("demands")
        if demands is None or name not in demands:
            raise AttributeError(f"a request has no {name!r}")
        return demands[name]

    def _check(self) -> None:
        """Refuse what no text or no search could answer; see `RequestError`."""
        if self.count < 1:
            raise RequestError(f"-n {brief(self.count)}: ask for at least one text")
        most = MOST_TEXTS if self.sampler == "anneal" else MOST_DRAWS
        if self.count > most:
            raise RequestError(f"-n {brief(self.count)}: at most {most:,} texts at once; for more, use several seeds")
        if not (isfinite(self.beta) and 0 < self.beta <= LARGEST_BETA):
            raise RequestError(f"--beta {self.beta:g}: give a number above 0, at most {LARGEST_BETA:g}")
        for constraint in CONSTRAINTS.values():
            constraint.check(self.demands)
        if not 0 <= self.seed < 2**63:
            raise RequestError(f"--seed {brief(self.seed)}: give a whole number from 0 to 2^63 - 1")
        self._refuse_large_weights()
        self._refuse_long_lists()
        plan = self.annealing
        if min(plan.chains, plan.steps, plan.blocks) < 1 or not min(plan.hot, plan.cold) > 0:
            raise RequestError("a schedule has at least one chain, step and block, and temperatures above 0")
        most_steps = MOST_SECONDS * STEPS_PER_SECOND
        if plan.chains > MOST_CHAINS or plan.blocks > plan.steps or plan.chains * plan.steps > most_steps:
            raise RequestError(
                f"a schedule has at most {MOST_CHAINS} chains, no more blocks than steps, and steps for a day at most"
            )

    def _refuse_large_weights(self) -> None:
        """Refuse weights and temperatures beyond sense, whose exponentials no float holds."""
        weights = {f"terms.{f.name}": getattr(self.terms, f.name) for f in fields(Terms)}
        weights |= {"class_weight": self.class_weight, "association_weight": self.association_weight}
        weights |= {"annealing.hot": self.annealing.hot, "annealing.cold": self.annealing.cold}
        for name, value in weights.items():
            most = LARGEST_TERM.get(name, LARGEST_WEIGHT)
            if value is not None and not abs(value) <= most:
                raise RequestError(f"field {name!r} cannot be {value:g}; give a number from {-most:g} to {most:g}")

    def _refuse_long_lists(self) -> None:
        forbidden = [phrase for phrase in self.forbid if not phrase.isalnum()]
        phrases = [
            *(phrase for item in self.keywords for phrase in item),
            *forbidden,
            self.starts_with,
            self.ends_with,
        ]
        for count, most, noun in (
            (len(self.keywords), MOST_KEYWORDS, "keywords"),
            (len(phrases) - 2, MOST_PHRASES, "words and phrases in all"),
            (len(self.forbid), MOST_FORBIDDEN, "forbidden words"),
            (max(map(len, [*phrases, *self.forbid])), LONGEST_PHRASE, "characters in one phrase"),
        ):
            if count > most:
                raise RequestError(f"{count:,} {noun} are too many; the limit is {most:,}")

    @cached_property
    def words(self) -> str:
        """Every word that must occur, as one text, or must not where no word must; its language decides the default model."""
        words = [phrase for item in self.keywords for phrase in item]
        words += [constraint.wording(self.demands) for constraint in CONSTRAINTS.values()]
        return " ".join(filter(None, words) if any(words) else (self.forbid or self.only_words)[:MOST_WORDS])

    @cached_property
    def model(self) -> ModelRef:
        """The language model that `lm` names.

        Raises:
            RequestError: it is a mixture whose weights are wrong.

        Example:
            >>> Request(keywords=(("学校",),), lm="some/model").model.proposer
            'zh-ngram'
        """
        return ModelRef.parse(self.lm, f"{self.words} {self.start}")

    def but(self, **changes: Any) -> "Request":
        """Return the request with some fields or demands replaced; raises as the constructor does."""
        return replace(self, **changes)

    def differences(self) -> dict[str, Any]:
        """Return the fields that are not at their defaults, as plain JSON values."""
        demanded = {name: listed(value) for name, value in self.demands.given().items()}
        return {**demanded, **differences(self, Request())}

    def canonical(self) -> str:
        """Return the request as one line of JSON, without seed and model: with them it decides the random choices.

        A model counts by its contents, not by its path: the same file gives the same texts wherever it lies.
        """
        return self._canonical

    @cached_property
    def _canonical(self) -> str:
        values = {k: v for k, v in self.differences().items() if k not in ("seed", "lm")}
        if "vectors" in values:
            from searchgen.meaning.measures import sentence_vectors  # as in `signed`

            values["vectors"] = sentence_vectors("", values["vectors"]).hash
        return json.dumps(values, ensure_ascii=False, sort_keys=True)

    @property
    def reading(self) -> NeuralSettings:
        """How its transformer is read: `neural`, and the example lines that a search has by default under models of some kinds."""
        settings = self.neural
        is_free = settings.examples == AUTOMATIC and not settings.prompt and settings.end != "none"
        if is_free and self.sampler == "anneal" and self.model.is_large:
            settings = replace(settings, examples=DEFAULT)
        return replace(settings, examples=resolved(settings.examples, self.model.language))

    def signature(self, model_hash: str) -> str:
        """Return one line that replays the texts bit for bit on the same version and platform.

        Example:
            >>> Request(keywords=(("dog",),), seed=7).signature("ab12")  # doctest: +ELLIPSIS
            'searchgen:...:ab12:{"keywords":[["dog"]],"seed":7}'
        """
        return signed(self.differences(), model_hash)

    @staticmethod
    def from_signature(signature: str) -> "tuple[Request, str]":
        """Return the request a signature describes, and the hash of the model that it names.

        Raises:
            RequestError: the line is no signature, or comes from another version or platform, or belongs to another command.
        """
        values, model_hash = signed_values(signature)
        if "command" in values:
            raise RequestError(
                f"the signature belongs to {values['command']}; repeat it with searchgen {values['command']} --again"
            )
        return Request.from_mapping(values), model_hash

    @staticmethod
    def from_mapping(values: Mapping[str, Any]) -> "Request":
        """Return the request described by plain JSON values; fields that are absent keep their defaults.

        Raises:
            RequestError: a field is unknown, has the wrong type or an impossible value.
        """
        flags = demand_flags()
        demanded = {name: typed(name, value, flags[name].type) for name, value in values.items() if name in flags}
        others = {name: value for name, value in values.items() if name not in flags}
        request: Request = filled(Request(), others, "")
        return request.but(**demanded)
