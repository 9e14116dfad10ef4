"""Rewriting: the fewest edits against all texts, and results against a judge and a count of edits that know nothing of the search."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from searchgen.automata import Automaton
from searchgen.constraints.words.edits import source_tokens
from searchgen.demands.demands import Demands
from searchgen.demands.judge import Judge
from searchgen.errors import Impossible, NotFound, Outage, RequestError
from searchgen.request.model_ref import ModelRef
from searchgen.request.request import Annealing, Request
from searchgen.rewriting.fewest import fewest_edits
from searchgen.rewriting.rewriter import Rewriter, Rewritten
from searchgen.samplers.chains.observer import Observer
from searchgen.search.searcher import Searcher, Strategy
from searchgen.sources.source import Source, open_source
from searchgen.text import TextForm
from searchgen.text.edits import printing
from searchgen.text.edits.places import token_places
from tests.constraints.test_edits import fewest
from tests.rewriting.prose import decorated

SEARCHER = Searcher.of(open_source(ModelRef.parse("en-ngram")))
CHINESE = Searcher.of(open_source(ModelRef.parse("zh-ngram")))
WORDS = ["ball", "mother", "station", "letter", "king", "water", "friend", "doctor"]


def rewriter(searcher: Searcher = SEARCHER, most: int | None = None, count: int = 1, **demands: object) -> Rewriter:
    protect = demands.pop("protect", ())
    request = Request(
        Demands.nothing(**demands),
        lm=searcher.source.ref.name,
        seed=3,
        count=count,
        annealing=Annealing(chains=12, steps=400),
    )
    return Rewriter(searcher, request, most, protect)  # type: ignore[arg-type]


def counted(text: str, result: Rewritten, searcher: Searcher = SEARCHER) -> int:
    form = searcher.source.lexicon.vocabulary.form
    return fewest(*(tuple(map(form.fold, form.tokenise(one))) for one in (text, result.text)))


def test_the_fewest_edits_by_all_texts() -> None:
    draw = random.Random(5)
    texts = [text for length in range(6) for text in product(range(2), repeat=length)]
    seen = set()
    for _ in range(60):
        table = np.array([[draw.randrange(4) if state else 0 for _ in range(2)] for state in range(4)])
        accept = np.array([False, *(draw.random() < 0.4 for _ in range(3))])
        automaton = Automaton.of([0, 1], table, accept)
        row = tuple(draw.choices(range(2), k=draw.randint(1, 3)))
        held = ((0, 2),) if len(row) > 2 and draw.random() < 0.5 else ()
        wanted = min((fewest(row, text, held) for text in texts if automaton.accepts(text)), default=99)  # type: ignore[arg-type]
        found = fewest_edits(automaton, [[label] for label in row], held, 2)
        assert (99 if found is None else found) == (wanted if wanted <= 2 else 99), (table, accept, row, held)
        seen.add(found)
    assert seen == {None, 0, 1, 2}


@pytest.mark.parametrize("seeds", [range(5), pytest.param(range(5, 205), marks=pytest.mark.slow)])
def test_results_hold_what_they_must_within_the_fewest_edits_and_one_more(seeds: range) -> None:
    for seed in seeds:
        draw, text = random.Random(seed), decorated(seed, "en")
        words = draw.sample(WORDS, draw.randint(1, 2))
        demands = {"keywords": tuple((word,) for word in words)}
        judge = Judge.of(Demands.nothing(**demands, min_words=1, max_words=99), SEARCHER.source.lexicon.vocabulary)
        for result in rewriter(count=2, **demands).revise(text):
            assert all(judge.judged(result.text).values()), (text, result)
            missing = sum(not holds for holds in judge.judged(text).values())
            assert (result.edits == 0) == (missing == 0) == (result.text == text)
            assert result.edits <= max(2, missing + 1), (text, result)
            if "//" not in text:
                assert counted(text, result) == result.edits, (text, result)


def test_chinese_is_rewritten_alike() -> None:
    text = "昨天我和妈妈一起去公园看花。"
    (result,) = rewriter(CHINESE, keywords=(("朋友",),)).revise(text)
    assert "朋友" in result.text
    assert counted(text, result, CHINESE) == result.edits <= 3
    (kept,) = rewriter(CHINESE, keywords=(("妈妈",),)).revise('"昨天",我和妈妈去 公园...')
    assert (kept.text, kept.edits) == ('"昨天",我和妈妈去 公园...', 0)


def test_protected_and_unknown_words_stay() -> None:
    text = "The lazy dog of Zorbville sleeps near the OLD  door."
    results = rewriter(count=3, without_letters="z", protect=("old door",)).revise(
        "The lazy dog sleeps near the OLD  door."
    )
    assert all("OLD  door" in result.text and "z" not in result.text for result in results)
    for result in rewriter(count=3, keywords=(("cat",),)).revise(text):
        assert "Zorbville" in result.text
    with pytest.raises(RequestError, match="'new door' is not in the text"):
        rewriter(without_letters="z", protect=("new door",)).revise(text)
    with pytest.raises(Impossible):
        rewriter(without_letters="z", protect=("lazy",)).revise(text)


def test_bounds_that_are_too_small_say_how_many_it_takes() -> None:
    with pytest.raises(Impossible, match="no text within 1 edit satisfies the constraints; it takes 3"):
        rewriter(most=1, keywords=(("cat",), ("king",), ("water",))).revise("We saw the dog in the park.")
    (result,) = rewriter(most=3, keywords=(("cat",), ("king",), ("water",))).revise("We saw the dog in the park.")
    assert result.edits == 3
    assert rewriter(max_words=4).revise("We saw the dog in the park.")[0].edits >= 2


def test_more_edits_than_are_tried_unasked_are_found_within_the_bound() -> None:
    text = f"{'Never ' * 13}again."
    assert rewriter(without_letters="e").fewest(text) is None
    one = rewriter(most=20, without_letters="e")
    assert one.fewest(text) == 13
    (result,) = one.revise(text)
    assert "e" not in result.text.lower()
    assert 13 <= result.edits <= 20
    assert counted(text, result) == result.edits
    with pytest.raises(Impossible, match="no text within 20 edits satisfies the constraints; no number of edits tried"):
        one.revise(f"{'Never ' * 21}again.")


@dataclass
class Counting:
    """A strategy that notes the edits of each search that it begins."""

    strategy: Strategy
    allowed: list[int | None] = field(default_factory=list)

    def begin(self, source: Source, request: Request, observer: Observer | None = None) -> Any:
        self.allowed.append(request.max_edits)
        return self.strategy.begin(source, request, observer)

    def finish(self, runs: Sequence[Any], progress: None) -> Sequence[Any]:
        return self.strategy.finish(runs, progress)


@pytest.mark.parametrize(("closeness", "allowed"), [(100.0, [1, 2]), (0.0, [1, 2, 3, 4])])
def test_further_edits_are_tried_only_while_the_last_one_gains(closeness: float, allowed: list[int]) -> None:
    counting = Counting(SEARCHER.strategy)
    one = rewriter(Searcher(SEARCHER.source, counting), 4, keywords=(("ball",),))
    (result,) = replace(one, closeness=closeness).revise("My uncle seldom reads long letters in the evening.")
    assert counting.allowed == allowed
    assert result.edits == (1 if closeness else 4)


@dataclass
class Ended:
    """A strategy whose first search is ended early, with the texts that it has found or without them."""

    strategy: Strategy
    end: BaseException
    has_texts: bool

    def begin(self, source: Source, request: Request, observer: Observer | None = None) -> Any:
        return self.strategy.begin(source, request, observer)

    def finish(self, runs: Sequence[Any], progress: None) -> Sequence[Any]:
        outcomes: list[Any] = [*self.strategy.finish(runs, progress)]
        assert len(outcomes) > 1
        return [replace(outcomes[0], failure=self.end) if self.has_texts else self.end, *outcomes[1:]]


@pytest.mark.parametrize("has_texts", [True, False])
@pytest.mark.parametrize("end", [Outage("the server is gone"), KeyboardInterrupt()], ids=["outage", "ctrl-c"])
def test_what_ends_a_search_early_is_raised_whatever_others_found(end: BaseException, has_texts: bool) -> None:
    ended = Searcher(SEARCHER.source, Ended(SEARCHER.strategy, end, has_texts))
    with pytest.raises(type(end)):
        rewriter(ended, keywords=(("ball",),)).revise("My uncle seldom reads long letters in the evening.")


@pytest.mark.parametrize("has_texts", [True, False])
def test_a_search_that_is_refused_leaves_the_others_their_texts(has_texts: bool) -> None:
    ended = Searcher(SEARCHER.source, Ended(SEARCHER.strategy, RequestError("too long"), has_texts))
    (result,) = rewriter(ended, keywords=(("ball",),)).revise("My uncle seldom reads long letters in the evening.")
    assert "ball" in result.text


def test_texts_are_printed_only_as_far_as_needed_and_in_the_order_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    one, text = rewriter(count=4, keywords=(("ball",),)), "My  uncle reads “long” letters in the evening."
    printed: list[str] = []
    found: list[Any] = []
    search = Rewriter._found

    def noting(source: printing.Source, tokens: Sequence[str], form: TextForm) -> printing.Written:
        printed.append(source.text)
        return printing.written(source, tokens, form)

    def keeping(rewriter: Rewriter, runs: Sequence[Any]) -> Sequence[Any]:
        found[:] = search(rewriter, runs)
        return found

    monkeypatch.setattr("searchgen.rewriting.rewriter.written", noting)
    monkeypatch.setattr(Rewriter, "_found", keeping)
    kept = one.revise(text)
    tokens = source_tokens(text, SEARCHER.source.lexicon.vocabulary.form)
    places = token_places(tokens, text)
    assert places is not None
    scores = {}
    for target, ids, log_density, _ in found:
        result = printing.written(
            printing.Source(text, tokens, tuple(places)), target.vocabulary.decode(ids), target.form
        )
        scores[result.text] = log_density - one.closeness * result.edits
    best = sorted(scores, key=lambda text: -scores[text])
    assert [result.text for result in kept] == best[:4]
    assert [result.score for result in kept] == pytest.approx([scores[text] for text in best[:4]])
    assert 4 <= len(printed) < len(found)


def test_texts_beyond_measure_are_refused() -> None:
    with pytest.raises(RequestError, match="has 10,000 words, and at most 200"):
        rewriter(keywords=(("cat",),)).revise("dog " * 10_000)
    with pytest.raises((RequestError, NotFound), match="no word"):
        rewriter(keywords=(("cat",),)).revise("...")
    long = "dog " * 300
    assert rewriter(keywords=(("dog",),)).revise(long)[0].text == long
