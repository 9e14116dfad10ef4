"""Training a transformer on toy texts: what is learnt, and what is refused."""

import json
import re
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from searchgen.errors import ModelFileError, RequestError  # noqa: E402
from searchgen.lm.neural.architectures.llama import Llama  # noqa: E402
from searchgen.lm.neural.architectures.llama_shape import Shape  # noqa: E402
from searchgen.lm.neural.transformer import open_transformer  # noqa: E402
from searchgen.lm.ngram.estimation.train import Recipe as NGramRecipe  # noqa: E402
from searchgen.lm.ngram.estimation.train import train as train_ngram  # noqa: E402
from searchgen.lm.training.corpus import read_sentences  # noqa: E402
from searchgen.lm.training.loss import summed_loss  # noqa: E402
from searchgen.lm.training.optimiser import Optimiser  # noqa: E402
from searchgen.lm.training.packing import NOTHING, pack, rows_of_step, targets, visible  # noqa: E402
from searchgen.lm.training.recipe import SIZES, Recipe  # noqa: E402
from searchgen.lm.training.steps import Stepper, rate_of_step  # noqa: E402
from searchgen.lm.training.tokenizer import train_tokenizer  # noqa: E402
from searchgen.lm.training.train import Trained, train_transformer  # noqa: E402
from searchgen.text import text_form  # noqa: E402
from tests.cli.runner import searchgen  # noqa: E402
from tests.lm.training.toy_training import RECIPE, TEXT, TOY, stopped_at, trained, trained_once  # noqa: E402
from tests.places import ROOT  # noqa: E402

SHAPE = Shape(50, 32, 2, 2, 64, 256)


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIZES, "tiny", TOY)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return trained_once(tmp_path_factory.mktemp("whole") / "model", command="searchgen lm train")


# What is learnt


def test_it_learns_and_its_folder_is_read_by_searchgen_and_by_transformers(whole: Trained) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    losses = [bits for _, bits in whole.progress.held_out]
    assert len(losses) == 20
    assert losses[-1] < losses[0] - 0.3
    assert not (whole.path / "checkpoint").exists()
    text = "The dog didn't see 12 people."
    model = AutoModelForCausalLM.from_pretrained(whole.path)
    pieces = [0, *AutoTokenizer.from_pretrained(whole.path)(text, add_special_tokens=False)["input_ids"], 1]
    with torch.no_grad():
        log_p = torch.log_softmax(model(torch.tensor([pieces])).logits[0].double(), -1)
    expected = float(log_p[range(len(pieces) - 1), pieces[1:]].sum())
    assert open_transformer(str(whole.path)).log_probs([text])[0] == pytest.approx(expected, abs=1e-4)
    assert sum(weight.numel() for weight in model.parameters()) == whole.parameters


def test_the_card_tells_how(whole: Trained) -> None:
    told = (whole.path / "README.md").read_text(encoding="utf-8")
    assert "    searchgen lm train" in told
    assert f"{whole.progress.best:.4f} bits a byte" in told
    plot = ElementTree.parse(whole.path / "loss.svg").getroot()
    curves = [one for one in plot if one.tag.endswith("polyline")]
    assert [len(one.attrib["points"].split()) for one in curves] == [20, 20]


def test_the_held_out_sentences_are_those_of_an_ngram_model(tmp_path: Path) -> None:
    left = train_ngram([TEXT], tmp_path / "model", NGramRecipe(held_out=7.0)).held_out
    found = read_sentences([TEXT, TEXT], "en", 7.0, None)
    assert sorted(found.held_out) == sorted(left)
    assert set(found.held_out).isdisjoint(found.learnt)
    assert found.repeated == len(found.held_out) + len(found.learnt)


def test_sentences_of_more_words_are_neither_learnt_nor_held_out() -> None:
    whole, short = read_sentences([TEXT], "en", 7.0, None), read_sentences([TEXT], "en", 7.0, None, max_words=12)
    form = text_form("en")

    def kept(texts: list[str]) -> list[str]:
        return [text for text in texts if sum(map(form.is_word, form.tokenise(text))) <= 12]

    assert short.learnt == kept(whole.learnt)
    assert short.held_out == kept(whole.held_out)
    with pytest.raises(RequestError, match=r"sentences of at most 2 words with [\d,]+ characters are too little"):
        read_sentences([TEXT], "en", 7.0, None, max_words=2)
    assert 0 < short.longer == len(whole.learnt) + len(whole.held_out) - len(short.learnt) - len(short.held_out)


def test_chinese_is_spelled_by_characters() -> None:
    text = (ROOT / "corpora" / "everyday-zh.txt").read_text(encoding="utf-8")
    spelled = train_tokenizer(text.splitlines(), 4000).encode(text.replace("\n", ""))
    assert all(stop - start == 1 for start, stop in spelled.offsets)  # a rare one has several pieces of its bytes
    assert len(spelled.ids) < 1.1 * len(text)


# Rows


