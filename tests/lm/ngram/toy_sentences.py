"""Sentences of letters, always the same ones."""

__all__ = ["toy_sentences"]


def toy_sentences(letters: str, count: int, seed: int = 7) -> list[list[str]]:
    """Return sentences of 1 to 6 words; a letter that stands twice is twice as frequent."""
    state, sentences = seed, []
    for _ in range(count):
        sentence = []
        for _ in range(1 + state % 6):
            state = (1103515245 * state + 12345) % 2**31
            sentence.append(letters[(state >> 16) % len(letters)])
        sentences.append(sentence)
    return sentences
