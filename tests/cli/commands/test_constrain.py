"""`searchgen constrain`: what is printed, and that it repeats."""

from itertools import combinations, pairwise

import pytest

from tests.cli.runner import arpa, constrain, model, searchgen

FIELDS = [
    "text", "tokens", "log_prob", "log_prob_per_token", "log_density", "log_weight", "kind", "satisfied", "spans", "sampler", "lm", "seed",
    "steps", "window", "signature", "rank", "line", "stopped_early", "status", "error",
]  # fmt: skip


def test_plain_text_is_the_json_text() -> None:
    plain = constrain("--keywords", "dog,park", "--seed", "5")
    row = constrain("--keywords", "dog,park", "--seed", "5", "--json").rows[0]
    assert plain.code == 0
    assert plain.lines == [row["text"]]
    assert list(row) == FIELDS
    assert row["kind"] == "search"
    assert row["seed"] == 5
    assert row["log_prob_per_token"] == pytest.approx(row["log_prob"] / (len(row["tokens"]) + 1))


def test_satisfied_names_what_the_user_wrote() -> None:
    flags = ["--keywords", "Dog, New York|the  Park", "--forbid", "Very", "--starts-with", "The", "--ends-with", "Park"]
    row = constrain(*flags, "--seed", "5", "--json").rows[0]
    assert row["satisfied"] == dict.fromkeys(row["satisfied"], True)
    assert list(row["satisfied"]) == [
        "keyword dog",
        "keyword new york|the park",
        "without very",
        "starts with the",
        "ends with park",
        "sentence with a word",
        "sentence ends with a final mark",
        "sentence has no final mark inside",
        "sentence closes quotes and brackets",
        "no quotes",
        "words 6 to 22",
    ] or "finite verb" in " ".join(row["satisfied"])


@pytest.mark.parametrize(
    ("flags", "lang", "window"),
    [
        (["--keywords", "dog"], "en", [6, 14]),
        (["--keywords", "dog,cat,park,ball"], "en", [6, 16]),
        (["--keywords", "dog", "--min-words", "3", "--max-words", "5"], "en", [3, 5]),
        (["--keywords", "dog", "--max-words", "4"], "en", [4, 4]),
        (["--keywords", "公园"], "zh", [8, 24]),
        (["--keywords", "公园", "--min-chars", "9", "--max-chars", "12"], "zh", [9, 12]),
    ],
)
def test_window(flags: list[str], lang: str, window: list[int]) -> None:
    ran = constrain(*flags, "--seed", "1", "--json", "--verbose", lang=lang)
    assert ran.rows[0]["window"] == window
    assert f"window {window[0]}-{window[1]} words" in ran.err
    assert f'"min_words":{window[0]},"max_words":{window[1]}' in ran.rows[0]["signature"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_signature_replays_the_texts_bit_for_bit(lang: str) -> None:
    words = "dog,park" if lang == "en" else "孩子,公园"
    first = constrain("--keywords", words, "-n", "3", "--json", lang=lang)  # a fresh seed
    again = searchgen("constrain", "--again", first.rows[0]["signature"], "--json")
    assert again.code == 0
    assert again.out == first.out


def test_a_signature_of_another_release_names_it() -> None:
    signature = constrain("--keywords", "dog", "--json").rows[0]["signature"]
    older = "searchgen:0.1.0:" + signature.split(":", 2)[2]
    refused = searchgen("constrain", "--again", older)
    assert refused.code == 2
    assert f"made by searchgen 0.1.0 with {model('en')}@" in refused.err
    assert "repeat it with that release on linux-x86_64, because this is" in refused.err
    damaged = searchgen("constrain", "--again", "searchgen:0.1.0:linux-x86_64:ab:{")
    assert "made by searchgen 0.1.0 with a model@ab" in damaged.err


def test_a_signature_of_a_line_replays_it_and_follows_a_model_that_has_moved() -> None:
    row = constrain("--keywords", "-", "--json", stdin=b"cat\ndog,park\n").rows[1]
    gone = row["signature"].replace(model("en"), "gone.lm")
    assert searchgen("constrain", "--again", gone).code == 2
    moved = searchgen("constrain", "--again", row["signature"], "--lm", model("en"), "--json").rows[0]
    assert moved == {**row, "line": None}
    other = searchgen("constrain", "--again", row["signature"], "--lm", model("zh"))
    assert other.code == 2
    assert "another model" in other.err


def test_seeds_repeat_and_differ() -> None:
    texts = [constrain("--keywords", "school", "--seed", seed, "-n", "3").out for seed in ("7", "7", "8")]
    assert texts[0] == texts[1] != texts[2]
    fresh = [constrain("--keywords", "school", "--json").rows[0]["seed"] for _ in range(2)]
    assert fresh[0] != fresh[1]


def test_a_default_window_spelled_out_is_the_same_request() -> None:
    spelled = constrain("--keywords", "school", "--seed", "7", "--min-words", "6", "--max-words", "14", "--json")
    assert spelled.out == constrain("--keywords", "school", "--seed", "7", "--json").out


def test_results_are_unlike_each_other_and_best_first() -> None:
    rows = constrain("--keywords", "home", "-n", "8", "--seed", "2", "--json").rows
    assert len(rows) > 3
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["log_density"] for row in rows] == sorted((row["log_density"] for row in rows), reverse=True)
    bigrams = [set(pairwise([token for token in row["tokens"] if any(map(str.isalnum, token))])) for row in rows]
    assert all(len(a & b) <= 0.6 * min(len(a), len(b)) for a, b in combinations(bigrams, 2))


