"""Model files changed at random, opened and used one after the other in one process under a watchdog.

python -m tests.lm.ngram.mutated_models KIND NUMBER SEED, where KIND is one of `KINDS`. Prints one JSON object: how many files were opened
and how many refused, the faults, the most memory in MB, and the longest time that one took.
"""

import faulthandler
import gzip
import json
import os
import random
import re
import resource
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from searchgen.files.cache_folder import cache_folder
from searchgen.kernels.compiled import compiled_folder
from searchgen.lm.ngram.estimation.counts import count_ngrams
from searchgen.lm.ngram.estimation.kneser_ney import Counted, counted
from searchgen.lm.ngram.estimation.words import encode_sentences
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.storage.arpa_writing import arpa_lines
from searchgen.lm.ngram.storage.packed import HEAD, pack
from tests.cli.runner import searchgen
from tests.memory import peak_megabytes
from tests.places import DATA

Random = random.Random

#: Seconds that a file may take before the process is ended with a traceback.
PATIENCE = 60

#: Values that take the place of others in a description.
ODD_VALUES: tuple[Any, ...] = (
    *(0, -1, 1, 2**31 - 1, 2**31, 10**9, 10**15, 2**64, 10**400, 1.5, 1e999, True, None),
    *("", "x", "../../x", "zx", [], [[]], {}, {"a": []}, [0] * 9, ["a"], [10**15] * 3, "9" * 400),
)

#: Numbers and words that take the place of others in a row.
ODD_FIELDS = (
    *(
        "0",
        "-0",
        "-inf",
        "inf",
        "nan",
        "1e999",
        "-1e999",
        "-99",
        "99",
        "1_0",
        "9" * 400,
        "-" + "9" * 400,
        "0x1",
        "-1e-999",
    ),
    *(
        "<s>",
        "</s>",
        "<unk>",
        "[UNK]",
        "",
        " ",
        "\t",
        "\v",
        "\f",
        "\r",
        "\0",
        "\u2028",
        "\ud7ff",
        "\\end\\",
        "\\2-grams:",
        "a b",
    ),
)


def toy(order: int) -> tuple[Counted, list[str]]:
    """Return the counts and words of a small model."""
    lines = (DATA / "kenlm" / "train.txt").read_text().splitlines()[:60]
    tokens, vocabulary = encode_sentences(line.split() for line in lines)
    return counted(count_ngrams(tokens, order, len(vocabulary)), (0, 0, 1)), vocabulary


def with_checksum(body: bytes, head: bytes) -> bytes:
    """Return a packed file whose length and checksum are those of the body."""
    magic, version, _, _, key = HEAD.unpack(head)
    return HEAD.pack(magic, version, zlib.crc32(body), len(body), key) + body


