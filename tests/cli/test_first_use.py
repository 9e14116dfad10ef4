"""What readers who know the front pages only type, and what they are answered."""

import json
from pathlib import Path
from typing import Any

import pytest

import searchgen as python
from searchgen.errors import RequestError
from searchgen.text.items.lists import parse_items
from tests.cli.runner import Ran, arpa, constrain, model, searchgen

SMALL = ("--lm", model("en"))


def batch(folder: Path, jobs: bytes, *flags: str, name: str = "jobs.jsonl") -> tuple[Ran, list[dict[str, Any]]]:
    """Run a batch of jobs from a file to a new one, and return its rows too."""
    (folder / name).write_bytes(jobs)
    ran = searchgen("batch", str(folder / name), *flags, "-o", str(folder / "rows.jsonl"), "--quiet")
    return ran, [json.loads(line) for line in (folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("flags", [("--finite-verb",), ("--sentence", "--finite-verb")])
def test_a_finite_verb_is_one_of_a_sentence(flags: tuple[str, ...]) -> None:
    ran = searchgen("check", *SMALL, *flags, stdin=b"Banana of the.\nShe was here.\nshe was here\n")
    assert [line.split("\t")[0] for line in ran.lines] == ["1", "3"]
    assert ran.lines[0].split("\t")[1] == "finite verb"
    assert "sentence ends with a final mark" in ran.lines[1]


@pytest.mark.parametrize("command", ["constrain", "sample", "check", "score", "compare", "explain"])
def test_a_finite_verb_without_a_sentence_is_refused(command: str) -> None:
    ran = searchgen(command, *SMALL, "--keywords", "dog", "--finite-verb", "--no-sentence", stdin=b"dog\n")
    assert (ran.code, ran.out) == (2, "")
    assert "finite-verb needs sentence, which is turned off" in ran.err


def test_jobs_specs_and_python_turn_the_sentence_on(tmp_path: Path) -> None:
    spec = tmp_path / "law.toml"
    spec.write_text("[constraints]\nfinite_verb = true\n[lengths]\nmax_words = 5\n", encoding="utf-8")
    drawn = searchgen("sample", *SMALL, "--spec", str(spec), "--json").rows[0]
    assert {"finite verb", "sentence with a word"} <= set(drawn["satisfied"])
    drawn = python.sample("dog", lm=model("en"), finite_verb=True, max_words=5).records()
    assert {"finite verb", "sentence with a word"} <= set(next(iter(drawn)).satisfied)
    job = json.dumps({"keywords": "dog", "sampler": "mh", "finite_verb": True, "max_words": 5})
    _, (row,) = batch(tmp_path, job.encode(), *SMALL)
    assert {"finite verb", "sentence with a word"} <= set(row["results"][0]["satisfied"])
    with pytest.raises(RequestError, match="finite-verb needs sentence"):
        python.constrain("dog", lm=model("en"), finite_verb=True, sentence=False)
    spec.write_text("[constraints]\nfinite_verb = true\nsentence = false\n", encoding="utf-8")
    assert f"{spec}: finite-verb needs sentence" in searchgen("spec", "validate", str(spec)).err
    assert constrain("--keywords", "dog", "--no-sentence").code == 0  # the default of the other is none of the user's


def test_no_probability_is_above_one() -> None:
    row = searchgen(
        "explain", *("--keywords", "time", "--max-words", "6", "--sentence", "--finite-verb", "--no-quotes", "--json")
    ).rows[0]
    assert all(log_p <= 0 for name in ("alone", "without", "factor") for log_p in row[name].values())
    assert -1e-3 < row["factor"]["no quotes"] <= 0  # sentences with a finite verb have next to no quotes
    assert row["alone"]["finite-verb"] < row["alone"]["sentence"] < 0  # a sentence with a finite verb, and any sentence
    assert row["pareto_k"] > 0.7
    assert (
        row["reason"]
        == f"exact, and one text takes about 1,500 attempts; the estimate is unreliable (Pareto k {row['pareto_k']:.2f})"
    )


def test_quotation_marks_of_a_table_are_no_part_of_the_words() -> None:
    for given in ('"dog","park"', '"dog,park"'):
        row = constrain("--keywords", given, "--json").rows[0]
        assert row["satisfied"] | {"keyword dog": True, "keyword park": True} == row["satisfied"]
        assert "“" not in row["text"]
    assert parse_items(['"dog', 'dog"', r"\"dog\""]) == [['"dog'], ['dog"'], ['"dog"']]
    assert "“dog”" in constrain("--keywords", r"\"dog\"", "--quotes").out


def test_a_full_width_bar_separates_alternatives() -> None:
    row = constrain("--keywords", "学习｜工作", "--json", lang="zh").rows[0]
    assert row["satisfied"]["keyword 学习|工作"]


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        (
            "老师 学生",
            "'老师 学生' is one phrase, because a space does not separate entries; for several write 老师,学生",
        ),
        ("words.txt", "'words.txt' is taken as a word; for the lines of that file write @words.txt"),
        ("!!!", "'!!!' has no letter and no digit; it is printed as a word of its own"),
        ("學生", "write 學 in simplified characters"),
        (
            "dog,park",
            "the model does not know dog, park: words spelled letter by letter are improbable; for English words take --lm en",
        ),
    ],
)
def test_hints(keywords: str, said: str) -> None:
    ran = constrain("--keywords", keywords, lang="zh")
    assert said in ran.err


