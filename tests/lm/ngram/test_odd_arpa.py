"""ARPA files as other tools write them: closed vocabularies, other names of unknown words, odd signs, empty orders, odd names."""

import gzip
import lzma
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from searchgen.errors import ModelFileError
from searchgen.lm.ngram.evaluate import evaluate
from searchgen.lm.ngram.load import load
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.storage.arpa_writing import arpa_lines
from searchgen.text.kinds import Kind
from tests.cli.runner import searchgen
from tests.lm.ngram.test_arpa import log10_p

CLOSED = """\\data\\
ngram 1=4
ngram 2=2

\\1-grams:
-99\t<s>\t-0.3
-0.5\t</s>
-0.4\ta\t-0.2
-0.6\tb\t-0.1

\\2-grams:
-0.2\t<s> a
-0.3\ta b

\\end\\
"""


@pytest.fixture
def closed(tmp_path: Path) -> str:
    (tmp_path / "closed.arpa").write_text(CLOSED)
    return str(tmp_path / "closed.arpa")


def test_a_closed_vocabulary_gives_infinite_perplexity(closed: str, tmp_path: Path) -> None:
    (tmp_path / "ab.txt").write_text("a b\nb a c\n")
    measured = evaluate(load(closed), ["a b", "b a c"])
    assert (measured.perplexity, measured.bits_per_character) == (np.inf, np.inf)
    log10_known = (-0.2 - 0.3 - 0.6) + (-0.3 - 0.6 - 0.1 - 0.4) - 0.5  # a b </s>, b a, and </s> after an unknown word
    assert measured.perplexity_known == pytest.approx(10 ** (-log10_known / 6))
    ran = searchgen("lm", "eval", closed, str(tmp_path / "ab.txt"), "--raw-tokens")
    assert (ran.code, ran.lines[3].split()) == (0, ["perplexity", "inf"])
    assert "closed.arpa gives 'c' no probability: its vocabulary is closed" in ran.err
    row = searchgen("lm", "eval", closed, str(tmp_path / "ab.txt"), "--raw-tokens", "--json").rows[0]
    assert (row["perplexity"], row["bits_per_character"]) == (None, None)
    assert row["reason"] == "closed.arpa gives 'c' no probability: its vocabulary is closed"


def test_a_closed_vocabulary_gives_scores_of_minus_infinity(closed: str) -> None:
    ran = searchgen("score", "--lm", closed, "--raw-tokens", stdin=b"a b\nb a c\n")
    assert (ran.code, [line.split("\t")[0] for line in ran.lines]) == (0, ["-2.532844", "-inf"])
    known, unknown = searchgen("score", "--lm", closed, "--raw-tokens", "--json", stdin=b"a b\nb a c\n").rows
    assert (known["log_prob"], "reason" in known) == (pytest.approx(-1.1 * np.log(10)), False)
    assert (unknown["log_prob"], unknown["terms"]["model"], unknown["log_p"][2]) == (None, None, None)
    assert unknown["reason"] == "closed.arpa gives 'c' no probability: its vocabulary is closed"
    assert (unknown["status"], unknown["error"]) == ("ok", None)


def test_a_listed_word_may_have_probability_zero(tmp_path: Path) -> None:
    (tmp_path / "m.arpa").write_text(CLOSED.replace("-0.6\tb", "-inf\tb").replace("-0.3\ta b", "-inf\ta b"))
    row = searchgen("score", "--lm", str(tmp_path / "m.arpa"), "--raw-tokens", "--json", stdin=b"a b\n").rows[0]
    assert (row["log_prob"], row["reason"]) == (None, "m.arpa gives 'b' no probability")


def test_texts_without_a_possible_ending_are_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "m.arpa").write_text(CLOSED.replace("-0.5\t</s>", "-inf\t</s>"))
    row = searchgen("score", "--lm", str(tmp_path / "m.arpa"), "--raw-tokens", "--json", stdin=b"a b\n").rows[0]
    assert row["reason"] == "m.arpa gives the end of a text no probability"


