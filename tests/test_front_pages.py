"""README.md stays short and says the same in each language; the lists of docs/ are complete."""

import re

from searchgen.lm.ngram.load import load
from searchgen.samplers.registry import BUILT_IN, method
from tests.places import ROOT
from tests.readme import readmes, shown

#: A new example replaces one.
MOST_WORDS = 999


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= MOST_WORDS


def test_each_language_links_the_others_in_its_first_line() -> None:
    names = {path.name for path in readmes()}
    assert names == {"README.md", "README.zh.md"}
    for path in readmes():
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert set(re.findall(r"\]\((.*?)\)", first)) == names - {path.name}


def test_each_language_has_the_same_parts() -> None:
    """Sections, commands, features and links to pages: what one gains the others lack until it is translated."""
    parts = []
    for path in readmes():
        page = path.read_text(encoding="utf-8")
        features = re.findall(r"^\* \*\*", page, re.MULTILINE)
        sections = re.findall(r"^## ", page, re.MULTILINE)
        # A page may have a version in the reader's language, whose headings are others.
        links = {link.replace(".zh.md", ".md").partition("#")[0] for link in re.findall(r"\]\((?!README)(.*?)\)", page)}
        install = re.findall(r"^ {4}(pip .*?)  ", page, re.MULTILINE)
        parts.append((len(sections), len(shown(page)), len(features), links, install))
    assert parts[0] == parts[1]
    assert len(parts[0][-1]) == 2


def test_the_list_of_documents_is_complete() -> None:
    docs = ROOT / "docs"
    linked = set(re.findall(r"\]\(([\w/.-]+\.md)\)", (docs / "README.md").read_text(encoding="utf-8")))
    pages = {path.name for path in docs.glob("*.md")} - {"README.md"}
    assert linked == pages | {"methods/README.md"}


def test_the_list_of_samplers_is_complete() -> None:
    page = (ROOT / "docs" / "methods" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[`(\w+)`\]\((\w+)\.md\) \| (\w+) \|", page, re.MULTILINE)
    assert {(name, name, method(name).kind) for name in BUILT_IN} == set(rows)


def test_prose_names_the_models_that_come_with_searchgen() -> None:
    """What stands outside of blocks is not run again, and is copied into papers."""
    named = set()
    for path in (*readmes(), *(ROOT / "docs").rglob("*.md")):
        named |= set(re.findall(r"\b(en-ngram|zh-ngram)@([0-9a-f]{12})\b", path.read_text(encoding="utf-8")))
    assert named == {(name, load(name).hash[:12]) for name in ("en-ngram", "zh-ngram")}
