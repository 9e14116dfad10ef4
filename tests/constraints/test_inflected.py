"""Words that count in every form: by a table of forms written by hand, which reads printed text only."""

import random
import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from searchgen import api
from searchgen.cli.parts import default_models
from searchgen.constraints import CONSTRAINTS
from searchgen.constraints.base import Setting
from searchgen.constraints.words.inflected import Inflected
from searchgen.demands.demands import Demands
from searchgen.demands.judge import Judge
from searchgen.demands.to_constraints import constraints_of
from searchgen.errors import TooLarge
from searchgen.request.from_values import Defaults, request_of
from searchgen.text import text_form
from searchgen.text.inflection import forms_of_all, word_forms
from searchgen.vocabulary import Vocabulary
from tests.cli.runner import constrain

#: Forms as a grammar has them: irregular, doubled, British and American.
FORMS = {
    "catch": "catch catches caught catching",
    "stop": "stop stops stopped stopping",
    "travel": "travel travels travelled traveled travelling traveling",
    "child": "child children",
    "mouse": "mouse mice",
    "go": "go goes went gone going",
    "be": "be am is are was were been being",
    "colour": "colour colours color colors",
    "organise": "organise organises organised organising organize organizes organized organizing",
    "big": "big bigger biggest",
    "lie": "lie lies lay lied lying",
    "frisbee": "frisbee frisbees",
}
PARTS = {
    "catch": "V",
    "stop": "V",
    "travel": "V",
    "go": "V",
    "be": "V",
    "colour": "N",
    "organise": "V",
    "big": "A",
    "lie": "V",
}
POOL = [form for forms in FORMS.values() for form in forms.split()] + [
    "catcher",
    "stopper",
    "childish",
    "biggish",
    "dog",
]

FAST = range(200)
SLOW = pytest.param(range(200, 10_200), marks=pytest.mark.slow)


def vocabulary(*words: str) -> Vocabulary:
    return Vocabulary(["<unk>", "<s>", "</s>", *words, ",", "."], text_form("en"))


@pytest.mark.parametrize("word", FORMS)
def test_forms_of_a_word(word: str) -> None:
    found = {form.text for form in word_forms(word, PARTS.get(word, "N"))}
    assert set(FORMS[word].split()) <= found
    assert len(found) <= len(FORMS[word].split()) + 3


@pytest.mark.parametrize("seeds", [FAST, SLOW])
def test_keywords_and_forbidden_words_by_the_text_alone(seeds: range) -> None:
    known = vocabulary(*dict.fromkeys(POOL))
    judges = {}
    verdicts = []
    for seed in seeds:
        draw = random.Random(seed)
        word, barred = draw.sample([*FORMS], 2)
        text = " ".join(draw.choice(POOL) for _ in range(draw.randint(2, 9))) + "."
        if (word, barred) not in judges:
            asked = Demands.nothing(
                keywords=((f"{word}_{PARTS.get(word, 'N')}",),),
                forbid=(f"{barred}_{PARTS.get(barred, 'N')}",),
                inflect=True,
            )
            judges[word, barred] = Judge.of(asked, known)
        words = set(re.findall(r"\w+", text))
        wanted = (bool(words & set(FORMS[word].split())), not words & set(FORMS[barred].split()))
        said = judges[word, barred].judged(text)
        verdicts.append(wanted)
        assert (
            said[f"keyword {word}_{PARTS.get(word, 'N')}"],
            said[f"without {barred}_{PARTS.get(barred, 'n').lower()}"],
        ) == wanted, text
    assert len(set(verdicts)) == 4


def test_rare_forms_and_other_uses_are_dropped_of_keywords_only() -> None:
    often = ["the"] * 99
    words = [f"{word}{place}" for place, word in enumerate(often)]
    known = vocabulary(*words, "dog", "dogs", *(f"w{place}" for place in range(4000)), "dogged")
    all_words = Inflected(True, {})
    assert all_words.forms("dog", known) == ["dog", "dogs"]
    assert all_words.forms("dog_V", known) == ["dog", "dogs", "dogged"]
    assert {"dogged", "dogging"} <= set(all_words.forms("dog"))
    own = Inflected(True, {}, (("dog", "doggo"),))
    assert own.forms("Dog", known) == ["Dog", "dog", "doggo", "dogs"]


