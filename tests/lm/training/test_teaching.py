"""The teaching of `en` and `zh`: files that go on where they were, values of stretches, and how texts become rows."""

import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from benchmarks.teaching.average import average
from benchmarks.teaching.labels import labels
from benchmarks.teaching.lists import Labelled, Pieces, agreement, labelled, pieces_of, split
from benchmarks.teaching.records import Records, read_records
from benchmarks.teaching.texts import Texts
from benchmarks.teaching.train import Training, log_probs, write
from searchgen.lm.boundaries import PrefixLogProbs
from searchgen.lm.neural.architectures.llama import Llama
from searchgen.lm.neural.architectures.llama_shape import Shape
from searchgen.lm.training.packing import BEGIN, END, NOTHING
from searchgen.lm.training.warm_start import read_warm_start


def test_a_line_that_was_cut_off_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    first = Records(path, {"teacher": "a"}, "")
    first.add({"texts": ["One."]})
    first.add({"texts": ["Two."]})
    path.write_bytes(path.read_bytes()[:-4])
    again = Records(path, {"teacher": "a"}, "")
    assert again.done == 1
    again.add({"texts": ["Three."]})
    assert [one["texts"] for one in read_records(path)] == [["One."], ["Three."]]


def test_labels_of_another_teacher_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    Records(path, {"teacher": "a"}, "").add({})
    with pytest.raises(SystemExit, match=r"has teacher a, not b; remove the file"):
        Records(path, {"teacher": "b"}, "remove the file")


class _Teacher:
    """Spells words of small letters only; each letter costs a nat, and the end another."""

    def fits(self, texts: list[str]) -> list[bool]:
        return [len(text) < 20 for text in texts]

    def prefix_log_probs(self, texts: list[str]) -> list[PrefixLogProbs]:
        return [
            PrefixLogProbs(
                np.arange(1, len(text.replace(" ", "")) + 1),
                np.where(text.islower(), -1.0, -np.inf) * np.arange(1, len(text.replace(" ", "")) + 1),
                -1.0,
            )
            for text in texts
        ]


def test_a_text_that_the_teacher_cannot_spell_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = labels(_Teacher(), [["a dog.", "A DOG.", "a cat sat on a wide mat."]])
    prefixes = [[1, 2, 3, 4, 5], [-1.0, -2.0, -3.0, -4.0, -5.0]]
    assert found == {"texts": ["a dog."], "log_p": [-6.0], "prefixes": [prefixes]}
    assert capsys.readouterr().err.count("cannot spell") == 2


