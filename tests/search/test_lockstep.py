"""Searches that share a transformer's passes, and batches under one: what is saved, what stays the same, what is said."""

import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from searchgen.errors import Contradiction, Outage, RequestError
from searchgen.lm.neural.causal import CausalModel
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.transformer import open_transformer
from searchgen.lm.ngram.model import NGram
from searchgen.request.model_ref import ModelRef
from searchgen.request.request import Request
from searchgen.search.outcome import Outcome
from searchgen.search.searcher import Searcher, search_together
from searchgen.search.transformer_plan import TransformerPlan
from searchgen.sources.source import Source
from searchgen.token_table import lexicon
from tests.cli.runner import Ran, searchgen
from tests.lm.neural.tiny_transformer import by_bytes

WORDS = ("dog", "park", "ball", "tree", "cat", "house", "river", "boat", "song", "rain", "door", "letter")


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(by_bytes(tmp_path_factory.mktemp("bytes")))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few compiled steps: the passes are as many as with many."""
    plan = TransformerPlan(restart_steps=20, steps_between_tests=4)
    monkeypatch.setattr(TransformerPlan, "of", lambda request: plan)


@pytest.fixture
def searcher(letters: str) -> Searcher:
    random = np.random.default_rng(5)
    model = NGram.from_sentences([random.choice(WORDS, random.integers(2, 7)).tolist() for _ in range(60)], order=2)
    opened: Future[CausalModel] = Future()
    opened.set_result(open_transformer(letters))
    return Searcher.of(Source(ModelRef.parse("toy/model"), model, lexicon(model), opened=opened))


def request(number: int) -> Request:
    words = (WORDS[number % 12],), (WORDS[(number // 12 + 5) % 12],)
    return Request(keywords=words, lm="toy", seed=number, min_words=6, max_words=14, finite_verb=False, sentence=False)


def seen(outcome: Outcome | BaseException) -> list[tuple[str, float]]:
    assert isinstance(outcome, Outcome), outcome
    return [(record.text, record.log_density) for record in outcome.records]


@pytest.mark.parametrize(("count", "less"), [(4, 2), pytest.param(64, 6, marks=pytest.mark.slow)])
def test_searches_together_take_fewer_passes(searcher: Searcher, count: int, less: int) -> None:
    """A search alone takes five passes here; 64 together have more rows than a pass holds."""
    usage = searcher.source.text_model.usage  # type: ignore[union-attr]
    alone = [searcher.search(request(number)) for number in range(count)]
    single = usage.forwards
    together = search_together([(searcher, request(number)) for number in range(count)])
    shared = usage.forwards - single
    assert less * shared <= single
    for one, other in zip(alone, together, strict=True):
        assert isinstance(other, Outcome)
        assert all(all(record.satisfied.values()) for record in other.records)
        assert (one.report.get("shared"), other.report["shared"]) == (None, count)
        assert other.records[0].neural == other.report
        # The same random numbers: only a test that the last bits decide may come out otherwise.
        assert other.records[0].log_density == pytest.approx(one.records[0].log_density, abs=3.0)
    texts = [a.records[0].text == b.records[0].text for a, b in zip(alone, together, strict=True)]  # type: ignore[union-attr]
    assert np.mean(texts) > 0.9


def test_alone_a_search_does_not_depend_on_what_was_searched_before(searcher: Searcher) -> None:
    first = seen(searcher.search(request(1)))
    search_together([(searcher, request(number)) for number in range(5)])
    assert seen(searcher.search(request(1))) == first
    counts = [searcher.search(request(1)).report for _ in range(2)]
    assert counts[0] == counts[1]  # each result has its own


def test_what_fails_is_one_search_not_all(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = CausalModel.log_probs

    def refused(self: CausalModel, texts: list[str]) -> np.ndarray:
        if any("door" in text for text in texts):
            raise RequestError("a door cannot be spelled")
        return whole(self, texts)

    without = [request(number).but(forbid=("door",)) for number in (0, 1)]
    impossible = Request(keywords=(("dog",),), forbid=("dog",), lm="toy")
    monkeypatch.setattr(CausalModel, "log_probs", refused)
    jobs = [*without, request(10), impossible]  # the third demands a door
    outcomes = search_together([(searcher, one) for one in jobs])
    assert [type(outcome) for outcome in outcomes] == [Outcome, Outcome, RequestError, Contradiction]


@pytest.mark.parametrize("kind", [Outage, KeyboardInterrupt])
def test_an_outage_in_the_middle_keeps_the_texts_of_all(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    whole, calls = CausalModel.log_probs, []

    def failing(self: CausalModel, texts: list[str]) -> np.ndarray:
        calls.append(len(texts))
        if len(calls) == 4:
            raise kind("gone")
        return whole(self, texts)

    monkeypatch.setattr(CausalModel, "log_probs", failing)
    outcomes = search_together([(searcher, request(number)) for number in range(3)])
    for outcome in outcomes:
        assert isinstance(outcome, Outcome)
        assert isinstance(outcome.failure, kind)
        assert outcome.records[0].stopped_early
    calls[:] = [0, 0, 0]
    assert [type(outcome) for outcome in search_together([(searcher, request(0))])] == [kind]


# batch and constrain, whole commands


JOBS = [{"id": "a", "keywords": "dog,park", "seed": 3}, {"id": "c", "keywords": "学校"},
        {"id": "none", "keywords": "dog", "forbid": "dog"}, {"id": "drawn", "keywords": "dog", "sampler": "surrogate",
        "options": ["burn_in=6"], "n": 8, "beta": 0.5}]  # fmt: skip


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.jsonl"
    path.write_text("".join(json.dumps(job) + "\n" for job in JOBS), encoding="utf-8")
    return path


def batch(jobs: Path, letters: str, *arguments: str) -> Ran:
    return searchgen("batch", str(jobs), "--lm", letters, "--max-words", "6", "--prompt", "So:", "-q", *arguments)


def rows(path: Path) -> Iterator[dict]:
    return map(json.loads, path.read_text("utf-8").splitlines())


def test_rows_of_a_batch_do_not_depend_on_order_or_resumption(jobs: Path, letters: str, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    ran = batch(jobs, letters, "-o", str(out))
    assert "3 ok, 1 infeasible, 0 error" in ran.err, ran.err
    whole = out.read_bytes()
    found = {row["id"]: row for row in rows(out)}
    assert found["a"]["results"][0]["neural"]["evaluations"] > 0
    assert found["a"]["diagnostics"]["neural"]["tokens"] > 0
    drawn = found["drawn"]["results"][0]
    assert drawn["kind"] == "markov"
    model = open_transformer(letters, NeuralSettings(prompt="So:"))
    assert drawn["log_prob"] == pytest.approx(model.log_probs([drawn["text"]])[0], rel=1e-5)  # not the n-gram model's
    # Cut after the second row; the rest is the same, byte for byte.
    out.write_bytes(b"".join(whole.splitlines(keepends=True)[:2]))
    assert batch(jobs, letters, "-o", str(out), "--resume").code == 3
    assert out.read_bytes() == whole
    lines = jobs.read_text("utf-8").splitlines(keepends=True)
    jobs.write_text("".join(lines[::-1]), encoding="utf-8")
    batch(jobs, letters, "-o", str(out), "--overwrite", "--seed", "0")
    again = {row["id"]: row for row in rows(out)}
    assert [again[job] for job in ("a", "c", "drawn")] == [found[job] for job in ("a", "c", "drawn")]
    signature = found["a"]["signature"]
    repeated = searchgen("constrain", "--again", signature, "--json")
    assert repeated.rows[0]["text"] == found["a"]["results"][0]["text"]


def test_shared_rows_say_so(jobs: Path, letters: str, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    ran = batch(jobs, letters, "-o", str(out), "--share", "5")
    assert "3 ok, 1 infeasible, 0 error" in ran.err, ran.err
    found = list(rows(out))
    assert [row["id"] for row in found] == [job["id"] for job in JOBS]
    assert [row["diagnostics"].get("neural", {}).get("shared") for row in found] == [2, 2, None, None]
    assert found[0]["results"][0]["neural"]["shared"] == 2


def test_a_model_that_cannot_be_opened_ends_a_batch_shared_or_not(jobs: Path, tmp_path: Path) -> None:
    folder, found = tmp_path / "model", []
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    for share in ("1", "3"):
        out = tmp_path / f"out-{share}.jsonl"
        ran = batch(jobs, str(folder), "-o", str(out), "--share", share)
        assert ran.code == 2
        found.append(ran.err)
    assert found[0] == found[1]
    assert "no config.json of a transformer" in found[0]


def test_an_outage_stops_a_batch_and_resume_goes_on(
    jobs: Path, letters: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, whole = tmp_path / "out.jsonl", CausalModel.log_probs
    batch(jobs, letters, "-o", str(out))
    expected = out.read_bytes()

    def failing(self: CausalModel, texts: list[str]) -> np.ndarray:
        if any("学校" in text for text in texts):
            raise Outage("the server is gone")
        return whole(self, texts)

    monkeypatch.setattr(CausalModel, "log_probs", failing)
    ran = batch(jobs, letters, "-o", str(out), "--overwrite")
    assert ran.code == 1
    assert ran.err.splitlines()[-1] == (
        "searchgen: line 2: the server is gone (earlier rows are kept; continue with --resume)"
    )
    assert out.read_bytes() == expected.splitlines(keepends=True)[0]
    monkeypatch.setattr(CausalModel, "log_probs", whole)
    assert batch(jobs, letters, "-o", str(out), "--resume").code == 3
    assert out.read_bytes() == expected


def test_constrain_shares_the_lines_of_stdin(letters: str) -> None:
    given = ("constrain", "--lm", letters, "--keywords", "-", "--max-words", "6", "--seed", "4", "--json")
    ran = searchgen(*given, "--share", "3", stdin=b"dog\n\n\xff\ntree,cat\n")
    assert ran.code == 3
    assert [row["status"] for row in ran.rows] == ["ok", "malformed", "malformed", "ok"]
    assert ran.rows[3]["line"] == 4
    assert "shared" not in ran.rows[0]["neural"]  # one set of the first three, one of the rest
    both = searchgen(*given, "--share", "2", stdin=b"dog\ntree,cat\n")
    assert [row["neural"]["shared"] for row in both.rows] == [2, 2]


@pytest.mark.parametrize(("kind", "code"), [(KeyboardInterrupt, 130), (Outage, 1)])
def test_what_stops_a_stream_comes_after_the_texts_found(
    letters: str, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException], code: int
) -> None:
    whole, calls = CausalModel.log_probs, []

    def failing(self: CausalModel, texts: list[str]) -> np.ndarray:
        calls.append(len(texts))
        if len(calls) == 3:
            raise kind("gone")
        return whole(self, texts)

    monkeypatch.setattr(CausalModel, "log_probs", failing)
    given = (
        "constrain",
        "--lm",
        letters,
        "--keywords",
        "-",
        "--max-words",
        "6",
        "--seed",
        "4",
        "--json",
        "--share",
        "2",
    )
    ran = searchgen(*given, stdin=b"dog\ntree,cat\nriver\n")
    assert ran.code == code
    assert [(row["line"], row["stopped_early"]) for row in ran.rows] == [(1, True), (2, True)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("constrain", "--keywords", "dog", "--lm", "en-ngram", "--share", "2"), "--share is for transformers"),
        (("constrain", "--keywords", "-", "--share", "0"), "give 1 to"),
        (("batch", "-", "--lm", "en-ngram", "--share", "2"), "--share is for transformers"),
        (("batch", "-", "--end", "none"), "--end is for transformers"),
    ],
)
def test_sharing_where_there_is_nothing_to_share(arguments: tuple[str, ...], said: str) -> None:
    ran = searchgen(*arguments)
    assert ran.code == 2
    assert said in ran.err
