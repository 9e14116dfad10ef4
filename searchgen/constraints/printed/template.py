r"""Templates: a text with gaps, `The ___ of the ___ is ___.`, and with named slots, `Book a table in {city}.` with fillers.

A run of two or more `_` or `＿` is a gap of one word. `___{2..4}` is one of two to four words, `___*` of any number. In Chinese a gap has
one to four characters, and `___{2..4字}` two to four. `\_`, `\{`, `\*` and `\\` are the signs themselves.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, ClassVar, NamedTuple

from searchgen.automata import Automaton
from searchgen.automata.expressions import Alt, Expression, Seq, compiled
from searchgen.constraints.base import Constraint, Phrase, Setting, word_count
from searchgen.constraints.flags import TEXTS, Flag
from searchgen.constraints.length import MOST_WORDS
from searchgen.constraints.printed.condition import Printed
from searchgen.constraints.printed.ranges import Range
from searchgen.constraints.printed.signs import Signs
from searchgen.errors import RequestError
from searchgen.text import TextForm
from searchgen.text.casing import capitalised
from searchgen.text.items.lists import parse_items
from searchgen.text.items.reading import item_tokens
from searchgen.text.printing import Alphabet
from searchgen.vocabulary import Vocabulary

__all__ = ["Fixed", "Gap", "Slot", "Template", "parsed_template", "read_slot", "slots_given"]

#: Characters of a gap of one word in Chinese.
ONE_WORD = Range(1, 4)

#: The longest template, and the most fillers of its slots.
LONGEST, MOST_FILLERS = 2_000, 100_000

PIECES = re.compile(
    r"\\(?P<escaped>[_＿{}*\\])|(?P<gap>[_＿]{2,}|＿)(?:(?P<any>\*)|\{(?P<range>[\d. ]+)(?P<unit>字?)\})?"
    r"|\{(?P<slot>[^\W\d]\w*)\}|(?P<fixed>.)",
    re.DOTALL,
)


class Fixed(NamedTuple):
    """A part that is printed as it stands."""

    text: str


class Gap(NamedTuple):
    """Some words, or in Chinese some characters; `before` and `after` go with them where there may be none."""

    size: Range
    before: str = ""
    after: str = ""


class Slot(NamedTuple):
    """One of some fillers."""

    name: str
    fillers: tuple[str, ...]


Part = Fixed | Gap | Slot


def read_slot(value: str) -> str:
    """Return a value of the flag with the lines of a file in place of its name.

    Args:
        value: as NAME=LIST or NAME=@FILE.

    Raises:
        RequestError: the file cannot be read, or is empty.
    """
    name, sign, listed = value.partition("=")
    if not sign or not listed.strip().startswith("@"):
        return value
    try:
        items = parse_items([listed.strip()])
    except RequestError as error:
        raise RequestError(f"--slot {name!r}: {error}") from None
    fillers = (re.sub(r"([,，、|@\\])", r"\\\1", phrase) for item in items for phrase in item)
    return f"{name}={','.join(fillers)}"


@dataclass(frozen=True)
class Template(Printed):
    """The printed text is a template with its gaps and slots filled.

    Attributes:
        source: as the user wrote it.
        parts_of_text: what it consists of.
        named: the tokens of fixed parts, without what a gap or slot goes on with, and of fillers.
    """

    name: ClassVar[str] = "template"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag(
            "template",
            str,
            "A text with gaps: ___ one word, ___{2..4} a range, ___* any number, {name} a slot.",
            "TEXT",
            "",
            "",
        ),
        Flag("slot", TEXTS, "Fillers of a slot, as NAME=LIST or NAME=@FILE.", "NAME=LIST", (), (), read=read_slot),
    )
    source: str
    parts_of_text: tuple[Part, ...]
    named: tuple[Phrase, ...] = ()

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the template with its slots filled.

        Raises:
            RequestError: a slot has no fillers, or fillers have no slot.
        """
        source = demands["template"]
        if not source:
            if demands["slot"]:
                raise RequestError("--slot without --template; give the text that has the slot")
            return ()
        return (cls.of_source(source, demands["slot"], setting.form),)

    @classmethod
    def of_source(cls, source: str, slots: Sequence[str], form: TextForm) -> "Template":
        """Return the template of a source.

        Args:
            source: as the user wrote it.
            slots: as NAME=LIST.
            form: of the texts.

        Raises:
            RequestError: it is no template, or a slot has no fillers.
        """
        parts = tuple(parsed_template(source, slots_given(slots), form))
        named = (_tokens(text, form) for text in _texts(parts))
        return cls(source, parts, tuple(phrase for phrase in named if phrase))

    @classmethod
    def check(cls, demands: Mapping[str, Any]) -> None:
        """Refuse templates that are too long, and slots that are none."""
        slots_given(demands["slot"])

    @classmethod
    def wording(cls, demands: Mapping[str, Any]) -> str:
        """Return the fixed parts and the fillers."""
        fillers = [value.partition("=")[2] for value in demands["slot"] or ()]
        fixed = PIECES.sub(lambda match: match["fixed"] or match["escaped"] or " ", demands["template"] or "")
        return " ".join(
            [fixed or demands["template"] or "", *(filler for filler in fillers if not filler.startswith("@"))]
        ).strip(" ") or (demands["template"] or "")

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield the one part."""
        if demands["template"]:
            only = {"template": demands["template"], "slot": demands["slot"]}
            yield f"template {demands['template']}", only, {"template": "", "slot": ()}

    def validate(self) -> None:
        """Refuse an empty template."""
        if not self.parts_of_text:
            raise RequestError("--template is empty; give a text with gaps, such as: The ___ of the ___.")

    def describe(self) -> str:
        """The source."""
        return f"template {self.source}"

    def hyphens(self) -> int:
        """Those of the fixed parts and of the fillers."""
        texts = [
            part.fillers if isinstance(part, Slot) else (part.text,)
            for part in self.parts_of_text
            if not isinstance(part, Gap)
        ]
        return sum(max(text.count("-") for text in alternatives) for alternatives in texts)

    def word_range(self, form: TextForm) -> tuple[int, int | None]:
        """The words of the fixed parts and of the gaps."""
        low, high, endless = 0, 0, False
        for part in self.parts_of_text:
            if isinstance(part, Gap):
                low, high, endless = (
                    low + part.size.low,
                    high + (part.size.high or 0),
                    endless or part.size.high is None,
                )
            else:
                texts = [part.text] if isinstance(part, Fixed) else part.fillers
                counts = [word_count(form.tokenise_as_printed(text), form) for text in texts]
                low, high = low + min(counts), high + max(counts)
        return max(1, low), None if endless else min(MOST_WORDS, max(high, 1))

    def phrases(self) -> Sequence[Phrase]:
        """The tokens of fixed parts and fillers."""
        return self.named

    def demanded(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(dict.fromkeys(token for phrase in self.named for token in phrase))

    def exactly(self, vocabulary: Vocabulary) -> Iterator[str]:
        """The words of the template that the vocabulary would print in another case."""
        form, opens = vocabulary.form, isinstance(self.parts_of_text[0], Fixed)
        for place, token in enumerate(token for phrase in self.named for token in phrase):
            known = vocabulary.matching(token)
            if place == 0 and opens:
                if token not in form.firsts([vocabulary[one] for one in known] or [token]):
                    yield token
            elif known and vocabulary.find(token) < 0:
                yield token

    def characters(self, alphabet: Alphabet, form: str, limit: int) -> Automaton:
        """The parts, one after the other."""
        signs = Signs(alphabet, form)
        parts = [_expression(part, signs, first=place == 0) for place, part in enumerate(self.parts_of_text)]
        whole: Expression = Seq(tuple(parts))
        opening = self.parts_of_text[:2]
        if (
            len(opening) == 2
            and isinstance(opening[0], Gap)
            and not opening[0].size.low
            and isinstance(opening[1], Fixed)
        ):
            # Where the first gap is empty, what follows has the capital.
            fixed = signs.literal(opening[1].text[:1].upper() + opening[1].text[1:])
            whole = Alt((whole, Seq((fixed, *parts[2:]))))
        return compiled(whole, len(alphabet))

    def held_by(self, text: str, form: str) -> bool:
        """Whether the text is the template, filled."""
        alphabet = Alphabet.of([text])
        return self.characters(alphabet, form, 0).accepts([alphabet.index(character) for character in text])


def _tokens(text: str, form: TextForm) -> Phrase:
    """The tokens of a stretch of text; a final mark after a word with signs is no part of it."""
    tokens = item_tokens(text, form)
    last = tokens[-1] if tokens else ""
    if len(last) > 1 and last[-1] in form.final_tokens and form.tokenise_as_printed(last) != [last]:
        return (*item_tokens(text[:-1], form), last[-1])
    return tokens


def _texts(parts: Sequence[Part]) -> Iterator[str]:
    """The texts that stand in a template, without the letters that a gap or slot goes on with: `un___` has no word `un`."""
    for place, part in enumerate(parts):
        if isinstance(part, Slot):
            yield from part.fillers
        elif isinstance(part, Fixed):
            text = part.text
            before, after = parts[place - 1 : place], parts[place + 1 : place + 2]
            if place > 0 and text[0].isalnum() and text[0].isascii() and not getattr(before[0], "after", ""):
                text = text[len(text.split(" ")[0]) :]
            if after and text[-1:].isalnum() and text.isascii() and not getattr(after[0], "before", ""):
                text = text[: len(text) - len(text.rsplit(" ", 1)[-1])]
            yield text.strip(" ")


def _expression(part: Part, signs: Signs, first: bool) -> Expression:
    if isinstance(part, Fixed):
        return signs.literal(part.text)
    if isinstance(part, Slot):
        firsts = tuple(map(capitalised, part.fillers)) if first and signs.form == "en" else ()
        return signs.any_of(tuple(dict.fromkeys((*part.fillers, *firsts))))
    low, high = part.size
    gap = signs.ideographs(low, high) if signs.form == "zh" else signs.words(low, high)
    filled = Seq((signs.literal(part.before), gap, signs.literal(part.after)))
    return filled if low else signs.maybe(filled)


def slots_given(values: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the fillers of each slot.

    Args:
        values: as NAME=LIST.

    Raises:
        RequestError: a value has no name or no filler.

    Example:
        >>> slots_given(["city=Paris,New York", "n=2|four"])
        {'city': ('Paris', 'New York'), 'n': ('2', 'four')}
    """
    slots: dict[str, tuple[str, ...]] = {}
    for value in values:
        name, sign, listed = value.partition("=")
        name = name.strip()
        if not sign or not re.fullmatch(r"[^\W\d]\w*", name):
            raise RequestError(f"--slot {value[:40]!r}: give NAME=LIST or NAME=@FILE, such as city=Paris,Rome")
        if name in slots:
            raise RequestError(f"--slot {name!r} is given twice; put all its fillers into one list")
        if listed.strip().startswith("@"):
            raise RequestError(f"--slot {name!r}: only the command line reads files; write \\@ for the sign itself")
        if not listed.strip():
            raise RequestError(f"--slot {name!r} has no filler; give at least one, such as {name}=Paris,Rome")
        try:
            fillers = [phrase for item in parse_items([listed]) for phrase in item]
        except RequestError as error:
            raise RequestError(f"--slot {name!r}: {error}") from None
        if len(fillers) > MOST_FILLERS:
            raise RequestError(f"--slot {name!r} has {len(fillers):,} fillers; at most {MOST_FILLERS:,} are possible")
        slots[name] = tuple(dict.fromkeys(fillers))
    return slots


