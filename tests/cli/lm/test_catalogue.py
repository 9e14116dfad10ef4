"""`lm get`, `lm list`, `lm use`, `lm remove`, and the models that they make the default of searches."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("gguf")

from searchgen.cli import output
from searchgen.cli.parts import default_models as parts
from searchgen.files.locked import open_locked
from searchgen.lm.catalogue import folder, index
from searchgen.lm.conversion import converting
from tests.cli.runner import QUICK, Ran, constrain, searchgen
from tests.lm.catalogue.stand_in import Hub, Place, hub, place, wheel  # noqa: F401 - fixtures
from tests.lm.catalogue.test_others import pulled


def get(place: Place, *flags: str) -> Ran:  # noqa: F811
    return searchgen("lm", "get", "tiny", "--from", str(wheel(place.folder, place.content)), *flags)


def listed(**wanted: object) -> list[dict[str, object]]:
    rows = searchgen("lm", "list", "--json").rows
    return [row for row in rows if wanted.items() <= row.items()]


def one_line(ran: Ran, code: int, said: str) -> None:
    assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1), ran
    assert said in ran.err


# Getting


def test_a_model_is_fetched_checked_and_converted(place: Place) -> None:  # noqa: F811
    one_line(searchgen("constrain", "-k", "dog", "--lm", "tiny"), 2, "searchgen lm get tiny fetches it")
    ran = get(place)
    assert (ran.code, ran.out) == (0, "")
    first, notice, ready = ran.err.splitlines()
    assert "a tiny model, English, 0 MB, CC0-1.0, from " in first
    assert "converting tiny.gguf once" in notice
    assert ready == "searchgen: tiny is ready: --lm tiny; searchgen lm use tiny makes it the default of English"
    again = get(place)
    assert "tiny is here already" in again.err
    assert "converting" not in again.err
    row = searchgen("lm", "info", "tiny", "--json").rows[0]
    assert (row["kind"], row["architecture"], row["bits"], row["licence"]) == ("catalogue", "llama", 8, "apache-2.0")
    assert row["bytes"] == len(place.content)
    assert get(place, "--quiet").err.splitlines() == [first]  # the licence is always told


def test_a_model_of_the_hub(place: Place, hub: Hub) -> None:  # noqa: F811
    ran = searchgen("lm", "get", "tiny-hub")
    assert ran.code == 0, ran.err
    assert "Chinese and English" in ran.err
    assert "someone/tiny-GGUF of huggingface.co" in ran.err
    assert place.kept() == ["tiny-hub.gguf"]


def test_bits_are_kept_until_others_are_said(place: Place) -> None:  # noqa: F811
    def scored() -> tuple[float, str]:
        row = searchgen("score", "--lm", "tiny", "--json", stdin=b"The dog ran.\n").rows[0]
        return row["log_prob"], row["lm"]

    assert get(place).code == 0
    eight = scored()
    assert get(place, "--bits", "32").code == 0
    exact = scored()
    assert exact != eight
    assert [row["bits"] for row in listed(kind="conversion")] == [32, 8]
    assert get(place).code == 0  # says nothing of bits
    assert scored() == exact
    assert get(place, "--bits", "8").code == 0
    assert scored() == eight
    assert get(place, "--bits", "4").code == 0
    assert {row["bits"] for row in listed(kind="conversion")} == {4, 8, 32}
    assert get(place).code == 0
    assert scored()[1] not in (eight[1], exact[1])


def test_a_file_of_the_users_is_converted_where_it_is(place: Place) -> None:  # noqa: F811
    mine = place.folder / "mine.bin"
    mine.write_bytes(place.content)
    ran = searchgen("lm", "get", "--from", str(mine))
    assert (ran.code, "converting mine.bin" in ran.err) == (0, True), ran.err
    assert not place.models.exists()
    assert searchgen("lm", "info", str(mine), "--json").rows[0]["kind"] == "gguf"
    (row,) = listed(kind="conversion")
    assert (row["bits"], row["name"]) == (8, "tiny")  # that it is this model the hash tells
    assert searchgen("lm", "remove", str(mine)).code == 0
    assert mine.read_bytes() == place.content
    assert listed(kind="conversion") == []


def test_conversions_outlive_a_file_and_are_found_by_its_path(place: Place) -> None:  # noqa: F811
    mine = place.folder / "mine.gguf"
    mine.write_bytes(place.content)
    searchgen("lm", "get", "--from", str(mine))
    mine.unlink()
    assert searchgen("lm", "remove", str(mine)).code == 0
    assert listed(kind="conversion") == []


def test_large_conversions_are_asked_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(converting, "LARGE", 10)
    ran = get(place)
    assert (ran.code, "give --yes" in ran.err) == (2, True)
    assert place.kept() == ["tiny.gguf"]  # fetched it is
    assert listed(kind="conversion") == []
    assert get(place, "--yes").code == 0
    assert searchgen("lm", "info", "tiny").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a model: tiny, tiny-hub"),
        (("tinny",), "did you mean 'tiny'"),
        (("en",), "en comes with searchgen"),
        (("ollama:none",), "Ollama has no such model"),
        (("ollama:none", "--from", "x"), "drop --from"),
        (("--from", "nowhere.gguf"), "nor a GGUF file"),
        (("tiny", "--from", "nowhere.gguf"), "there is no such file"),
        (("tiny", "--bits", "5"), "--bits 5: give 8, 4 or 32"),
        (("tiny", "--bits", "0"), "--bits 0: give 8, 4 or 32"),
        (("tiny", "--bits", "-4"), "--bits -4: give 8, 4 or 32"),
        (("tiny", "--bits", "many"), "--bits"),
    ],
)
def test_bad_requests_of_get(arguments: tuple[str, ...], said: str, place: Place) -> None:  # noqa: F811
    ran = searchgen("lm", "get", *arguments)
    assert (ran.code, said in ran.err, ran.err.splitlines()[-1].startswith("searchgen: ")) == (2, True, True), ran.err
    assert not [name for name in (place.kept() if place.models.exists() else []) if name != ".lock"]


def test_a_gguf_file_is_no_name(place: Place) -> None:  # noqa: F811
    mine = place.folder / "mine.gguf"
    mine.write_bytes(place.content)
    one_line(searchgen("lm", "get", str(mine)), 2, "--lm takes it as it is")


def test_the_extra_is_asked_for_before_the_download(place: Place, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "onnx" else object())
    one_line(searchgen("lm", "get", "tiny-hub"), 2, "lm get needs onnx: pip install 'searchgen[gguf]'")
    assert hub.asked == []
    assert not place.models.exists()


def test_the_outside_world_is_code_1(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    ran = searchgen("lm", "get", "tiny-hub")
    assert (ran.code, ran.err.count("\n"), "searchgen lm get tiny-hub --from" in ran.err) == (1, 2, True)
    monkeypatch.setattr(index, "_pip", lambda _: [sys.executable, "-c", "raise SystemExit('ERROR: no such thing')"])
    ran = searchgen("lm", "get", "tiny")
    assert (ran.code, ran.err.count("\n"), "pip says: no such thing" in ran.err) == (1, 2, True), ran.err
    monkeypatch.setenv(folder.VARIABLE, f"{os.devnull}/models")
    ran = searchgen("lm", "get", "tiny")
    assert (ran.code, "name another folder with SEARCHGEN_MODELS" in ran.err) == (1, True)


def test_two_at_once(place: Place) -> None:  # noqa: F811
    place.models.mkdir()
    lock = open_locked(place.models / ".lock")
    ran = get(place)
    os.close(lock)
    assert (ran.code, "another run fetches or removes a model" in ran.err) == (2, True)


def test_a_file_that_was_changed_is_not_opened(place: Place) -> None:  # noqa: F811
    get(place)
    (place.models / "tiny.gguf").write_bytes(place.content[:-1])
    one_line(searchgen("score", "--lm", "tiny", stdin=b"A dog.\n"), 2, "searchgen lm get tiny fetches it again")
    assert "searchgen lm get tiny; " in searchgen("lm", "list").lines[0]


# Listing


def test_what_there_is(place: Place) -> None:  # noqa: F811
    get(place)
    pulled(place.folder / "service", "registry.ollama.ai/library/tiny/1b", place.content)
    studio = place.folder / "home/.lmstudio/models/a/b/c.gguf"
    studio.parent.mkdir(parents=True)
    studio.write_bytes(place.content)
    searchgen("lm", "use", "tiny-hub")  # refused: it is not here
    searchgen("lm", "use", "tiny")
    rows = searchgen("lm", "list", "--json").rows
    assert [(row["kind"], row["name"]) for row in rows] == [
        ("catalogue", "tiny"),
        ("catalogue", "tiny-hub"),
        ("conversion", "tiny"),
        ("Ollama", "ollama:tiny:1b"),
        ("LM Studio", str(studio)),
    ]
    assert len({tuple(row) for row in rows}) == 1  # the same fields
    assert [row["default_of"] for row in rows[:2]] == [["en"], []]
    assert [row["path"] is None for row in rows] == [False, True, False, False, False]
    lines = searchgen("lm", "list").lines
    assert [line.split("  ")[0] for line in lines] == [row["kind"] for row in rows]
    assert "here, the default of English; a tiny model, English, CC0-1.0" in lines[0]
    assert "searchgen lm get tiny-hub; " in lines[1]


def test_a_damaged_conversion_is_no_reason_to_fail(place: Place) -> None:  # noqa: F811
    get(place)
    (made,) = (place.folder / "cache" / "converted").glob("*/facts.json")
    made.write_text("{")
    assert searchgen("lm", "list").code == 0
    assert searchgen("score", "--lm", "tiny", stdin=b"A dog.\n").code == 0  # made anew


# Defaults


def test_a_default_is_that_of_searches_only(place: Place) -> None:  # noqa: F811
    get(place)
    ran = searchgen("lm", "use", "tiny")
    assert (ran.code, "tiny is the default of English; searchgen lm use en resets it" in ran.err) == (0, True)
    flags = ("-k", "dog", "--seed", "1", "--json", *QUICK)
    ran = searchgen("constrain", *flags)
    assert "searchgen: model tiny, your default\n" in ran.err
    assert ran.rows[0]["lm"].startswith("tiny@")
    assert searchgen("constrain", *flags, "--lm", "tiny").rows[0]["text"] == ran.rows[0]["text"]
    assert searchgen("constrain", *flags, "--quiet").err == ""
    named = searchgen("constrain", *flags, "--lm", "en-ngram")
    assert (named.rows[0]["lm"].partition("@")[0], "your default" in named.err) == ("en-ngram", False)
    streamed = searchgen("constrain", "-k", "-", "--seed", "1", "--json", *QUICK, stdin="dog\ncat\n学校\n".encode())
    assert [row["lm"].partition("@")[0] for row in streamed.rows] == ["tiny", "tiny", "zh"]
    assert streamed.err.count("your default") == 1
    assert searchgen("sample", "-k", "dog", "--seed", "1", "--json").rows[0]["lm"].startswith("en-ngram@")
    scored = searchgen("score", "--json", stdin=b"A dog ran.\n").rows[0]
    assert scored["lm"].startswith("en-ngram@")
    assert "your default" not in searchgen("check", "-k", "dog", stdin=b"The dog ran.\n").err
    assert searchgen("lm", "use", "en").code == 0
    back = searchgen("constrain", *flags)
    assert (back.rows[0]["lm"].partition("@")[0], "your default" in back.err) == ("en", False)


def test_a_spec_without_a_model_has_the_default(place: Place) -> None:  # noqa: F811
    get(place)
    searchgen("lm", "use", "tiny")
    spec = place.folder / "spec.toml"
    for head, tail, lm in [
        ("", "", "tiny"),
        ('lm = "en-ngram"', "", "en-ngram"),
        ("", '[sampler]\nname = "importance"', "en-ngram"),
    ]:
        spec.write_text(f'{head}\n[constraints]\nkeywords = "dog"\n{tail}\n', encoding="utf-8")
        ran = searchgen("constrain", "--spec", str(spec), "--seed", "1", "--json", *QUICK)
        assert ran.rows[0]["lm"].partition("@")[0] == lm


def test_jobs_that_search_have_the_default(place: Place) -> None:  # noqa: F811
    get(place)
    searchgen("lm", "use", "tiny")
    jobs, rows = place.folder / "jobs.jsonl", place.folder / "rows.jsonl"
    written = [
        {"keywords": "dog"},
        {"keywords": "dog", "lm": "en-ngram"},
        {"keywords": "dog", "sampler": "importance"},
        {"keywords": "学校"},
    ]
    jobs.write_text("".join(json.dumps(job) + "\n" for job in written), encoding="utf-8")
    flags = ("batch", str(jobs), "-o", str(rows), "--seed", "1", *QUICK)
    ran = searchgen(*flags)
    assert ran.code == 0, ran.err
    assert ran.err.count("model tiny, your default") == 1
    found = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
    assert [row["results"][0]["lm"].partition("@")[0] for row in found] == ["tiny", "en-ngram", "en-ngram", "zh"]
    searchgen("lm", "use", "en")
    ran = searchgen(*flags, "--resume")
    assert (ran.code, "the journal belongs to a run with defaults" in ran.err) == (2, True)
    assert searchgen(*flags, "--overwrite", "--lm", "en-ngram").code == 0
    (place.models / "tiny.gguf").unlink()
    place.settings.write_text('[default]\nen = "tiny"\n', encoding="utf-8")
    ran = searchgen(*flags, "--overwrite")
    assert (ran.code, "searchgen lm get tiny fetches it" in ran.err) == (2, True)


def test_a_default_of_another_language_or_file(place: Place) -> None:  # noqa: F811
    mine = place.folder / 'my "own" 模型.gguf'
    mine.write_bytes(place.hub_content)
    assert searchgen("lm", "get", "tiny-hub", "--from", str(mine)).code == 0
    assert "the default of Chinese" in searchgen("lm", "use", "tiny-hub").err
    assert "the default of English" in searchgen("lm", "use", "tiny-hub", "--language", "en").err
    assert searchgen("lm", "use", str(mine), "--language", "en").code == 0
    row = searchgen("constrain", "-k", "dog", "--json", *QUICK).rows[0]
    assert row["lm"].rpartition("@")[0] == str(mine)
    assert "which is en again" in searchgen("lm", "remove", str(mine)).err
    assert mine.exists()
    assert searchgen("lm", "use", "zh").code == 0
    assert "# Written by searchgen" in place.settings.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tiny",), "searchgen lm get tiny fetches it"),
        (("nothing",), "neither a name of the catalogue nor a GGUF file"),
        (("en", "--language", "zh"), "drop --language zh"),
        (("tiny", "--language", "fr"), "--language 'fr': give en or zh"),
    ],
)
def test_bad_requests_of_use(arguments: tuple[str, ...], said: str, place: Place) -> None:  # noqa: F811
    one_line(searchgen("lm", "use", *arguments), 2, said)
    assert not place.settings.exists()


def test_a_language_must_be_known(place: Place) -> None:  # noqa: F811
    get(place)
    one_line(searchgen("lm", "use", "tiny", "--language", "zh"), 2, "tiny does not write Chinese")
    one_line(searchgen("lm", "use", str(place.models / "tiny.gguf")), 2, "give --language en or zh")


def test_a_setting_wins_over_a_default_and_this_is_told(place: Place) -> None:  # noqa: F811
    get(place)
    (place.folder / "config.toml").write_text('lm = "en-ngram"\n')
    assert "lm = 'en-ngram' of" in searchgen("lm", "use", "tiny").err
    assert searchgen("constrain", "-k", "dog", "--json", *QUICK).rows[0]["lm"].startswith("en-ngram@")


@pytest.mark.parametrize("content", ["[default", "[default]\nen = 7\n", "default = 3\n", "\udcff"])
def test_a_damaged_file_of_defaults(content: str, place: Place) -> None:  # noqa: F811
    place.settings.write_bytes(content.encode("utf-8", "surrogateescape"))
    one_line(searchgen("constrain", "-k", "dog"), 2, f"{place.settings}")


def test_no_folder_for_settings(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    get(place)
    monkeypatch.setenv("SEARCHGEN_CONFIG", os.devnull)
    one_line(searchgen("lm", "use", "tiny"), 2, "name a file with SEARCHGEN_CONFIG")
    assert Path(os.devnull).is_char_device()


# Removing


def test_removing_resets_a_default_and_says_so(place: Place) -> None:  # noqa: F811
    get(place)
    get(place, "--bits", "32")
    searchgen("lm", "use", "tiny")
    ran = searchgen("lm", "remove", "tiny")
    assert ran.code == 0
    assert ran.err.splitlines()[0] == "searchgen: tiny was the default of English, which is en again"
    assert "MB are free" in ran.err
    assert place.kept() == []
    assert [path for path in (place.folder / "cache" / "converted").iterdir() if path.suffix != ".lock"] == []
    assert listed(kind="conversion") == []
    assert searchgen("constrain", "-k", "dog", "--json", *QUICK).rows[0]["lm"].startswith("en@")
    one_line(searchgen("lm", "remove", "tiny"), 2, "nothing is fetched or converted")


def test_removing_never_touches_what_is_not_ours(place: Place) -> None:  # noqa: F811
    blob = pulled(place.folder / "service", "registry.ollama.ai/library/tiny/1b", place.content)
    assert searchgen("lm", "get", "ollama:tiny:1b").code == 0
    assert len(listed(kind="conversion")) == 1
    assert searchgen("lm", "remove", "ollama:tiny:1b").code == 0
    assert listed(kind="conversion") == []
    assert blob.read_bytes() == place.content
    one_line(searchgen("lm", "remove", "nothing"), 2, "nothing is fetched or converted")


@pytest.mark.parametrize("command", [("get",), ("get", "--from"), ("use",), ("remove",)])
def test_the_home_of_a_user_who_is_not_there(command: tuple[str, ...], place: Place) -> None:  # noqa: F811
    one_line(searchgen("lm", *command, "~nobody-here/x.gguf"), 2, "~nobody-here/x.gguf")


# What is said once


@pytest.fixture
def terminal(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:  # noqa: F811
    monkeypatch.setattr(parts, "BETTER", "tiny")
    monkeypatch.setattr(parts, "is_watched", lambda: True)
    return place


def test_a_better_model_is_told_of_once_ever(terminal: Place) -> None:
    said = "searchgen: --lm tiny writes better sentences; fetch it once with searchgen lm get tiny (0 MB)\n"
    assert "lm get tiny" not in searchgen("constrain", "-k", "学校", *QUICK).err
    assert "lm get tiny" not in constrain("-k", "dog").err  # a model is named
    assert searchgen("constrain", "-k", "-", *QUICK, stdin=b"dog\n").err == ""  # a pipe leads in
    assert searchgen("constrain", "-k", "dog", *QUICK).err == said
    assert searchgen("constrain", "-k", "dog", *QUICK).err == ""


def test_not_where_it_is_here_already(terminal: Place) -> None:
    get(terminal)
    assert searchgen("constrain", "-k", "dog", *QUICK).err == ""


def test_not_where_that_it_was_said_cannot_be_kept(terminal: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCHGEN_CONFIG", os.devnull)
    assert searchgen("constrain", "-k", "dog", *QUICK).err == ""


def test_only_a_person_at_a_terminal_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for out, err, quiet, watched in [
        (Terminal(), Terminal(), False, True),
        (Terminal(), Terminal(), True, False),
        (io.StringIO(), Terminal(), False, False),
        (Terminal(), io.StringIO(), False, False),
        (None, Terminal(), False, False),
    ]:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        output.hush(quiet)
        found = output.is_watched()
        output.hush(False)
        assert found is watched


def test_nothing_is_said_in_a_pipe(place: Place) -> None:  # noqa: F811
    command = [sys.executable, "-c", "from searchgen.cli.main import run; run()", "constrain", "-k", "dog", *QUICK]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "smollm2" not in ran.stderr
    assert not place.settings.exists()
