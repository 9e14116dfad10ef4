"""Build the word classes that come with a model, from its training text.

python -m benchmarks.word_classes corpora en --lm en-ngram -o searchgen/lm/data/en-classes.sgm
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.registers import MODELS, read
from searchgen.lm.ngram.estimation.exchange import exchange
from searchgen.lm.ngram.load import load
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.word_classes import pack_classes

#: The most frequent words have classes of their own, and so have all marks; the others share these many.
OWN, SHARED = 120, 280

#: N-grams of classes: few are needed, since each stands for thousands of words.
ORDER, CUT = 6, (0, 0, 2, 3, 4, 5)


def own_words(model: NGram, frequent: int = OWN) -> list[int]:
    """Return the words with a class each: the special ones, the most frequent ones, and all marks."""
    marks = [i for i, word in enumerate(model.vocabulary) if i > 2 and not model.text_form.is_word(word)]
    return sorted({*range(3 + frequent), *marks})


def build(corpora: Path, language: str, name: str, output: Path) -> int:
    """Write the classes of a model's words, and return the size of the file.

    Raises:
        SystemExit: the texts are not the training text of the model.
    """
    model = load(name)
    texts, vocabulary, _ = read(corpora, language, MODELS[language])
    tokens = np.concatenate(texts)
    if vocabulary != model.vocabulary:
        raise SystemExit(f"{name} was counted from other texts: they give another vocabulary")

    def tell(share: float) -> None:
        print(f"\rexchanging words: {share:.0%}", end="", flush=True)

    of_word = exchange(tokens, model.size, np.array(own_words(model)), SHARED, tell=tell)
    print("\rexchanging words: done")
    about = {
        "sources": model.metadata["sources"],
        "files": model.metadata["files"],
        "command": f"python -m benchmarks.word_classes corpora {language} --lm {language}-ngram -o {output.name}",
    }
    content = pack_classes(tokens, of_word, model, ORDER, CUT, about)
    output.write_bytes(content)
    return len(content)


def main() -> None:
    """Build, and print the size of the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.word_classes", description=__doc__)
    parser.add_argument("corpora", type=Path, help="the folder of the texts, as for benchmarks.registers")
    parser.add_argument("language", choices=tuple(MODELS))
    parser.add_argument("--lm", required=True, metavar="MODEL", help="the word model")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FILE")
    flags = parser.parse_args()
    print(f"{flags.output}: {build(flags.corpora, flags.language, flags.lm, flags.output) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