def parsed_template(source: str, slots: Mapping[str, tuple[str, ...]], form: TextForm) -> list[Part]:
    r"""Return the parts of a template.

    Args:
        source: as the user wrote it.
        slots: the fillers of each slot.
        form: of the texts; it decides what a gap is.

    Raises:
        RequestError: it is too long, or a slot has no fillers, or fillers have no slot.

    Example:
        >>> from searchgen.text import text_form
        >>> [part[0] for part in parsed_template(r"A ___ \_ {x}.", {"x": ("dog",)}, text_form("en"))]
        ['A ', Range(low=1, high=1), ' _ ', 'x', '.']
    """
    if len(source) > LONGEST:
        raise RequestError(f"--template has {len(source):,} characters; at most {LONGEST:,} are possible")
    parts: list[Part] = []
    for match in PIECES.finditer(_spelled(source, form)):
        if match["gap"]:
            parts.append(Gap(_size(match, form.name)))
        elif match["slot"]:
            parts.append(_slot(match["slot"], slots, parts))
        else:
            sign = match["escaped"] or match["fixed"]
            before = parts.pop().text if parts and isinstance(parts[-1], Fixed) else ""  # type: ignore[union-attr]
            parts.append(Fixed(before + sign))
    unused = next(
        (name for name in slots if not any(isinstance(part, Slot) and part.name == name for part in parts)), None
    )
    if unused is not None:
        raise RequestError(f"--template has no slot {{{unused}}}; write it there, or drop --slot {unused}=...")
    if form.name == "zh":
        parts = [Fixed(form.normalise(part.text)) if isinstance(part, Fixed) else part for part in parts]
    return _joined([part for part in parts if part != Fixed("")])