def flipped(content: bytes, rng: Random, most: int = 8) -> bytes:
    """Change, insert, leave out or repeat a few bytes."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, most)):
        at, size = rng.randrange(len(changed) + 1), rng.choice((1, 1, 1, 4, 64))
        way = rng.randrange(5)
        if way == 0:
            changed[at : at + size] = rng.randbytes(size)
        elif way == 1:
            changed[at : at + size] = b""
        elif way == 2:
            changed[at:at] = rng.randbytes(size)
        elif way == 3:
            changed[at:at] = changed[at : at + size]
        else:
            changed[at : at + 1] = bytes([rng.choice((0, 9, 10, 13, 32, 92, 255))])
    return bytes(changed)


def damaged_sgm(rng: Random) -> bytes:
    """Bytes are others than were written."""
    return flipped(PACKED, rng)


def forged_sgm(rng: Random) -> bytes:
    """Description or planes are others, and the checksum is that of the new body."""
    body = PACKED[HEAD.size :]
    (size,) = struct.unpack_from("<I", body)
    text, planes = body[4 : 4 + size], body[4 + size :]
    if rng.random() < 0.5:
        about = json.loads(text)
        for _ in range(rng.randint(1, 2)):
            name = rng.choice(list(about))
            value = about[name]
            if isinstance(value, list) and value and rng.random() < 0.7:
                value[rng.randrange(len(value))] = deepcopy(rng.choice(ODD_VALUES))
            elif rng.random() < 0.2:
                del about[name]
            else:
                about[name] = deepcopy(rng.choice(ODD_VALUES))
            if not about:
                break
        text = json.dumps(about).encode()
    elif rng.random() < 0.2:
        text = flipped(text, rng, 3)
    else:
        planes = flipped(planes, rng, 3)
    stated = len(text) if rng.random() < 0.95 else rng.choice((0, 1, 2**31, 2**32 - 1))
    return with_checksum(struct.pack("<I", stated) + text + planes, PACKED[: HEAD.size])


def false_sgm(rng: Random) -> bytes:
    """Counts are others, and both checksum and hash are those of the new contents."""
    model, words = toy(rng.choice((2, 3, 4)))
    words = list(words)
    arrays = [model.trie.children, model.trie.suffix, model.adjusted, model.pruned, model.counts_of_counts]
    for _ in range(rng.randint(1, 2)):
        i = rng.randrange(len(arrays))
        at = rng.randrange(arrays[i].size)
        if i < 2:  # links: near to what they were, or nothing can be written
            arrays[i].flat[at] += rng.choice((-2, -1, 1, 2))
        else:
            arrays[i].flat[at] = rng.choice((0, 1, 2, 255, 256, 2**20, 2**31 - 1))
    if rng.random() < 0.2:
        words[rng.randrange(len(words))] = rng.choice(ODD_FIELDS)
    try:
        return pack(model, words, {"form": rng.choice(("raw", "en", "zh"))})
    except (ValueError, IndexError, OverflowError, UnicodeEncodeError):  # this one cannot be written
        return forged_sgm(rng)


def damaged_arpa(rng: Random) -> bytes:
    """Lines and fields are others than were written."""
    if rng.random() < 0.3:
        return flipped(ARPA, rng)
    lines = ARPA.decode().split("\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        at, way = rng.randrange(len(lines)), rng.randrange(20)
        if way == 0:
            del lines[at]
        elif way == 1:
            lines.insert(at, lines[rng.randrange(len(lines))])
        elif way == 2:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif way == 3:
            lines[at] = rng.choice(("", " ", "\t", "\\data\\", "\\end\\", "ngram 1=0", "ngram 4=999999999", "x" * 5000))
        else:
            fields = re.split(r"([ \t=])", lines[at])  # separators, too
            i = rng.randrange(len(fields))
            fields[i] = rng.choice((" ", "\t")) if i % 2 else rng.choice(ODD_FIELDS)
            lines[at] = "".join(fields)
    return "\n".join(lines).encode()


def damaged_gz(rng: Random) -> bytes:
    """Bytes of a compressed model are others, or the model is; or it expands to something else."""
    way = rng.randrange(20)
    if way < 10:
        return flipped(COMPRESSED, rng)
    if way < 18:
        return gzip.compress(damaged_arpa(rng), 1)
    row = rng.choice((b"a", b"\n", b"-1\ta\n", b"-1\ta b\n", b"\\data\\\n", b"\0"))
    return gzip.compress(rng.choice((b"", ARPA[: rng.randrange(len(ARPA))])) + row * (30_000_000 // len(row)), 1)


PACKED = pack(*toy(3), {"form": "raw", "note": "x", "cut": [0, 0, 1]})
ARPA = "".join(arpa_lines(NGram.from_counts(*toy(3), form="raw", name="", metadata={}))).encode()
COMPRESSED = gzip.compress(ARPA, mtime=0)

KINDS: dict[str, Callable[[Random], bytes]] = {
    "damaged.sgm": damaged_sgm,
    "forged.sgm": forged_sgm,
    "false.sgm": false_sgm,
    "damaged.arpa": damaged_arpa,
    "damaged.lm.gz": damaged_gz,
}


def use(path: Path, number: int) -> tuple[str, str]:
    """Open a model and work with it; return what came of it, and a fault if there is one."""
    ran = searchgen("lm", "info", str(path), "--json")
    said = ran.err
    codes = {ran.code}
    if not ran.code:
        form = json.loads(ran.out)["text_form"]
        raw = ("--raw-tokens",) if form == "raw" else ()
        for command, stdin in (
            (("score", "--json"), b"the dog of\n"),
            (("check", "-k", "the"), b"the dog of\n"),
            (("lm", "eval", str(path), "-"), b"the dog of\n"),
        ):
            model = () if command[0] == "lm" else ("--lm", str(path))
            ran = searchgen(*command, *model, *raw, stdin=stdin)
            said += ran.err
            codes.add(ran.code)
        if number % 5 == 0:
            search = (
                "constrain",
                "--no-sentence",
                "--min-words",
                "1",
                "--max-words",
                "5",
                "--budget",
                "0.001",
                "-k",
                "the",
            )
            ran = searchgen(*search, "--lm", str(path), "--seed", "1", *raw)
            said += ran.err
            codes.add(ran.code)
    is_fault = "unexpected" in said or "Traceback" in said or not codes <= {0, 2, 3}
    return ("refused" if codes == {2} else "opened"), (f"{sorted(codes)} {said[-400:]}" if is_fault else "")


def main(kind: str, number: int, seed: int) -> None:
    """Try many, and print what came of them."""
    outcomes: Counter[str] = Counter()
    faults: dict[int, str] = {}
    longest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        compiled_folder()  # compiled code is where it was, models are not
        os.environ["SEARCHGEN_CACHE"] = f"{folder}/cache"
        cache_folder.cache_clear()
        path = Path(folder) / kind
        for i in range(number):
            faulthandler.dump_traceback_later(PATIENCE, exit=True)
            path.write_bytes(KINDS[kind](Random(seed * 1_000_003 + i)))
            begin = time.monotonic()
            outcome, fault = use(path, i)
            longest = max(longest, time.monotonic() - begin)
            outcomes[outcome] += 1
            if fault:
                faults[i] = fault
    faulthandler.cancel_dump_traceback_later()
    megabytes = peak_megabytes()
    print(json.dumps({**outcomes, "faults": faults, "megabytes": megabytes, "longest": round(longest, 2)}))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))  # a machine is not to suffer from a fault
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
