"""ARPA files: what is written comes back, foreign files are understood, malformed ones are refused by line."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from searchgen.errors import ModelFileError
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.scoring import score_sequences
from searchgen.lm.ngram.storage.arpa_writing import arpa_lines, write_arpa
from searchgen.lm.ngram.tables import LOG_ZERO

TEXT = """\
\\data\\
ngram 1=6
ngram 2=3
ngram 3=2

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.3
-0.9\t</s>
-0.5\ta\t-0.2
-0.6\tb\t-0.1
-0.7\tc

\\2-grams:
-0.3\t<s> a\t-0.05
-0.4\ta b\t-0.15
-0.2\tc c

\\3-grams:
-0.1\ta b c
-0.25\tb a c

\\end\\
"""


def log10_p(model: NGram, words: str) -> float:
    ids = model.ids(words.split())
    return float(score_sequences(model.exact_tables(), ids, np.array([0, len(ids)]))[0] / np.log(10))


@pytest.fixture
def small() -> NGram:
    sentences = [list("abcabd"), list("abd"), list("cab"), ["ça", "#", "\\1-grams:", "“"]]
    return NGram.from_sentences(sentences, order=4, cut=(0, 0, 1, 1))


@pytest.mark.parametrize("name", ["model.arpa", "model.arpa.gz"])
def test_a_written_model_comes_back(small: NGram, tmp_path: Path, name: str) -> None:
    write_arpa(small, tmp_path / name)
    back = NGram.from_arpa(tmp_path / name)
    assert sorted(back.vocabulary) == sorted(small.vocabulary)
    assert back.order == small.order
    for words in ("a b d", "c a b d x", "", "“ # \\1-grams: ça", "d d d"):
        assert log10_p(back, words) == pytest.approx(log10_p(small, words), abs=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_reading_and_writing_again_gives_the_same_text(small: NGram) -> None:
    text = "".join(arpa_lines(NGram.from_arpa("".join(arpa_lines(small)))))
    assert "".join(arpa_lines(NGram.from_arpa(text))) == text


def test_missing_prefixes_and_suffixes_are_bridged() -> None:
    model = NGram.from_arpa(TEXT)
    # `b a` is not stored, though `b a c` is: it counts as backing off; `b c` is not stored, though `a b c` is
    assert log10_p(model, "b a c") == pytest.approx((-0.3 - 0.6) + (-0.1 - 0.5) - 0.25 - 0.9)
    assert log10_p(model, "a b c") == pytest.approx(-0.3 + (-0.05 - 0.4) - 0.1 - 0.9)
    assert log10_p(model, "b c c") == pytest.approx((-0.3 - 0.6) + (-0.1 - 0.7) - 0.2 - 0.9)


def test_a_backoff_of_a_context_without_children_counts() -> None:
    model = NGram.from_arpa(TEXT.replace("c c", "c c\t-0.5").replace("-0.7\tc", "-0.7\tc\t-0.4"))
    assert log10_p(model, "c c c a") == pytest.approx(
        (-0.3 - 0.7) - 0.2 + (-0.5 - 0.2) + (-0.5 - 0.4 - 0.5) - 0.2 - 0.9
    )
    assert not model.tables.mixture[0]


def test_a_closed_vocabulary_gives_unknown_words_no_probability() -> None:
    model = NGram.from_arpa(TEXT.replace("-1.0\t<unk>\n", "").replace("1=6", "1=5"))
    assert model.vocabulary[:3] == ["<unk>", "<s>", "</s>"]
    assert model.tables.node["log_p"][1] == np.float32(LOG_ZERO)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\t", " "),
        lambda text: text.replace("<unk>", "<UNK>"),
        lambda text: "made by hand\n" + text,
        lambda text: "Bigrams of 12 sentences\n\nngram 1=9\n\\1-grams:\n\n" + text,
        lambda text: text.replace("\n\n", "\n\n\n"),
        lambda text: text.replace("\n\n", "\n \t\n"),
        lambda text: text.replace("\n\\", "\n  \\"),
        lambda text: text.replace("\n\n", "\n"),
        lambda text: text.replace("\n-0.4", "\n\n  -0.4"),
        lambda text: text.replace("a b", "a  b"),
        lambda text: text.replace("a b", "a\tb"),
        lambda text: text.replace("\t-0.2\n", "\t-0.2\t \n"),
        lambda text: text.replace("a b c", "a b c\t-7").replace("b a c", "b a c\t-0.5"),  # no context is so long
        lambda text: text + "whatever stands here\n",
    ],
)
def test_harmless_variants_are_read(change: object, tmp_path: Path) -> None:
    path = tmp_path / "model.txt"
    path.write_bytes(change(TEXT).encode())  # type: ignore[operator]
    assert change(TEXT) != TEXT  # type: ignore[operator]
    assert log10_p(NGram.from_arpa(path), "a b c x") == log10_p(NGram.from_arpa(TEXT), "a b c x")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\\data\\", "<html>", "line 1: found '<html>'"),
        ("ngram 2=3", "ngram 2=x", "line 3: found 'ngram 2=x'"),
        ("ngram 2=3", "ngram 3=3", "line 3"),
        ("ngram 2=3", "ngram 2=4", "line 19: the 2-grams end after 3, but the header declares 4"),
        ("-0.4\ta b", "zero\ta b", "line 16: 'zero' is not a number"),
        ("-0.4\ta b", "nan\ta b", "line 16"),
        ("-0.4\ta b", "0.4\ta b", "line 16: log10 p is 0.4, above 0"),
        ("-0.4\ta b", "-0.4\ta q", "line 16: 'q' is not among the 1-grams"),
        ("-0.4\ta b\t-0.15", "-0.4\ta", "line 16: found 2 fields"),
        ("-0.4\ta b\t-0.15", "-0.4\ta b c d\t0", "line 16: found 6 fields"),
        ("-0.2\tc c", "-0.2\ta b", "line 17: this n-gram is listed a second time"),
        ("-0.6\tb", "-0.6\ta", "line 11: 'a' stands among the 1-grams a second time"),
        ("-0.9\t</s>\n", "-0.9\tz\n", "no </s>"),
        ("\\end\\\n", "", "line 23: found the end of the file where .*end"),
        ("\\3-grams:", "\\4-grams:", "line 19"),
        ("-0.7\tc", "-0.7\t", "line 12: found 1 fields"),
        ("-0.6\tb\t-0.1", "-0.6\t\t-0.1", "line 11: a word is empty"),
        ("-0.6\tb\t-0.1", "-0.6  -0.1", "line 11: a word is empty"),
        ("-0.4\ta b\t-0.15", "-0.4\t a\t-0.15", r"line 16: -0\.15 may be a word or a back-off"),
        ("-0.4\ta b\t-0.15", "-0.4\ta\t\t-0.15", "line 16: a word is empty"),
        ("-0.1\ta b c", "-0.1\ta  c\t-1", "line 20: a word is empty"),
        ("-0.1\ta b c", "-0.1\ta b c\tx", "line 20: 'x' is not a number"),
        ("-0.4\ta b\t-0.15", "-0.4\ta b\t31", "line 16: log10 of the back-off is 31"),
        ("-0.4\ta b", "-0_4\ta b", "line 16: '-0_4' is not a number"),
        ("-0.2\tc c", "-0.2\tc c\n-0.2\tb b", "line 18: more than the 3 2-grams follow that the header declares"),
        ("ngram 1=6", "ngram 1=99999999999999", "line 2: 99,999,999,999,999 1-grams are declared, more than the file"),
        ("ngram 1=6", f"ngram 1={'9' * 5000}", "line 2: found 'ngram 1=999"),
        (
            "ngram 3=2",
            "".join(f"ngram {k}=2\n" for k in range(3, 11)),
            "line 11: n-grams of order 10 are declared; .* 1 to 9",
        ),
        ("ngram 1=6\nngram 2=3\nngram 3=2\n", "", "line 3: found .*1-grams.* where ngram 1=... should stand"),
    ],
)
def test_a_malformed_file_is_refused_by_line(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(ModelFileError, match=message):
        NGram.from_arpa(TEXT.replace(old, new, 1))


def test_a_file_cut_anywhere_is_refused(small: NGram, tmp_path: Path) -> None:
    path = tmp_path / "model.arpa"
    whole = TEXT.encode().rstrip()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelFileError, match="line"):
            NGram.from_arpa(path)
    packed = gzip.compress(whole)
    for size in range(2, len(packed) - 1, 7):
        path.write_bytes(packed[:size])
        with pytest.raises(ModelFileError):
            NGram.from_arpa(path)


def test_a_word_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.arpa"
    path.write_bytes(TEXT.encode().replace(b"\tc\n", b"\t\xff\n"))
    with pytest.raises(ModelFileError, match=r"line 12.*UTF-8"):
        NGram.from_arpa(path)


def test_a_missing_file_is_a_model_file_error(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no model file"):
        NGram.from_arpa(tmp_path / "none.arpa")