def test_only_the_words_that_are_named() -> None:
    known = vocabulary("catch", "caught", "dog", "dogs", "hot")
    named = Inflected(False, {"catch": "", "dog": "N"})
    assert named.forms("catch", known) == ["catch", "caught"]
    assert named.forms("hot", known) == ["hot"]
    assert Inflected(True, {}).forms("hot dog", known) == ["hot dog", "hot dogs"]
    assert Inflected(True, {}).forms("catch_V dog", known) == ["catch dog", "caught dog"]


def test_a_mark_means_something_only_where_words_are_inflected() -> None:
    setting = Setting(text_form("en"), vocabulary("dog"))
    plain = constraints_of(Demands.nothing(keywords=(("dog_N",),)), setting.form, setting.vocabulary)
    assert plain.constraints[0].describe() == "keywords: dog_N"
    assert plain.notes == ("'dog_N' is read as it is written; with --inflect _N is a part of speech",)
    asked = constraints_of(Demands.nothing(keywords=(("dog_N",),), forms_of=("cat",)), setting.form, setting.vocabulary)
    assert asked.notes == ("--forms-of cat: no such word is asked for",)


def test_who_writes_without_a_verb_writes_without_its_short_forms() -> None:
    judge = Judge.of(Demands.nothing(min_words=1, forbid=("be",), inflect=True), vocabulary("dog", "is"))
    verdicts = [
        judge.judged(text)["without be"] for text in ("I'm here.", "It isn't.", "The dog's bone.", "We'll see.")
    ]
    assert verdicts == [False, False, True, True]


def test_no_form_of_a_forbidden_phrase_is_left_out() -> None:
    known = vocabulary("trying", "coming", "seeing", "sea")
    phrase = "try_V come_V see_V"
    forms = ("try tries tried trying", "come comes came coming", "see sees saw seen seeing")
    judge = Judge.of(
        Demands.nothing(min_words=1, forbid=(phrase,), where=(f'not holds("{phrase}")',), inflect=True), known
    )
    for words in product(*map(str.split, forms)):
        assert not judge.judged(" ".join(words) + ".")["without try_v come_v see_v"], words
    for text, is_held in (("Trying coming seeing.", False), ("Trying coming sea.", True)):
        said = judge.judged(text)
        assert said["without try_v come_v see_v"] == said[f'not holds("{phrase}")'] == is_held, text


def test_a_forbidden_phrase_of_too_many_forms_is_refused() -> None:
    known, all_words = vocabulary("try", "tries", "tried", "trying"), Inflected(True, {})
    six, seven = (" ".join(["try_V"] * size) for size in (6, 7))
    assert len(all_words.forms(six)) == 4**6
    assert " ".join(["trying"] * 6) in all_words.forms(six)
    message = "has 16,384 forms, and at most 10,000 can be forbidden"
    for demands in ({"forbid": (seven,)}, {"where": (f'not holds("{seven}")',)}):
        with pytest.raises(TooLarge, match=message):
            Judge.of(Demands.nothing(inflect=True, **demands), known)
    Judge.of(Demands.nothing(inflect=True, keywords=((seven,),)), known)  # a demanded one takes what it can


@pytest.mark.parametrize(
    "demands",
    [
        {"keywords": (("catch", "dog"),), "inflect": True},
        {"keywords": (("dog",), ("catch",)), "ordered": True, "forms_of": ("catch_V",)},
        {"where": ("holds(dog) or holds(catch)",), "inflect": True, "inflections": (("dog", "hound"),)},
        {"only_words": ("the", "dog", "catch"), "inflect": True},
        {"only_words": ("the", "dog", "catch"), "forms_of": ("dog",), "inflections": (("dog", "hound"),)},
    ],
)
def test_a_part_that_is_measured_alone_keeps_its_forms(demands: dict[str, object]) -> None:
    known = vocabulary("the", "dog", "dogs", "hound", "catch", "caught")
    asked = Demands.nothing(**demands)
    (alone,) = (part for constraint in CONSTRAINTS.values() for _, part, _ in constraint.apart(asked))
    made = [constraints_of(of, known.form, known).constraints for of in (asked, Demands.nothing(**alone))]
    assert made[0] == made[1]


