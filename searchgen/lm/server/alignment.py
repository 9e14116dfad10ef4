"""Which of a server's tokens spell a text, by the tokens' own text: servers count offsets each in another way.

    tokens = at most two of the server's own (begin of text), those that spell the prompt, at most two behind it

A token's text is often not the part of the prompt that it stands for: a part of a character is a replacement sign (U+FFFD), a leading
space may be lost, a piece may be written as the vocabulary has it. So every token has a set of places where it may end, and a prompt is
accepted only if all ways to spell it agree on the tokens of the text.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

__all__ = ["Misaligned", "tokens_of_text"]

#: Tokens that a server may have before the prompt (begin of text, an empty first piece) and behind it (the one generated, an end token).
MOST_BEFORE, MOST_BEHIND = 2, 2

#: How one byte of a token is written: as OpenAI's servers do, and as SentencePiece does.
BYTES = re.compile(r"bytes:((?:\\x[0-9a-fA-F]{2})+)|<0x([0-9a-fA-F]{2})>")

REPLACEMENT = "\ufffd"


class Misaligned(ValueError):
    """The tokens are not those of the prompt, or leave open which ones are the text's; the text says why."""


def tokens_of_text(tokens: Sequence[str], prompt: str, begin: int, generated: bool = False) -> range:
    """Return the indices of the tokens that spell a prompt from a place on.

    Args:
        tokens: their texts, those before and behind the prompt as well.
        prompt: as it was sent.
        begin: where the text begins in it, in characters, at least 1.
        generated: whether it is known that the last token does not belong to the prompt.

    Raises:
        Misaligned: they do not spell the whole prompt, a token reaches across the beginning, or more than one reading is possible.

    Example:
        >>> tokens_of_text(["<s>", "Say", ":", " a", " dog", "!"], "Say: a dog", 4)
        range(3, 5)
    """
    if any(token.startswith("token_id:") for token in tokens):
        raise Misaligned("its tokens are numbers (vLLM: start it without --return-tokens-as-token-ids)")
    data, low = _bytes(prompt), len(_bytes(prompt[:begin]))
    first: Misaligned | None = None
    for reading in (str, _from_byte_alphabet, _from_sentence_pieces):
        texts = [reading(token) for token in tokens]
        try:
            return _agreed(texts, data, low, generated)
        except Misaligned as error:
            first = first or error
    assert first is not None
    raise first


def _agreed(tokens: Sequence[str], data: bytes, low: int, generated: bool) -> range:
    places = _places(tokens, data)
    ends = [i for i, reached in enumerate(places) if len(data) in reached and len(tokens) - i <= MOST_BEHIND]
    if generated and len(tokens) - 1 in ends:
        ends = [len(tokens) - 1]
    if not ends:
        raise Misaligned(_why(places, data))
    fits = _that_go_on(tokens, data, places, ends)
    begins = [i for i, reached in enumerate(fits) if low in reached]
    if not begins:
        raise Misaligned("a token reaches across the end of the prompt; end --prompt at a word")
    # An empty token belongs to the text behind it: a part of a character whose last part has all of it.
    if any(tokens[begins[0] : begins[-1]]) or any(tokens[ends[0] : ends[-1]]):
        raise Misaligned(
            "its tokens leave open where the text begins or ends; give --end newline, and end --prompt with a letter"
        )
    return range(begins[0], ends[0])


def _places(tokens: Sequence[str], data: bytes) -> list[set[int]]:
    """Return, for each number of tokens, the places of the prompt that they may reach."""
    places: list[set[int]] = [{0}]
    for i, token in enumerate(tokens, 1):
        reached = {end for begin in places[-1] for end in _ends(token, data, begin)}
        places.append(reached | {0} if i <= MOST_BEFORE else reached)
    return places


def _that_go_on(tokens: Sequence[str], data: bytes, places: list[set[int]], ends: Sequence[int]) -> list[set[int]]:
    """Return the places from which the rest of the tokens reaches the prompt's end."""
    fits: list[set[int]] = [set() for _ in places]
    for i in range(len(tokens), -1, -1):
        fits[i] = {len(data)} & places[i] if i in ends else set()
        if i < len(tokens):
            fits[i] |= {begin for begin in places[i] if fits[i + 1].intersection(_ends(tokens[i], data, begin))}
    return fits


def _why(places: list[set[int]], data: bytes) -> str:
    reached = max(max(place, default=0) for place in places)
    if not reached:
        return (
            "its tokens do not spell the prompt: it scores something else, or only the end of a prompt that is too long"
        )
    part = data[:reached].decode("utf-8", "ignore")
    return f"its tokens spell only {len(part)} of the {len(data.decode('utf-8', 'replace'))} characters of the prompt"


def _ends(token: str, data: bytes, begin: int) -> Iterator[int]:
    """Yield where in the prompt a token may end that begins at a place."""
    if match := BYTES.fullmatch(token):
        exact = bytes.fromhex((match[1] or match[2]).replace("\\x", ""))
        if data.startswith(exact, begin):
            yield begin + len(exact)
    yield from _spelled(token, data, begin)
    # Pieces of SentencePiece lose their space when they are decoded one by one, and the first of a text has one more.
    if token and data.startswith(b" ", begin):
        yield from _spelled(token, data, begin + 1)
    if begin == 0 and token.startswith(" "):
        yield from _spelled(token[1:], data, 0)


def _spelled(token: str, data: bytes, begin: int) -> Iterator[int]:
    head, sign, rest = token.partition(REPLACEMENT)
    exact = _bytes(head)
    if not data.startswith(exact, begin):
        return
    begin += len(exact)
    if not sign:
        yield begin
        return
    for end in _partial(data, begin):
        yield from _spelled(rest, data, end)


def _partial(data: bytes, begin: int) -> Iterator[int]:
    """Yield where a replacement sign may end: behind bytes that are no whole character, or behind the sign itself."""
    if begin >= len(data) or data[begin] < 0x80:
        return
    if data[begin] < 0xC0:
        yield begin + 1
        return
    length = 2 if data[begin] < 0xE0 else 3 if data[begin] < 0xF0 else 4
    yield from range(begin + 1, begin + length)
    if data.startswith(_bytes(REPLACEMENT), begin):
        yield begin + 3


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # servers may part a character that is a pair


@cache
def _byte_alphabet() -> dict[str, int]:
    """Return the byte that each letter of the vocabulary of GPT-2 and others stands for."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + i): byte for i, byte in enumerate(others)}


def _from_byte_alphabet(token: str) -> str:
    """Return a piece of a byte-level vocabulary as text, parts of characters as replacement signs."""
    alphabet = _byte_alphabet()
    if not all(sign in alphabet for sign in token):
        return token
    return bytes(alphabet[sign] for sign in token).decode("utf-8", "replace")


def _from_sentence_pieces(token: str) -> str:
    return token.replace("\u2581", " ")
