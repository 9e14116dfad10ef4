"""The names and files of the models that come with searchgen: n-gram models, and their mixtures with transformers."""

from pathlib import Path

__all__ = ["EDITIONS", "EMBEDDED", "MIXED", "NGRAMS", "data_file", "ngram_name", "other_edition"]

DATA = Path(__file__).parent / "data"

#: Of the models below: another edition gives other texts. The first of each came with the releases before `SINCE`.
EDITIONS, SINCE = {"en": 3, "zh": 3, "en-ngram": 2, "zh-ngram": 3}, "0.2.0"

#: Mixtures, and the weight of the transformer in each, chosen on sentences that no part has seen and in readings (docs/models.md).
MIXED = {"en": 0.7, "zh": 0.8}

#: N-gram models alone.
NGRAMS = ("en-ngram", "zh-ngram")

#: All names that need no file.
EMBEDDED = ("en", "zh", *NGRAMS)


def ngram_name(name: str) -> str:
    """Return the n-gram model that is, or is a part of, an embedded model; any other name as it is.

    Example:
        >>> ngram_name("en"), ngram_name("zh-ngram"), ngram_name("my.sgm")
        ('en-ngram', 'zh-ngram', 'my.sgm')
    """
    return f"{name}-ngram" if name in EMBEDDED and name not in NGRAMS else name


def data_file(name: str, ending: str = ".sgm") -> Path:
    """Return a file of an embedded model: that of its n-grams, or one with another ending.

    Example:
        >>> data_file("en-ngram").name, data_file("zh", ".onnx").name
        ('en.sgm', 'zh.onnx')
    """
    return DATA / f"{name.removesuffix('-ngram')}{ending}"


def other_edition(name: str) -> str:
    """Return where an earlier edition of an embedded model is found, to be put behind a refusal; empty for other models.

    Example:
        >>> other_edition("en"), other_edition("my.sgm")
        ('; en is edition 3 of this model since 0.2.0, and the release before, 0.1.0, repeats edition 1', '')
    """
    if name not in EMBEDDED:
        return ""
    return f"; {name} is edition {EDITIONS[name]} of this model since {SINCE}, and the release before, 0.1.0, repeats edition 1"
