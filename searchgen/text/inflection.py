"""The forms of an English word: catch, catches, caught, catching.

The dictionary of lemminflect (MIT; of the NIH's SPECIALIST Lexicon) is imported when a form is asked for, and never before. Words that it
lacks are inflected by its rules. British and American spellings are forms of one word.

    >>> [form.text for form in word_forms("catch", "V")]
    ['catch', 'catches', 'caught', 'catching']
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import chain
from typing import NamedTuple

from searchgen.errors import RequestError

__all__ = ["PARTS_OF_SPEECH", "Form", "contractions", "forms_of_all", "marked", "spellings", "word_forms"]

#: The letters of parts of speech, as the dictionary names them.
PARTS_OF_SPEECH = {"N": "NOUN", "V": "VERB", "A": "ADJ", "R": "ADV"}

#: The other way round; auxiliaries are verbs.
LETTERS = {name: letter for letter, name in PARTS_OF_SPEECH.items()} | {"AUX": "V"}

#: The tags of the dictionary, the most usual first.
TAGS = ("NN", "NNS", "VB", "VBP", "VBZ", "VBD", "VBN", "VBG", "JJ", "JJR", "JJS", "RB", "RBR", "RBS")

#: Words that differ in a regular way: British, American.
PAIRS = """armour armor, axe ax, behaviour behavior, calibre caliber, catalogue catalog, centre center, cheque check, colour color,
cosy cozy, defence defense, demeanour demeanor, dialogue dialog, draught draft, enamour enamor, endeavour endeavor, enrol enroll,
favour favor, favourite favorite, fervour fervor, fibre fiber, flavour flavor, fulfil fulfill, glamour glamor, goitre goiter, grey gray,
harbour harbor, honour honor, humour humor, instalment installment, jewellery jewelry, kerb curb, labour labor, licence license,
litre liter, lustre luster, manoeuvre maneuver, meagre meager, metre meter, mould mold, moustache mustache, neighbour neighbor,
neighbourhood neighborhood, odour odor, offence offense, omelette omelet, parlour parlor, plough plow, practise practice,
pretence pretense, programme program, pyjamas pajamas, rancour rancor, rigour rigor, rumour rumor, sabre saber, saviour savior,
savour savor, sceptic skeptic, sceptical skeptical, skilful skillful, sombre somber, spectre specter, splendour splendor,
storey story, sulphur sulfur, theatre theater, traveller traveler, tumour tumor, tyre tire, valour valor, vapour vapor, vigour vigor,
wilful willful, woollen woolen, yoghurt yogurt"""

#: Endings of which both spellings are words where either is.
ENDINGS = (("ise", "ize"), ("yse", "yze"), ("isation", "ization"))

ANY_ENDING = tuple(chain.from_iterable(ENDINGS))

#: Shorter words with such an ending are other words: `prise` and `prize`.
SHORTEST = 6


#: What auxiliaries become after a pronoun, and the words that stand before it.
SHORT = {"be": ("m", "re", "s"), "have": ("ve", "d", "s"), "will": ("ll", "d"), "would": ("d",)}
BEFORE = "i you he she it we they that there here this what who where when why how"


_Entry = Mapping[str, tuple[str, ...]]
_Table = Mapping[str, _Entry]

NOTHING: _Entry = {}


class Form(NamedTuple):
    """A form of a word.

    Attributes:
        text: in small letters.
        parts: the letters of the parts of speech whose form it is.
    """

    text: str
    parts: str


def marked(word: str) -> tuple[str, str]:
    """A word and the part of speech that is marked on it.

    Args:
        word: as the user wrote it.

    Returns:
        The word without the mark, and its letter; "" without one.

    >>> marked("catch_V"), marked("catch"), marked("a_b")
    (('catch', 'V'), ('catch', ''), ('a_b', ''))
    """
    bare, _, letter = word.rpartition("_")
    return (bare, letter) if bare and letter in PARTS_OF_SPEECH else (word, "")


@lru_cache(maxsize=4096)
def word_forms(word: str, part: str = "", *, guess: bool = True) -> tuple[Form, ...]:
    """The forms of a word, itself first.

    Args:
        word: one word; with other signs than letters it has one form.
        part: the letter of its part of speech; "": all that the dictionary has.
        guess: whether words that it lacks are inflected by rules.

    Returns:
        Different forms. Of a form that is no base form (`caught`) those of its base form.

    Raises:
        RequestError: the dictionary is not installed.

    >>> [form.text for form in word_forms("colour", "N")]
    ['colour', 'colours', 'color', 'colors']
    >>> [form.text for form in word_forms("mice")]
    ['mice', 'mouse']
    """
    small = word.lower()
    parts = {small: ""}
    for text, letter in _inflected(small, part, guess) if small.isascii() and small.isalpha() else ():
        parts[text] = parts.get(text, "") + (letter if letter not in parts.get(text, "") else "")
    return tuple(Form(text, letters) for text, letters in parts.items())


def forms_of_all(words: Iterable[str]) -> set[str]:
    """The forms of all words of a long list: those of `word_forms` without a part of speech and without rules, at a tenth of the time.

    Args:
        words: of ASCII letters.

    Raises:
        RequestError: the dictionary is not installed.

    >>> sorted(forms_of_all(["Mice", "zorb"]))
    ['mice', 'mouse', 'zorb']
    """
    dictionary, found = _dictionary(), set(map(str.lower, words))
    others = {word for word in found - dictionary.words if word.endswith(ANY_ENDING)}
    for word in (found & dictionary.words) | others:
        for spelled in spellings(word):
            table = dictionary.inflections(spelled)
            if table:
                found.update(*table.values())
            else:
                for base in dictionary.bases(spelled):
                    found.update(_forms_of_base(*base))
    return set(map(str.lower, found))


@lru_cache(maxsize=1 << 15)
def _forms_of_base(base: str, letter: str) -> tuple[str, ...]:
    """Each form of a base form as one part of speech."""
    table = _dictionary().inflections(base)
    return tuple(text for tag, texts in table.items() if _letter(tag) == letter for text in texts)


def _letter(tag: str) -> str:
    """The letter of the part of speech of a tag."""
    return "A" if tag[0] == "J" else tag[0]


def _inflected(word: str, part: str, guess: bool) -> Iterator[tuple[str, str]]:
    """Each form of a word, and of its other spellings, with the letter of a part of speech."""
    dictionary = _dictionary()
    for spelled in spellings(word):
        tables = [(dictionary.inflections(spelled), part)]
        if not tables[0][0]:
            found = dictionary.bases(spelled)
            tables = [(dictionary.inflections(base), letter) for base, letter in found if part in ("", letter)]
        if not any(table for table, _ in tables) and guess and spelled == word:
            guessed = (part,) if part else ("N", "V")
            rules = _library().getAllInflectionsOOV
            tables = [(rules(word, PARTS_OF_SPEECH[letter]), letter) for letter in guessed]
        for table, wanted in tables:
            for tag in TAGS:
                letter = _letter(tag)
                if wanted in ("", letter):
                    yield from ((text.lower(), letter) for text in table.get(tag, ()))


def contractions(forms: Iterable[str]) -> tuple[str, ...]:
    """The short forms that hold a form of a verb, for those who write without the verb.

    Args:
        forms: of one word, in small letters.

    >>> short = contractions(["be", "is"])
    >>> "isn't" in short, "it's" in short, "it'll" in short
    (True, True, False)
    """
    forms = tuple(forms)
    endings = dict.fromkeys(ending for form in forms for ending in SHORT.get(form, ()))
    short = [f"{word}'{ending}" for word in BEFORE.split() for ending in endings]
    return (*short, *(f"{form}n't" for form in forms), *(["ain't"] if "be" in forms else []))


def spellings(word: str) -> tuple[str, ...]:
    """A word in British and American spelling.

    Args:
        word: in small letters.

    Returns:
        The word, and its other spelling if it has one.

    >>> spellings("color"), spellings("realise"), spellings("prize"), spellings("dog")
    (('color', 'colour'), ('realise', 'realize'), ('prize',), ('dog',))
    """
    other = _pairs().get(word)
    if other is None and len(word) >= SHORTEST and word.endswith(ANY_ENDING):
        for endings in ENDINGS:
            for mine, others in (endings, endings[::-1]):
                if word.endswith(mine):
                    other = word.removesuffix(mine) + others
                    other = other if _dictionary().inflections(other) else None
    return (word,) if other is None else (word, other)


@lru_cache(maxsize=1)
def _pairs() -> dict[str, str]:
    pairs = [pair.split() for pair in PAIRS.split(",")]
    # `check` and `story` are words of their own: only the British spelling leads to them.
    other_words = {"check", "draft", "curb", "story", "tire"}
    return dict(chain.from_iterable([(b, a), *([] if a in other_words else [(a, b)])] for b, a in pairs))


class _Dictionary:
    """The library's two tables for words in small letters; the library would copy an entry at every question."""

    def inflections(self, word: str) -> _Entry:
        """The forms of a base form by tag; empty for another word."""
        return self._inflections.get(word, NOTHING)

    def bases(self, word: str) -> list[tuple[str, str]]:
        """The base forms of a word, each with the letter of its part of speech."""
        found = self._lemmas.get(word, NOTHING)
        return [(base.lower(), LETTERS[part]) for part, bases in found.items() if part in LETTERS for base in bases]

    @cached_property
    def words(self) -> frozenset[str]:
        """All words of the tables, and those with another spelling."""
        return frozenset(chain(self._inflections, self._lemmas, _pairs()))

    @cached_property
    def _inflections(self) -> _Table:
        library = _library().Inflections()
        return _with_exceptions(library._getInflDict(), library._getOverridesDict())

    @cached_property
    def _lemmas(self) -> _Table:
        library = _library().Lemmatizer()
        return _with_exceptions(library._getLemmaDict(), library._getOverridesDict())


def _with_exceptions(usual: _Table, exceptions: _Table) -> _Table:
    return {**usual, **{word: {**usual.get(word, NOTHING), **entry} for word, entry in exceptions.items()}}


@lru_cache(maxsize=1)
def _dictionary() -> _Dictionary:
    return _Dictionary()


@lru_cache(maxsize=1)
def _library():  # type: ignore[no-untyped-def]
    try:
        import lemminflect
    except ImportError:
        raise RequestError("inflected forms need lemminflect: pip install lemminflect") from None
    return lemminflect
