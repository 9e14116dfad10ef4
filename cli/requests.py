"""From flags to requests: lists split, the language recognised."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from searchgen.cli.output import note
from searchgen.errors import RequestError
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.request.model_ref import ModelRef, default_model
from searchgen.request.request import Request
from searchgen.text.items.lists import parse_items

if TYPE_CHECKING:
    from searchgen.demands.demands import Demands

__all__ = [
    "law_request",
    "listed",
    "neural_settings",
    "of_texts",
    "phrases",
    "refuse_share",
    "refuse_unusable",
    "with_keywords",
]

#: The most keyword sets that share passes: each waits for all.
MOST_SHARED = 4096


def neural_settings(lm: str | None, **values: str) -> NeuralSettings:
    """Return how a transformer is read.

    Args:
        lm: the model that the user named.
        values: fields of `NeuralSettings`.

    Raises:
        RequestError: a value is unknown, or the model is no transformer and would not heed it.
    """
    settings = NeuralSettings(**values)
    if settings != NeuralSettings() and not (lm and ModelRef.parse(lm).scores_texts):
        plain = NeuralSettings()
        name = next(name for name, value in values.items() if value != getattr(plain, name))
        named = f"--lm {lm} is not one" if lm else "--lm names no model"
        raise RequestError(f"--{name} is for transformers, and {named}; name a transformer, or drop the flag")
    return settings


def phrases(flag: str, values: Sequence[str]) -> tuple[str, ...]:
    """Return the phrases of a list flag; alternatives are entries like any other.

    Raises:
        RequestError: nothing is listed, or a file cannot be read.
    """
    if "-" in values:
        raise RequestError(f"{flag} -: only --keywords reads stdin; for a hyphen, write {flag} '-,'")
    return tuple(phrase for item in listed(flag, values) for phrase in item)


def law_request(demands: "Demands", lm: str | None, **fields: Any) -> Request:
    """Return the request for the model's law given constraints, as `sample`, `check`, `compare` and `explain` understand their flags.

    Args:
        demands: the demands on the texts.
        lm: the model that the user named; None takes the embedded n-gram model of the language that the words are in.
        fields: of `Request`, as they are.

    Raises:
        RequestError: a value is impossible.
    """
    request = Request(demands, **fields)
    return replace(request, lm=lm or default_model(request.words, law=True))


def of_texts(request: Request, lm: str | None, lines: Iterator[bytes]) -> tuple[Request, Iterator[bytes]]:
    """Return a request about texts, and the texts: where no word and no flag says their language, their first line does.

    Args:
        request: as `law_request` returned it.
        lm: the model that the user named.
        lines: of the texts.
    """
    if lm or request.words:
        return request, lines
    first = next(lines, b"")
    name = default_model(first.decode("utf-8", "ignore"), law=True)
    if name != request.lm:
        note(f"the texts seem to be Chinese, so {name} reads them; --lm names another model")
    return replace(request, lm=name), chain([first] if first else [], lines)


def refuse_share(share: int, lm: str | None, many: bool) -> None:
    """Refuse to share passes where there is nothing to share.

    Args:
        share: keyword sets that go through a transformer together.
        lm: the model that the user named.
        many: whether there may be more than one set.

    Raises:
        RequestError: the number is no number of sets, or there is no transformer, or one set only.
    """
    if share == 1:
        return
    if not 1 <= share <= MOST_SHARED:
        raise RequestError(f"--share {share}: give 1 to {MOST_SHARED} sets")
    if lm and not ModelRef.parse(lm).scores_texts:
        raise RequestError(
            f"--share is for transformers, and --lm {lm} is not one; name a transformer, or drop the flag"
        )
    if not many:
        raise RequestError("--share needs more than one set; give --keywords -, or use searchgen batch")


def with_keywords(
    template: Request, values: Sequence[str], lm: str | None, usual: Callable[[str], str] = default_model
) -> Request:
    """Return a request with keywords as the flag gives them.

    Args:
        template: everything else.
        values: values of `--keywords`; none for a request without keywords.
        lm: the model that the user named.
        usual: gives the model of these words where the user named no model.

    Raises:
        RequestError: the list is empty, or a file cannot be read.
    """
    items = listed("--keywords", values) if values else []
    request = template.but(keywords=tuple(map(tuple, items)))
    return replace(request, lm=lm or usual(request.words))


def listed(flag: str, values: Sequence[str]) -> list[list[str]]:
    """Return the entries of a list flag, each a list of alternatives.

    Raises:
        RequestError: nothing is listed, or a file cannot be read; it names the flag.
    """
    try:
        return parse_items(values)
    except RequestError as error:
        raise RequestError(f"{flag}: {error}") from None


def refuse_unusable(request: Request, with_model: bool = True) -> None:
    """Refuse, before any work is done, an unknown sampler or option, a missing model, and `neural` beside a model that ignores it.

    Args:
        request: the user's.
        with_model: whether the user named the model, which must then exist.

    Raises:
        RequestError: in these cases.
    """
    from searchgen.lm.ngram.load import load
    from searchgen.samplers.method import parse_options
    from searchgen.samplers.registry import method

    parse_options(method(request.sampler), request.options)
    neural_settings(request.lm, **asdict(request.neural))
    if with_model and not request.model.scores_texts:
        load(request.lm)
