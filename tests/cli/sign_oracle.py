"""Items with signs as people write them, and a judge of printed texts that knows nothing but their letters. Imports nothing of searchgen.

An item is held where it stands as it is written, between borders: the edge of the text, a space, or a sign. Case counts where a word has
signs inside. Two spellings of one sign are the same: composed and decomposed accents, curly and straight quotation marks, and in Chinese
full-width and ASCII punctuation.
"""

import random
import re
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from unicodedata import category, normalize

#: Marks that no letter goes on with.
CLOSED = frozenset("《》〈〉")

HAN = re.compile("[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
ALIKE = str.maketrans("‘’“”", "''\"\"")
WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | str.maketrans(
    {"。": ".", "、": ",", "…": ".", "—": "-"}
)
EMOJI = [
    *(
        "😀",
        "😂",
        "🎉",
        "❤️",
        "👍🏽",
        "👩\u200d👩\u200d👧",
        "🇩🇪",
        "🇨🇳",
        "1️⃣",
        "#️⃣",
        "☕",
        "🤷🏿\u200d♀️",
        "✈️",
        "😀😀",
        "👍👍🏻",
    ),
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
]
SYMBOLS = "+*=<>|~^%$#@&_/\\°§¶№™®©×÷±€£¥µ½¼"
UNITS = ["°C", "°F", "€", "kg%", "mm²", "km/h", "m/s", "Ω", "µg", "™", "®", "%"]


@dataclass(frozen=True)
class Item:
    """What is asked for.

    Attributes:
        text: as a user writes it.
        exact: whether its case is kept.
    """

    text: str
    exact: bool = False


def held(item: Item, text: str, *, chinese: bool) -> bool:
    """Whether a printed text holds an item."""
    return any(True for _ in _places(item, text, chinese))


def begins(item: Item, text: str, *, chinese: bool) -> bool:
    """Whether a printed text begins with an item."""
    return any(begin == 0 for begin, _ in _places(item, text, chinese))


def ends(item: Item, text: str, *, chinese: bool) -> bool:
    """Whether a printed text ends with an item, final and closing marks aside."""
    return any(rest.strip(".?!'\")]》") == "" for _, rest in _places(item, text, chinese))


def _places(item: Item, text: str, chinese: bool) -> Iterator[tuple[int, str]]:
    """Yield where a text holds an item, and what follows it."""
    wanted, within = _spelled(item.text, chinese), _spelled(text, chinese)
    if not item.exact:
        wanted, within = wanted.casefold(), within.casefold()
    at = within.find(wanted)
    while at >= 0:
        before, rest = within[at - 1 : at] if at else "", within[at + len(wanted) :]
        if _border(before, wanted[0]) and _border(rest[:1], wanted[-1]) and not _goes_on(rest[:1]):
            yield at, rest
        at = within.find(wanted, at + 1)


def _spelled(text: str, chinese: bool) -> str:
    text = " ".join(normalize("NFC", text).translate(ALIKE).split())
    if chinese:
        text = re.sub(r"\.{2,}", "...", text.translate(WIDE))
        text = re.sub(r"(?<=[\u3000-\u9fff]) | (?=[\u3000-\u9fff])", "", text)
    return text


def _border(beside: str, edge: str) -> bool:
    return not beside.isalnum() or edge in CLOSED or HAN.match(beside) is not None or HAN.match(edge) is not None


def _goes_on(beside: str) -> bool:
    """Whether a character goes on with the sign before it."""
    return bool(beside) and (category(beside)[0] == "M" or beside == "\u200d" or "\U0001f3fb" <= beside <= "\U0001f3ff")


Make = Callable[[random.Random, Sequence[str]], Item]


def _letters(choose: random.Random, least: int = 1, most: int = 4) -> str:
    return "".join(choose.choices(string.ascii_uppercase, k=choose.randint(least, most)))


def _number(choose: random.Random) -> str:
    return str(choose.randint(1, 10 ** choose.randint(1, 4)))


#: Kinds of items with signs; words of the language come in as `w`.
KINDS: dict[str, Make] = {
    "A&B": lambda c, w: Item(f"{_letters(c)}&{_letters(c)}", True),
    "C++": lambda c, w: Item(_letters(c, 1, 2) + c.choice(["#", "++", "+", "*", "--", "!!", "**"]), True),
    "a/b": lambda c, w: Item(f"{c.choice(w)}/{c.choice(w)}"),
    "24/7": lambda c, w: Item(f"{_number(c)}{c.choice('/-:.x×')}{_number(c)}"),
    "A/B": lambda c, w: Item(f"{_letters(c)}/{_letters(c)}", True),
    "20°C": lambda c, w: Item(f"{_number(c)}{c.choice(UNITS)}"),
    "#1": lambda c, w: Item(c.choice("#§№$€£¥~") + _number(c)),
    "@name": lambda c, w: Item(c.choice("@#$~^") + c.choice(w), True),
    "snake_case": lambda c, w: Item("_".join(c.sample(w, c.randint(2, 3))), True),
    "node.js": lambda c, w: Item(f"{c.choice(w)}.{c.choice(['js', 'com', 'py', 'NET', 'md', 'io'])}", True),
    ".NET": lambda c, w: Item(f".{_letters(c, 2)}", True),
    "Ph.D.": lambda c, w: Item(f"{_letters(c, 1, 1)}{c.choice('abh')}.{_letters(c, 1, 1)}.", True),
    "No. 7": lambda c, w: Item(f"{c.choice(['No', 'Fig', 'Nr', 'approx', 'p', 'ca', 'Art', 'Sec'])}. {_number(c)}"),
    "e-mail": lambda c, w: Item(f"{c.choice(w)}{c.choice(['', '.x', '+1', '_b'])}@{c.choice(w)}.org", True),
    "URL": lambda c, w: Item(
        f"{c.choice(['http://', 'https://', 'www.'])}{c.choice(w)}.com/{c.choice(w)}?q={_number(c)}&x#y", True
    ),
    "emoji": lambda c, w: Item("".join(c.choices(EMOJI, k=c.randint(1, 2))), True),
    "word and emoji": lambda c, w: Item(c.choice(w) + c.choice(EMOJI)),
    "a*b": lambda c, w: Item(f"{c.choice(w)}{c.choice(SYMBOLS)}{c.choice(w)}"),
    "<b>": lambda c, w: Item(f"<{c.choice(['', '/'])}{c.choice(w)}>", True),
    "foo(bar)": lambda c, w: Item(f"{c.choice(w)}({c.choice(['', c.choice(w)])})", True),
    "-v": lambda c, w: Item(c.choice(["-", "--", "/", "\\", "+"]) + c.choice(w), True),
    "x=1": lambda c, w: Item(
        f"{c.choice(w)}{c.choice(['=', '==', '+=', '<', '>=', '->', '=>', '::', ':='])}{_number(c)}", True
    ),
    "v1.2.3": lambda c, w: Item(f"v{_number(c)}.{_number(c)}.{_number(c)}"),
    "a. B": lambda c, w: Item(f"{c.choice(w)}{c.choice('.?!')} {c.choice(w).capitalize()}"),
    "wow!!!": lambda c, w: Item(c.choice(w) + c.choice(["!!!", "?!", "!?", "...", "…", "!", "?"])),
    "a—b": lambda c, w: Item(
        f"{c.choice(w)}{c.choice(['—', '–', ' – ', '--', ' — ', '…', '·', '•', ' & ', ' + ', ' | '])}{c.choice(w)}"
    ),
    "(a)": lambda c, w: Item(
        c.choice(["({})", "[{}]", "{{{}}}", "«{}»", "*{}*", "_{}_", "`{}`", "~{}~", "({}", "{})"]).format(c.choice(w))
    ),
    "smiley": lambda c, w: Item(
        c.choice([":)", ";-)", ":-(", "^_^", "<3", "T_T", "o_O", "¯\\_(ツ)_/¯", "+-", "!=", "??", "***", "->", "//"])
    ),
    "iPhone": lambda c, w: Item(c.choice("ieqz") + c.choice(w).capitalize() + c.choice(["", _number(c)]), True),
    "sound²": lambda c, w: Item(c.choice(w) + c.choice(["²", "³", "™", "®", "°", "′", "″", "%", "+", "*", "'"])),
    "it's/a": lambda c, w: Item(f"{c.choice(w)}'{c.choice(['s', 'll', 're'])}{c.choice('/&+')}{c.choice(w)}"),
    "accent": lambda c, w: Item(
        c.choice(w) + c.choice(["e\u0301", "ñ", "a\u0308", "ß", "ø"]) + c.choice(["", "+", "/x"])
    ),
    "two": lambda c, w: Item(f"{c.choice(w)} {_letters(c)}{c.choice('&+#/')}{_letters(c)}"),
    "feet": lambda c, w: Item(c.choice([f'{_number(c)}"', f"{_number(c)}'", f"{_number(c)}'{_number(c)}\""])),
}

#: Kinds that only Chinese texts have; `w` are words of two characters.
CHINESE_KINDS: dict[str, Make] = {
    "C++语言": lambda c, w: Item(_letters(c, 1, 2) + c.choice(["++", "#", "&B", "/B", "+"]) + c.choice(w), True),
    "5G手机": lambda c, w: Item(f"{_number(c)}{_letters(c, 1, 1)}{c.choice(w)}"),
    "#话题#": lambda c, w: Item(f"#{c.choice(w)}#"),
    "@小明": lambda c, w: Item(f"@{c.choice(w)}"),
    "《书》": lambda c, w: Item(f"《{c.choice(w)}》"),
    "“词”": lambda c, w: Item(f"“{c.choice(w)}”"),
    "词·词": lambda c, w: Item(f"{c.choice(w)}{c.choice('·/+&~-')}{c.choice(w)}"),
    "50%词": lambda c, w: Item(f"{_number(c)}{c.choice(['%', '°C', '€', '‰', '㎡'])}{c.choice(w)}"),
    "词(词)": lambda c, w: Item(c.choice(["{}({})", "{}（{}）", "{}[{}]"]).format(*c.sample(list(w), 2))),
    "词！": lambda c, w: Item(c.choice(w) + c.choice(["！", "？", "!", "……", "...", "～", "！！！"])),
    "词。词": lambda c, w: Item(f"{c.choice(w)}{c.choice(['。', '！', '？', '；', '：', '——'])}{c.choice(w)}"),
    "词😀": lambda c, w: Item(c.choice(w) + c.choice(EMOJI)),
    "ＡＢ": lambda c, w: Item("".join(chr(ord(letter) + 0xFEE0) for letter in _letters(c)) + c.choice(w)),
    "node.js词": lambda c, w: Item(f"node.js{c.choice(w)}", True),
    "¥100": lambda c, w: Item(f"{c.choice('¥$￥')}{_number(c)}"),
}  # fmt: skip
LATIN = ["code", "site", "data", "app", "web", "dog", "page", "test"]


def items(lang: str, count: int, seed: int, words: Sequence[str]) -> list[tuple[str, Item]]:
    """Items with signs, each with the name of its kind: in English, in Chinese, or mixed.

    Args:
        lang: "en", "zh", or "mixed": Chinese with signs of Latin words.
        count: how many.
        seed: of the choices.
        words: of the language.
    """
    choose = random.Random(f"{lang} {seed}")
    kinds = CHINESE_KINDS if lang == "zh" else KINDS
    source = words if lang != "mixed" else LATIN
    made = []
    for _ in range(count):
        kind = choose.choice([*kinds])
        made.append((kind, kinds[kind](choose, source)))
    return made
