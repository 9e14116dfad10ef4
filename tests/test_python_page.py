"""The page on the Python interface is run as it stands."""

import doctest
from pathlib import Path


def test_the_page_runs(repository: Path) -> None:
    result = doctest.testfile(str(repository / "docs" / "python.md"), module_relative=False)
    assert result.attempted > 10
    assert result.failed == 0
