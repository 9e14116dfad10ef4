"""A text that a tokenizer cannot spell has density zero: it ends no search, no sample and no batch."""

import json
import shutil
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402

from searchgen.errors import RequestError  # noqa: E402
from searchgen.lm.boundaries import PrefixLogProbs  # noqa: E402
from searchgen.lm.mixture import Mixture, mixed  # noqa: E402
from searchgen.lm.neural.settings import NeuralSettings  # noqa: E402
from searchgen.lm.neural.spelling.joint import TRIALS  # noqa: E402
from searchgen.lm.neural.transformer import open_any_transformer, open_transformer  # noqa: E402
from searchgen.testing import assert_text_model  # noqa: E402
from tests.cli.runner import QUICK, searchgen  # noqa: E402
from tests.lm.neural.tiny_transformer import by_bytes, by_words, masked_by_pieces, written  # noqa: E402
from tests.lm.onnx.test_onnx import CHINESE  # noqa: E402

LETTERS = " abcdefghijklmnopqrstuvwxyz.?!,'"


def by_letters(folder: Path, capitals: str = "") -> Path:
    """Write a model whose pieces are small letters and marks, some capitals, and an unknown piece that no file beside names."""
    signs = [*(letter for letter in LETTERS if letter != " "), *capitals]
    scores = [("<end>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((sign, -3.0) for sign in signs)]
    made = Tokenizer(models.Unigram(scores, unk_id=1))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    return written(folder, made, 0)


def by_listed_characters(folder: Path) -> Path:
    """Write a model with a vocabulary file, as older Chinese ones have it."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set("".join(CHINESE)))]
    written(folder, Tokenizer(models.WordLevel({piece: i for i, piece in enumerate(pieces)})), 0)
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    roles = {"tokenizer_class": "BertTokenizer", "do_lower_case": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(roles), encoding="utf-8")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "bos_token_id": 2, "eos_token_id": 3}), encoding="utf-8")
    return folder


def by_pairs_of_letters(folder: Path) -> Path:
    """Write a model of byte pairs without bytes: what it has no piece for it leaves out without a word."""
    pieces = {piece: i for i, piece in enumerate(["<end>", *LETTERS.strip(), "▁"])}
    made = Tokenizer(models.BPE(pieces, []))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    return written(folder, made, 0)


def by_bytes_that_are_letters(folder: Path) -> Path:
    """Write a model whose vocabulary has the signs of all bytes, but whose tokenizer does not turn characters into them."""
    pieces = {sign: i for i, sign in enumerate(["<end>", *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    made = Tokenizer(models.BPE(pieces, []))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return written(folder, made, 0)


def by_signs(folder: Path) -> Path:
    """Write a model of byte pairs whose pieces are line ends and those signs by which a spelling behind lines is tried."""
    signs = sorted({*LETTERS, *"".join(TRIALS), "\n"})
    return written(folder, Tokenizer(models.BPE({piece: i for i, piece in enumerate(["<end>", *signs])}, [])), 0)


@pytest.mark.parametrize(
    ("make", "good", "bad"),
    [
        (by_words, ["a b", "c"], ["a dog", "", "a <end> b"]),  # it fails without an unknown piece
        (by_letters, ["the dog.", "a"], ["The dog.", "a <end>", "a 1", "é"]),
        (by_pairs_of_letters, ["the dog.", "a"], ["The dog.", "café", "B"]),
        (by_bytes_that_are_letters, ["The dog.", "café"], ["学", "a 学", "a🐈b"]),
        (by_listed_characters, ["我们有一只猫。"], ["我们有🐈。", "[SEP]", "B"]),
    ],
)
def test_it_has_probability_zero(tmp_path: Path, make: Any, good: list[str], bad: list[str]) -> None:
    model = open_transformer(str(make(tmp_path)))
    scores = model.log_probs([*bad, *good])
    assert np.isneginf(scores).tolist() == [True] * len(bad) + [False] * len(good)
    assert scores[len(bad) :] == pytest.approx(open_transformer(str(tmp_path)).log_probs(good))
    assert model.fits(bad) == [True] * len(bad)
    assert np.isneginf(model.growing().log_probs(bad, np.zeros(len(bad), np.int64))).all()


@pytest.mark.parametrize("make", [by_words, by_letters, by_pairs_of_letters, by_listed_characters])
def test_the_laws_hold_with_such_texts(tmp_path: Path, make: Any) -> None:
    """All texts of words, one of which cannot be spelled, add up to at most 1; prefixes factorise."""
    model = open_transformer(str(make(tmp_path)))
    words = ["a", "b", "D"]
    assert_text_model(model, ["a b", "a D b", "D", "b a a", ""], words)


def test_pieces_that_only_the_tokenizer_has(tmp_path: Path) -> None:
    """Many tokenizers have more pieces than their networks: such a piece is never an index into a matrix."""
    by_bytes(tmp_path)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    tokenizer.add_tokens(["dog"])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    model = open_transformer(str(tmp_path))
    scores = model.log_probs(["a dog", "a cat"])
    assert np.isneginf(scores).tolist() == [True, False]
    assert "dog" not in (model.expectable or {})
    config = json.loads((tmp_path / "tokenizer_config.json").read_text(encoding="utf-8"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({**config, "eos_token": "dog"}), encoding="utf-8")
    with pytest.raises(RequestError, match="piece 257, and the network has 257"):
        open_transformer(str(tmp_path))


def test_prompts_and_ends_that_cannot_be_spelled(tmp_path: Path) -> None:
    name = str(by_letters(tmp_path / "letters"))
    with pytest.raises(RequestError, match="cannot spell a line end"):
        open_transformer(name, NeuralSettings(end="newline"))
    name = str(by_words(tmp_path / "words"))
    with pytest.raises(RequestError, match="cannot spell --prompt 'dog'; give another one"):
        open_transformer(name, NeuralSettings(prompt="dog"))


def lines_of(folder: Path, text: str) -> NeuralSettings:
    path = folder / "lines.txt"
    path.write_text(text, encoding="utf-8")
    return NeuralSettings(examples=str(path))


def test_behind_example_lines_no_beginning_of_such_a_text_is_possible(tmp_path: Path) -> None:
    """So that the other parts of a mixture go on alone. Control: a text that can be spelled."""
    settings = lines_of(tmp_path, "the dog ran home.\na cat sat down.\n")
    signs = open_transformer(str(by_signs(tmp_path / "s")), settings)
    letters = open_transformer(str(by_bytes(tmp_path / "b")), settings)
    bad, good = signs.prefix_log_probs(["the Zoo was.", "the dog was."])
    assert np.isneginf([*bad.log_p, bad.log_end]).all()
    assert bad.places.tolist() == list(range(1, 11))
    assert np.isfinite([*good.log_p, good.log_end]).all()
    both = Mixture("both", [signs, letters], [0.5, 0.5])
    assert both.log_probs(["the Zoo was."])[0] <= letters.log_probs(["the Zoo was."])[0] + 2 * np.log(0.5) + 1e-6


def test_example_lines_that_cannot_be_spelled(tmp_path: Path) -> None:
    settings = lines_of(tmp_path, "the Zoo was open.\n")
    with pytest.raises(RequestError, match="cannot spell the example lines; give others, or --examples none"):
        open_transformer(str(by_signs(tmp_path / "s")), settings)


def test_score_says_why(tmp_path: Path) -> None:
    name = str(by_letters(tmp_path))
    ran = searchgen("score", "--lm", name, stdin=b"the dog.\nThe dog.\n")
    assert (ran.code, ran.lines[1]) == (0, "-inf\tThe dog.")
    assert ran.lines[0].endswith("\tthe dog.")
    assert ran.err.startswith("searchgen: line 2: ")
    assert ran.err.endswith("cannot spell the text, whose probability is zero\n")
    good, bad = searchgen("score", "--lm", name, "--json", stdin=b"the dog.\nThe dog.\n").rows
    assert good["log_prob"] < 0
    assert (bad["log_prob"], bad["error"]) == (None, None)
    assert "cannot spell the text" in bad["reason"]


@pytest.mark.parametrize(
    ("make", "keywords", "share"),
    [(by_letters, "dog\nthe park\n", ()), (by_listed_characters, "猫\n桌子\n", ("--share", "2"))],
)
def test_searches_go_on(tmp_path: Path, make: Any, keywords: str, share: tuple[str, ...]) -> None:
    """By edits, and by rounds: with the n-gram model's proposals, many of which the tokenizer cannot spell."""
    name = str(make(tmp_path, *(["TIA"] if make is by_letters else [])))
    stdin = keywords.encode()
    ran = searchgen("constrain", "--keywords", "-", "--lm", name, "--seed", "1", *share, *QUICK, "--json", stdin=stdin)
    assert ran.code == 0, ran.err
    model = open_transformer(name)
    for row in ran.rows:
        assert all(row["satisfied"].values())
        assert row["log_prob"] == pytest.approx(model.log_probs([row["text"]])[0], rel=1e-4)


def test_samples_go_on(tmp_path: Path) -> None:
    name = str(by_letters(tmp_path, "TIAWH"))
    model = open_transformer(name)
    for options in (["--option", "burn_in=20"], ["--sampler", "smc"]):
        ran = searchgen("sample", "--lm", name, "-k", "dog", "--max-words", "4", "-n", "20", *options, "--json")
        assert ran.code == 0, ran.err
        assert np.isfinite(model.log_probs([row["text"] for row in ran.rows])).all()
    sampled = searchgen("sample", "--lm", name, "-k", "dog", "-n", "40", "--sampler", "importance", "--json").rows
    assert 0 < len(sampled) < 40  # draws of weight zero are left out
    assert np.isfinite(model.log_probs([row["text"] for row in sampled])).all()
    assert all(row["log_weight"] is not None for row in sampled)


def test_batches_go_on(tmp_path: Path) -> None:
    name, jobs, out = str(by_letters(tmp_path / "m", ascii_uppercase)), tmp_path / "jobs.jsonl", tmp_path / "out.jsonl"
    jobs.write_text('{"keywords": ["dog"]}\n{"keywords": ["Zürich"]}\n{"keywords": ["park"]}\n', encoding="utf-8")
    searchgen("batch", str(jobs), "-o", str(out), "--lm", name, *QUICK)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["status"] == "ok" for row in rows] == [True, False, True]
    assert "probability zero" in json.dumps(rows[1])


def test_nothing_that_can_be_spelled(tmp_path: Path) -> None:
    name = str(by_words(tmp_path))
    for command in (["constrain", *QUICK], ["sample", "-n", "5"], ["sample", "-n", "30", "--sampler", "importance"]):
        ran = searchgen(*command, "--keywords", "dog", "--lm", name)
        assert (ran.code, ran.out) == (3, "")
        assert name in ran.err
        assert "another model" in ran.err


def test_masked_models(tmp_path: Path) -> None:
    """Their texts, starts and proposals: an unknown word has no pseudo-log-likelihood."""
    name = str(masked_by_pieces(tmp_path, ["the", "dog", "park", "was", "in", "a"]))
    model = open_any_transformer(name)
    assert np.isneginf(model.log_probs(["the dog", "the dög", "[MASK] dog", ""])).tolist() == [False, True, True, True]
    for options in (["--sampler", "gibbs"], ["--option", "burn_in=20"]):
        ran = searchgen("sample", "--lm", name, "-k", "dog", "--max-words", "5", "-n", "10", *options, "--json")
        assert ran.code == 0, ran.err
        assert np.isfinite(model.log_probs([row["text"] for row in ran.rows])).all()
    ran = searchgen("sample", "--lm", name, "--sampler", "gibbs", "--text", "The dog — was in a park.")
    assert ran.code == 2
    assert "cannot spell 'The dog — was in a park.'" in ran.err
    ran = searchgen("constrain", "--lm", name, "-k", "dog", *QUICK)
    assert ran.code == 0, ran.err


def part(log_p: list[float], log_end: float) -> PrefixLogProbs:
    return PrefixLogProbs(np.arange(1, len(log_p) + 1), np.array(log_p), log_end)


def test_in_a_mixture_the_other_parts_go_on_alone() -> None:
    """Control: where nothing is impossible, as before."""
    half = np.log([0.5, 0.5])
    whole, cut = part([-1.0, -2.0, -3.0], -0.5), part([-1.0, -np.inf, -np.inf], -np.inf)
    found = mixed([whole, cut], half)
    assert np.exp(found.log_p) == pytest.approx(np.exp([-1.0, np.log(0.5) - 2.0, 2 * np.log(0.5) - 3.0]))
    assert found.log_end == pytest.approx(np.log(0.5) - 0.5)
    assert mixed([whole, whole], half).log_p == pytest.approx(whole.log_p)
    assert np.isneginf(mixed([cut, cut], half).log_p).tolist() == [False, True, True]


def test_mixtures_keep_the_laws(tmp_path: Path) -> None:
    words, letters = open_transformer(str(by_words(tmp_path / "w"))), open_transformer(str(by_letters(tmp_path / "l")))
    model = Mixture("both", [words, letters], [0.5, 0.5])
    assert_text_model(model, ["a b", "a d b", "d", "b a a"], ["a", "b", "d"])
    assert np.isneginf(model.log_probs(["a D b"]))[0]
    assert np.isfinite(model.log_probs(["a d b"]))[0]  # letters alone spell it


def test_mixtures_search_and_sample(tmp_path: Path) -> None:
    name = f"en-ngram:0.5,{by_letters(tmp_path)}:0.5"
    for command in (["constrain", *QUICK], ["sample", "--max-words", "5", "-n", "5", "--option", "burn_in=10"]):
        ran = searchgen(*command, "--keywords", "dog", "--lm", name, "--json")
        assert ran.code == 0, ran.err
        assert all(row["log_prob"] is not None for row in ran.rows)


def test_a_copy_of_a_folder_has_its_score(tmp_path: Path) -> None:
    """Scores are a function of the folder's files: of the unknown piece, too, which was drawn from nothing."""
    first = by_letters(tmp_path / "a")
    second = Path(shutil.copytree(first, tmp_path / "b"))
    one, other = open_transformer(str(first)), open_transformer(str(second))
    assert np.array_equal(one.log_probs(["the dog.", "x"]), other.log_probs(["the dog.", "x"]))
    assert one.hash == other.hash
