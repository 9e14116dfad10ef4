"""The n-gram models that come with searchgen: texts of several registers, counted apart and merged with weights.

    python -m benchmarks.registers build CORPORA en -o en.sgm      # the file of a language, from the folder of the texts
    python -m benchmarks.registers measure CORPORA en              # without 2 % of the text: bits a character on its everyday lines
    python -m benchmarks.registers files CORPORA en                # the files that are read, for the class model and the known sentences

`measure --times 24,2,1,1` tries other weights, `--without NAME,...` leaves files out, `--ngrams N` prunes otherwise. Weights are whole
numbers that counts are multiplied by; they are chosen for the held-out everyday lines of the texts themselves, with the shipped transformer
in the mixture. No line of corpora/ and no file of a folder by-sa/ takes part.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.lm.embedded import EDITIONS, data_file
from searchgen.lm.mixture import NGramPart, mixed
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.ngram.estimation.counts import Level, count_ngrams
from searchgen.lm.ngram.estimation.kneser_ney import Counted, counted
from searchgen.lm.ngram.estimation.merge import merged, united
from searchgen.lm.ngram.estimation.prune import losses, pruned
from searchgen.lm.ngram.estimation.train import Recipe, encoded_texts
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.storage.packed import pack
from searchgen.lm.onnx.model import open_graph

__all__ = ["MODELS", "Register", "files", "read"]

Array = npt.NDArray[Any]

#: What the class model and the n-grams share.
ORDER, MIN_COUNT, WORDS = 5, 2, 65_532

#: Percentage of the sentences that `measure` leaves out, everyday lines of a file that it scores, and weights of the transformer.
HELD_OUT, LINES, WEIGHTS = 2.0, 250, (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)


@dataclass(frozen=True)
class Register:
    """A kind of text.

    Attributes:
        files: names below the folder of the language, without ending.
        times: what its counts are multiplied by.
        cut: as for `lm build`.
    """

    files: tuple[str, ...]
    times: int
    cut: tuple[int, ...]


#: The registers of each language, everyday talk first: where a sentence stands twice, it counts in the first.
MODELS: dict[str, dict[str, Register]] = {
    "en": {
        "everyday": Register(
            ("tatoeba", "tatoeba2", "everyday", "coco", "personachat", "storybooks", "chitchat", "wordnet"),
            40,
            (0, 0, 0, 1, 1),
        ),
        "novels": Register(("books", "fairytales"), 1, (0, 0, 1, 1, 1)),
        "encyclopedia": Register(("generics", "wikinews", "recipes"), 6, (0, 0, 1, 1, 1)),
        "talk": Register(("selfdialogue", "star", "taskmaster4", "audiocaps"), 2, (0, 0, 1, 1, 1)),
    },
    "zh": {
        "everyday": Register(("tatoeba", "tatoeba2", "xpersona", "storybooks", "xcopa", "cv-tw"), 24, (0,)),
        "talk": Register(("emollm", "kdconv", "crosswoz", "howtocook"), 2, (0, 1, 1, 2, 2)),
        "novels": Register(("fiction-pd", "translations-pd", "essays-pd"), 1, (0, 1, 1, 2, 2)),
        "encyclopedia": Register(("everyday",), 1, (0, 1, 2, 2, 2)),
    },
}

#: N-grams that stay of each model; None: all.
NGRAMS: dict[str, int | None] = {"en": 2_350_000, "zh": 780_000}

#: What the file says of its texts.
SOURCES = {
    "en": "Tatoeba (CC BY 2.0 FR), Common Voice (CC0), COCO captions, Synthetic-Persona-Chat, Open English WordNet, StoryWeaver "
    "and African Storybook, GenericsKB, Taskmaster-4 (CC BY 4.0), Wikinews (CC BY 2.5), BYU Chit-Chat, STAR, AudioCaps (MIT), "
    "Self-dialogue Corpus (BSD), public-domain recipes, FairytaleQA and Standard Ebooks (public domain in the United States); "
    "no share-alike text; see NOTICE",
    "zh": "Tatoeba (CC BY 2.0 FR), Common Voice (CC0), African Storybook (CC BY), XCOPA (CC BY 4.0), XPersona, EmoLLM (MIT), "
    "KdConv, CrossWOZ (Apache 2.0), HowToCook (Unlicense), novels, essays and translations (public domain in China); "
    "no share-alike text; see NOTICE",
}


def main() -> None:
    """Build, measure, or name the files."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.registers", description=__doc__)
    parser.add_argument("step", choices=("build", "measure", "files"))
    parser.add_argument("corpora", type=Path)
    parser.add_argument("language", choices=tuple(MODELS))
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--times", default="")
    parser.add_argument("--without", default="")
    parser.add_argument("--ngrams", type=int)
    flags = parser.parse_args()
    model = _chosen(MODELS[flags.language], flags.times, flags.without)
    most = flags.ngrams or NGRAMS[flags.language]
    if flags.step == "files":
        print(
            *(path for register in model.values() for path in files(flags.corpora, flags.language, register)), sep="\n"
        )
    elif flags.step == "build":
        _build(flags.corpora, flags.language, model, most, flags.output)
    else:
        _measure(flags.corpora, flags.language, model, most)


def _chosen(model: Mapping[str, Register], times: str, without: str) -> dict[str, Register]:
    """Return the registers with other weights, and without some files."""
    weights = [int(one) for one in times.split(",")] if times else [register.times for register in model.values()]
    left_out = set(without.split(","))
    chosen = {
        name: replace(register, times=weight, files=tuple(file for file in register.files if file not in left_out))
        for (name, register), weight in zip(model.items(), weights, strict=True)
    }
    return {name: register for name, register in chosen.items() if register.times and register.files}


