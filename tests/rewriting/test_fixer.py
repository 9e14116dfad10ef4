"""Fixing: the climb against all single edits, and protected spans and bounds against a count of edits that knows nothing of it."""

import random

import pytest

from searchgen.errors import RequestError
from searchgen.request.model_ref import ModelRef
from searchgen.request.slip_costs import COSTS, Costs
from searchgen.rewriting.fixer import Fixer
from searchgen.rewriting.scores import Scores
from searchgen.rewriting.slips import KINDS, slips
from searchgen.sources.source import Source, open_source
from tests.constraints.test_edits import fewest
from tests.rewriting.prose import decorated

SOURCES = {language: open_source(ModelRef.parse(f"{language}-ngram")) for language in ("en", "zh")}

#: Costs so small that every text is edited.
CHEAP = Costs(**dict.fromkeys(KINDS, 0.5))


def log_prob(source: Source, tokens: tuple[str, ...]) -> float:
    return float(Scores(source).log_probs([tokens])[0])


@pytest.mark.parametrize(
    ("language", "text", "right"),
    [
        ("en", "The dog are sleeping  near the door…", "The dog is sleeping  near the door…"),
        ("en", "She opened the door and sat at a table the.", "She opened the door and sat at a table."),
        ("en", "She has an dog.", "She has a dog."),
        ("zh", "我们昨天去公圆玩。", "我们昨天去公园玩。"),
    ],
)
def test_slips_are_mended_and_the_rest_keeps_its_characters(language: str, text: str, right: str) -> None:
    (result,) = Fixer(SOURCES[language]).revise(text)
    assert result.text == right
    assert result.trail
    for change in result.changes:
        assert result.text[change.start :].startswith(change.new)


@pytest.mark.parametrize(("language", "text"), [("en", "The dog are in a garden."), ("zh", "他今天去了学笑。")])
def test_no_single_edit_of_the_result_scores_higher(language: str, text: str) -> None:
    source, costs = SOURCES[language], COSTS[language]
    (result,) = Fixer(source).revise(text)
    form, known = source.lexicon.vocabulary.form, source.lexicon.vocabulary.ids
    start = tuple(form.tokenise(text))
    cost = sum(getattr(costs, step.kind) for step in result.trail)
    assert result.score is not None
    assert result.score == pytest.approx(log_prob(source, result.tokens) - cost)
    assert result.score > log_prob(source, start)
    for slip in slips(result.tokens, form, known):
        further = log_prob(source, slip.of(result.tokens)) - cost - getattr(costs, slip.kind)
        assert further <= result.score + 1e-9 or slip.of(result.tokens) == start, slip


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("seeds", [range(10), pytest.param(range(10, 1_010), marks=pytest.mark.slow)])
def test_protected_spans_and_bounds_hold(seeds: range, language: str) -> None:
    source = SOURCES[language]
    form, edited = source.lexicon.vocabulary.form, 0
    for seed in seeds:
        draw, text = random.Random(seed), decorated(seed, language)
        tokens = form.tokenise(text)
        words = [at for at, token in enumerate(tokens) if form.is_word(token) and token.isalpha()]
        at, most = draw.choice(words), draw.choice([None, 1, 2, 3])
        protect = (tokens[at],) if draw.random() < 0.7 and "//" not in text else ()
        result = Fixer(source, most=most, protect=protect, costs=CHEAP).revise(text)[0]
        before, after = (tuple(map(form.fold, form.tokenise(one))) for one in (text, result.text))
        spans = [(i, i + 1) for i, token in enumerate(before) if protect and token == form.fold(protect[0])]
        if "//" not in text:
            assert fewest(before, after, tuple(spans)) <= (99 if most is None else most), (text, result)
        assert result.edits <= (99 if most is None else most)
        assert (result.edits == 0) == (result.text == text)
        edited += result.edits > 0
    assert edited > len(seeds) / 2


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_no_edit_gains_comes_back_bit_for_bit(language: str) -> None:
    fixer = Fixer(SOURCES[language], weight=50.0)
    for seed in range(40):
        text = decorated(seed, language)
        assert fixer.revise(text)[0].text == text


def test_texts_are_mended_sentence_by_sentence() -> None:
    text = "  The dog are here.  It wass late!\tWe saw it.\r"
    (result,) = Fixer(SOURCES["en"]).revise(text)
    assert result.text == "  The dog is here.  It was late!\tWe saw it.\r"
    assert [result.text[one.start :][: len(one.new)] for one in result.changes] == ["is", "was"]
    assert Fixer(SOURCES["en"], most=1).revise(text)[0].edits == 1
    others = Fixer(SOURCES["en"], count=4).revise("The dog are here. It was late.")
    assert len({one.text for one in others}) == 4
    assert [one.score for one in others] == sorted((one.score for one in others), reverse=True)  # type: ignore[type-var]


def test_what_cannot_be_mended_is_refused() -> None:
    fixer = Fixer(SOURCES["en"])
    with pytest.raises(RequestError, match="has no word"):
        fixer.revise("...")
    with pytest.raises(RequestError, match="has 10,000 words"):
        fixer.revise("dog " * 10_000)
    with pytest.raises(RequestError, match="'new door' is not in the text"):
        Fixer(SOURCES["en"], protect=("new door",)).revise("The door. It is new.")
