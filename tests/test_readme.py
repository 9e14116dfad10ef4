"""Every output shown in README.md and docs/ is what its command prints."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from searchgen.request.request import platform_tag
from tests.places import ROOT
from tests.readme import documents, refreshed, same, shown

#: Texts repeat bit for bit on one platform only; those shown are of this one.
PLATFORM = "linux-x86_64"

pytestmark = pytest.mark.skipif(platform_tag() != PLATFORM or os.name != "posix", reason=f"texts are of {PLATFORM}")


@pytest.fixture(scope="module")
def fresh() -> dict[Path, "Future[str]"]:
    pool = ThreadPoolExecutor(2)  # most of a command's time is spent on one core
    return {path: pool.submit(refreshed, path) for path in documents()}


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_outputs_shown_are_those_of_the_commands(path: Path, fresh: dict[Path, "Future[str]"]) -> None:
    expected = {one.command: one.output for one in shown(path.read_text(encoding="utf-8"))}
    found = {one.command: one.output for one in shown(fresh[path].result())}
    assert found.keys() == expected.keys()
    differing = {command: found[command] for command in found if not same(expected[command], found[command])}
    assert not differing, "python -m tests.readme --write shows what they print now"


def test_the_first_command_is_shown_in_the_readme() -> None:
    commands = [one.command for one in shown((ROOT / "README.md").read_text(encoding="utf-8"))]
    assert any('constrain --keywords "dog,park,ball"' in command for command in commands)
    assert all("--seed" in command for command in commands if "searchgen constrain" in command)
