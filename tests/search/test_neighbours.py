"""Neighbours of texts under a transformer: which there are, how dense they are guessed to be, and the search that follows them."""

from concurrent.futures import Future
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest

from searchgen.lm.neural.top_pieces import Expected, Scored
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.scoring import score_tokens
from searchgen.request.model_ref import ModelRef
from searchgen.request.request import PLAIN_TERMS, Request
from searchgen.samplers.proofs.exactness import World
from searchgen.search import neighbours as edits_module
from searchgen.search.neighbours import Edits, Text
from searchgen.search.transformer_plan import TransformerPlan
from searchgen.search.transformer_steps import TransformerRun
from searchgen.sources.piece_words import PieceWords
from searchgen.sources.source import Source
from searchgen.target import Target
from searchgen.token_table import lexicon
from searchgen.vocabulary import Vocabulary

REQUEST = Request(keywords=(("a",),), sentence=False, quotes=True, terms=PLAIN_TERMS, min_words=1, max_words=4)


@dataclass
class Tilted:
    """The n-gram model with something added to log p of each word: what stands behind an edit is as the n-gram model says."""

    model: NGram
    tilt: dict[str, float]
    label: str = "tilted"

    @property
    def expectable(self) -> dict[str, int]:
        return {f"Ġ{word}": i for i, word in enumerate(self.tilt)}

    def note_expected(self, most: int) -> None:
        assert most > 0

    def forget(self) -> None: ...

    def log_probs(self, texts: list[str]) -> np.ndarray:
        return np.array([one.scored.log_p.sum() for one in self.expected(texts)])

    def expected(self, texts: list[str]) -> list[Expected]:
        return [self._of(text.split()) for text in texts]

    def _of(self, words: list[str]) -> Expected:
        own = [*(self._next(words[:i])[words[i]] for i in range(len(words))), self._log_p(words)[-1]]
        likely = [sorted(self._next(words[:i]).items(), key=lambda item: -item[1]) for i in range(len(words) + 1)]
        pieces = [[list(self.tilt).index(word) for word, _ in row] for row in likely]
        scored = Scored(np.array(own), np.array(pieces), np.array([[log_p for _, log_p in row] for row in likely]))
        return Expected(np.cumsum([0, *map(len, words)])[:-1].tolist(), scored)

    def _next(self, before: list[str]) -> dict[str, float]:
        return {word: self._log_p([*before, word])[len(before)] + tilt for word, tilt in self.tilt.items()}

    def _log_p(self, words: list[str]) -> np.ndarray:
        return score_tokens(self.model.tables, self.model.ids(words), np.array([0, len(words)]))


@pytest.fixture(scope="module")
def model() -> NGram:
    return NGram.from_sentences([["a", "b"], ["b", "a"], ["a", "c", "b"], ["c"], ["b", "c", "a"]] * 3, order=3)


@pytest.fixture(scope="module")
def tilted(model: NGram) -> Tilted:
    return Tilted(model, {"a": -0.7, "b": 1.9, "c": 0.4})


def edits_of(target: Target, tilted: Tilted) -> Edits:
    return Edits(target, PieceWords(target.vocabulary, tilted.expectable))


def neighbours(text: Text, tokens: list[int]) -> set[Text]:
    """One token more, another, or one less."""
    found = {text[:i] + text[i + 1 :] for i in range(len(text))}
    for i, token in product(range(len(text) + 1), tokens):
        found |= {(*text[:i], token, *text[i:]), (*text[:i], token, *text[i + 1 :])}
    return found - {text}


@pytest.mark.parametrize("beta", [0.7, 1.0, 2.0])
def test_all_neighbours_are_found_and_guessed_exactly_where_the_rest_is_the_ngram_models(
    model: NGram, tilted: Tilted, beta: float
) -> None:
    """Enumerated. Control: without what the transformer told of the place, the guesses are wrong."""
    target = Target.of(replace(REQUEST, beta=beta), model)
    world, whole = World.of(target.problem, 4), replace(target, text_model=tilted)
    true = dict(zip(world.texts, whole.own_log_densities(world.texts), strict=True))
    under_ngram = dict(zip(world.texts, world.log_density, strict=True))
    letters = [target.vocabulary.id_of(word) for word in tilted.tilt]
    off = []
    for text in world.texts:
        edits = edits_of(target, tilted)
        edits.expand({text: true[text]}, [text], tilted)
        assert set(edits.estimates) == neighbours(text, letters) & set(world.texts)
        for other, (guess, parent) in edits.estimates.items():
            assert parent == text
            assert guess == pytest.approx(true[other], abs=0.006)  # guesses have two decimals
            off.append(true[text] + under_ngram[other] - under_ngram[text] - true[other])
    assert np.abs(off).max() > 0.5


