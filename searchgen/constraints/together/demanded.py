"""The words of a request: which of them the vocabulary lacks, which are words with signs, and what the law then bars.

A word with signs is one token of the request's vocabulary, and its text form reads it whole. Other tokens that would be printed in
the same way (`no`, `.`, `7` for `No. 7`) then have no text of their own: they are barred, as is punctuation beside such a word that
would be read as a part of it. So `tokenise(detokenise(x)) == x` holds as it does for other requests.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import chain

import numpy as np

from searchgen.automata import DEAD, ENTRY_LIMIT, START, Automaton
from searchgen.constraints.base import Constraint, Phrase, folded
from searchgen.constraints.patterns import label_words, matcher, over_tokens
from searchgen.text import TextForm, detect
from searchgen.text.items.reading import keeps_case
from searchgen.text.items.units import Units
from searchgen.text.kinds import FOLLOWS, Kind, fit
from searchgen.vocabulary import Vocabulary

__all__ = ["barred", "misread", "unknown_words", "with_demanded"]

#: Signs beside which a word of another script keeps its case in Chinese.
SIGNS = frozenset({Kind.OPEN, Kind.CLOSE, Kind.DASH})

#: A word for tests: what is printed around it is read alike beside every word.
WORD = "word"

#: The languages of the embedded models.
LANGUAGES = {"en": "English", "zh": "Chinese"}


def with_demanded(vocabulary: Vocabulary, constraints: Sequence[Constraint], *, anywhere: bool = False) -> Vocabulary:
    """The vocabulary with every word the constraints demand; the new ones are its `extra`.

    Args:
        vocabulary: a model's tokens.
        constraints: the constraints of a request.
        anywhere: whether unknown words may begin a text in small letters.

    Returns:
        The same vocabulary when all words are known.
    """
    words = [word for constraint in constraints for word in constraint.demanded()]
    form = vocabulary.form
    if isinstance(form, TextForm) and form.name != "raw":
        signs = {form.fold(sign): sign for sign in form.units.signs}
        for sign in _signs(constraints, form):
            signs.setdefault(form.fold(sign), sign)
        plain = [word for word in words if form.fold(word) not in signs]
        cased = form.units.cased.union(_keeping_case(vocabulary, constraints, plain, anywhere))
        vocabulary = vocabulary.with_units(Units(tuple(signs.values()), cased))
    return vocabulary.with_words(words)


def _signs(constraints: Sequence[Constraint], form: TextForm) -> Iterator[str]:
    """The words with signs among those that constraints name, and lone signs where the law has no other place for them."""
    for constraint in constraints:
        for phrase in constraint.phrases():
            odd = [token for token in phrase if not token.isalnum() and token not in form.punctuation]
            yield from (token for token in odd if form.tokenise_as_printed(token) != [token])
            kinds = form.kinds(phrase).tolist() if odd else []
            if Kind.SYMBOL in kinds:
                assumed = [kind or Kind.WORD for kind in kinds]
                if not fit(assumed, first=constraint.begins):
                    yield from (token for token, kind in zip(phrase, kinds, strict=True) if kind == Kind.SYMBOL)


def _keeping_case(
    vocabulary: Vocabulary, constraints: Sequence[Constraint], words: Collection[str], anywhere: bool
) -> Iterator[str]:
    """The demanded words that are printed as the user wrote them, where the vocabulary or the form would change them."""
    form = vocabulary.form
    for word in words:
        if keeps_case(word):
            if vocabulary.matching(word) != [vocabulary.find(word)] or form.detokenise([word]) != word:
                yield word
        elif anywhere and not vocabulary.matching(word):
            yield word
    for constraint in constraints:
        yield from constraint.exactly(vocabulary)
        for phrase in constraint.phrases() if form.name == "zh" else ():
            beside = (word for word in _beside_signs(phrase, form) if word in words)
            yield from (word for word in beside if vocabulary.matching(word) != [vocabulary.find(word)])
        for phrase in constraint.phrases() if constraint.begins else ():
            first = phrase[max(0, form.first_word(phrase))]
            if first in words and not vocabulary.matching(first) and form.detokenise(phrase) != form.inside(phrase):
                yield first


def _beside_signs(phrase: Phrase, form: TextForm) -> Iterator[str]:
    """The words of other scripts in a Chinese phrase that stand beside a bracket or a dash, as in `data(app)` and `--app`."""
    kinds = form.kinds(phrase).tolist()
    for place, word in enumerate(phrase):
        if word.isascii() and word.isalpha() and SIGNS.intersection(kinds[max(0, place - 1) : place + 2]):
            yield word


def barred(vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton | None:
    """The automaton of the texts whose words with signs come back, None: there are no such words.

    Args:
        vocabulary: of a request.
        limit: the most entries of its table.

    Returns:
        A trimmed automaton.

    Raises:
        RequestError: the table would pass the limit.
    """
    phrases = [
        folded(phrase, vocabulary)
        for sign in vocabulary.units.signs
        for phrase in misread(sign, vocabulary.form)
        if all(map(vocabulary.matching, phrase))
    ]
    if not phrases:
        return None
    labels, label = label_words(chain.from_iterable(phrases), vocabulary)
    table, ended = matcher(phrases, label, limit)
    live = np.where(ended, DEAD, np.arange(START, START + len(ended)))
    rows = np.concatenate([np.zeros((1, table.shape[1]), np.int32), live[table]])
    return over_tokens(Automaton.of(np.arange(len(label) + 1), rows, np.concatenate([[False], ~ended])), labels)


def misread(sign: str, form: TextForm) -> Iterator[Phrase]:
    """The rows of tokens that are read as other ones, because of a word with signs.

    Args:
        sign: the word, one of the form's units.
        form: of the texts.

    Yields:
        Tokens that are printed as the word itself is, and the word with punctuation that would be read as a part of it.
    """
    others = Units(tuple(unit for unit in form.units.signs if unit != sign), form.units.cased)
    spelled = form.with_units(others).tokenise_as_printed(sign)
    if spelled != [sign] and form.fold(sign) in form.fold(form.inside(spelled)):
        yield tuple(spelled)
    wrong: set[Phrase] = set()
    yield from _overlapped(sign, form)
    for marks in _rows(form):
        for row, part in (((sign, *marks), (sign, marks[0])), ((*marks, sign), (marks[-1], sign))):
            text = [WORD, *row, WORD]
            if part not in wrong and _read(form, text) != text:
                wrong.add(row)
                yield row


def _overlapped(sign: str, form: TextForm) -> Iterator[Phrase]:
    """Rows that end with a word with signs, and in which another one, or the same, begins before it and ends inside."""
    for unit in form.units.signs:
        for place in range(1, len(unit)):
            if form.fold(sign).startswith(form.fold(unit[place:].strip())):
                row = (*form.tokenise_as_printed(unit[:place]), sign)
                if len(row) > 1 and form.fold(unit) in form.fold(form.inside(row)):
                    yield row


def _rows(form: TextForm) -> Iterator[tuple[str, ...]]:
    """Each punctuation mark, and one row of two for each legal pair of kinds."""
    yield from ((mark,) for mark in form.punctuation)
    example = {kind: mark for mark, kind in reversed([*form.punctuation.items()])}
    for kind, after in FOLLOWS.items():
        yield from (
            (example[kind], example[next_kind]) for next_kind in after if kind in example and next_kind in example
        )


def _read(form: TextForm, tokens: Sequence[str]) -> list[str]:
    """What tokens are read as once they are printed inside a text."""
    return form.tokenise_as_printed(form.inside(tokens))


def unknown_words(vocabulary: Vocabulary, constraints: Sequence[Constraint]) -> list[str]:
    """What to tell the user of demanded words that the model does not know: one line, or none.

    Args:
        vocabulary: as `with_demanded` returned it.
        constraints: of the request.

    >>> from searchgen.constraints.keywords import Keywords
    >>> from searchgen.text import text_form
    >>> for word in ("學", "影", "dog"):
    ...     demanded = [Keywords((((word,),),))]
    ...     print(*unknown_words(with_demanded(Vocabulary(["狗"], text_form("zh")), demanded), demanded))
    the model does not know 學: words spelled letter by letter are improbable; write 學 in simplified characters
    the model does not know 影: words spelled letter by letter are improbable
    the model does not know dog: words spelled letter by letter are improbable; for English words take --lm en
    """
    if not vocabulary.extra:
        return []
    remark = f"the model does not know {', '.join(vocabulary.extra)}: words spelled letter by letter are improbable"
    form = vocabulary.form.name
    demanded = " ".join(word for constraint in constraints for word in constraint.demanded())
    language = detect(demanded)
    if (form == "zh" and demanded.isascii()) or (form == "en" and language == "zh"):
        return [f"{remark}; for {LANGUAGES[language]} words take --lm {language}"]
    traditional = [word for word in vocabulary.extra if form == "zh" and _is_traditional(word)]
    return [f"{remark}; write {', '.join(traditional)} in simplified characters" if traditional else remark]


def _is_traditional(word: str) -> bool:
    """Return whether a word is a traditional character: it is in the standard set of Taiwan, and not in that of the mainland."""
    return len(word) == 1 and _is_in(word, "big5") and not _is_in(word, "gb2312")


def _is_in(word: str, character_set: str) -> bool:
    try:
        return bool(word.encode(character_set))
    except UnicodeEncodeError:
        return False
