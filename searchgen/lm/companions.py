"""What comes along with an embedded model: word classes, the sentences it was trained on."""

from searchgen.lm.embedded import NGRAMS, data_file
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.word_classes import WordClasses, open_classes
from searchgen.lm.training_sentences import TrainingSentences

__all__ = ["load_classes", "load_training_sentences"]


def load_classes(model: NGram) -> WordClasses | None:
    """Return the word classes that come with an embedded model, None for any other model.

    Raises:
        ModelFileError: the file is damaged, or belongs to another version of the model.
    """
    if model.name not in NGRAMS:
        return None
    path = data_file(model.name, "-classes.sgm")
    return open_classes(path, model) if path.exists() else None


def load_training_sentences(model: NGram) -> TrainingSentences:
    """Return the sentences that an embedded model was trained on; the empty set for any other model."""
    path = data_file(model.name, "-sentences.npy")
    if model.name in NGRAMS and path.exists():
        return TrainingSentences.open(path)
    return TrainingSentences.of([])