@pytest.mark.parametrize("name", ["<UNK>", "[UNK]", "[unk]", "<oov>", "!!UNK"])
def test_the_unknown_word_is_known_by_its_other_names(tmp_path: Path, name: str) -> None:
    text = CLOSED.replace("1=4", "1=5").replace("2=2", "2=3")
    text = text.replace("-0.4\ta", f"-0.1\t{name}\n-0.4\ta").replace("-0.3\ta b", f"-0.3\ta b\n-0.7\ta {name}")
    model = NGram.from_arpa(text)
    assert model.vocabulary[0] == "<unk>"
    assert name not in model.vocabulary
    assert log10_p(model, "a zzz") == pytest.approx(-0.2 - 0.7 - 0.5)
    (tmp_path / "m.arpa").write_text(text)
    ran = searchgen(
        *("constrain", "-k", "a", "--raw-tokens", "--no-sentence", "--min-words", "1", "--max-words", "6", "-n", "20"),
        *("--lm", str(tmp_path / "m.arpa"), "--seed", "1", "--budget", "0.01"),
    )
    assert ran.code == 0
    assert {word for line in ran.lines for word in line.split()} == {"a", "b"}


def test_further_names_of_the_unknown_word_are_never_printed() -> None:
    text = CLOSED.replace("1=4", "1=6").replace("-0.4\ta", "-0.1\t[UNK]\n-0.9\t<unk>\n-0.4\ta")
    model = NGram.from_arpa(text)
    assert log10_p(model, "zzz") == pytest.approx(-0.3 - 0.9 - 0.5)
    kinds = dict(zip(model.vocabulary, model.kinds.tolist(), strict=True))
    assert {word for word, kind in kinds.items() if kind == Kind.NEVER} == {"<unk>", "<s>", "</s>", "[UNK]"}


