"""The page of commands is current, and every command explains itself."""

import json
import re

import pytest

from tests.cli.runner import constrain, searchgen
from tests.cli.schema import schema
from tests.commands_page import PAGE, page

COMMANDS = [
    "constrain",
    "sample",
    "batch",
    "lm",
    "lm get",
    "lm list",
    "lm use",
    "lm remove",
    "lm build",
    "lm info",
    "lm train",
    "lm export",
    "lm eval",
    "init",
    "spec",
    "spec validate",
    "list",
    "list constraints",
    "list samplers",
    "list models",
    "config",
    "completion",
    "warm-up",
    "compare",
    "explain",
    "score",
    "check",
    "selftest",
]


def test_the_page_of_commands_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.commands_page"


def test_the_page_lists_every_field_of_a_result() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", page().split("## JSON lines")[1], re.MULTILINE)
    always = list(json.loads(constrain("--keywords", "dog", "--json").out))
    listed.remove("neural")  # only under a transformer
    listed.remove("examples")  # only with example lines
    listed.remove("violations")  # only with preferences
    listed.remove("measures")  # only with weights of nearness
    listed.remove("source")  # only of a given text
    of_texts = ["edits", "similarity", "overlap", "changes", "trail", "among", "vectors"]
    assert listed == [*always, "terms", "log_p", "reason", "unknown", "passes", *of_texts]
    optional = {"neural", "examples", "violations", "measures", "source"}
    assert {*listed, *optional} == set(schema("record.json")["properties"])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    ran = searchgen(*command.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    assert f"Usage: searchgen {command}" in ran.out
    assert command in ("lm", "spec", "list") or "Example: searchgen" in " ".join(ran.out.split())
    assert f"searchgen {command}" in page()


def test_no_words_ask_for_help_and_the_version_is_printed() -> None:
    assert searchgen() == searchgen("--help")
    assert re.fullmatch(r"searchgen \d+\.\d+\.\d+\S*\n", searchgen("--version").out)
