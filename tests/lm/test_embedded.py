"""The models that come with searchgen: which name stands for what, and what each command takes unless told otherwise."""

import json
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import searchgen as library
from searchgen.cli.loading import open_ahead
from searchgen.lm import open as door
from searchgen.lm.boundaries import PrefixLogProbs
from searchgen.lm.embedded import MIXED, data_file
from searchgen.lm.mixture import NGramPart, mixed
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.ngram.load import load
from searchgen.lm.onnx.model import open_graph
from searchgen.lm.open import open_text_model
from tests.cli.runner import searchgen
from tests.places import ROOT

SENTENCES = {
    "en": ["The dog ran in the park.", "“Well,” said the doctor, “it's a qzqzq.”", "I can't come."],
    "zh": ["他在公园里看书。", "我们用iPhone。"],
}

QUICK = ("--budget", "0.1", "--seed", "5")


def whole(begun: PrefixLogProbs) -> float:
    return float(begun.log_p[-1] + begun.log_end)


@pytest.mark.parametrize("name", list(MIXED))
def test_a_mixture_is_that_of_its_parts(name: str) -> None:
    ngram, share = load(f"{name}-ngram"), MIXED[name]
    graph = open_graph("graph", data_file(name, ".onnx"), NeuralSettings())
    parts = NGramPart(ngram).prefix_log_probs(SENTENCES[name]), graph.prefix_log_probs(SENTENCES[name])
    weights = np.log([1 - share, share])
    expected = [whole(mixed(both, weights)) for both in zip(*parts, strict=True)]
    assert open_text_model(name).log_probs(SENTENCES[name]) == pytest.approx(expected, abs=1e-9)
    alone = [whole(one) for one in parts[0]]
    assert max(abs(np.array(expected) - alone)) > 0.1  # the transformer takes part
    assert log(1 - share) * 20 < min(np.array(expected) - alone)


@pytest.mark.parametrize("name", list(MIXED))
def test_threads_share_out_texts_and_change_no_score(name: str) -> None:
    """To the last bit: a signature does not know of them."""
    path = data_file(name, ".onnx")
    texts = [
        f"{one}{' ' if name == 'en' else ''}{two}" for one in SENTENCES[name] for two in ("", *SENTENCES[name])
    ] * 2
    texts = [f"{text[: 4 + i]}." for i, text in enumerate(texts)]
    one, more = (open_graph("graph", path, NeuralSettings(), threads) for threads in (1, 3))
    assert len(texts) >= 9
    assert more.log_probs(texts).tolist() == one.log_probs(texts).tolist()


@pytest.mark.parametrize("name", list(MIXED))
def test_its_file_is_small_and_says_how_it_was_made(name: str) -> None:
    path = data_file(name, ".onnx")
    assert path.stat().st_size < 12e6
    card = (ROOT / "docs" / "cards" / f"{name}.md").read_text(encoding="utf-8")
    assert "\n    searchgen lm train " in card or "\n    python -m benchmarks.teaching.train " in card


def test_names() -> None:
    rows = {row["name"]: row["bytes"] for row in searchgen("list", "models", "--json").rows}
    assert list(rows) == ["en", "zh", "en-ngram", "zh-ngram"]
    assert all((rows[name] > rows[f"{name}-ngram"]) == (name in MIXED) for name in ("en", "zh"))
    assert load("en").name == load("en-ngram").name == "en-ngram"
    assert load("en") is load("en-ngram")  # one model for the mixture and for what proposes to it
    facts = searchgen("lm", "info", "en", "--json").rows[0]
    assert facts["parts"] == [f"en-ngram {1 - MIXED['en']:g}", f"transformer {MIXED['en']:g}"]
    assert facts["hash"] == open_text_model("en").hash


def test_constrain_searches_under_the_mixture_and_sample_draws_from_the_n_grams() -> None:
    flags = ("--keywords", "dog,park", "--json", *QUICK)
    default, named, plain = (
        searchgen("constrain", *flags, *more).rows[0] for more in ((), ("--lm", "en"), ("--lm", "en-ngram"))
    )
    assert default == named
    assert default["lm"].startswith("en@")
    assert default["neural"]["scored"] > 0
    assert default["neural"]["tested"] == 0  # the embedded files tell what they expect: edits, not rounds
    assert default["log_prob"] == pytest.approx(open_text_model("en").log_probs([default["text"]])[0], abs=1e-9)
    assert plain["lm"].startswith("en-ngram@")
    assert "neural" not in plain
    for row in (default, plain):
        assert row["kind"] == "search"
        assert all(row["satisfied"].values())
    for command in (("sample", "--seed", "1"), ("check",)):
        row = searchgen(*command, "--keywords", "dog", "--json", stdin=b"The dog ran.\n").rows[0]
        assert row["lm"].startswith("en-ngram@"), command
    scored = searchgen("score", "--lm", "en", "--json", stdin=f"{default['text']}\n".encode()).rows[0]
    assert scored["log_prob"] == pytest.approx(default["log_prob"], abs=1e-9)