def test_sentences_in_a_row_get_the_numbers_they_get_alone() -> None:
    network = Llama(SHAPE).initialise(0, deviation=0.2)
    rows = torch.from_numpy(pack([[5, 6, 7], [9, 9], [4, 8, 8, 8]], 16, 0).astype(np.int64))
    assert (rows != 1).sum() == 12

    def log_p(row: Any, **more: Any) -> Any:
        hidden = network(row, **more)
        following = targets(row)
        scores = functional.linear(hidden, network.head).flatten(0, 1)
        return -functional.cross_entropy(scores, following.flatten(), ignore_index=NOTHING, reduction="none")

    with torch.no_grad():
        together = log_p(rows, visible=visible(rows)).sum()
        alone = sum(log_p(torch.tensor([[0, *one]])).sum() for one in ([5, 6, 7], [9, 9], [4, 8, 8, 8]))
        assert float(together) == pytest.approx(float(alone), abs=1e-4)
        assert abs(float(log_p(rows).sum()) - float(alone)) > 0.01  # each sees those before it


def test_rows_are_full_and_every_pass_reads_each_once() -> None:
    sentences = [[2] * (1 + (37 * i) % 50) for i in range(3000)] + [[3] * 400]
    rows = pack(sentences, 256, 5)
    kept = sum(len(one) + 1 for one in sentences[:-1])
    assert (rows != 1).sum() == kept
    assert kept / rows.size > 0.98
    seen = np.concatenate([rows_of_step(step, 7, 21, 3) for step in range(6)])
    assert sorted(seen[:21]) == sorted(seen[21:]) == list(range(21))
    assert list(seen[:21]) != list(seen[21:])
    assert np.array_equal(rows_of_step(4, 7, 21, 3), seen[28:35])
    assert len(rows_of_step(1, 50, 21, 3)) == 50


@pytest.mark.parametrize("tied", [True, False])
def test_the_loss_and_its_gradients_are_those_of_all_scores(tied: bool) -> None:
    """Of 700 positions, more than are scored together; an embedding that is the output, too, gets both its gradients."""
    torch.manual_seed(0)
    pieces, following = torch.randint(50, (700,)), torch.randint(50, (700,))
    following[::7] = NOTHING
    table = torch.randn(50, 8, dtype=torch.float64) * 3
    found: list[tuple[Any, ...]] = []

    def of_all_scores(hidden: Any, head: Any, following: Any) -> Any:
        return functional.cross_entropy(hidden @ head.t(), following, ignore_index=NOTHING, reduction="sum")

    for loss in (summed_loss, of_all_scores):
        embedding, head = table.clone().requires_grad_(), table.flip(0).clone().requires_grad_()
        total = loss(functional.embedding(pieces, embedding).tanh(), embedding if tied else head, following) / 600
        total.backward()
        found.append((total.detach(), embedding.grad, torch.zeros(1) if tied else head.grad))
    for ours, theirs in zip(*found, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def multiply_in(products: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("searchgen.lm.training.steps.product_dtype", lambda device: products)


def test_products_in_bfloat16_learn_as_those_of_32_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses of twenty steps differ by its rounding: by something, by far less than is learnt, and what is measured is of 32 bits."""
    rows = pack([[3 + i % 40, 5, 6] * (1 + i % 7) for i in range(200)], 64, 0)
    losses, measured = {}, {}
    for products in (torch.float32, torch.bfloat16):
        multiply_in(products, monkeypatch)
        stepper = Stepper(Llama(SHAPE).initialise(0))
        optimiser = Optimiser(stepper.network)
        measured[products] = stepper.loss(rows)
        losses[products] = np.array([stepper.step(optimiser, rows, 3e-3, step) for step in range(20)])
        assert all(weight.dtype == torch.float32 for weight in stepper.network.parameters())
    exact, rounded = losses.values()
    assert exact[-1] < 0.7 * exact[0]
    assert 0 < float(np.abs(rounded - exact).max()) < 0.02 * exact[0]
    assert measured[torch.float32] == measured[torch.bfloat16]


def test_small_portions_change_nothing_but_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that has no memory for more than two rows at once."""
    multiply_in(torch.float32, monkeypatch)
    rows = pack([[3 + i % 40, 5, 6] * (1 + i % 7) for i in range(200)], 64, 0)
    after = {}
    for most in (1 << 20, 128):
        stepper = Stepper(Llama(SHAPE).initialise(0))
        forward = stepper._nats

        def nats(part: Any, hidden_of: Any, forward: Any = forward, most: int = most) -> Any:
            if part.numel() > most:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return forward(part, hidden_of)

        monkeypatch.setattr(stepper, "_nats", nats)
        optimiser = Optimiser(stepper.network)
        losses = [stepper.step(optimiser, rows, 1e-3, step) for step in range(3)]
        after[most] = (*losses, stepper.loss(rows))
        assert bool(stepper.halvings) == (most == 128)
    assert after[128] == pytest.approx(after[1 << 20], rel=1e-5)


def test_the_rate_rises_and_falls() -> None:
    rates = [rate_of_step(step, 1000, 1.0) for step in range(1000)]
    assert rates.index(max(rates)) in (49, 50)
    assert all(a > b for a, b in pairwise(rates[51:]))
    assert rates[-1] == pytest.approx(0.05, abs=1e-4)


# What is refused


def test_too_little_text(tmp_path: Path) -> None:
    text = tmp_path / "little.txt"
    for content in ("", "\n\n", "The dog ran.\n"):
        text.write_text(content, encoding="utf-8")
        with pytest.raises(RequestError, match=r"too little text to train on; give at least 10,000"):
            train_transformer([text], tmp_path / "model", RECIPE)
    assert not (tmp_path / "model").exists()


def test_a_tokenizer_for_another_script(tmp_path: Path, whole: Trained) -> None:
    chinese = ROOT / "corpora" / "everyday-zh.txt"
    text = tmp_path / "zh.txt"
    lines = chinese.read_text(encoding="utf-8").splitlines()
    text.write_text("".join(f"{i}{line}\n" for i in range(5) for line in lines), encoding="utf-8")
    with pytest.raises(RequestError, match=r"byte by byte .* drop --tokenizer"):
        train_transformer([text], tmp_path / "model", Recipe(form="zh", tokenizer=str(whole.path)))
    with pytest.raises(RequestError, match="--tokenizer"):
        trained(tmp_path / "model", replace(RECIPE, tokenizer=str(tmp_path)))


def test_another_training_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Trained) -> None:
    output = tmp_path / "model"
    stopped_at(2, output, monkeypatch)
    with pytest.raises(RequestError, match="unfinished training with seed 0, not 1"):
        trained(output, Recipe(tokens=20 * 512, batch=512, vocabulary=400, seed=1))
    with pytest.raises(RequestError, match="other texts"):
        train_transformer([TEXT, TEXT], output, RECIPE)
    (output / "checkpoint" / "prepared.json").write_text("{")
    with pytest.raises(ModelFileError, match="remove it to begin again"):
        trained(output)
    with pytest.raises(RequestError, match="name another folder"):
        trained(whole.path)


def test_too_long_and_too_few_sentences(tmp_path: Path) -> None:
    text = tmp_path / "long.txt"
    text.write_text("".join(f"{' '.join(f'word{i}x{j}' for j in range(300))}.\n" for i in range(60)))
    with pytest.raises(RequestError, match=r"every sentence learnt from has more than 255 pieces; break the lines"):
        train_transformer([text], tmp_path / "model", RECIPE)
    with pytest.raises(RequestError, match=r"--held-out 0.001 leaves out 0 of 404 sentences, .*; raise it"):
        trained(tmp_path / "model", replace(RECIPE, held_out=0.001))
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", "huge"),
        ("tokens", 0),
        ("minutes", 0.0),
        ("batch", 100),
        ("rate", 0.0),
        ("dropout", 1.0),
        ("held_out", 0.0),
        ("max_words", 0),
        ("vocabulary", 100),
        ("seed", 1 << 70),
        ("form", "fr"),
    ],
)
def test_impossible_numbers(name: str, value: Any) -> None:
    with pytest.raises(RequestError, match=r"impossible|give one of|give en or zh"):
        Recipe(**{name: value})


