"""The odd ARPA files that people sent in, where their folder is there: each gives what its line there expects."""

from pathlib import Path

import pytest

from tests.cli.runner import searchgen

pytestmark = pytest.mark.shared


@pytest.fixture
def arpa(shared_folder: Path) -> Path:
    folder = shared_folder / "cases" / "arpa"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    return folder


def scored(model: Path, text: str) -> tuple[int, str]:
    ran = searchgen("score", "--lm", str(model), "--raw-tokens", stdin=f"{text}\n".encode())
    return ran.code, ran.out.split("\t")[0] or ran.err


@pytest.mark.parametrize(
    ("name", "text", "log_prob"),
    [
        ("highest_order_backoff.arpa", "a b a", "-3.684136"),
        ("highest_order_backoff_reference.arpa", "a b a", "-3.684136"),
        ("preamble.arpa", "a b", "-2.532844"),
        ("vtab_in_word.arpa", "a b a", "-3.684136"),
        ("blank_line_of_spaces.arpa", "a b", "-3.453878"),
        ("model.lm.gz", "b a", "-4.605170"),
        ("closed.arpa", "b a c", "-inf"),
    ],
)
def test_they_are_read(arpa: Path, name: str, text: str, log_prob: str) -> None:
    assert scored(arpa / name, text) == (0, log_prob)


def test_a_closed_vocabulary_is_evaluated(arpa: Path) -> None:
    ran = searchgen("lm", "eval", str(arpa / "closed.arpa"), str(arpa / "ab.txt"), "--raw-tokens")
    assert (ran.code, [line.split()[-1] for line in ran.lines[3:5]]) == (0, ["inf", "3.16"])


@pytest.mark.parametrize(
    ("name", "message"), [("empty_word.arpa", "line 11: a word is empty"), ("order_10.arpa", "reads orders 1 to 9")]
)
def test_they_are_refused_by_line(arpa: Path, name: str, message: str) -> None:
    code, err = scored(arpa / name, "a")
    assert code == 2
    assert message in err


def test_the_unknown_word_is_never_printed(arpa: Path) -> None:
    flags = ("--raw-tokens", "-k", "dog", "--min-words", "2", "--max-words", "6", "-n", "20", "--seed", "1")
    ran = searchgen("constrain", "--lm", str(arpa / "bracket_unk.arpa"), *flags, "--budget", "0.01")
    assert ran.code == 0
    assert {word for line in ran.lines for word in line.split()} == {"the", "dog"}