def test_chinese_words_under_an_english_model_have_a_hint() -> None:
    assert "for Chinese words take --lm zh" in constrain("--keywords", "老师").err


@pytest.mark.parametrize("flags", [(), ("--resume",)])
def test_a_file_without_rows_is_no_output(tmp_path: Path, flags: tuple[str, ...]) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("my notes\n", encoding="utf-8")
    ran = searchgen("batch", "-", "--format", "txt", "-o", str(precious), *flags, stdin=b"dog\n")
    assert (ran.code, ran.err.count("--overwrite")) == (2, 0)
    assert "exists and holds no rows of a batch; name another file" in ran.err
    assert precious.read_text(encoding="utf-8") == "my notes\n"
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_a_report_replaces_no_rows_and_no_draws(tmp_path: Path) -> None:
    rows, draws = tmp_path / "rows.jsonl", tmp_path / "draws.jsonl"
    job = b'{"keywords": "dog", "budget": 0.001}\n'
    assert searchgen("batch", "-", *SMALL, "-o", str(rows), "--quiet", stdin=job).code == 0
    draw = ("sample", *SMALL, "--keywords", "dog", "--json")
    draws.write_text(searchgen(*draw).out, encoding="utf-8")
    for place in (rows, draws):
        before = place.read_bytes()
        ran = searchgen(*draw, "--report", str(place))
        assert (ran.code, ran.out) == (2, "")
        assert "holds rows or draws, which a report would replace; name another file" in ran.err
        assert place.read_bytes() == before
    report = tmp_path / "report.json"
    assert [searchgen(*draw, "--report", str(report)).code for _ in range(2)] == [0, 0]


def test_the_example_of_a_spec_takes_the_model_of_the_words(tmp_path: Path) -> None:
    spec = tmp_path / "target.toml"
    spec.write_text(searchgen("init").out, encoding="utf-8")
    ran = searchgen("constrain", "--spec", str(spec), "--keywords", "学习", "-n", "1", "--budget", "0.001", "--json")
    assert ran.rows[0]["lm"].startswith("zh@")


def test_repeated_keywords_count_once_for_the_window() -> None:
    windows = [
        constrain("--keywords", keywords, "--json", *flags).rows[0]["window"]
        for keywords, flags in (("dog", ()), ("dog,Dog,DOG,dog,dog", ()), ("dog,dog,dog,dog,dog", ("--ordered",)))
    ]
    assert windows == [[6, 14], [6, 14], [6, 19]]