# The command


def test_the_command_trains_and_score_reads_the_model(tmp_path: Path) -> None:
    ran = searchgen(
        *f"lm train {TEXT} -o {tmp_path / 'model'} --lang en --tokens 1024 --batch 512 --vocab 300 --device cpu --seed 3".split()
    )
    assert (ran.code, ran.out) == (0, ""), ran.err
    assert "bits a byte on held-out sentences (step 2 of 2)" in ran.err
    scored = searchgen("score", "--lm", str(tmp_path / "model"), "--json", stdin=b"The dog ran.\n")
    assert json.loads(scored.out)["text"] == "The dog ran."
    again = (
        f"lm train {TEXT} -o {tmp_path / 'again'} --lang en --tokens 512 --batch 512 --start-from {tmp_path / 'model'}"
    )
    ran = searchgen(*again.split(), "--rate", "1e-30")
    assert ran.code == 0, ran.err
    assert "train longer" in ran.err
    refused = searchgen(*again.split(), "--size", "small")
    assert (refused.code, refused.err.count("\n")) == (2, 1), refused.err
    failed = searchgen("lm", "train", str(TEXT), "-o", str(tmp_path / "other"), "--size", "huge")
    assert (failed.code, failed.err.count("\n")) == (2, 1)


def test_minutes_are_planned_again_when_the_speed_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock by which a step takes a second at first, and three later."""
    clock = iter(range(10**6))
    now = [0.0]

    def monotonic() -> float:
        now[0] += 0.5 if next(clock) < 20 else 1.5
        return now[0]

    monkeypatch.setattr(time, "monotonic", monotonic)
    said: list[str] = []
    done = trained(tmp_path / "model", Recipe(minutes=0.5, batch=512, vocabulary=300), say=said.append).progress
    assert done.step == done.steps
    assert max(int(left) for line in said for left in re.findall(r"(\d+) s left", line)) <= 30
    assert done.seconds == pytest.approx(30, rel=0.2)
