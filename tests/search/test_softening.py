"""What is charged for violations, and which texts a search returns."""

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest

from searchgen.black_box_terms import BlackBoxTerm, opaque
from searchgen.constraints.lines.distance import distances
from searchgen.constraints.lines.shape import Shape, pieces_of
from searchgen.constraints.printed.ranges import Range
from searchgen.kernels.randomness import counter, key_of
from searchgen.lm.ngram.model import NGram
from searchgen.request.request import PLAIN_TERMS, Request
from searchgen.samplers.chains.scorer import padded, scorer_of
from searchgen.search.look_ahead import look_ahead
from searchgen.search.scored_texts import ScoredTexts
from searchgen.search.softening import Softening, without_counted
from searchgen.sources.source import open_source
from searchgen.target import Target


@pytest.fixture(scope="module")
def target() -> Target:
    model = NGram.from_sentences([["a", "b"], ["b", "a"], ["a", "c", "b"], ["c"]] * 3, order=2)
    request = Request(keywords=(("a",),), sentence=False, quotes=True, terms=PLAIN_TERMS, min_words=1, max_words=4)

    def count(text: str) -> int:
        return text.count("b")

    counted = BlackBoxTerm("no b", lambda text: count(text) == 0, hard=True, violations=count)
    return replace(Target.of(request, model), opaque=(counted, opaque(lambda text: 0.5 * text.count("c"))))


def test_texts_that_break_a_condition_a_little_stay(target: Target) -> None:
    texts = [tuple(target.vocabulary.encode(list(text)).tolist()) for text in ("a", "ab", "abb", "abbb", "ac")]
    softening = Softening.of(target)
    assert [term.name for term in softening.hard] == ["no b"]
    assert len(without_counted(target).opaque) == 1
    scored = ScoredTexts(scorer_of(without_counted(target)), softening)
    scored.score(*padded(texts, target.max_tokens))
    assert [*scored.density] == texts
    assert [softening.violations(text) for text in texts] == [(0,), (1,), (2,), (3,), (0,)]
    charged = [scored.density[text] - scored.own[text] for text in texts]
    assert charged == pytest.approx([0.0, -8.0, -16.0, -24.0, 0.0])
    allowed, density = scored.allowed()
    assert {*allowed} == {texts[0], texts[4]}
    own = scored.own[texts[4]]
    assert density[allowed.index(texts[4])] == own


@pytest.mark.parametrize("text", ["The cat sat down.", "A dog ran over the hill at night.", "Oh!"])
@pytest.mark.parametrize(("count", "low", "high"), [(1, 4, 9), (2, 5, 7), (3, 6, 6)])
def test_the_distance_of_lines_is_that_of_the_nearest_division(text: str, count: int, low: int, high: int) -> None:
    shape, pieces = Shape(count, Range(1, None), characters=Range(low, high)), pieces_of(text, "en")
    found = []
    for cuts in combinations(range(1, len(pieces)), count - 1):
        bounds = [0, *cuts, len(pieces)]
        lines = [text[pieces[a].start : pieces[b - 1].end] for a, b in pairwise(bounds)]
        found.append(sum(max(low - len(line), len(line) - high, 0) for line in lines))
    least = min(found, default=len(text) + 1)
    assert distances(shape, [text], "en") == [least]
    assert distances(shape, ["The quick brown fox.", text, "..."], "en")[1:] == [least, 4]
    assert (least == 0) is shape.holds(text, "en")


@pytest.mark.parametrize(
    ("keywords", "demands"),
    [
        ("sea,night", {"lines": 3, "chars_per_line": "18..24"}),
        ("well-known,dog's", {"acrostic": "so", "chars_per_line": "20..25", "line_words": (("2=dog's",),)}),
        ("river", {"similar_to": "The old man walked along the river.", "min_similarity": 0.6, "max_overlap": 0.5}),
        ("said", {"repeats": False, "quotes": True}),
        ("月亮", {"lines": 3, "words_per_line": "3..9", "chars_per_line": "7..8"}),
        ("河", {"similar_to": "老人沿着河慢慢走。", "min_similarity": 0.6, "max_overlap": 0.5}),
    ],
)
def test_texts_counted_together_are_those_counted_one_by_one_as_printed(
    keywords: str, demands: dict[str, object]
) -> None:
    words = tuple((word,) for word in keywords.split(","))
    request = Request(keywords=words, lm="zh-ngram" if keywords[0] > "z" else "en-ngram", **demands)
    source = open_source(request.model)
    target, guide = look_ahead(source, request)
    counters = np.stack([counter(key_of(3, keywords), chain).word for chain in range(60)])
    tokens, lengths = guide.draw_texts(counters)
    texts = [tuple(row[:length].tolist()) for row, length in zip(tokens, lengths, strict=True)]
    softening = Softening.of(target)
    softening.count(texts)
    terms = [term.violations for term in target.opaque if term.violations is not None]
    assert terms
    for text in texts:
        assert softening.violations(text) == tuple(count(target.printed(text)) for count in terms), target.printed(text)
    assert len({softening.violations(text) for text in texts}) > 1