def files(corpora: Path, language: str, register: Register) -> list[Path]:
    """Return the files and folders of a register."""
    folder = corpora / language
    return [folder / name if (folder / name).is_dir() else folder / f"{name}.txt" for name in register.files]


def read(
    corpora: Path, language: str, model: Mapping[str, Register], held_out: float = 0.0
) -> tuple[list[Array], list[str], list[list[str]]]:
    """Return the ids of each register's text, the vocabulary of all, and the sentences left out of each file of the first register."""
    recipe = Recipe(ORDER, (0,), MIN_COUNT, WORDS, language, held_out=held_out)
    groups = [[path] for register in model.values() for path in files(corpora, language, register)]
    tokens, vocabulary, left_out = encoded_texts(groups, recipe)
    ends = np.cumsum([len(register.files) for register in model.values()])
    parts = [np.concatenate(tokens[end - len(one.files) : end]) for end, one in zip(ends, model.values(), strict=True)]
    return parts, vocabulary, left_out[: ends[0]]


def model_of(texts: Sequence[Array], words: int, model: Mapping[str, Register], most: int | None) -> Counted:
    """Count the texts, merge their counts and prune the result to about `most` n-grams."""
    models, frequencies = [], []
    for text, register in zip(texts, model.values(), strict=True):
        levels = count_ngrams(text, ORDER, words)
        models.append(counted(levels, register.cut))
        frequencies.append(_frequencies(levels, register.cut))
    times = [register.times for register in model.values()]
    whole = merged(models, times)
    if most is None:
        return whole
    frequency = np.zeros(len(whole.trie.word))
    for place, raw, k in zip(united([one.trie for one in models])[1], frequencies, times, strict=True):
        frequency[place] += k * raw
    return _smaller(whole, losses(whole, frequency / frequency[0]), most)


def _frequencies(levels: Sequence[Level], cut: tuple[int, ...]) -> Array:
    """Return how often the root and each n-gram that a cut keeps occurs."""
    least = (*cut, *[cut[-1]] * ORDER)[1:]
    kept = [level.raw[level.raw > one] for level, one in zip(levels[1:], least, strict=False)]
    return np.concatenate([[levels[0].raw.sum()], levels[0].raw, *kept])


def _smaller(model: Counted, worth: Array, most: int) -> Counted:
    """Return a model of the n-grams that are worth most: a little more than they stay, since some begin or end longer ones."""
    share = 1.0
    while True:
        least = float(np.partition(worth, -round(share * most))[-round(share * most)])
        found = pruned(model, worth, least)
        if len(found.trie.word) <= most:
            return found
        share -= 0.01


def _build(corpora: Path, language: str, model: Mapping[str, Register], most: int | None, output: Path) -> None:
    texts, vocabulary, _ = read(corpora, language, model)
    made = model_of(texts, len(vocabulary), model, most)
    ends = [int(np.count_nonzero(text == 2)) for text in texts]
    metadata = {
        "sources": SOURCES[language],
        "command": f"python -m benchmarks.registers build corpora {language} -o {output.name}",
        "edition": EDITIONS[f"{language}-ngram"],
        "order": ORDER,
        "min_count": MIN_COUNT,
        "limit_vocabulary": WORDS,
        "dedupe": True,
        "held_out": 0.0,
        "form": language,
        "words": len(vocabulary) - 3,
        "sentences": sum(ends),
        "tokens": sum(map(len, texts)) - 2 * sum(ends),
        "registers": [f"{name} x {one.times} (cut {','.join(map(str, one.cut))})" for name, one in model.items()],
        "files": [f"{language}/{name}" for register in model.values() for name in register.files],
    }
    content = pack(made, vocabulary, metadata)
    output.write_bytes(content)
    print(f"{output}: {len(content):,} bytes, {np.diff(made.trie.starts[1:]).tolist()} n-grams")


def _measure(corpora: Path, language: str, model: Mapping[str, Register], most: int | None) -> None:
    texts, vocabulary, left_out = read(corpora, language, model, HELD_OUT)
    made = model_of(texts, len(vocabulary), model, most)
    print(
        f"{len(pack(made, vocabulary, {'form': language})):,} bytes, {np.diff(made.trie.starts[1:]).tolist()} n-grams"
    )
    ngram = NGram.from_counts(made, vocabulary, form=language, name=language, metadata={})
    path = data_file(language, ".onnx")
    graph = open_graph(path.name, path, NeuralSettings(), 1)
    own = Path(__file__).resolve().parents[1] / "corpora" / f"everyday-{language}.txt"
    for name, lines in (
        ("held-out everyday lines", [line for group in left_out for line in group[:LINES]]),
        (own.name, [line for line in own.read_text(encoding="utf-8").splitlines() if line]),
    ):
        both = list(zip(NGramPart(ngram).prefix_log_probs(lines), graph.prefix_log_probs(lines), strict=True))
        shown = ", ".join(f"{weight:g}: {_bits(both, weight, sum(map(len, lines))):.4f}" for weight in WEIGHTS)
        print(f"{name}: {len(lines)}; bits a character by weight of the transformer: {shown}")


def _bits(both: Sequence[Any], weight: float, characters: int) -> float:
    """Return bits a character of a mixture of two models, the second with a weight."""
    alone = weight in (0.0, 1.0)
    found = [pair[int(weight)] if alone else mixed(pair, np.log([1 - weight, weight])) for pair in both]
    return -sum(float(one.log_p[-1] + one.log_end) for one in found) / log(2) / characters


if __name__ == "__main__":
    main()
