"""How a transformer is made from text."""

from dataclasses import dataclass

from searchgen.errors import RequestError

__all__ = ["ROW", "SIZES", "Recipe", "Size"]

#: Positions of a row, into which sentences are packed; the model's context.
ROW = 256


@dataclass(frozen=True)
class Size:
    """The sizes of a network, its vocabulary apart, and the highest rate at which it learns well."""

    width: int
    layers: int
    heads: int
    inner: int
    rate: float


#: About 6, 12 and 25 million weights with 8,192 pieces.
SIZES = {
    "tiny": Size(256, 5, 4, 704, 2e-3),
    "small": Size(384, 5, 6, 960, 1.5e-3),
    "base": Size(512, 6, 8, 1536, 1e-3),
}

#: The rate of weights that are taken over, as a share of that of drawn ones.
AGAIN = 0.5

#: Fewest pieces of a vocabulary: all bytes, begin and end.
FEWEST_PIECES = 258


@dataclass(frozen=True)
class Recipe:
    """How a transformer is made from text. What is here makes the result, whatever machine makes it, up to rounding.

    Attributes:
        size: tiny, small or base.
        untied: whether the output layer has its own table, in place of the embedding.
        form: the text form, "en" or "zh".
        tokens: pieces to learn from, repeated ones counted again; None: as many as the minutes allow.
        minutes: of training, from which the first steps' speed makes a number of steps; None: no limit.
        seed: of weights, order and dropout.
        batch: positions of a step.
        rate: the highest learning rate; None: the size's own.
        dropout: share of each block's results that training drops.
        held_out: percentage of the sentences that is left out, by the n-gram models' rule: always the same ones.
        max_words: most words of a sentence (characters in Chinese), to learn from or held out; None: any number.
        vocabulary: most pieces of the tokenizer.
        tokenizer: the folder of a model whose tokenizer is taken; None: one is made of the text.
        start_from: the model whose weights and tokenizer are taken to begin with; None: drawn weights.
    """

    size: str = "tiny"
    untied: bool = False
    form: str = "en"
    tokens: int | None = None
    minutes: float | None = None
    seed: int = 0
    batch: int = 4096
    rate: float | None = None
    dropout: float = 0.0
    held_out: float = 5.0
    max_words: int | None = None
    vocabulary: int = 8192
    tokenizer: str | None = None
    start_from: str | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            RequestError: one of them is impossible.
        """
        if self.size not in SIZES:
            raise RequestError(f"--size {self.size!r}: give one of {', '.join(SIZES)}")
        if self.form not in ("en", "zh"):
            raise RequestError(f"--lang {self.form!r} is unknown; give en or zh")
        self._check_counts()
        if self.minutes is not None and not self.minutes > 0:
            raise RequestError(f"--minutes {self.minutes:g} is impossible; it must be above 0")
        if self.rate is not None and not self.rate > 0:
            raise RequestError(f"--rate {self.rate:g} is impossible; it must be above 0")
        if not 0 <= self.dropout < 1:
            raise RequestError(f"--dropout {self.dropout:g} is impossible; it must be from 0 to less than 1")
        if self.tokenizer and self.start_from:
            raise RequestError(f"--start-from {self.start_from} has its own tokenizer; drop --tokenizer")
        if not 0 < self.held_out < 100:
            raise RequestError(f"--held-out {self.held_out:g} is impossible; it must be above 0 and below 100 percent")

    def _check_counts(self) -> None:
        for name, number in (("tokens", self.tokens), ("max-words", self.max_words)):
            if number is not None and number < 1:
                raise RequestError(f"--{name} {number} is impossible; it must be at least 1")
        if self.batch < ROW or self.batch % ROW:
            raise RequestError(f"--batch {self.batch} is impossible; it must be a multiple of {ROW}")
        if not -(1 << 63) <= self.seed < 1 << 63:
            raise RequestError(f"--seed {self.seed} is impossible; it must fit into 64 bits")
        if not FEWEST_PIECES <= self.vocabulary <= 1 << 16:
            raise RequestError(f"--vocab {self.vocabulary} is impossible; it must be from {FEWEST_PIECES} to {1 << 16}")

    @property
    def peak(self) -> float:
        """The highest learning rate; weights that have learnt already are moved less."""
        if self.rate is not None:
            return self.rate
        return SIZES[self.size].rate * (AGAIN if self.start_from else 1.0)
