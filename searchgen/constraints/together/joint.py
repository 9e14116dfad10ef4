"""All constraints of a request as one automaton, with contradictions named early."""

from collections.abc import Sequence

from searchgen.automata import ENTRY_LIMIT, NEVER, START, Automaton, minimise, product, trim
from searchgen.constraints.base import Constraint
from searchgen.constraints.forbid import Forbid
from searchgen.constraints.keywords import Keywords
from searchgen.constraints.length import Length
from searchgen.constraints.together.demanded import barred, with_demanded
from searchgen.errors import Contradiction, Impossible, TooLarge
from searchgen.kernels.shares import JOIN, WORD
from searchgen.text import TextForm
from searchgen.vocabulary import Vocabulary

__all__ = ["joint", "refuse_forbidden_keywords", "window", "with_demanded", "with_vocabulary"]

MINIMISE_LIMIT = 50_000  # entries; refining more costs more time than the few states it saves


#: A text may have so many hyphens beside those that are asked for.
MORE_HYPHENS = 3


def window(constraints: Sequence[Constraint]) -> tuple[int, int] | None:
    """The fewest and the most words that all lengths asked for allow.

    Args:
        constraints: the constraints of a request.

    Returns:
        (fewest, most), or None when no length is asked for.

    Raises:
        RequestError: the lengths exclude each other.
    """
    windows = [constraint.window for constraint in constraints if isinstance(constraint, Length)]
    if not windows:
        return None
    fewest, most = max(low for low, _ in windows), min(high for _, high in windows)
    return Length(fewest, most).window


def most_hyphens(constraints: Sequence[Constraint], vocabulary: Vocabulary) -> int:
    """The most hyphens of a text: what the constraints ask for, and a few more. They join words, so they bound its tokens.

    Args:
        constraints: of a request.
        vocabulary: the tokens, demanded words included.

    Returns:
        0 where no token is a hyphen.
    """
    if not (vocabulary.counts == JOIN).any():
        return 0
    return MORE_HYPHENS + sum(constraint.hyphens() for constraint in constraints)


def joint(
    constraints: Sequence[Constraint],
    vocabulary: Vocabulary,
    form: TextForm,
    limit: int = ENTRY_LIMIT,
    group: int = 0,
) -> Automaton:
    """The canonical texts that satisfy every constraint except lengths and black boxes, which are judged elsewhere.

    Args:
        constraints: the constraints of a request.
        vocabulary: the tokens, demanded words included (`with_demanded`).
        form: the text form, whose canonical texts alone count.
        limit: the most entries (states x token classes) of any table.
        group: if above 0, only texts in which each so many keywords stand before the next so many.

    Returns:
        A trimmed automaton, minimal unless it is large.

    Raises:
        RequestError: constraints contradict each other in the request itself.
        TooLarge: a table would pass the limit.
        Impossible: no text satisfies them all, or none that is short enough.
    """
    refuse_forbidden_keywords(constraints, vocabulary)
    counted = [one for one in constraints if not isinstance(one, Length) and not one.black_box]
    factors = [_automaton(constraint, vocabulary, limit, group) for constraint in counted]
    most = (window(constraints), most_hyphens(constraints, vocabulary))
    _refuse_short(counted, factors, *most, vocabulary)
    # Keywords multiply the states of all the rest and hardly interact with it: make the rest minimal before.
    keywords = [factor for constraint, factor in zip(counted, factors, strict=True) if isinstance(constraint, Keywords)]
    frame = _frame(counted, factors, vocabulary, form, limit)
    automaton = _smaller(product(frame, *keywords, limit=limit)) if keywords else frame
    _refuse_impossible(automaton, constraints, *most, vocabulary)
    return automaton


def _automaton(constraint: Constraint, vocabulary: Vocabulary, limit: int, group: int) -> Automaton:
    if isinstance(constraint, Keywords):
        return constraint.automaton(vocabulary, limit, group)
    return (
        vocabulary.once((constraint, limit), lambda: constraint.automaton(vocabulary, limit))
        if constraint.repeated
        else constraint.automaton(vocabulary, limit)
    )


