"""Build the set of training sentences that comes with a model, from its training text.

python -m benchmarks.training_sentences corpora/en --lang en -o searchgen/lm/data/en-sentences.npy
"""

import argparse
from pathlib import Path

from searchgen.lm.ngram.estimation.reading import read_passages, text_files
from searchgen.lm.training_sentences import TrainingSentences


def main() -> None:
    """Read the texts and write the set."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_sentences", description=__doc__)
    parser.add_argument("texts", nargs="+", type=Path)
    parser.add_argument("--lang", required=True)
    parser.add_argument("-o", "--output", required=True, type=Path)
    flags = parser.parse_args()
    passages = read_passages(text_files(flags.texts), flags.lang)
    known = TrainingSentences.of(sentence.split(" ") for passage in passages for sentence in passage.sentences)
    known.save(flags.output)
    print(f"{flags.output}: {len(known.bits):,} bytes")


if __name__ == "__main__":
    main()
