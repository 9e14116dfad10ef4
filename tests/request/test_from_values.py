"""Jobs become requests: what a field that is not given becomes."""

from typing import Any

import pytest

from searchgen.request.from_values import Defaults, request_of


@pytest.mark.parametrize(
    ("job", "lm"),
    [
        ({"where": "holds(学校)"}, "zh"),
        ({"where": ["not holds(学校)"], "lm": None}, "zh"),
        ({"where": "holds(学校)", "sampler": "mh"}, "zh-ngram"),
        ({"where": "holds(dog)"}, "en"),
        ({"where": "holds(学校)", "lm": "en"}, "en"),
        ({"keywords": "学校"}, "zh"),
        ({"forbid": ["学校"]}, "zh"),
    ],
)
def test_a_job_that_names_no_model_takes_that_of_the_language_of_its_words(job: dict[str, Any], lm: str) -> None:
    assert request_of(job, 1, Defaults({})).lm == lm


def test_the_users_own_model_of_a_language_is_taken_for_conditions_too() -> None:
    mine = Defaults({}, models={"zh": "mine.sgm"})
    assert request_of({"where": "holds(学校)"}, 1, mine).lm == "mine.sgm"
    assert request_of({"where": "holds(dog)"}, 1, mine).lm == "en"