def _spelled(source: str, form: TextForm) -> str:
    """A template with the quotation marks, dots and dashes that are printed; in Chinese its parts are spelled one by one."""
    single = " ".join(source.split())
    return single if form.name != "en" else re.sub(" ?-- ?", " -- ", form.normalise(single))


def _slot(name: str, slots: Mapping[str, tuple[str, ...]], parts: Sequence[Part]) -> Slot:
    if name not in slots:
        near = get_close_matches(name, slots, 1)
        hint = f"; did you mean {{{near[0]}}}?" if near else f"; give --slot {name}=LIST"
        raise RequestError(f"--template: the slot {{{name}}} has no fillers{hint}")
    if any(isinstance(part, Slot) and part.name == name for part in parts):
        raise RequestError(
            f"--template: the slot {{{name}}} stands there twice; give each its own name, such as {{{name}2}}"
        )
    return Slot(name, slots[name])


def _size(match: re.Match[str], form: str) -> Range:
    """The words of a gap, or in Chinese its characters."""
    if match["any"]:
        return Range(0, None)
    if not match["range"]:
        return ONE_WORD if form == "zh" else Range(1, 1)
    size = Range.of(f"--template: {match[0]!r}", match["range"], MOST_WORDS)
    if form != "zh" or match["unit"]:
        return size
    return Range(size.low * ONE_WORD.low, None if size.high is None else size.high * (ONE_WORD.high or 1))


def _joined(parts: list[Part]) -> list[Part]:
    """Parts in which a gap that may be empty has the space beside it, so that none is left over."""
    for place, part in enumerate(parts):
        if not isinstance(part, Gap) or part.size.low:
            continue
        before = parts[place - 1] if place else None
        after = parts[place + 1] if place + 1 < len(parts) else None
        if isinstance(before, Fixed) and before.text.endswith(" "):
            parts[place - 1], parts[place] = Fixed(before.text[:-1]), part._replace(before=" ")
        elif isinstance(after, Fixed) and after.text.startswith(" "):
            parts[place + 1], parts[place] = Fixed(after.text[1:]), part._replace(after=" ")
    return [part for part in parts if part != Fixed("")]
