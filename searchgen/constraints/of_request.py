"""From a request to its constraints: which automata it stands for, its window of words, and the names of its parts."""

from collections.abc import Sequence
from typing import NamedTuple

from searchgen.constraints import (
    Constraint,
    EndsWith,
    FiniteVerb,
    Forbid,
    Keywords,
    Length,
    Plain,
    Predicate,
    Sentence,
    StartsWith,
)
from searchgen.constraints.base import spell
from searchgen.errors import RequestError
from searchgen.request.request import MOST_WORDS, Request
from searchgen.text import TextForm
from searchgen.vocabulary import Vocabulary

__all__ = ["Demanded", "constraints_of", "default_window"]

#: What a sentence needs to have a verb, by text form.
VERBS: dict[str, type[Constraint]] = {"en": FiniteVerb, "zh": Predicate}

#: Default window of words: fewest, most; and to how many a demanded word widens the upper end, and how many on top.
DEFAULT_WINDOWS = {"en": (6, 14, 3, 4), "zh": (8, 24, 3, 4), "raw": (6, 14, 3, 4)}


class Demanded(NamedTuple):
    """What a request demands of a text.

    Attributes:
        constraints: every hard constraint, the length among them.
        written: the name in the output of each part that spells out words of the request.
        notes: one line each for the user.
    """

    constraints: tuple[Constraint, ...]
    written: dict[str, str]
    notes: tuple[str, ...]


def default_window(form: str, fewest: int | None, most: int | None, demanded: int) -> tuple[int, int]:
    """Return the window of words: what is given, else the form's default, its upper end widened by the demanded words.

    Example:
        >>> default_window("en", None, None, 3), default_window("en", None, 4, 1), default_window("en", None, None, 8)
        ((6, 14), (4, 4), (8, 28))
    """
    low, high, each, more = DEFAULT_WINDOWS[form]
    high = max(high, each * demanded + more)
    low = max(low, demanded)
    if fewest is not None:
        low, high = fewest, max(high, fewest + high - low)
    if most is not None:
        low, high = (low if fewest is not None else min(low, most)), most
    return min(low, MOST_WORDS), min(high, MOST_WORDS)


def constraints_of(request: Request, form: TextForm, vocabulary: Vocabulary) -> Demanded:
    """Return the constraints of a request.

    Args:
        request: the job.
        form: of the texts.
        vocabulary: of the model.

    Raises:
        RequestError: the request contradicts itself.
    """
    notes: list[str] = []
    result: list[Constraint] = []
    demanded = 0
    if request.keywords:
        items = tuple(tuple(tuple(form.tokenise_as_printed(phrase)) for phrase in item) for item in request.keywords)
        for item, written in zip(items, request.keywords, strict=True):
            for phrase, text in zip(item, written, strict=True):
                if not phrase:
                    raise RequestError(f"keyword {text!r} has no letter, digit or sign in it; drop it")
        result.append(Keywords(items, ordered=request.ordered))
        demanded = sum(min(sum(map(form.is_word, phrase)) for phrase in item) for item in items)
    if request.forbid:
        result.append(Forbid(tuple(tuple(form.tokenise_as_printed(phrase)) for phrase in request.forbid)))
    if request.starts_with:
        result.append(StartsWith(tuple(form.tokenise_as_printed(request.starts_with))))
        demanded += len(form.tokenise_as_printed(request.starts_with))
    if request.ends_with:
        result.append(EndsWith(tuple(form.tokenise_as_printed(request.ends_with))))
        demanded += len(form.tokenise_as_printed(request.ends_with))
    if request.sentence:
        if any(vocabulary.find(mark) >= 0 for mark in form.final_tokens):
            result.append(Sentence())
            if request.finite_verb and form.name in VERBS:
                result.append(VERBS[form.name]())
        else:
            notes.append(f"the model has none of {' '.join(form.final_tokens)}, so texts are not held to be sentences")
    marks = {mark for pair in form.brackets.items() for mark in pair}
    demanded_tokens = {token for one in result for token in one.demanded()}
    if not request.quotes and not marks & demanded_tokens:
        result.append(Plain())
    result.append(Length(*default_window(form.name, request.min_words, request.max_words, demanded)))
    return Demanded(tuple(result), _written_names(request, result), tuple(notes))


def _written_names(request: Request, constraints: Sequence[Constraint]) -> dict[str, str]:
    """Return the name in the output of each part that spells out words of the request."""
    names: dict[str, str] = {}

    def name(part: str, verb: str, words: str) -> None:
        names[part] = f"{verb} {' '.join(words.lower().split())}"

    for one in constraints:
        if isinstance(one, Keywords):
            shown = ["|".join(map(spell, item)) for item in one.items]
            for rank, item in enumerate(request.keywords):
                again = shown[:rank].count(shown[rank]) + 1
                suffix = f" ({again})" if again > 1 else ""
                name(f"keyword {shown[rank]}{suffix}", "keyword", "|".join(item) + suffix)
        elif isinstance(one, Forbid):
            for phrase, words in zip(one.items, request.forbid, strict=True):
                name(f"without {spell(phrase)}", "without", words)
        elif isinstance(one, StartsWith | EndsWith):
            name(one.describe(), f"{one.verb} with", request.starts_with if one.verb == "starts" else request.ends_with)
    return names
