"""What comes along with embedded models: a damaged file is refused in one line."""

import random
import warnings
from contextlib import suppress
from pathlib import Path

import pytest

from searchgen.errors import ModelFileError
from searchgen.lm.training_sentences import TrainingSentences
from searchgen.text.lexicon.segmentation import Segmentation


def test_damaged_divisions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "words.npz"
    Segmentation({"知道": -5.0, "不": -4.0, "道路": -9.0}).save(path)
    whole, rng = path.read_bytes(), random.Random(1)
    assert Segmentation.open(path).borders("不知道") == {0, 1, 3}
    refused = 0
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1 :])
        try:
            Segmentation.open(path)  # times and permissions of a zip archive may be anything
        except ModelFileError as error:
            refused += "damaged" in str(error)
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelFileError, match="damaged"):
            Segmentation.open(path)
    assert refused > len(whole) / 6


def test_damaged_sentences_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "sentences.npy"
    TrainingSentences.of([["it", "was", "a", "dog", "."]]).save(path)
    whole = path.read_bytes()
    for at in range(80):  # of the head; the rest is a set, whose bits may be anything
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's, of a head that Python 2 would have written
            with suppress(ModelFileError):
                assert TrainingSentences.open(path).bits.dtype.itemsize == 1
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelFileError, match="damaged"):
            TrainingSentences.open(path)
