"""`searchgen lm`: building, describing and evaluating models."""

import gzip
import json
import os
import stat
from pathlib import Path

import pytest

from tests.cli.runner import constrain, model, searchgen
from tests.places import CORPORA

TEXT = "The dog ran. A cat saw the dog!\nThe dog ran.\n"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def build(text: Path | str, output: Path, *flags: str, stdin: bytes = b"") -> str:
    ran = searchgen("lm", "build", str(text), "-o", str(output), *flags, stdin=stdin)
    assert (ran.code, ran.out) == (0, ""), ran.err
    return ran.err


def test_files_folders_and_stdin_give_the_same_model(text: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / name for name in ("file", "folder", "stdin")]
    for source, output in zip((text, tmp_path, "-"), outputs, strict=True):
        build(source, output, "--lang", "en", "--min-count", "1", stdin=TEXT.encode())
    rows = [searchgen("lm", "info", str(output), "--json").rows[0] for output in outputs]
    assert len({row["hash"] for row in rows}) == 1
    assert rows[0]["words"] == 8
    assert (rows[0]["sentences"], rows[0]["repeated_sentences"]) == (2, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "stdin", "text.txt"]


@pytest.mark.parametrize(("lang", "name"), [("en", "English"), ("zh", "Chinese")])
@pytest.mark.parametrize("from_stdin", [False, True])
def test_the_language_is_recognised_and_said(lang: str, name: str, from_stdin: bool, tmp_path: Path) -> None:
    path = CORPORA / f"everyday-{lang}.txt"
    said = build("-" if from_stdin else path, tmp_path / "x.lm", "--order", "2", stdin=path.read_bytes())
    assert f"seems to be {name}" in said
    assert searchgen("lm", "info", str(tmp_path / "x.lm"), "--json").rows[0]["text_form"] == lang


@pytest.mark.parametrize("suffix", [".arpa", ".arpa.gz"])
def test_arpa_is_the_same_model(text: Path, tmp_path: Path, suffix: str) -> None:
    build(text, tmp_path / "x.lm", "--raw-tokens", "--min-count", "1", "--order", "3")
    build(text, tmp_path / f"x{suffix}", "--raw-tokens", "--min-count", "1", "--order", "3")
    content = (tmp_path / f"x{suffix}").read_bytes()
    assert (gzip.decompress(content) if suffix.endswith("gz") else content).startswith(b"\\data\\\n")
    figures = [
        searchgen("lm", "eval", str(tmp_path / f"x{end}"), str(text), "--raw-tokens", "--json").rows[0]
        for end in (".lm", suffix)
    ]
    assert figures[0]["perplexity"] == pytest.approx(figures[1]["perplexity"], rel=1e-5)


def test_flags_reach_the_recipe(text: Path, tmp_path: Path) -> None:
    flags = ["--order", "2", "--cut", "0,1", "--min-count", "1", "--limit-vocab", "4", "--no-dedupe", "--lang", "en"]
    build(text, tmp_path / "x.lm", *flags)
    facts = searchgen("lm", "info", str(tmp_path / "x.lm"), "--json").rows[0]
    recipe = {
        name: facts[name] for name in ("order", "cut", "min_count", "limit_vocabulary", "dedupe", "words", "sources")
    }
    assert recipe == {
        "order": 2,
        "cut": [0, 1],
        "min_count": 1,
        "limit_vocabulary": 4,
        "dedupe": False,
        "words": 4,
        "sources": "text.txt",
    }


def test_held_out_sentences_are_left_out(tmp_path: Path) -> None:
    corpus, held = CORPORA / "everyday-en.txt", tmp_path / "held.txt"
    build(corpus, tmp_path / "x.lm", "--held-out", "20", "--held-out-file", str(held), "--lang", "en")
    lines = held.read_text(encoding="utf-8").splitlines()
    whole = corpus.read_text(encoding="utf-8").splitlines()
    assert 0.1 < len(lines) / len(whole) < 0.3
    assert searchgen("lm", "info", str(tmp_path / "x.lm"), "--json").rows[0]["sentences"] == len(whole) - len(lines)
    assert searchgen("lm", "eval", str(tmp_path / "x.lm"), str(held), "--json").rows[0]["sentences"] == len(lines)