def test_a_model_without_words_is_not_built(tmp_path: Path) -> None:
    output = tmp_path / "one.lm"
    ran = searchgen("lm", "build", "-", "-o", str(output), stdin=b"zzz\n")
    assert (ran.code, output.exists()) == (2, False)
    assert "no word occurs at least 2 times" in ran.err
    assert "--min-count 1" in ran.err
    assert searchgen("lm", "build", "-", "-o", str(output), "--min-count", "1", stdin=b"zzz\n").code == 0


def test_text_that_is_not_utf8_has_a_way_out(tmp_path: Path) -> None:
    chinese, empty = tmp_path / "gbk.txt", tmp_path / "empty.txt"
    chinese.write_bytes("老师\n".encode("gbk"))
    empty.write_bytes(b"")
    way_out = "convert it, for example with: iconv -f gbk -t utf-8"
    built = searchgen("lm", "build", str(chinese), "-o", str(tmp_path / "x.lm"))
    assert (built.code, way_out in built.err, "seems to be" in built.err) == (2, True, False)
    assert "seems to be" not in searchgen("lm", "build", str(empty), "-o", str(tmp_path / "x.lm")).err
    assert way_out in constrain("--keywords", f"@{chinese}").err
    assert way_out in constrain("--keywords", "-", stdin=chinese.read_bytes()).err
    assert way_out in searchgen("check", *SMALL, "-k", "dog", stdin=chinese.read_bytes()).err
    _, (row,) = batch(tmp_path, chinese.read_bytes())
    assert way_out in row["diagnostics"]["error"]


def test_notes_of_a_stream_name_the_line() -> None:
    ran = constrain("--keywords", "-", stdin=b"dog\nzyzzyva\nqwxyz\nzyzzyva\n")
    said = [
        line.removeprefix("searchgen: ").partition(":")[0] for line in ran.err.splitlines() if "does not know" in line
    ]
    assert said == ["line 2", "line 3", "line 4"]


def test_a_note_on_the_model_is_said_once() -> None:
    ran = searchgen(
        "constrain", "--lm", arpa(), "--raw-tokens", "--keywords", "-", "--budget", "0.001", stdin=b"dog\ncat\n"
    )
    assert ran.err.count("the model has no final mark") <= 1


def test_too_few_texts_are_no_reason_to_search_longer_only() -> None:
    ran = constrain("--keywords", "coffee", "--min-words", "1", "--max-words", "1", "-n", "5")
    assert "widen the window, or raise --budget" in ran.err


def test_a_sampler_that_needs_an_n_gram_model_names_it() -> None:
    ran = searchgen("sample", "--keywords", "dog", "--sampler", "rejection", "--lm", "en")
    assert "or --lm en-ngram for its n-gram model" in ran.err


@pytest.mark.parametrize("command", ["constrain", "sample"])
def test_a_signature_whose_model_is_gone_says_how_to_name_it(command: str, tmp_path: Path) -> None:
    lm = tmp_path / "my.lm"
    lm.write_bytes(Path(model("en")).read_bytes())
    quick = ("--budget", "0.001") if command == "constrain" else ("--max-words", "5")
    row = searchgen(command, "--keywords", "dog", "--lm", str(lm), "--json", *quick).rows[0]
    lm.rename(tmp_path / "moved.lm")
    ran = searchgen(command, "--again", row["signature"])
    assert (ran.code, ran.out) == (2, "")
    assert "repeat the result with --lm PATH --again SIGNATURE" in ran.err
    again = searchgen(command, "--lm", str(tmp_path / "moved.lm"), "--again", row["signature"])
    assert again.lines == [row["text"]]


