"""Find the pieces that Chinese texts are made of, for the files that come with searchgen: needs the extra `neural`.

python -m benchmarks.word_pieces corpora/zh/everyday.txt corpora/zh/tatoeba.txt -o searchgen/lm/data/zh-words.npz
"""

import argparse
import json
from pathlib import Path

from tokenizers import Regex, Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Split
from tokenizers.trainers import UnigramTrainer

from searchgen.lm.ngram.estimation.reading import read_passages, text_files
from searchgen.lm.segmentation import Segmentation

#: Pieces, and the most characters of one.
PIECES, LONGEST = 16_000, 4

#: The name that the library wants for what it does not know.
NOTHING = "<unk>"


def main() -> None:
    """Read the texts, find the pieces, and write them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.word_pieces", description=__doc__)
    parser.add_argument("texts", nargs="+", type=Path)
    parser.add_argument("-o", "--output", required=True, type=Path)
    flags = parser.parse_args()
    learner = Tokenizer(Unigram())
    learner.pre_tokenizer = Split(Regex(r"[^\u4e00-\u9fff]+"), "removed")
    trainer = UnigramTrainer(
        vocab_size=PIECES, max_piece_length=LONGEST, unk_token=NOTHING, special_tokens=[NOTHING], show_progress=False
    )
    sentences = {sentence for passage in read_passages(text_files(flags.texts), "zh") for sentence in passage.sentences}
    learner.train_from_iterator((one.replace(" ", "") for one in sorted(sentences)), trainer)
    pieces = json.loads(learner.to_str())["model"]["vocab"]
    Segmentation({piece: log_p for piece, log_p in pieces if piece != NOTHING}).save(flags.output)
    print(f"{flags.output}: {len(pieces) - 1:,} pieces, {flags.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