def test_a_mark_that_is_no_part_of_speech_is_refused() -> None:
    ran = constrain("-k", "dog_X", "--inflect")
    assert (ran.code, ran.err) == (2, "searchgen: 'dog_X': _X is no part of speech; write _N, _V, _A or _R\n")


def test_names_stay_those_of_the_words_asked_for() -> None:
    row = constrain("-k", "dog_N,walk|Go", "--forbid", "Be", "--inflect", "--seed", "5", "--json").rows[0]
    assert list(row["satisfied"])[:3] == ["keyword dog_N", "keyword walk|go", "without be"]
    assert all(row["satisfied"].values())
    assert '"inflect":true' in row["signature"]
    assert {span["item"] for span in row["spans"]} == {"dog_N", "walk|go"}


def test_jobs_and_python_inflect() -> None:
    record = api.constrain("dog,walk", inflections=[["walk", "stroll"]], forms_of="walk", seed=5)[0]
    assert all(record.satisfied.values())
    job = {"keywords": "dog,walk", "inflect": True, "inflections": [["dog", "hound"]]}
    request = request_of(job, 1, Defaults({}))
    assert (request.inflect, request.inflections) == (True, (("dog", "hound"),))


def test_conditions_inflect_their_words() -> None:
    where = ("holds(catch_V) and not holds(ball) and holds(=dog)",)
    known = vocabulary("catch", "caught", "dog", "dogs", "ball", "balls")
    judge = Judge.of(Demands.nothing(min_words=1, where=where, inflect=True), known)
    verdicts = [
        all(judge.judged(text).values()) for text in ("dog caught.", "dogs caught.", "dog caught balls.", "dog ran.")
    ]
    assert verdicts == [True, False, False, False]
    assert [(span.item, span.form) for span in judge.spans_in("The dog caught it.")] == [
        ("holds(=dog)", "dog"),
        ("holds(catch_V)", "caught"),
    ]


def test_chinese_has_one_form() -> None:
    ran = constrain("-k", "公园", "--inflect", "--seed", "1", lang="zh")
    assert "--inflect is ignored: the model's words are not English" in ran.err
    assert ran.code == 0


def test_a_person_at_a_terminal_is_told_once_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCHGEN_CONFIG", str(tmp_path / "config.toml"))
    flags = ("--seed", "1", "--budget", "0.05")
    three = ("-k", "dog,park,walk", *flags)
    assert "--inflect" not in constrain(*three).err  # nobody watches
    monkeypatch.setattr(default_models, "is_watched", lambda: True)
    assert "--inflect" not in constrain("-k", "dog,park", *flags).err
    assert "--inflect" not in constrain("-k", "dog|dogs,park,walk", *flags).err
    assert "--inflect" not in constrain(*three, "--inflect").err
    assert "with --inflect words count in every form (caught for catch)" in constrain(*three).err
    assert "--inflect" not in constrain(*three).err


def test_requests_without_forms_import_no_dictionary() -> None:
    script = (
        "import sys, searchgen\n"
        "searchgen.constrain('dog,park', forbid='cat', lm='en-ngram', seed=1)\n"
        "print('lemminflect' in sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_forms_of_a_long_list_are_those_of_its_words() -> None:
    chance = random.Random(4)
    words = [
        *POOL,
        *(word + ending for word in FORMS for ending in ("", "s", "er", "ize", "ise", "zz")),
        "be",
        "will",
        "realise",
    ]
    words += ["Data", "analyze", "theatre", "colors", "zorb", "lassoed", "disputant", "ought"]
    words += ["".join(chance.choice("aeinorst") for _ in range(4)) for _ in range(400)]
    assert forms_of_all(words) == {form.text for word in words for form in word_forms(word, guess=False)}
    assert {"mice", "color", "realized"} <= forms_of_all(["mouse", "colour", "realise"])
