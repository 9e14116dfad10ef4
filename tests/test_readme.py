"""Every output shown in README.md, README.zh.md and docs/ is what its command prints."""

import doctest
import os
from pathlib import Path

import pytest

from searchgen.request.signatures import platform_tag
from tests.conftest import Spreading
from tests.places import ROOT
from tests.readme import Shown, chains, documents, printed, readmes, same, shown

#: Texts repeat bit for bit on one platform only; those shown are of this one.
PLATFORM = "linux-x86_64"

pytestmark = pytest.mark.skipif(platform_tag() != PLATFORM or os.name != "posix", reason=f"texts are of {PLATFORM}")


def every_chain() -> list[tuple[str, list[Shown]]]:
    """Return the chains of all documents, each with the document and the line of its first output."""
    found = []
    for path in documents():
        text = path.read_text(encoding="utf-8")
        for chain in chains(shown(text)):
            line = text.count("\n", 0, chain[0].span[0])
            found.append((f"{path.relative_to(ROOT)}:{line}", chain))
    return found


@pytest.mark.parametrize("chain", [pytest.param(chain, id=place) for place, chain in every_chain()])
def test_outputs_shown_are_those_of_the_commands(chain: list[Shown]) -> None:
    """Each test may run in another process (`conftest.py`)."""
    outputs = zip(chain, printed(chain), strict=True)
    differing = {one.command: output for one, output in outputs if not same(one.output, output)}
    assert not differing, "python -m tests.readme --write shows what they print now"


def test_every_command_is_in_one_chain_and_uses_no_file_of_another() -> None:
    for path in documents():
        commands = shown(path.read_text(encoding="utf-8"))
        together = [one for chain in chains(commands) for one in chain]
        assert sorted(together, key=lambda one: one.span) == commands
    longest = max((chain for _, chain in every_chain()), key=len)
    assert ["sets.txt" in longest[0].command, "log.txt" in longest[-1].command] == [True, True]


def test_only_tests_of_these_files_are_spread_over_processes() -> None:
    spreading = object.__new__(Spreading)
    files = [Path(__file__).relative_to(ROOT).as_posix(), "tests/test_layout.py"]
    assert [spreading._split_scope(f"{file}::test[README.md:6]") for file in files] == [
        f"{files[0]}::test[README.md:6]",
        files[1],
    ]


@pytest.mark.parametrize("path", readmes(), ids=lambda path: path.name)
def test_python_lines_of_the_readme_run(path: Path) -> None:
    block = path.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    lines = doctest.DocTestParser().get_doctest(block, {}, path.name, str(path), 0)
    result = doctest.DocTestRunner().run(lines)
    assert result.attempted == 5
    assert result.failed == 0


def test_the_first_command_is_shown_in_the_readme() -> None:
    for path in readmes():
        commands = [one.command for one in shown(path.read_text(encoding="utf-8"))]
        assert commands[0].startswith("searchgen constrain --keywords")
        assert all("--seed" in command for command in commands if "searchgen constrain" in command)
