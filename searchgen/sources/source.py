"""A loaded language model with the data that every request needs; it hides which kind of model it is."""

import hashlib
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cached_property

from searchgen.kernels.precompile import compile_loops
from searchgen.lm.companions import load_classes, load_training_sentences
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.ngram.load import load
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.word_classes import WordClasses
from searchgen.lm.open import opening
from searchgen.lm.protocol import DependsOnProcessor, TextModel, expecting
from searchgen.lm.training_sentences import TrainingSentences
from searchgen.request.model_ref import ModelRef
from searchgen.request.request import Request
from searchgen.sources.piece_words import PieceWords
from searchgen.target import Target
from searchgen.text.lexicon.segmentation import Segmentation, chinese_words
from searchgen.token_table import Lexicon, lexicon

__all__ = ["PROCESSOR", "Source", "open_source"]

#: What parts a hash from the instruction set in a signature.
PROCESSOR = "+"


@dataclass(frozen=True, eq=False)
class Source:
    """A loaded model, ready for requests.

    Attributes:
        ref: the model that the user named.
        model: the n-gram model: the model itself, or the one that proposes to it.
        lexicon: the data of its tokens that targets need.
        threads: threads to share work over.
        opened: the model that scores printed texts, or the wait for it; None: the n-gram model is the model.
    """

    ref: ModelRef
    model: NGram
    lexicon: Lexicon
    threads: int = 1
    opened: "Future[TextModel] | None" = None

    @cached_property
    def text_model(self) -> TextModel | None:
        """The model that scores printed texts, waited for; None: there is none.

        Raises:
            RequestError: it cannot be opened.
        """
        return None if self.opened is None else self.opened.result()

    @property
    def failure(self) -> str:
        """Why the model that scores printed texts cannot be opened; empty if it can, or is being opened still."""
        done = self.opened is not None and self.opened.done() and self.opened.exception()
        return str(done) if done else ""

    @property
    def hash(self) -> str:
        """The model's hash, as signatures hold it: of both where one proposes and the other decides, for a result depends on both.

        A model whose last bits depend on the processor has the name of an instruction set behind it.
        """
        if self.text_model is None:
            return self.model.hash
        digest = hashlib.sha256(f"{self.text_model.hash} {self.model.hash}".encode()).hexdigest()
        instructions = self.text_model.instructions if isinstance(self.text_model, DependsOnProcessor) else ""
        return f"{digest}{PROCESSOR}{instructions}" if instructions else digest

    @property
    def label(self) -> str:
        """Name and hash of the model that decides, as records show them."""
        return f"{self.ref.proposer}@{self.model.hash[:12]}" if self.text_model is None else self.text_model.label

    def proposal(self, request: Request) -> Target:
        """Return the target of a request under the n-gram model alone.

        Raises:
            RequestError: the request contradicts itself.
            Impossible: no text can satisfy it.
        """
        return Target.of(request, self.model, self.lexicon)

    def target(self, request: Request) -> Target:
        """Return the target of a request: the model's probability on the n-gram model's texts; raises as `proposal`."""
        return replace(self.proposal(request), text_model=self.text_model)

    @cached_property
    def explorer(self) -> "Source | None":
        """The embedded mixture that searches under a large model begin with, opened when it is first asked for; None: there is none."""
        ref = self.ref.explorer
        if ref is None:
            return None
        return Source(ref, self.model, self.lexicon, self.threads, opening(ref.name, NeuralSettings(), self.threads))

    @cached_property
    def classes(self) -> WordClasses | None:
        """The word classes that come with the n-gram model, None: there are no classes."""
        return load_classes(self.model)

    @cached_property
    def segmentation(self) -> Segmentation | None:
        """Where words begin and end, None: tokens are words."""
        return chinese_words() if self.model.form == "zh" else None

    @cached_property
    def training_sentences(self) -> TrainingSentences:
        """The sentences that the model was trained on, as far as that is known."""
        return load_training_sentences(self.model)

    @cached_property
    def piece_words(self) -> PieceWords | None:
        """The tokens of the n-gram model that the text model's pieces are; None: it does not state which pieces it expects."""
        expects = expecting(self.text_model)
        pieces = None if expects is None else expects.expectable
        return None if pieces is None else PieceWords(self.lexicon.vocabulary, pieces)


def open_source(
    ref: ModelRef,
    settings: NeuralSettings | None = None,
    threads: int = 1,
    notify: Callable[[str], None] | None = None,
    opened: "Future[TextModel] | None" = None,
) -> Source:
    """Load a model of any kind; the first time ever, compile the inner loops meanwhile.

    Args:
        ref: the model that the user named.
        settings: how a transformer scores texts.
        threads: threads to share work over.
        notify: called with one line for the user.
        opened: the model that scores printed texts, if it has been opened before.

    Raises:
        RequestError: there is no such n-gram model; errors of another model are raised by `Source.text_model`.
        ModelFileError: a file is damaged.

    Example:
        >>> source = open_source(ModelRef.parse("en-ngram"))
        >>> source.label.startswith("en-ngram@"), source.text_model
        (True, None)
    """
    if ref.scores_texts:
        opened = opened or opening(ref.name, settings or NeuralSettings(), threads)
    wait = compile_loops()
    model = load(ref.proposer, notify)
    wait()
    return Source(ref, model, lexicon(model), threads, opened)