@pytest.mark.parametrize("failing", ["latin", "interrupted"])
def test_no_file_is_left_half_written(text: Path, tmp_path: Path, monkeypatch, failing: str) -> None:
    output = tmp_path / "x.lm"
    output.write_text("kept")
    if failing == "latin":
        text.write_bytes(b"The dog ran.\n" * 10 + b"\xff\n")
    else:

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("os.replace", interrupt)
    ran = searchgen("lm", "build", str(text), "-o", str(output), "--lang", "en")
    assert ran.code == (2 if failing == "latin" else 130)
    assert output.read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text.txt", "x.lm"]


@pytest.mark.skipif(os.name != "posix", reason="devices of POSIX")
def test_devices_are_no_texts(text: Path, tmp_path: Path) -> None:
    for command in (
        ("build", "/dev/zero", "-o", str(tmp_path / "x.lm"), "--lang", "en"),
        ("eval", model("en"), "/dev/zero"),
    ):
        ran = searchgen("lm", *command)
        assert (ran.code, "/dev/zero is a device, which may have no end; name files or folders" in ran.err) == (2, True)


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
@pytest.mark.parametrize("suffix", [".lm", ".arpa"])
def test_a_link_stays_and_its_file_is_replaced(text: Path, tmp_path: Path, suffix: str) -> None:
    link, target = tmp_path / f"link{suffix}", tmp_path / f"target{suffix}"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    built = searchgen("lm", "build", str(text), "-o", str(link), "--min-count", "1")
    assert built.code == 0
    assert f"-o {link} is a link; {target} is written" in built.err
    assert link.is_symlink()
    assert target.stat().st_size > 3
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        {link.name, target.name, text.name} & {*os.listdir(tmp_path)}
    )


def test_info_is_readable_and_the_same_as_json() -> None:
    plain = searchgen("lm", "info", model("zh"))
    row = searchgen("lm", "info", model("zh"), "--json").rows[0]
    assert plain.code == 0
    shown = dict(line.split(None, 1) for line in plain.lines if line.split()[0] in ("hash", "words", "order"))
    assert shown == {"hash": row["hash"], "words": f"{row['words']:,}", "order": "3"}


def test_info_knows_every_kind_of_model() -> None:
    for name, kind in (("en-ngram:0.5,zh-ngram:0.5", "mixture"), ("http://127.0.0.1:1/v1#x", "server")):
        row = searchgen("lm", "info", name, "--json").rows[0]
        assert (row["model"], row["kind"], len(row["hash"])) == (name, kind, 64)


def test_eval_measures() -> None:
    text = str(CORPORA / "everyday-en.txt")
    row = searchgen("lm", "eval", model("en"), text, "--json").rows[0]
    assert row["unknown"] == 0
    assert row["perplexity"] == row["perplexity_known"] < 30
    assert 0 < row["bits_per_character"] < 2
    strange = searchgen("lm", "eval", model("en"), "-", "--json", stdin="The zorb ran. 广州!\n".encode()).rows[0]
    assert strange["sentences"] == 2
    assert strange["unknown_rate"] == pytest.approx(strange["unknown"] / strange["tokens"])
    assert strange["unknown"] >= 2
    assert strange["perplexity"] > row["perplexity"]
    plain = searchgen("lm", "eval", model("en"), text)
    assert f"{row['perplexity']:.2f}" in plain.out
    assert json.dumps(row)


def test_a_model_of_ones_own_text_searches(text: Path, tmp_path: Path) -> None:
    build(text, tmp_path / "my.lm", "--min-count", "1")
    ran = searchgen(
        "constrain",
        "--lm",
        str(tmp_path / "my.lm"),
        "--keywords",
        "dog",
        "--seed",
        "1",
        "--budget",
        "0.001",
        "--min-words",
        "2",
    )
    assert ran.code == 0
    assert "dog" in ran.out
    assert constrain("--keywords", "dog").code == 0
