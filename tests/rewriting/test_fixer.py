"""Fixing: the climb against all single edits, and protected spans and bounds against a count of edits that knows nothing of it."""

import random
from collections.abc import Sequence

import pytest

from searchgen.errors import RequestError
from searchgen.lm.protocol import expecting
from searchgen.request.model_ref import ModelRef
from searchgen.request.slip_costs import COSTS, Costs
from searchgen.rewriting.expected_words import expected_words
from searchgen.rewriting.fixer import Fixer
from searchgen.rewriting.rewriter import Rewritten
from searchgen.rewriting.scores import Floats, Scores
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


def test_a_phrase_across_what_looks_like_the_end_of_a_sentence_stays() -> None:
    """Control: without protection it is changed."""
    text = "He visit the U.S. Army base."
    (result,) = Fixer(SOURCES["en"], protect=("U.S. Army",), costs=CHEAP).revise(text)
    assert "U.S. Army" in result.text
    assert result.text != text
    assert "U.S. Army" not in Fixer(SOURCES["en"], costs=CHEAP).revise(text)[0].text


@pytest.mark.parametrize(
    ("text", "protect", "parts"),
    [
        (
            "It was late. He saw the U.S. Army base. The U.S. Army! Dogs ran.",
            ("U.S. Army", "late"),
            [
                ("It was late.", ["late"]),
                ("He saw the U.S. Army base.", ["U.S. Army"]),
                ("The U.S. Army!", ["U.S. Army"]),
                ("Dogs ran.", []),
            ],
        ),
        ("It was the U.S. Army base.", ("base",), [("It was the U.S.", []), ("Army base.", ["base"])]),
        ("He likes New\nYork. It is old.", ("New York",), [("He likes New\nYork.", ["New York"]), ("It is old.", [])]),
        (
            "It was\nlate. He likes New\nYork\nCity. It is\nold.",
            ("New York City",),
            [
                ("It was", []),
                ("late.", []),
                ("He likes New\nYork\nCity.", ["New York City"]),
                ("It is", []),
                ("old.", []),
            ],
        ),
    ],
    ids=["two sentences", "no need", "two lines", "three lines"],
)
def test_sentences_are_joined_only_where_a_protected_phrase_needs_it(
    text: str, protect: tuple[str, ...], parts: list[tuple[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    mended, found = Fixer._mended, list[tuple[str, list[str]]]()

    def noting(fixer: Fixer, part: str, held: list[str]) -> list[Rewritten]:
        found.append((part, held))
        return mended(fixer, part, held)

    monkeypatch.setattr(Fixer, "_mended", noting)
    Fixer(SOURCES["en"], protect=protect).revise(text)
    assert found == parts


def test_a_long_text_of_short_sentences_may_have_protected_phrases() -> None:
    text = "The dog is here, near the old door of the house. " * 21
    assert Fixer(SOURCES["en"], most=0, protect=("dog",)).revise(text)[0].text == text


@pytest.fixture(scope="module")
def mixture() -> Source:
    return open_source(ModelRef.parse("en"))


def test_words_that_a_transformer_expects_are_seen(mixture: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[list[list[str]]]()

    def noting(source: Source, tokens: Sequence[str], text: str) -> list[list[str]]:
        seen.append(expected_words(source, tokens, text))
        return seen[-1]

    monkeypatch.setattr("searchgen.rewriting.fixer.expected_words", noting)
    Fixer(mixture).revise("The dog are sleeping near the door.")
    assert len(seen) > 1
    assert all(all(words) for words in seen)
    assert "is" in seen[0][2]
    assert notes_nothing(mixture)


def test_a_transformer_notes_no_more_expected_words_once_fixing_was_interrupted(
    mixture: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, calls = Scores.log_probs, list[int]()

    def interrupted(scores: Scores, rows: Sequence[tuple[str, ...]]) -> Floats:
        calls.append(len(rows))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(scores, rows)

    monkeypatch.setattr(Scores, "log_probs", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Fixer(mixture).revise("The dog are sleeping near the door.")
    assert notes_nothing(mixture)


def notes_nothing(source: Source) -> bool:
    model = expecting(source.text_model)
    assert model is not None
    (new,) = model.expected(["A text that nobody has asked for."])
    return new.scored.piece.shape[1] == 0
