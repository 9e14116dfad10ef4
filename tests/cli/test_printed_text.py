"""Letters, sizes, places, templates, regular expressions and `--where` on the command line: what is printed holds, read from the text."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.runner import QUICK, searchgen
from tests.constraints import printed_oracle as oracle
from tests.constraints.printed_oracle import Verdict

DROPPED = "because what is demanded excludes it"


def held(word: str) -> Verdict:
    return lambda text: re.search(rf"\b({word})\b", text, re.I) is not None


#: Flags, what their texts satisfy, and what stderr names.
EXAMPLES: list[tuple[tuple[str, ...], Verdict, str]] = [
    (
        ("--where", "holds(dog|cat) and not holds(ball) and words(6..10) and at(1, The)"),
        lambda text: held("dog|cat")(text) and oracle.words(6, 10)(text) and text.startswith("The "),
        "",
    ),
    (
        ("--where", "words(17) and at(4, aids) and at(8, positioners)"),
        lambda text: oracle.words(17, 17)(text) and oracle.at(4, "aids")(text) and oracle.at(8, "positioners")(text),
        "the model does not know positioners",
    ),
    (("--where", "characters(82)"), oracle.characters(82, 82), ""),
    (
        ("--where", "words(20..)", "--where", "word_length(1..6)"),
        lambda text: oracle.words(20, 200)(text) and oracle.word_length(1, 6)(text),
        "",
    ),
    (
        ("--template", "The ___ of the ___ is ___.", "--keywords", "heart"),
        lambda text: re.fullmatch(r"The \S+ of the \S+ is \S+\.", text) is not None and held("heart")(text),
        "",
    ),
    (
        ("--template", "Book a table in {city} for {n}.", "--slot", "city=Paris,New York", "--slot", "n=2,four"),
        lambda text: re.fullmatch(r"Book a table in (Paris|New York) for (2|four)\.", text) is not None,
        f"the finite verb is dropped (--no-finite-verb), {DROPPED}",
    ),
    (
        ("--regex", r"(The|A) .* (sea|river)\.", "--max-words", "12"),
        lambda text: re.fullmatch(r"(The|A) .* (sea|river)\.", text) is not None and oracle.words(1, 12)(text),
        "",
    ),
    (("--without-letters", "e", "--min-words", "8", "--max-words", "12"), oracle.without_letters("e"), ""),
    (("--acrostic-words", "MOON"), oracle.acrostic_words("moon"), ""),
    (("--last-letters", "set"), oracle.last_letters("set"), ""),
    (("--alliteration", "any"), oracle.alliteration("any"), ""),
    (("--univocalic", "e"), oracle.univocalic("e"), ""),
    (("--only-letters", "adehinstw"), oracle.only_letters("adehinstw"), ""),
    (("--word-length", "1..4", "-k", "dog"), oracle.word_length(1, 4), ""),
    (("--characters", "30..32", "-k", "dog"), oracle.characters(30, 32), ""),
    (("--at", "2=dog,-1=park|garden"), lambda text: oracle.at(2, "dog")(text), ""),
    (
        ("--template", "The ___ of the ___"),
        lambda text: text[-1].isalpha(),
        f"the text need not be one sentence (--no-sentence), {DROPPED}",
    ),
    (("--template", "“___,” she said."), lambda text: text.startswith("“"), "quotation marks and brackets are allowed"),
    (("--regex", r"Yes\."), lambda text: text == "Yes.", "the finite verb is dropped"),
    (("--where", "characters(200)"), oracle.characters(200, 200), ""),
    (("--where", "words(40)"), oracle.words(40, 40), ""),
    (("--template", "the ___ is here"), lambda text: text.startswith("the "), "the text need not be one sentence"),
    (("--where", "holds(狗|猫) and words(8..10)"), lambda text: 8 <= len(oracle.characters_of(text)) <= 10, ""),
    (
        ("--template", "我喜欢＿，因为___{2..4字}。"),
        lambda text: re.fullmatch("我喜欢.{1,4}，因为.{2,4}。", text) is not None,
        "",
    ),
]


@pytest.mark.parametrize(
    ("flags", "verdict", "noted"), EXAMPLES, ids=[" ".join(example[0])[:40] for example in EXAMPLES]
)
def test_every_example_has_an_answer(flags: tuple[str, ...], verdict: Verdict, noted: str) -> None:
    model = "zh-ngram" if any(re.search("[\u4e00-\u9fff]", flag) for flag in flags) else "en-ngram"
    ran = searchgen("constrain", *flags, "--lm", model, "--seed", "7", "--json", *QUICK)
    assert ran.code == 0, ran.err
    (row,) = ran.rows
    assert verdict(row["text"]), row["text"]
    assert all(row["satisfied"].values())
    assert noted in ran.err
    assert noted or ran.err == "", ran.err


def test_a_default_gives_way_in_a_search_only() -> None:
    flags = ("--template", "The ___ of the ___", "--lm", "en-ngram", "--seed", "1", "--max-words", "9")
    refused = searchgen("sample", *flags, "--sentence", "-n", "2")
    assert refused.code == 3, refused.out
    assert "one sentence" in refused.err
    assert searchgen("sample", *flags, "-n", "2").code == 0


def test_checks_jobs_and_specs_have_them(tmp_path: Path) -> None:
    texts = b"The dog ran.\nThe ball ran.\n"
    where = ("--where", "holds(dog) and words(3)")
    checked = searchgen("check", *where, "--lm", "en-ngram", stdin=texts)
    assert checked.out == "2\tholds(dog)\tThe ball ran.\n", checked.err
    job = {"where": "words(5) and holds(dog)", "template": "The ___{2..3} {x}.", "slot": ["x=dog,cat"], "budget": 0.01}
    (tmp_path / "jobs.jsonl").write_text(json.dumps(job), encoding="utf-8")
    answered = searchgen("batch", str(tmp_path / "jobs.jsonl"), "-o", str(tmp_path / "rows"), "--lm", "en-ngram", "-q")
    text = json.loads((tmp_path / "rows").read_text(encoding="utf-8"))["results"][0]["text"]
    assert re.fullmatch(r"The .* (dog|cat)\.", text), answered.err
    assert len(text.split()) == 5
    spec = tmp_path / "spec.toml"
    spec.write_text('[constraints]\nwhere = "words(5) and holds(dog)"\nregex = "The .*"\n', encoding="utf-8")
    found = searchgen("constrain", "--spec", str(spec), "--lm", "en-ngram", "--seed", "3", "--json", *QUICK)
    assert found.rows[0]["text"].startswith("The "), found.err
    again = searchgen("constrain", "--again", found.rows[0]["signature"], "--lm", "en-ngram", "--json")
    assert again.rows[0]["text"] == found.rows[0]["text"]


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (("--where", "holds(dog) and (words(5)"), 2, "1 ')' missing at column 25"),
        (("--where", "wrods(5)"), 2, "did you mean words?"),
        (("--where", ""), 2, "nothing is required"),
        (("--where", "words(5) and words(7)"), 3, "no text satisfies all of"),
        (("--where", "words(2) and at(5, dog)"), 3, "no text satisfies all of"),
        (("--acrostic-words", "MOON", "--max-words", "3"), 3, "no text satisfies all of: acrostic-words MOON; 3 words"),
        (("--template", "The big dog of the sea is here.", "--max-words", "3"), 2, "takes 8 words"),
        (("--template", "{city} ___."), 2, "the slot {city} has no fillers"),
        (("--template", "{city} ___.", "--slot", "city="), 2, "has no filler"),
        (("--slot", "city=a", "-k", "dog"), 2, "--slot without --template"),
        (("--regex", "("), 2, "unterminated subpattern at column 1"),
        (("--without-letters", "7"), 2, "'7' is no letter"),
        (("-k", "dog", "--without-letters", "abcdefghijklmnopqrstuvwxyz"), 3, "no text satisfies all of"),
        (("--only-letters", "ж"), 3, "no text satisfies all of"),
        (("--characters", "five"), 2, "is no range"),
        (("--word-length", "5..2"), 2, "5 is more than 2"),
        (("--at", "dog"), 2, "give a place and a word"),
        (("-k", "dog", "--where", "not holds(dog)"), 3, "no text satisfies all of"),
    ],
)
def test_bad_input(flags: tuple[str, ...], code: int, message: str) -> None:
    ran = searchgen("constrain", *flags, "--lm", "en-ngram", *QUICK)
    assert (ran.code, ran.out) == (code, ""), ran.err
    assert message in ran.err
    assert ran.err.count("\n") == 1, ran.err


def test_an_empty_slot_file(tmp_path: Path) -> None:
    empty = tmp_path / "cities.txt"
    empty.write_text("\n", encoding="utf-8")
    ran = searchgen("constrain", "--template", "{city} ___.", "--slot", f"city=@{empty}", *QUICK)
    assert (ran.code, "--slot 'city': an empty list" in ran.err) == (2, True), ran.err
