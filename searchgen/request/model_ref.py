"""What `--lm` names, parsed once: the kind of model, its parts, and the n-gram model that proposes to it."""

from dataclasses import dataclass, replace

from searchgen.lm.embedded import ngram_name
from searchgen.lm.open import model_type
from searchgen.text import detect

__all__ = ["NGRAM", "ModelRef", "default_model"]

#: The kind of every n-gram model; the other kinds are those of `searchgen.lm.open.kinds`.
NGRAM = "ngram"


def default_model(words: str, law: bool = False) -> str:
    """Return the model of a request that names none: the embedded one of the words' language.

    Args:
        words: every word that must occur.
        law: whether it is to be the n-gram model alone, whose law every sampler can draw from, and not the mixture.

    Example:
        >>> default_model("学校"), default_model("dog", law=True)
        ('zh', 'en-ngram')
    """
    return ngram_name(detect(words)) if law else detect(words)


@dataclass(frozen=True)
class ModelRef:
    """A language model by name.

    Attributes:
        kind: "ngram", or a kind of the registry of text models.
        name: as the user named it, else the default of the words' language.
        parts: of a mixture, each with its weight.
        proposer: the n-gram model whose vocabulary serves a request: the model itself, or the one that proposes to it.
        language: of the words, "en" or "zh".
    """

    kind: str
    name: str
    parts: tuple[tuple[str, float], ...]
    proposer: str
    language: str

    @staticmethod
    def parse(lm: str, words: str = "") -> "ModelRef":
        """Return the model that a value of `--lm` names.

        Args:
            lm: the value.
            words: every word of the request, which decide the n-gram model beside models of any language.

        Raises:
            RequestError: it is a mixture whose weights are wrong.

        Example:
            >>> model = ModelRef.parse("gpt2:0.5,my.sgm:0.5", "dog")
            >>> model.kind, model.proposer, model.scores_texts
            ('mixture', 'my.sgm', True)
        """
        language, kind = detect(words), model_type(lm)
        if kind is None:
            return ModelRef(NGRAM, lm, (), ngram_name(lm), language)
        return ModelRef(kind.kind, lm, kind.parts(lm), kind.proposer(lm) or ngram_name(language), language)

    @property
    def scores_texts(self) -> bool:
        """Whether it scores printed texts whole, so that an n-gram model proposes to it."""
        return self.kind != NGRAM

    @property
    def is_large(self) -> bool:
        """Whether it is a large model, which searches best behind example lines and is asked for few scores."""
        kind = model_type(self.name)
        return kind is not None and kind.large(self.name)

    @property
    def ngram(self) -> "ModelRef":
        """The n-gram model that it is, or that proposes to it.

        Example:
            >>> ModelRef.parse("en").ngram.name
            'en-ngram'
        """
        return replace(self, kind=NGRAM, name=self.proposer, parts=())

    @property
    def explorer(self) -> "ModelRef | None":
        """The embedded mixture that a search under a large model begins with; None: it is not large, or a user's n-grams propose.

        Example:
            >>> ModelRef.parse("smollm2", "dog").explorer.name, ModelRef.parse("en").explorer
            ('en', None)
        """
        return ModelRef.parse(self.language) if self.is_large and self.proposer == ngram_name(self.language) else None
