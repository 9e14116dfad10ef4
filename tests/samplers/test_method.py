"""What a job refuses, whatever the method."""

import pytest

from searchgen.constraints import Keywords, Length
from searchgen.errors import TooLarge
from searchgen.lm.ngram.model import NGram
from searchgen.samplers.method import Job
from searchgen.samplers.registry import BUILT_IN, method
from searchgen.target import Target


@pytest.fixture(scope="module")
def searched() -> Target:
    """A target of a search with twenty keywords, which stand beside its automaton."""
    model = NGram.from_sentences([["a", "b"], ["b", "a"]] * 3, order=2)
    keywords = Keywords(tuple(((f"w{number}",),) for number in range(20)))
    target = Target.of_parts(model, [Length(1, 40), keywords], searched=True)
    assert target.many is not None
    return target


@pytest.mark.parametrize("name", BUILT_IN)
def test_no_method_draws_where_keywords_stand_beside_the_automaton(name: str, searched: Target) -> None:
    """Its automaton accepts texts without them, so that no draw would need to hold any."""
    with pytest.raises(TooLarge):
        method(name).draw(Job(searched, 5, 1, method(name).options()))