def _frame(
    constraints: Sequence[Constraint], factors: Sequence[Automaton], vocabulary: Vocabulary, form: TextForm, limit: int
) -> Automaton:
    """All constraints but keywords, on canonical texts; built once a vocabulary for what most requests have."""
    others = [
        (constraint, factor)
        for constraint, factor in zip(constraints, factors, strict=True)
        if not isinstance(constraint, Keywords)
    ]

    def build() -> Automaton:
        canonical = vocabulary.once(("canonical", form.name, limit), lambda: _canonical(vocabulary, form, limit))
        try:
            return _smaller(product(canonical, *(factor for _, factor in others), limit=limit))
        except TooLarge:
            raise _too_large(others, limit) from None

    if not all(constraint.repeated for constraint, _ in others):
        return build()
    return vocabulary.once((form.name, limit, *(constraint for constraint, _ in others)), build)


def _canonical(vocabulary: Vocabulary, form: TextForm, limit: int) -> Automaton:
    """The canonical texts, whose words with signs come back."""
    canonical = form.canonical([*vocabulary], vocabulary.kinds)
    returning = barred(vocabulary, limit)
    return canonical if returning is None else minimise(product(canonical, returning, limit=limit))


def _too_large(factors: Sequence[tuple[Constraint, Automaton]], limit: int) -> TooLarge:
    """The two largest factors by name."""
    largest = sorted(factors, key=lambda pair: -len(pair[1].accept))[:2]
    named = " and ".join(f"{one.describe()[:80]} ({len(factor.accept):,} states)" for one, factor in largest)
    return TooLarge(f"{named} together with the rest need an automaton of more than {limit:,} entries; ask for less")


def _smaller(automaton: Automaton) -> Automaton:
    return minimise(automaton) if automaton.next.size <= MINIMISE_LIMIT else trim(automaton)


def refuse_forbidden_keywords(constraints: Sequence[Constraint], vocabulary: Vocabulary) -> None:
    """Refuse a keyword that is forbidden in all its forms.

    Args:
        constraints: the constraints of a request.
        vocabulary: the tokens, demanded words included.

    Raises:
        Contradiction: there is one; the message names it.
    """
    forbidden = [constraint for constraint in constraints if isinstance(constraint, Forbid)]
    demanded = [item for constraint in constraints if isinstance(constraint, Keywords) for item in constraint.items]
    for forbid in forbidden:
        for item in demanded:
            if all(forbid.bars(phrase, vocabulary) for phrase in item):
                spelled = Keywords((item,)).describe().removeprefix("keywords: ")
                raise Contradiction(f"{spelled!r} is both a keyword and forbidden; drop one of the two")


def _refuse_short(
    constraints: Sequence[Constraint],
    factors: Sequence[Automaton],
    words: tuple[int, int] | None,
    hyphens: int,
    vocabulary: Vocabulary,
) -> None:
    """A constraint that alone needs more words than a text may have, whatever hyphens join, is a mistake in the request."""
    if words is None:
        return
    for constraint, factor in zip(constraints, factors, strict=True):
        fewest = int(factor.fewest_words(vocabulary.counts == WORD)[START])
        if words[1] + hyphens < fewest < NEVER:
            raise Contradiction(f"{constraint.describe()!r} takes {fewest} words, and a text may have only {words[1]}")


def _refuse_impossible(
    automaton: Automaton,
    constraints: Sequence[Constraint],
    words: tuple[int, int] | None,
    hyphens: int,
    vocabulary: Vocabulary,
) -> None:
    """Nothing is accepted, or nothing short enough; the latter is left to the guide when the automaton is large."""
    listed = "; ".join(constraint.describe() for constraint in constraints) or "the text form alone"
    if not automaton.accept.any():  # of a trimmed automaton
        raise Impossible(f"proved impossible: no text satisfies all of: {listed}")
    if words is None or automaton.next.size > MINIMISE_LIMIT:
        return
    fewest = int(automaton.fewest_words(vocabulary.counts == WORD)[START])
    if fewest > words[1] + hyphens:
        raise Impossible(f"proved impossible: {fewest} words are needed and {words[1]} allowed for: {listed}")


def with_vocabulary(constraints: Sequence[Constraint], base: Vocabulary) -> tuple[Vocabulary, Automaton]:
    """Return the vocabulary of a request and its automaton; unknown words begin a text in small letters only where they must.

    Raises:
        RequestError: the constraints contradict each other.
        Impossible: no text satisfies them.
    """
    vocabulary = with_demanded(base, constraints)
    try:
        return vocabulary, joint(constraints, vocabulary, vocabulary.form)
    except Impossible:
        anywhere = with_demanded(base, constraints, anywhere=True)
        if anywhere.units == vocabulary.units:
            raise
        return anywhere, joint(constraints, anywhere, anywhere.form)