def test_without_ends_nothing_is_put_behind_a_text(model: NGram, tilted: Tilted) -> None:
    """As under --end none: the transformer tells of the places of the words alone."""

    class Endless(Tilted):
        def expected(self, texts: list[str]) -> list[Expected]:
            whole = super().expected(texts)
            cut = [one.scored.split(np.array([len(one.starts)]))[0] for one in whole]
            return [Expected(one.starts, scored) for one, scored in zip(whole, cut, strict=True)]

    target = Target.of(REQUEST, model)
    world = World.of(target.problem, 4)
    text = next(text for text in world.texts if len(text) == 2)
    edits = edits_of(target, tilted)
    edits.expand({text: 0.0}, [text], Endless(model, tilted.tilt))
    letters = [target.vocabulary.id_of(word) for word in tilted.tilt]
    longer = {(*text, token) for token in letters} & set(world.texts)
    missed = longer - {(token, *text) for token in letters} - {(text[0], token, text[1]) for token in letters}
    assert missed
    assert set(edits.estimates) == (neighbours(text, letters) & set(world.texts)) - missed


def test_the_best_guesses_come_first_and_none_twice(model: NGram, tilted: Tilted) -> None:
    target = Target.of(REQUEST, model)
    world = World.of(target.problem, 4)
    densities = replace(target, text_model=tilted).own_log_densities(world.texts)
    begun = dict(list(zip(world.texts, densities, strict=True))[:5])
    edits = edits_of(target, tilted)
    edits.expand(begun, list(begun), tilted)
    before = dict(edits.estimates)
    found = edits.best(6, 2)
    guesses = [before[text] for text in found]
    assert len(set(found)) == 6
    assert not set(found) & set(begun)
    assert [guess for guess, _ in guesses] == sorted((guess for guess, _ in guesses), reverse=True)
    parents = [parent for _, parent in guesses]
    assert all(parents.count(parent) <= 2 for parent in parents)
    assert guesses[0][0] == max(guess for guess, _ in before.values())
    left = {text: guess for text, guess in before.items() if text not in found}
    edits.expand(begun, list(begun), tilted)  # all of them have been read
    assert edits.estimates == left
    edits.expanded.clear()
    edits.expand(
        begun, list(begun), tilted
    )  # what was asked for is not asked for again, whether it got a density or not
    assert edits.estimates == left
    while edits.best(6, 2):
        pass
    assert not edits.estimates


def test_only_the_best_of_each_text_are_kept(model: NGram, tilted: Tilted, monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target.of(REQUEST, model)
    text = World.of(target.problem, 4).texts[-1]
    whole = edits_of(target, tilted)
    whole.expand({text: 0.0}, [text], tilted)
    monkeypatch.setattr(edits_module, "KEPT", 3)
    few = edits_of(target, tilted)
    few.expand({text: 0.0}, [text], tilted)
    assert sorted(few.estimates.values()) == sorted(whole.estimates.values())[-3:]


def test_the_search_climbs_to_the_densest_text_of_all(
    model: NGram, tilted: Tilted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one start, a poor one; control: without edits it stays there."""
    target = replace(Target.of(REQUEST, model), text_model=tilted)
    world = World.of(target.problem, 4)
    densities = target.own_log_densities(world.texts)
    assert densities is not None
    opened: Future[Tilted] = Future()
    opened.set_result(tilted)
    source = Source(ModelRef.parse("toy/model"), model, lexicon(model), opened=opened)
    best = {}
    for count in (0, 8):
        plan = TransformerPlan(
            restarts=1,
            restart_chains=1,
            restart_steps=1,
            restart_scored=1,
            edit_rounds=count,
            edits_scored=3,
            parents=2,
        )
        monkeypatch.setattr(TransformerPlan, "of", lambda request, plan=plan: plan)
        search = TransformerRun.begin(source, replace(REQUEST, seed=5))
        for _ in search.steps(tilted):
            pass
        found, _ = search.result()
        assert set(found.texts) <= set(world.texts)
        assert found.log_density == pytest.approx([densities[world.texts.index(text)] for text in found.texts])
        best[count] = found.log_density[0]
    assert best[8] == pytest.approx(densities.max())
    assert best[0] < best[8] - 0.5


def test_pieces_are_tokens_where_they_begin_words() -> None:
    from searchgen.text import text_form

    chinese = PieceWords(Vocabulary(["狗", "的", "。"], text_form("zh")), {"çĭĹ": 0, "çļĦ": 1, "ãĢĤ": 2, "ç": 3})
    assert chinese.later(np.array([0, 1, 2, 3])).tolist() == [0, 1, 2, -1]
    english = Vocabulary(["dog", ",", "--", "(", ")"], text_form("en"))
    marks = PieceWords(english, {"Ġdog": 0, ",": 1, "Ġ,": 2, "Ġ--": 3, "--": 4, "Ġ(": 5, "(": 6, ")": 7, "Ġ)": 8})
    assert marks.later(np.arange(11)).tolist() == [
        0,
        1,
        -1,
        2,
        -1,
        3,
        -1,
        4,
        -1,
        -1,
        -1,
    ]  # 9 and 10 are beyond the tokenizer
    unmarked = PieceWords(Vocabulary(["a", "b"], text_form("en")), {"a": 1, "b": 0})
    assert unmarked.later(np.array([[0, 1]])).tolist() == [[1, 0]]
