"""Command lines of every verb with any of its flags, made from the commands themselves, so that a new one is tried too."""

import random
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import typer

from searchgen.cli.main import app
from tests.cli.runner import arpa, folder, model

__all__ = ["VERBS", "any_line", "files"]

#: Verbs that work for minutes or ask the network: they are tried with a value that is refused.
LONG = {("lm", "get"), ("lm", "train"), ("selftest",), ("warm-up",)}

REFUSED = ("--x", "nowhere/x", "--help")

SCRAPS = (
    "dog", "park", "new york", "公园", "孩子|公园", "a|b", "C++", "#1", "a@b.org", "|", ",", "，", "\\", "@", "@x", "-", "--", "", " ", ".",
    "“", "(", "I", "don't", "3.14", "<unk>", "\x1b[1m", "\t", "\u200b", "\ufeff", "e\u0301", "😀", "👍🏽", "\udcff", "\u2028",
    "x" * 300, "dog " * 20, "{}", "nan", "/dev/null", "/", "..", "default", "none", "en:0.5,zh:0.5", "ollama:none",
)  # fmt: skip

NUMBERS = (
    "0",
    "1",
    "2",
    "3",
    "5",
    "9",
    "14",
    "-3",
    "1_0",
    "x",
    "",
    "nan",
    "inf",
    "9" * 20,
    "9" * 400,
    "0.5",
    "0,0,1",
    "٣",
)

#: What keeps a line short that is well formed.
SHORT = {"--budget": ("0.0001", "0.001"), "--count": ("1", "2", "x", "-1"), "--chains": ("1", "2", "0"), "--thin": ("1", "2", "-1"),
         "--burn-in": ("1", "2", "-1"), "--evaluations": ("1", "50", "-1"), "--workers": ("1", "0", "x"), "--draws": ("1", "9", "-1"),
         "--device": ("cpu", "cuda:9", "x")}  # fmt: skip

Draw = random.Random


@cache
def _verbs() -> dict[tuple[str, ...], Any]:
    """Return the commands, by their words."""
    group: Any = typer.main.get_command(app)
    context = typer.Context(group)

    def below(command: Any, words: tuple[str, ...]) -> dict[tuple[str, ...], Any]:
        if not hasattr(command, "list_commands"):
            return {words: command}
        names = command.list_commands(context)
        return {
            path: verb
            for name in names
            for path, verb in below(command.get_command(context, name), (*words, name)).items()
        }

    return below(group, ())


VERBS = tuple(_verbs())


@cache
def files() -> Path:
    """Return a folder of inputs, and of outputs that may be written over."""
    place = folder() / "any"
    place.mkdir()
    (place / "lines.txt").write_text("The dog ran.\n公园很大。\n\n“\n", encoding="utf-8")
    (place / "jobs.jsonl").write_text('{"keywords": "dog", "budget": 0.0001}\n{"x": 1}\n[]\n', encoding="utf-8")
    (place / "jobs.csv").write_text("keywords;id\ndog;1\n", encoding="utf-8")
    (place / "spec.toml").write_text('keywords = ["dog"]\nbudget = 0.0001\n', encoding="utf-8")
    (place / "broken.toml").write_text("keywords = [\n", encoding="utf-8")
    (place / "bytes").write_bytes(bytes(range(256)) * 9)
    return place


@cache
def spare(lang: str) -> str:
    """Return a copy of a small model, which a line may write over; other tests need the model itself."""
    return str(shutil.copy(model(lang), files() / f"{lang}.lm"))


def any_line(draw: Draw) -> list[str]:
    """Return the words of a line after `searchgen`."""
    words = draw.choice(VERBS)
    if words in LONG:
        return [*words, draw.choice(REFUSED), *(_value(draw) for _ in range(draw.randint(0, 1)))]
    line, verb = list(words), _verbs()[words]
    flags = [one for one in verb.params if one.opts[0].startswith("-") and "--help" not in one.opts]
    if any("--lm" in one.opts for one in flags) and draw.random() < 0.9:
        line += ["--lm", draw.choice((spare("en"), spare("en"), spare("zh"), arpa()))]
    for flag in ("--budget", "--count"):
        if any(flag in one.opts for one in flags):
            line += [flag, SHORT[flag][0]]
    if words in (("constrain",), ("sample",), ("compare",)) and draw.random() < 0.7:
        line += ["--keywords", draw.choice(("dog", "公园", "-"))]
    if words == ("compare",):
        line += ["--evaluations", "50"]
    for _ in range(draw.randint(0, 4)):
        if flags:
            flag = draw.choice(flags)
            name = draw.choice(flag.opts + flag.secondary_opts)
            line += (
                [name]
                if getattr(flag, "is_flag", False)
                else [name, draw.choice(SHORT.get(flag.opts[0], [_value(draw)]))]
            )
    arguments = [one for one in verb.params if not one.opts[0].startswith("-")]
    for _ in range(draw.choice((len(arguments), len(arguments), 0, 2))):
        line.insert(draw.randint(len(words), len(line)), _value(draw))
    return line


def _value(draw: Draw) -> str:
    kind = draw.randrange(4)
    if kind == 0:
        return str(draw.choice(sorted(files().iterdir())))
    if kind == 1:
        return draw.choice(NUMBERS)
    if kind == 2:
        return draw.choice((spare("en"), spare("zh"), arpa(), "en-ngram", "eng", "nowhere", str(files() / "new.out")))
    return "".join(draw.choices(SCRAPS, k=draw.choice((1, 1, 2))))
