"""The specs of `examples/`: each runs from its file, in a small form, and its texts are what it says."""

import tomllib

import pytest

from benchmarks.published import SPECS, as_published, lines_of, own_way, request_of
from searchgen.request.model_ref import ModelRef
from searchgen.sources.source import open_source
from tests.cli.runner import searchgen
from tests.places import EXAMPLES

FILES = sorted(path.stem for path in EXAMPLES.glob("*.toml"))

#: Less work than the specs ask for.
SMALL = {"constrain": ("--budget", "0.05"), "sample": ("--option", "chains=4", "--option", "burn_in=20")}


def test_there_are_the_published_ones_and_our_own() -> None:
    assert sorted([*SPECS, "paraphrase", "fix", "shorten"]) == FILES


@pytest.mark.parametrize("name", FILES)
def test_a_spec_runs(name: str) -> None:
    path = EXAMPLES / f"{name}.toml"
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    command = "constrain" if document["sampler"]["name"] == "anneal" else "sample"
    assert f"searchgen {command} --spec examples/{name}.toml" in path.read_text(encoding="utf-8")
    ran = searchgen(command, "--spec", str(path), "--lm", "en-ngram", *SMALL[command], "--json")
    assert ran.code == 0, ran.err
    assert len(ran.rows) == document.get("output", {}).get("count", 1)
    kind = {"anneal": "search"}.get(document["sampler"]["name"], "markov")
    for row in ran.rows:
        assert row["kind"] == kind
        assert all(row["satisfied"].values())
        if "source" in document["constraints"]:
            assert f"at most {document['constraints']['max_edits']} edits" in row["satisfied"]


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS)
def test_the_benchmark_runs(spec: str) -> None:
    source, line = open_source(ModelRef.parse("en-ngram")), lines_of(1, 7)[0]
    request = request_of(spec, line, source, 7)
    published = as_published(source, request)
    assert published.log_density < 0
    assert own_way(spec, source, request, line).kind == "search"