def test_fewer_results_than_asked_for_are_said_in_one_line() -> None:
    flags = ["constrain", "--lm", arpa(), "--raw-tokens", "--budget", "0.001", "--seed", "1", "--keywords"]
    once = searchgen(*flags, "mat", "-n", "400", "--max-words", "7")
    assert once.code == 0
    assert 0 < len(once.lines) < 400
    assert once.err.count("\n") == 1
    assert f"{len(once.lines)} of 400 texts" in once.err
    padded = searchgen(*flags, "-", "-n", "400", "--max-words", "7", stdin=b"mat\ndog\n")
    assert padded.code == 0
    assert len(padded.lines) == 800
    assert padded.lines[399] == ""
    rows = searchgen(*flags, "-", "-n", "400", "--max-words", "7", "--json", stdin=b"mat\n").rows
    assert rows[-1]["status"] == "not found"


def test_no_sentence_is_asked_of_a_model_without_final_marks() -> None:
    path = arpa().replace("raw.arpa.gz", "bare.arpa")
    built = searchgen(
        "lm", "build", "-", "-o", path, "--raw-tokens", "--min-count", "1", "--order", "2", stdin=b"a b c\nb c a\n" * 3
    )
    assert built.code == 0
    ran = searchgen("constrain", "--lm", path, "--raw-tokens", "--keywords", "b", "--budget", "0.001", "--json")
    assert ran.code == 0
    assert ran.err.count("\n") == 1
    assert "--sentence is ignored" in ran.err
    assert not any(part.startswith("sentence") for part in ran.rows[0]["satisfied"])


def test_quotation_marks_only_if_allowed() -> None:
    path = arpa().replace("raw.arpa.gz", "quotes.lm")
    said = "“Yes,” she said.\n“No,” he said.\n“Yes, I do,” he said.\n".encode()
    assert searchgen("lm", "build", "-", "-o", path, "--lang", "en", "--min-count", "1", stdin=said).code == 0
    flags = f"constrain --lm {path} --keywords yes --seed 1 --min-words 3 -n 4 --budget 0.01".split()
    assert not any(mark in searchgen(*flags).out for mark in "“”")
    assert all(mark in searchgen(*flags, "--quotes").out for mark in "“”")


def test_list_files_escapes_and_separators(tmp_path) -> None:
    (tmp_path / "list").write_text("\ufeffdog|cat\nthe park\n", encoding="utf-8")
    row = constrain(
        "--keywords", f"@{tmp_path / 'list'}", "--keywords", "ball，mother、school", "--seed", "1", "--json"
    ).rows[0]
    assert [part for part in row["satisfied"] if part.startswith("keyword")] == [
        "keyword dog|cat",
        "keyword the park",
        "keyword ball",
        "keyword mother",
        "keyword school",
    ]
    assert "," in constrain("--keywords", r"dog,\,", "--seed", "1").out


def test_an_unknown_word_is_held_and_said() -> None:
    ran = constrain("--keywords", "zorblax", "--seed", "1")
    assert "zorblax" in ran.out.lower()
    assert "does not know zorblax" in ran.err


def test_verbose_shows_what_was_asked() -> None:
    ran = constrain("--keywords", "dog", "--seed", "31", "--verbose")
    for part in ('"keywords": [["dog"]]', "seed 31", "steps in", "signature searchgen:"):
        assert part in ran.err
    assert len(ran.lines) == 1