def test_flags_of_transformers_are_for_the_default_too() -> None:
    flags = ("constrain", "--keywords", "dog", "--json", *QUICK)
    plain, prompted = (searchgen(*flags, *more).rows[0] for more in ((), ("--prompt", "Once upon a time")))
    assert plain["log_prob"] != prompted["log_prob"]
    for more, why in (
        (("--end", "none"), "every part of en"),
        (("--device", "cuda"), "runs on the CPU"),
        (("--lm", "en-ngram", "--prompt", "x"), "--prompt is for transformers"),
    ):
        ran = searchgen(*flags, *more)
        assert (ran.code, ran.out) == (2, "")
        assert why in ran.err
    assert searchgen("sample", "--keywords", "dog", "--prompt", "x").code == 2


def test_a_signature_repeats_the_mixtures_text() -> None:
    row = searchgen("constrain", "--keywords", "dog", "--json", *QUICK).rows[0]
    assert searchgen("constrain", "--again", row["signature"], "--json").rows[0] == row
    other = searchgen("constrain", "--again", row["signature"], "--lm", "en-ngram")
    assert other.code == 2
    assert "another model" in other.err
    assert (
        "en-ngram is edition 2 of this model since 0.2.0, and the release before, 0.1.0, repeats edition 1" in other.err
    )


def test_jobs_take_the_model_of_their_command(tmp_path: Path) -> None:
    jobs: list[dict[str, Any]] = [
        {"keywords": ["dog"]},
        {"keywords": ["dog"], "sampler": "mh"},
        {"keywords": ["dog"], "lm": "en-ngram"},
    ]
    (tmp_path / "jobs.jsonl").write_text(
        "".join(json.dumps({**job, "seed": 3}) + "\n" for job in jobs), encoding="utf-8"
    )
    out = [tmp_path / f"out{i}.jsonl" for i in range(2)]
    for path in out:
        assert (
            searchgen("batch", str(tmp_path / "jobs.jsonl"), "-o", str(path), "--budget", "0.1", "--workers", "1").code
            == 0
        )
    rows = [json.loads(line) for line in out[0].read_text(encoding="utf-8").splitlines()]
    assert [row["results"][0]["lm"].partition("@")[0] for row in rows] == ["en", "en-ngram", "en-ngram"]
    assert out[0].read_bytes() == out[1].read_bytes()


def test_the_library_has_the_same_defaults() -> None:
    (record,) = library.constrain("dog", seed=5)
    assert record.lm.startswith("en@")
    assert library.sample("dog", n=1, seed=1, max_words=6).lm.startswith("en-ngram@")


def test_explain_and_compare_take_the_mixture() -> None:
    explained = searchgen("explain", "--lm", "en", "--keywords", "dog", "--max-words", "6", "--json")
    assert explained.code == 0
    assert "those of en-ngram" in explained.err
    compared = searchgen(
        "compare", "--lm", "en", "--keywords", "dog", "--max-words", "4", "--evaluations", "10", "--json", "--seed", "1"
    )
    assert [row["sampler"] for row in compared.rows] == ["importance", "smc", "surrogate"]
    assert all(row["satisfied"] == 1.0 for row in compared.rows if not row["error"])


def test_the_model_is_opened_once_and_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the libraries that search are imported, by the words' language; where there is no transformer nothing is."""
    opened: list[str] = []
    real = door.open_text_model

    def counted(name: str, *more: Any) -> Any:
        opened.append(name)
        return real(name, *more)

    monkeypatch.setattr(door, "open_text_model", counted)
    for lm, word in (("en-ngram", "dog"), ("some/model", "dog"), (None, "@words.txt")):
        assert open_ahead(lm, [word], NeuralSettings()) == {}
    for name, *flags in (("en", "dog"), ("zh", "学校"), ("en", "dog", "--device", "cpu")):
        opened.clear()
        ran = searchgen("constrain", "--keywords", *flags, *QUICK)
        assert (ran.code, opened) == (0, [name]), ran.err
