"""How far a request walks: few files, and hardly ever back up."""

from tests.layout import LAYERS, layer_of
from tests.walk import Stay, climbs, keywords_walk, row_walk, walk

#: Most stays and climbs. The same program counts 30 and 0, 33 and 1 on the code before the rooms.
KEYWORDS, ROW = (24, 1), (28, 2)


def test_from_keywords_to_the_text() -> None:
    stays = keywords_walk()
    assert len(stays) <= KEYWORDS[0], "\n".join(map(str, stays))
    assert len(climbs(stays)) <= KEYWORDS[1]


def test_from_a_job_to_its_row() -> None:
    stays = row_walk()
    assert len(stays) <= ROW[0], "\n".join(map(str, stays))
    assert len(climbs(stays)) <= ROW[1]


def test_the_walk_sees_what_it_is_to_see() -> None:
    """Control: the stations that every search has are among the stays, and a call back up is a climb."""
    files = {stay.file for stay in keywords_walk()}
    assert {"searchgen/target.py", "searchgen/search/searcher.py", "searchgen/sources/source.py"} <= files
    up = Stay("searchgen/target.py", "of", "searchgen/search/outcome.py", "outcome_of")
    assert climbs([up, up._replace(caller=up.file, file=up.caller)]) == [up]
    assert walk(lambda: None) == []
    assert layer_of("cli/main.py") == len(LAYERS) - 1