@pytest.mark.parametrize("sign", ["\v", "\f", "\r", "\0", "\x1c", "\x85", "\xa0", "\u2028", "\u3000"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_only_spaces_and_tabs_part_words(sign: str, line_end: str) -> None:
    """They are in the vocabulary, and in no text: texts are split at them."""
    text = CLOSED.replace("-0.6\tb", f"-0.6\tb{sign}b").replace("a b", f"a b{sign}b").replace("\n", line_end)
    model = NGram.from_arpa(text)
    assert model.vocabulary[3:] == ["a", f"b{sign}b"]
    assert model.kinds.tolist()[3:] == [Kind.WORD, Kind.NEVER if f"b{sign}b".split() != [f"b{sign}b"] else Kind.WORD]
    assert model.tables.node["log_p"][-2] == np.float32(-0.3 * np.log(10))


@pytest.mark.parametrize(
    ("header", "block"),
    [("ngram 3=0\n", ""), ("ngram 3=0\n", "\\3-grams:\n\n"), ("ngram 3=0\nngram 4=0\n", "\\4-grams:\n\n")],
)
def test_an_order_may_be_empty(header: str, block: str) -> None:
    """Bigrams are then contexts, and their back-offs count, as they would not in a bigram model."""
    text = CLOSED.replace("2=2\n", f"2=2\n{header}").replace("\\end", f"{block}\\end").replace("a b\n", "a b\t-0.25\n")
    model = NGram.from_arpa(text)
    assert model.order == 2 + header.count("ngram")
    assert log10_p(model, "a b a") == pytest.approx(-0.2 - 0.3 + (-0.25 - 0.1 - 0.4) + (-0.2 - 0.5))
    again = NGram.from_arpa("".join(arpa_lines(model)))
    assert log10_p(again, "a b a") == pytest.approx(log10_p(model, "a b a"))


def test_an_empty_order_below_others_is_bridged() -> None:
    text = CLOSED.replace("2=2", "2=0\nngram 3=1").replace(
        "\\2-grams:\n-0.2\t<s> a\n-0.3\ta b", "\\3-grams:\n-0.3\ta b a"
    )
    assert log10_p(NGram.from_arpa(text), "a b a") == pytest.approx((-0.3 - 0.4) + (-0.2 - 0.6) - 0.3 + (-0.2 - 0.5))


def test_a_model_without_words_is_refused() -> None:
    for text in (
        CLOSED.replace("1=4", "1=0"),
        CLOSED.replace("\t-0.2", "").replace("-0.", "-99.").replace("-99\t", "-inf\t"),
    ):
        with pytest.raises(ModelFileError, match=r"line \d+: (more than the 0 1-grams|every 1-gram has probability 0)"):
            NGram.from_arpa(text)


@pytest.mark.parametrize(
    "name", ["model.lm.gz", "model.arpa", "model", "model.sgm", "model.txt", "model.bin", "en.onnx.lm"]
)
@pytest.mark.parametrize("preamble", ["", "made by hand\n\n", "x" * 70_000 + "\n"])
def test_models_are_known_by_their_content(tmp_path: Path, name: str, preamble: str) -> None:
    content = (preamble + CLOSED).encode()
    for written in (content, gzip.compress(content)):
        (tmp_path / name).write_bytes(written)
        assert log10_p(load(tmp_path / name), "a b") == pytest.approx(-0.2 - 0.3 - 0.6)


def test_models_of_any_name_can_be_evaluated_together(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("a b\n")
    (tmp_path / "model.lm.gz").write_bytes(gzip.compress(CLOSED.encode()))
    (tmp_path / "other.model").write_text(CLOSED)
    names = [str(tmp_path / name) for name in ("model.lm.gz", "other.model")]
    rows = searchgen("lm", "eval", *names, str(tmp_path / "text.txt"), "--json").rows
    assert [(row["model"], row["sentences"]) for row in rows] == [(name, 1) for name in names]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"mmap lm http://kheafield.com/code format version 5\n\0", "a binary file of KenLM; name the ARPA file"),
        (lzma.compress(CLOSED.encode()), "compressed with xz; decompress it first"),
        (CLOSED.encode("utf-16"), "text in UTF-16; convert it to UTF-8"),
        (b"GGUF\3\0\0\0", "run it in a server"),
        (b"x" * 3_000_000 + CLOSED.encode(), "not a language model"),
        (gzip.compress(b"\x89SGM\r\n\x1a\n and more"), "a compressed file of searchgen's own format"),
        (gzip.compress(CLOSED.encode())[:-9], "cannot be read"),
        (b"\x1f\x8b\x08 and more", "cannot be read"),
    ],
    ids=["KenLM", "xz", "UTF-16", "GGUF", "large", "ours, compressed", "cut", "no gzip"],
)
def test_other_files_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "model").write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        load(tmp_path / "model")


def test_a_flipped_bit_of_a_compressed_file_is_noticed(tmp_path: Path) -> None:
    whole = gzip.compress("".join(arpa_lines(NGram.from_sentences([list("abcab"), list("cab")], 3))).encode(), mtime=0)
    for at in range(10, len(whole) - 4):  # behind the name and time, which say nothing; before the length
        (tmp_path / "m.lm.gz").write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        with pytest.raises(ModelFileError):
            load(tmp_path / "m.lm.gz")


def test_rows_are_read_the_same_fast_and_slow() -> None:
    """A block whose lines all have the usual separators is split at once, any other line by line."""
    words = ["".join(letters) for letters in product("abc", repeat=3)]
    rows = "".join(f"-{i / 10}\t{a} {b}\n" for i, (a, b) in enumerate(product(words, repeat=2)))
    ones = "".join(f"-1.5\t{word}\t-{i / 7:.6g}\n" for i, word in enumerate(words))
    text = f"\\data\\\nngram 1={len(words) + 2}\nngram 2={len(words) ** 2}\n\n\\1-grams:\n-99\t<s>\n-1\t</s>\n{ones}\n"
    text += f"\\2-grams:\n{rows}\n\\end\\\n"
    usual, odd = NGram.from_arpa(text), NGram.from_arpa(text.replace("-0.5\t", "-0.5 ").replace("\t-1\n", "   -1\n"))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(usual.exact_tables(), odd.exact_tables(), strict=True))