def _tokenizer(*merges: tuple[str, str]) -> Tokenizer:
    letters = ["<s>", "</s>", "a", "b", "c"]
    pieces = {piece: number for number, piece in enumerate([*letters, *("".join(pair) for pair in merges)])}
    tokenizer = Tokenizer(models.BPE(vocab=pieces, merges=list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def test_rows_number_the_stretches_of_all_texts() -> None:
    prefixes = [([1, 2], [-1.0, -3.0]), ([2], [-4.0])]
    made = pieces_of(_tokenizer(), Labelled([["a"]], ["a b", "ab"], np.array([-6.0, -9.0]), prefixes))
    assert made.rows.tolist() == [[BEGIN, 2, 3], [BEGIN, 2, 3]]
    assert made.following.tolist() == [[2, 3, END], [2, 3, END]]
    assert made.stretch.tolist() == [[0, 1, 2], [3, 3, 4]]
    assert made.stretch_log_p.tolist() == [-1.0, -2.0, -3.0, -4.0, -5.0]
    assert NOTHING not in made.following


def test_a_stretch_ends_where_pieces_of_both_models_do() -> None:
    prefixes = [([1, 3, 4, 5], [-1.0, -3.0, -6.0, -6.5])]  # a|bc|a|b of the teacher
    made = pieces_of(_tokenizer(("a", "b")), Labelled([["a"]], ["ab c ab"], np.array([-6.75]), prefixes))
    assert made.rows.tolist() == [[BEGIN, 5, 4, 5]]  # ab|c|ab of the student
    assert made.stretch.tolist() == [[0, 0, 1, 2]]
    assert made.stretch_log_p.tolist() == [-3.0, -3.5, -0.25]
    assert made.stretch_log_p.sum() == made.log_p[0]


def test_what_is_held_out_depends_on_the_request_alone() -> None:
    requests = [Labelled([[json.dumps(i)]], [], np.zeros(0), []) for i in range(200)]
    learnt, held_out = split(requests)
    assert len(learnt) + len(held_out) == 200
    assert 2 <= len(held_out) <= 25
    assert split(requests[:50])[1] == [one for one in held_out if one in requests[:50]]


def test_agreement() -> None:
    teacher = [np.array([3.0, 2.0, 1.0]), np.array([0.0, 5.0])]
    assert agreement(teacher, teacher) == {"first": 1.0, "rank": 1.0, "lost": 0.0}
    assert agreement(teacher, [-one for one in teacher])["rank"] == -1.0


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _training(folder: Path, **flags: Any) -> Training:
    """Return the training of a tiny network on two requests of four texts, whose teacher prefers rising pieces."""
    chosen = {
        "temperature": 1.0,
        "weight": 1.0,
        "stretches": 0.1,
        "lists": 2,
        "rows": 1,
        "rate": 0.01,
        "seed": 1,
        **flags,
    }
    every = Namespace(output=folder, start_from="", minutes=1.0, measurements=2, **chosen)
    network = Llama(Shape(12, 16, 1, 2, 32, 16)).initialise(1)
    lists = []
    for first in (2, 3):
        texts = [[first, 4 + i, 8 + (i * first) % 4] for i in range(4)]
        rows = np.array([[BEGIN, *text] for text in texts])
        following = np.array([[*text, END] for text in texts])
        values = np.array([[-1.0, -2.0 - 3 * ((i + first) % 4), -1.0, -1.0] for i in range(4)])
        lists.append(Pieces(rows, following, np.arange(16).reshape(4, 4), values.sum(1), values.ravel()))
    text = np.tile(np.array([BEGIN, 2, 5, 9, BEGIN, 3, 6, 8], np.uint16), (4, 1))
    return Training(every, network, Texts(text, text[:1], 8), lists, lists)


def _agreement(training: Training) -> dict[str, float]:
    with torch.inference_mode():
        scores = [log_probs(training.network, one)[0].double().numpy() for one in training.learnt]
    return agreement([one.log_p for one in training.learnt], scores)


@pytest.mark.slow
def test_the_student_learns_the_order_of_its_teacher(tmp_path: Path) -> None:
    taught, untaught = _training(tmp_path), _training(tmp_path, weight=0.0, stretches=0.0)
    for _ in range(30):
        taught.make_step(0.5)
        untaught.make_step(0.5)
    found, control = _agreement(taught), _agreement(untaught)
    assert found["first"] == 1.0
    assert control["first"] < 1.0  # text alone does not teach it
    assert found["rank"] > control["rank"]


def test_a_training_goes_on_where_it_was(tmp_path: Path) -> None:
    whole, begun = _training(tmp_path / "a"), _training(tmp_path / "b")
    for _ in range(4):
        whole.make_step(0.5)
    for _ in range(2):
        begun.make_step(0.5)
    begun.keep()
    again = _training(tmp_path / "b")
    again.resume()
    assert again.step == 2
    for _ in range(2):
        again.make_step(0.5)
    for one, other in zip(whole.network.parameters(), again.network.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_a_training_of_another_recipe_is_refused(tmp_path: Path) -> None:
    _training(tmp_path).keep()
    with pytest.raises(SystemExit, match=r"has rate 0\.01, not 0\.02; give the same, or another -o"):
        _training(tmp_path, rate=0.02).resume()


def _folder(path: Path, seed: int, width: int = 16) -> str:
    path.mkdir()
    chinese = read_warm_start("zh")
    write(path, Llama(Shape(chinese.shape.vocabulary, width, 1, 2, 24, 256)).initialise(seed), chinese.tokenizer)
    return str(path)


def test_a_mean_of_weights(tmp_path: Path) -> None:
    one, other, wider = _folder(tmp_path / "a", 1), _folder(tmp_path / "b", 2), _folder(tmp_path / "c", 3, 32)
    parts = [read_warm_start(name).weights for name in (one, other)]
    mean, _ = average([(one, 0.25), (other, 0.75)])
    whole = mean.published()
    for name, weights in parts[0].items():
        assert np.allclose(whole[name].numpy(), 0.25 * weights + 0.75 * parts[1][name], atol=1e-6), name
    with pytest.raises(SystemExit, match=r"the weights of 2 models sum to 0\.75; they must sum to 1"):
        average([(one, 0.25), (other, 0.5)])
    with pytest.raises(SystemExit, match="has another shape or tokenizer than"):
        average([(one, 0.5), (wider, 0.5)])


def test_texts_of_a_request_in_several_folders_are_one_list(tmp_path: Path) -> None:
    for name, texts in (("a", "abcd"), ("b", "de")):
        (tmp_path / name).mkdir()
        records = Records(tmp_path / name / "labels.jsonl", {}, "")
        values = [-float(ord(text)) for text in texts]
        prefixes = [[[1], [value]] for value in values]
        records.add({"words": [["dog"]], "texts": list(texts), "log_p": values, "prefixes": prefixes})
    (found,) = labelled([tmp_path / "a", tmp_path / "b"])
    assert (found.texts, found.log_p.tolist()) == (list("abcde"), [-float(ord(text)) for text in "abcde"])
