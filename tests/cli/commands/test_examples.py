"""Example lines in commands: on by default in searches under large models, counted in records, pinned by signatures."""

import json
from pathlib import Path

import pytest

pytest.importorskip("gguf")

from searchgen import constrain as library
from searchgen.kernels import processor
from searchgen.search import outcome
from tests.cli.runner import QUICK, Ran, searchgen
from tests.lm.catalogue.stand_in import Place, place, wheel  # noqa: F401 - a fixture

DEFAULT = {"count": 10, "hash": "e899066959c4"}


@pytest.fixture(autouse=True)
def tiny(place: Place) -> None:  # noqa: F811
    assert searchgen("lm", "get", "tiny", "--from", str(wheel(place.folder, place.content)), "-q").code == 0


def search(*flags: str) -> Ran:
    return searchgen("constrain", "-k", "dog", "--lm", "tiny", "--seed", "1", "--json", *QUICK, *flags)


def test_searches_have_the_default_lines_and_say_so(tmp_path: Path) -> None:
    assert search().rows[0]["examples"] == DEFAULT
    assert search("--examples", "default").rows[0]["examples"] == DEFAULT
    assert "examples" not in search("--examples", "none").rows[0]
    assert "examples" not in search("--prompt", "Once.").rows[0]
    mine = tmp_path / "mine.txt"
    mine.write_text("The moon is bright tonight.\nThe sea was calm and grey.\n", encoding="utf-8")
    assert search("--examples", str(mine)).rows[0]["examples"]["count"] == 2
    ran = search("--examples", str(mine), "--prompt", "Once.")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "--examples and --prompt" in ran.err


def test_jobs_specs_and_python_have_them(tmp_path: Path) -> None:
    jobs = [{"keywords": "dog", "lm": "tiny", "seed": 1, "budget": 0.001}]
    jobs.append({**jobs[0], "neural": {"examples": "none"}})
    given = "\n".join(map(json.dumps, jobs)).encode()
    ran = searchgen("batch", "-", "-o", str(tmp_path / "rows.jsonl"), stdin=given)
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["results"][0].get("examples") for row in rows] == [DEFAULT, None], ran.err
    spec = tmp_path / "spec.toml"
    spec.write_text('lm = "tiny"\n[neural]\nexamples = "none"\n', encoding="utf-8")
    assert "examples" not in search("--spec", str(spec)).rows[0]
    assert library("dog", lm="tiny", seed=1)[0].examples == DEFAULT


def test_other_commands_have_none_unless_asked() -> None:
    def scored(*flags: str) -> float:
        value: float = searchgen("score", "--lm", "tiny", "--json", *flags, stdin=b"The dog ran.\n").rows[0]["log_prob"]
        return value

    assert scored() == scored("--examples", "none") != scored("--examples", "default")
    drawn = [
        "sample",
        "-k",
        "dog",
        "--lm",
        "tiny",
        "-n",
        "2",
        "--sampler",
        "importance",
        "--json",
    ]
    assert "examples" not in searchgen(*drawn).rows[0]
    ran = searchgen(*drawn, "--examples", "default")
    assert (ran.code, ran.rows[0]["examples"]) == (0, DEFAULT), ran.err


def test_no_result_repeats_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine.txt"

    def texts() -> list[str]:
        return [row["text"] for row in search("-n", "8", "--examples", str(mine)).rows]

    # Control: without the guard a text that is found is printed, although it is a line.
    monkeypatch.setattr(outcome, "echoes", lambda text, lines: False)
    mine.write_text("The moon is bright tonight.\n", encoding="utf-8")
    first = texts()
    monkeypatch.setattr(outcome, "echoes", lambda text, lines: text == first[0])
    assert first[0] not in texts()
    monkeypatch.setattr(outcome, "echoes", lambda text, lines: True)
    ran = search("--examples", str(mine))
    assert (ran.code, "all texts found repeat the example lines" in ran.err) == (3, True)


def test_a_signature_pins_lines_and_instruction_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("The moon is bright tonight.\n", encoding="utf-8")
    row = search("--examples", str(mine)).rows[0]
    again = searchgen("constrain", "--again", row["signature"], "--json")
    assert again.rows[0]["text"] == row["text"]
    instructions = processor.instruction_set()
    assert f"+{instructions}:" in row["signature"]
    other = searchgen("constrain", "--again", row["signature"].replace(f"+{instructions}:", "+other:"))
    assert (other.code, other.err.count("\n")) == (2, 1)
    assert "made on a processor with other" in other.err
    mine.write_text("The sea was calm and grey.\n", encoding="utf-8")
    changed = searchgen("constrain", "--again", row["signature"])
    assert (changed.code, "another model or other example lines than tiny" in changed.err) == (2, True)


def test_a_model_that_cannot_be_opened_ends_a_stream_of_sets(place: Place) -> None:  # noqa: F811
    (place.models / "tiny.gguf").unlink()
    ran = searchgen("constrain", "-k", "-", "--lm", "tiny", stdin=b"dog\ncat\n")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "searchgen lm get tiny" in ran.err


def test_a_gguf_model_is_part_of_a_mixture() -> None:
    row = searchgen("constrain", "-k", "dog", "--lm", "en-ngram:0.5,tiny:0.5", "--seed", "1", "--json", *QUICK).rows[0]
    assert (row["lm"][:22], row["examples"]) == ("en-ngram:0.5,tiny:0.5@", DEFAULT)


def test_a_first_conversion_is_announced(place: Place) -> None:  # noqa: F811
    path = place.folder / "other.gguf"
    path.write_bytes(place.hub_content)
    said = [searchgen("score", "--lm", str(path), stdin=b"A dog.\n").err for _ in range(2)]
    assert ["converting other.gguf once" in line for line in said] == [True, False]