@pytest.mark.parametrize(
    ("line", "path"),
    [("constrain --again", "constrain"), ("lm build -o", "lm build"), ("lm", "lm"), ("--nope", ""), ("batch", "batch")],
)
def test_a_wrong_flag_names_the_help_of_its_command(line: str, path: str) -> None:
    ran = searchgen(*line.split())
    assert ran.err.endswith(f"; see: searchgen {path}".rstrip() + " --help\n")


def test_a_batch_with_errors_names_the_first(tmp_path: Path) -> None:
    ran, rows = batch(tmp_path, b"dog,park\ncat\n", name="sets.lst")
    first, counted = ran.err.splitlines()
    assert first.startswith("searchgen: first error: line 1: not JSON")
    assert first.endswith("for plain keyword sets give --format txt")
    assert counted.startswith("searchgen: 0 ok, 0 infeasible, 2 error")
    assert [row["id"] for row in rows] == [1, 2]


def test_names_of_models_that_are_none(tmp_path: Path) -> None:
    text = tmp_path / "harbour.txt"
    text.write_text("The baker found the boat.\n", encoding="utf-8")
    assert "of a text, searchgen lm build makes one" in searchgen("constrain", "-k", "dog", "--lm", str(text)).err
    assert "unknown model 'harbor' (embedded: " in searchgen("constrain", "-k", "dog", "--lm", "harbor").err


def test_both_names_of_a_length_are_shown() -> None:
    ran = constrain("--keywords", "dog", "--min-chars", "12", "--max-chars", "6")
    assert "--min-words (--min-chars) 12 is more than --max-words (--max-chars) 6" in ran.err
    assert "--min-words (--min-chars), --max-words (--max-chars)" in searchgen("list", "constraints").out


def test_a_damaged_signature_is_said_in_plain_words() -> None:
    signature = constrain("--keywords", "dog", "--json").rows[0]["signature"]
    ran = searchgen("constrain", "--again", signature[:-5])
    assert ran.err == (
        "searchgen: the signature is damaged: a part of it is missing or was changed; copy the whole line again\n"
    )


def test_a_report_says_what_was_run(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    asked = ("sample", *SMALL, "--keywords", "dog", "--max-words", "6", "--sentence", "--seed", "7", "--json")
    row = searchgen(*asked, "--report", str(report)).rows[0]
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["status"] == "ok"
    assert [found[name] for name in ("lm", "seed", "signature")] == [row[name] for name in ("lm", "seed", "signature")]
    assert found["lm"].endswith(f"@{found['model_hash'][:12]}")
    assert found["version"] == python.__version__
    assert found["constraints"] == {"keywords": [["dog"]], "sentence": True, "min_words": 1, "max_words": 6}


def test_a_run_without_a_text_has_a_report(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    ran = searchgen(
        *("sample", *SMALL, "--keywords", "dog", "--starts-with", "the dog", "--ends-with", "a dog"),
        *("--max-words", "3", "--seed", "7", "--report", str(report)),
    )
    assert (ran.code, ran.out) == (3, "")
    found = json.loads(report.read_text(encoding="utf-8"))
    assert (found["status"], found["seed"], found["sampler"]) == ("infeasible", 7, "mh")
    assert f"searchgen: {found['error']}\n" == ran.err


@pytest.mark.parametrize("command", [("check", "--finite-verb"), ("score",)])
def test_the_texts_decide_the_model_where_no_word_does(command: tuple[str, ...]) -> None:
    ran = searchgen(*command, "--json", stdin="我爱你了。\nThe dog barked.\n".encode())
    assert [row.get("lm", "zh-ngram")[:8] for row in ran.rows] == ["zh-ngram", "zh-ngram"]
    assert "the texts seem to be Chinese, so zh-ngram reads them; --lm names another model" in ran.err
    assert ran.rows[0]["tokens"] == ["我", "爱", "你", "了", "。"]
    ran = searchgen(*command, "--json", stdin="The dog barked.\n我爱你了。\n".encode())
    assert "seem" not in ran.err
    assert ran.rows[0]["tokens"] == ["the", "dog", "barked", "."]
