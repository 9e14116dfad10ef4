"""The Python interface: targets from parts, functions and tables of the user's own."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import searchgen
from searchgen.constraints import Keywords, Length, Transitions
from searchgen.errors import RequestError
from searchgen.lm.ngram.model import NGram
from searchgen.request.request import Annealing, Request
from searchgen.samplers.proofs.exactness import World


@pytest.fixture(scope="module")
def model() -> NGram:
    return NGram.from_sentences([["a", "b"], ["b", "a"], ["a", "c", "b"], ["c"], ["b", "c", "a"]] * 3, order=3)


EVEN = Transitions(
    "an even number of a", lambda token: int(token == "a"), ((0, 0), (1, 2), (2, 1)), (False, True, False)
)


def test_a_table_of_the_users_own_constrains(model: NGram) -> None:
    target = searchgen.Target.of_parts(model, [Length(1, 4), EVEN])
    draws = searchgen.draw(target, n=64, seed=3)
    texts = [model.tokens(text) for text in draws.texts()]
    assert all(text.count("a") % 2 == 0 for text in texts)
    assert target.satisfied(draws.texts()[0])["an even number of a"]
    assert any("a" in text for text in texts)


@pytest.mark.parametrize(
    ("table", "accept", "message"),
    [
        (((0, 0), (1, 3)), (False, True), "state 3"),
        (((1, 0), (1, 1)), (False, True), "state 0 is dead"),
        (((0, 0), (1, 1)), (True, True), "state 0 is dead"),
        (((0, 0), (1,)), (False, True), "equal length"),
        (((0, 0),), (False,), "at least 2 rows"),
    ],
)
def test_tables_that_are_none(table: tuple[tuple[int, ...], ...], accept: tuple[bool, ...], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        Transitions("mine", lambda token: 0, table, accept)


def test_a_class_without_a_column_is_named(model: NGram) -> None:
    wrong = Transitions("mine", lambda token: 7, ((0, 0), (1, 1)), (False, True))
    with pytest.raises(RequestError, match="class 7"):
        searchgen.Target.of_parts(model, [Length(1, 4), wrong])


def test_a_bare_log_density_is_the_target(model: NGram) -> None:
    """4,000 independent chains on a law that has nothing of the model: words weigh by their letters, chi-square at p = 1e-6."""
    scores = {"a": 0.0, "b": 0.7, "c": -0.5}

    def log_density(texts: list[str]) -> list[float]:
        return [sum(scores[word] for word in text.split()) for text in texts]

    target = searchgen.Target.of_parts(model, [Length(1, 3)], bare=log_density)
    draws = searchgen.draw(
        target, sampler="surrogate", n=4000, chains=4000, inner=4, burn_in=40, thin=1, temperature=2.0, seed=5
    )
    texts = World.of(target.problem, 3).texts
    law = np.array([np.exp(sum(scores[w] for w in model.tokens(text))) for text in texts])
    law /= law.sum()
    seen = dict.fromkeys(texts, 0)
    for text in draws.texts():
        seen[text] += 1
    statistic = sum((seen[t] - 4000 * p) ** 2 / (4000 * p) for t, p in zip(texts, law, strict=True))
    k = len(texts) - 1
    assert ((statistic / k) ** (1 / 3) - (1 - 2 / (9 * k))) / (2 / (9 * k)) ** 0.5 < 4.75
    with pytest.raises(RequestError, match="bare log-density"):
        searchgen.draw(target, sampler="mh")


def test_scores_that_do_not_fit_are_refused(model: NGram) -> None:
    target = searchgen.Target.of_parts(model, [Length(1, 3)], bare=lambda texts: [0.0])
    with pytest.raises(RequestError, match="1 scores for"):
        searchgen.draw(target, sampler="surrogate", n=8)


def test_a_target_needs_a_length(model: NGram) -> None:
    with pytest.raises(RequestError, match="length"):
        searchgen.Target.of_parts(model, [Keywords(((("a",),),))])


def test_public_names_exist() -> None:
    for name in searchgen.__all__:
        assert getattr(searchgen, name) is not None
    with pytest.raises(AttributeError):
        _ = searchgen.nothing


QUICK = Annealing(chains=2, steps=400)


@pytest.mark.parametrize(
    ("forbid", "parts"),
    [
        ("the", ["without the"]),
        ("very,rain", ["without very", "without rain"]),
        (["very,rain"], ["without very,rain"]),
        (("hot dog", "rain"), ["without hot dog", "without rain"]),
        (np.array(["rain"]), ["without rain"]),
        ("", []),
    ],
)
def test_a_text_for_a_list_is_read_as_the_flag_reads_it(forbid: Any, parts: list[str]) -> None:
    (record,) = searchgen.constrain("dog,park", lm="en-ngram", seed=7, forbid=forbid, annealing=QUICK)
    assert [part for part in record.satisfied if part.startswith("without")] == parts
    assert all(record.satisfied.values())


def test_items_of_a_list_of_keywords_are_not_split() -> None:
    (record,) = searchgen.constrain(["dog", ["park", "a,b"]], lm="en-ngram", seed=7, annealing=QUICK)
    assert {"keyword dog", "keyword park|a,b"} <= record.satisfied.keys()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"forbid": 7}, "forbid cannot be int 7; give a text as the flag takes it, or a list of texts"),
        ({"forbid": ["a", 3]}, "forbid cannot be list"),
        ({"forbid": {"the"}}, "forbid cannot be set"),
        ({"forbid": b"the"}, "forbid cannot be bytes"),
        ({"keywords": None}, "keywords cannot be NoneType None"),
        ({"keywords": [["a", 5]]}, "keywords cannot be list"),
        ({"max_words": "8"}, "max_words cannot be str '8'; give a whole number or None"),
        ({"min_words": True}, "min_words cannot be bool True"),
        ({"sentence": "no"}, "sentence cannot be str 'no'; give True or False"),
        ({"starts_with": 3}, "starts_with cannot be int 3; give a text"),
        ({"n": "2"}, "n cannot be str '2'"),
        ({"seed": 1.5}, "seed cannot be float 1.5"),
        ({"beta": "1"}, "beta cannot be str '1'; give a number"),
        ({"annealing": 3}, "annealing cannot be int 3; give an object of the class Annealing"),
        ({"lm": 3}, "lm cannot be int 3"),
    ],
)
def test_other_types_are_refused_by_name(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape(message)}"):
        searchgen.constrain(**{"keywords": "dog", "lm": "en-ngram", **fields})


def test_paths_and_numbers_of_numpy_are_taken(tmp_path: Path, model: NGram) -> None:
    plain = searchgen.constrain("dog", lm="en-ngram", n=2, seed=3, min_words=4, annealing=QUICK)
    given: dict[str, Any] = {"n": np.int32(2), "seed": np.int64(3), "min_words": np.uint8(4)}
    assert searchgen.constrain("dog", lm=Path("en-ngram"), annealing=QUICK, **given) == plain
    assert Request(beta=np.float32(0.5), options="thin=8").options == ("thin=8",)
    target = searchgen.Target.of_parts(model, [Length(1, 4)])
    assert len(searchgen.draw(target, n=np.int64(2), seed=np.int64(1)).texts()) == 2


def test_requests_by_keyword(model: NGram) -> None:
    with pytest.raises(RequestError, match="unknown"):
        searchgen.sample("doctor", sampler="nothing")
    with pytest.raises(RequestError, match="n = 0"):
        searchgen.draw(searchgen.Target.of_parts(model, [Length(1, 3)]), n=0)
