"""Files of models changed at random, and what comes of opening them: a model, a refusal, or a fault of ours.

    python -m tests.lm.neural.mutations KIND FIRST COUNT FOLDER

opens the mutations FIRST, FIRST + 1, ... of a kind, and prints a line in JSON about each. `faults` runs that in a process of its own, so
that what hangs or crashes is a fault like any other.
"""

import contextlib
import copy
import json
import os
import random
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.memory import peak_megabytes
from tests.places import ROOT

__all__ = ["KINDS", "Fault", "faults", "originals"]

#: Files of each kind, by the folder that has one.
KINDS = {
    "config": ("gpt2/config.json", "llama/config.json", "qwen2/config.json", "neox/config.json", "bert/config.json"),
    "tokenizer": (
        *("gpt2/tokenizer.json", "words/tokenizer.json", "letters/tokenizer.json", "bert/tokenizer.json"),
        *("gpt2/tokenizer_config.json", "words/special_tokens_map.json", "listed/vocab.txt", "llama/tokenizer.json"),
    ),
    "safetensors": (
        "gpt2/model.safetensors",
        "llama/model.safetensors",
        "qwen2/model.safetensors",
        "bert/model.safetensors",
    ),
    "onnx": ("onnx/8.onnx", "onnx/32.onnx"),
}

#: Seconds that opening and scoring may take, and bytes that the process may have in memory then.
LONGEST, MOST_BYTES = 60.0, 1 << 30

#: What stands in the place of a value.
VALUES: tuple[Any, ...] = (
    *(0, -1, 1, 2, 7, 255, 1 << 16, 1 << 31, 1 << 40, 10**18, 1 << 64, 10**400, 0.5, -1.5, 1e-300, 1e300, float("inf")),
    *(
        float("nan"),
        "",
        "a",
        "gptq",
        "float16",
        "default",
        "yarn",
        "x" * 5000,
        "\ud800",
        "\0",
        True,
        False,
        None,
        [],
        {},
    ),
    *(
        [1],
        [[]],
        {"a": 1},
        [0] * 1000,
        "BertForMaskedLM",
        "LlamaForCausalLM",
        "<s>",
        "Ġ",
        "BPE",
        "Unigram",
        "ByteLevel",
    ),
)

#: Keys that are added to objects.
KEYS = (
    *("quantization_config", "rope_scaling", "rope_parameters", "num_key_value_heads", "head_dim", "auto_map", "dtype"),
    *(
        "tie_word_embeddings",
        "text_config",
        "num_hidden_layers",
        "n_layer",
        "hidden_size",
        "vocab_size",
        "architectures",
    ),
    *(
        "sliding_window",
        "unk_token",
        "unk_id",
        "mask_token",
        "bos_token",
        "model_type",
        "torch_dtype",
        "n_inner",
        "type",
    ),
)

TEXTS = ("The dog ran.", "a b c", "But é 学校 x.", "a", "ab " * 20)


@dataclass(frozen=True)
class Fault:
    """A mutation that was neither opened nor refused.

    Attributes:
        kind: of file.
        number: of the mutation.
        what: happened.
    """

    kind: str
    number: int
    what: str


def originals(folder: Path) -> None:
    """Write the models that are changed."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    from searchgen.lm.onnx.export import export
    from tests.lm.neural import tiny_transformer as tiny
    from tests.lm.onnx.test_onnx import ENGLISH, written

    tiny.by_bytes(folder / "gpt2", kind="gpt2")
    tiny.by_bytes(folder / "neox", kind="gpt_neox")
    tiny.by_bytes(folder / "qwen2", kind="qwen2")
    tiny.by_words(folder / "words")
    shutil.copy(folder / "words" / "tokenizer_config.json", folder / "words" / "special_tokens_map.json")
    tiny.masked_by_words(folder / "bert")
    (folder / "onnx").mkdir()
    written(folder / "onnx", True)
    for bits in (8, 32):
        export(folder / "onnx", folder / "onnx" / f"{bits}.onnx", bits)
    shutil.copytree(folder / "onnx", folder / "llama", ignore=shutil.ignore_patterns("*.onnx"))
    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<end>", "<unk>"]
    made.train_from_iterator(
        ENGLISH[:200],
        trainers.UnigramTrainer(vocab_size=150, special_tokens=special, unk_token="<unk>", show_progress=False),
    )
    tiny.written(folder / "letters", made, 0)
    listed = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz"]
    tiny.written(folder / "listed", Tokenizer(models.WordLevel({word: i for i, word in enumerate(listed)})), 0)
    (folder / "listed" / "tokenizer.json").unlink()
    (folder / "listed" / "vocab.txt").write_text("\n".join(listed) + "\n", encoding="utf-8")
    roles = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    (folder / "listed" / "tokenizer_config.json").write_text(json.dumps(roles), encoding="utf-8")


def mutated(kind: str, number: int, folder: Path) -> Path:
    """Write the mutation of a number; return the model to open."""
    draw = random.Random(f"{kind} {number}")
    name = KINDS[kind][number % len(KINDS[kind])]
    source, (part, file) = folder / name, name.split("/")
    content = source.read_bytes()
    ways: list[Callable[[bytes, random.Random], bytes]] = [_bytes]
    if file.endswith(".json"):
        ways += [_json] * 4
    elif kind == "safetensors":
        ways += [_header] * 2
    elif kind == "onnx":
        ways += [_graph] * 2
    elif file.endswith(".txt"):
        ways += [_lines] * 3
    changed = draw.choice(ways)(content, draw)
    place = folder / "changed"
    shutil.rmtree(place, ignore_errors=True)
    if kind == "onnx":
        place.mkdir()
        (place / "changed.onnx").write_bytes(changed)
        return place / "changed.onnx"
    shutil.copytree(folder / part, place, ignore=shutil.ignore_patterns("*.onnx"))
    (place / file).write_bytes(changed)
    return place


def _bytes(content: bytes, draw: random.Random) -> bytes:
    """Change bits, cut, repeat, move; most often near the beginning, where headers are."""
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 5, 20))):
        reach = draw.choice((8, 64, 2048, len(data)))
        at = draw.randrange(max(1, min(reach, len(data)))) if data else 0
        length = draw.choice((1, 4, 8, 100, 1000))
        match draw.randrange(7):
            case 0 | 1 if data:
                data[at] ^= 1 << draw.randrange(8)
            case 2:
                del data[at:]
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[at : at + length]
            case 5:
                data[at : at + length] = bytes([draw.choice((0, 255))]) * length
            case _:
                data[at : at + 8] = draw.choice((0, 1, 1 << 31, 1 << 62, (1 << 64) - 1)).to_bytes(8, "little")
    return bytes(data)


def _json(content: bytes, draw: random.Random) -> bytes:
    value = json.loads(content)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        value = _changed(value, draw)
    if draw.random() < 0.02:
        value = {"model": json.loads("[" * 900 + "]" * 900), **(value if isinstance(value, dict) else {})}
    text = json.dumps(value)
    if draw.random() < 0.02:
        text = "[" * 100_000 + text
    return text.encode("utf-8", "surrogatepass")


def _changed(value: Any, draw: random.Random) -> Any:
    """Change one place of a JSON value."""
    value = copy.deepcopy(value)
    at, parents = value, []
    while isinstance(at, dict | list) and at and (not parents or draw.random() < 0.85):
        key = draw.choice(list(at)) if isinstance(at, dict) else draw.randrange(len(at))
        parents.append((at, key))
        at = at[key]
    if not parents:
        return draw.choice(VALUES)
    inside, key = parents[-1]
    match draw.randrange(6):
        case 0:
            del inside[key]
        case 1 if isinstance(inside, dict):
            inside[draw.choice(KEYS)] = inside.pop(key)
        case 2 if isinstance(inside, dict):
            inside[draw.choice(KEYS)] = draw.choice(VALUES)
        case 3 if isinstance(inside, list):
            inside.insert(key, draw.choice([*VALUES, at]))
        case 4 if isinstance(at, int) and not isinstance(at, bool):
            inside[key] = draw.choice((at + 1, at - 1, 2 * at, at // 2, 1000 * at))
        case _:
            inside[key] = draw.choice(VALUES)
    return value


def _lines(content: bytes, draw: random.Random) -> bytes:
    lines = content.split(b"\n")
    for _ in range(draw.choice((1, 3, 10))):
        at = draw.randrange(len(lines)) if lines else 0
        match draw.randrange(4):
            case 0:
                lines.insert(at, draw.choice((b"", b"a", b"[UNK]", b"\xff\xfe", b"x" * 5000, b"\x00")))
            case 1 if lines:
                lines.pop(at)
            case _:
                draw.shuffle(lines)
    return b"\n".join(lines)


def _header(content: bytes, draw: random.Random) -> bytes:
    """Change the header of a file of tensors."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    names = [name for name in header if name != "__metadata__"]
    name = draw.choice(names)
    match draw.randrange(7):
        case 0:
            del header[name]
        case 1:
            header[draw.choice(("module.", "_orig_mod.", "x.")) + name] = header.pop(name)
        case 2:
            header = {f"{draw.choice(('module.', 'base_model.model.', 'model.'))}{key}": header[key] for key in names}
        case 3:
            header[name]["dtype"] = draw.choice(("I8", "F8_E4M3", "F16", "BF16", "F64", "BOOL", "I64", "?"))
        case 4:
            header[f"{name}{draw.choice(('.absmax', '.SCB', '_extra', '.lora_A.weight'))}"] = header[name]
        case 5:
            header[name]["shape"] = draw.choice(
                ([], [0], [1 << 40], [-1], header[name]["shape"][::-1], [1, *header[name]["shape"]])
            )
        case _:
            header = _changed(header, draw)
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    length = draw.choice((len(text), len(text), len(text), len(text) + 1, 1 << 40))
    return length.to_bytes(8, "little") + text + content[8 + size :]


def _graph(content: bytes, draw: random.Random) -> bytes:
    """Change the parts of a graph."""
    import onnx

    made = onnx.load_from_string(content)
    graph, sizes = made.graph, (0, 1, -1, 1 << 20, 1 << 40, (1 << 63) - 1)
    tensor, node = draw.choice(graph.initializer), draw.choice(graph.node)
    match draw.randrange(12):
        case 0:
            graph.initializer.remove(tensor)
        case 1:
            tensor.name = draw.choice((tensor.name + "x", graph.initializer[0].name, ""))
        case 2:
            del tensor.dims[:]
            tensor.dims.extend(draw.choice(sizes) for _ in range(draw.randrange(4)))
        case 3:
            tensor.data_type = draw.randrange(30)
        case 4:
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=draw.choice(("/etc/passwd", "../x", "weights.bin")))
            tensor.raw_data = b""
        case 5:
            tensor.raw_data = draw.choice((b"", tensor.raw_data[::-1], tensor.raw_data * 2))
        case 6:
            node.op_type = draw.choice(
                ("Loop", "If", "Identity", "Add", "Shape", "ConstantOfShape", "Expand", "TopK", "")
            )
        case 7:
            graph.node.remove(node)
        case 8 if node.input:
            node.input[draw.randrange(len(node.input))] = draw.choice(
                (draw.choice(graph.initializer).name, "x", "pieces")
            )
        case 9 if node.attribute:
            attribute = draw.choice(node.attribute)
            attribute.i, attribute.f = draw.choice(sizes), draw.choice((0.0, -1.0, float("inf"), float("nan"), 1e30))
            attribute.ints[:] = [draw.choice(sizes) for _ in attribute.ints]
        case 10:
            tensor.CopyFrom(draw.choice(graph.initializer))
        case _:
            entry = draw.choice([one for one in made.metadata_props if one.key != "card"])
            entry.value = _json(entry.value.encode(), draw).decode("utf-8", "replace")
    return made.SerializeToString()


def tried(name: Path) -> str:
    """Open a model and use it; return what came of it.

    Raises:
        Exception: a fault of ours.
    """
    import numpy as np

    from searchgen.errors import SearchgenError
    from searchgen.lm.neural.describe import describe
    from searchgen.lm.neural.transformer import open_any_transformer
    from searchgen.lm.protocol import FillsMasks, expecting
    from searchgen.lm.training.warm_start import read_warm_start

    outcome = "opened"
    for use in (describe, lambda name: read_warm_start(str(name))):
        with contextlib.suppress(SearchgenError):
            use(str(name))
    try:
        model = open_any_transformer(str(name))
        expects = expecting(model)
        if expects is not None:
            expects.note_expected(4)
        model.log_probs(TEXTS)
        if expects is not None:
            expects.expected(TEXTS)
        if isinstance(model, FillsMasks):
            model.conditionals([("a", "b"), ("", "")], [np.arange(2)] * 2)
        else:
            model.growing().log_probs(["a", "a b"], np.zeros(2, np.int64))
    except SearchgenError as error:
        outcome = f"refused: {error}"
    return outcome


def main(kind: str, first: int, count: int, folder: Path) -> None:
    """Try mutations, and print a line about each; libraries that print something print it to stderr."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    _keep_conversions_in(folder / "cache")
    for number in range(first, first + count):
        begun = time.monotonic()
        try:
            what = tried(mutated(kind, number, folder))
        except Exception as error:
            what = f"fault: {type(error).__name__}: {error}"
        peak = peak_megabytes() << 20
        print(json.dumps([number, what[:300], round(time.monotonic() - begun, 3), peak]), file=out, flush=True)


def _keep_conversions_in(cache: Path) -> None:
    """Keep the conversions of mutations out of the user's cache folder."""
    from searchgen.lm.conversion import bits, cached
    from searchgen.lm.decoder import content_hash

    cache.mkdir(exist_ok=True)
    for module in (bits, cached, content_hash):
        module.cache_folder = lambda: cache  # type: ignore[attr-defined]


def results(kind: str, first: int, count: int, folder: Path) -> Iterator[tuple[int, str, float, int]]:
    """Yield number, what came of it, seconds and peak memory of each mutation."""
    number, end = first, first + count
    while number < end:
        command = [sys.executable, "-m", "tests.lm.neural.mutations", kind, str(number), str(end - number), str(folder)]
        log = folder / "stderr.txt"
        with (
            log.open("wb") as stderr,
            subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr) as process,
        ):
            assert process.stdout is not None
            while number < end:
                ready, _, _ = select.select([process.stdout], [], [], 2 * LONGEST)
                line = process.stdout.readline() if ready else b""
                if not line:
                    process.kill()
                    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
                    why = f"died with {process.wait()}, {last}" if ready else f"no answer in {2 * LONGEST:.0f} s"
                    yield number, f"fault: {why}", 0.0, 0
                    number += 1
                    break
                number, what, seconds, peak = json.loads(line)
                yield number, what, seconds, peak
                number += 1


def faults(kind: str, first: int, count: int, folder: Path) -> tuple[list[Fault], dict[str, int]]:
    """Return the faults among mutations, and how many were opened and refused."""
    found: list[Fault] = []
    counts = {"opened": 0, "refused": 0}
    for number, what, seconds, peak in results(kind, first, count, folder):
        outcome = what.partition(":")[0]
        counts[outcome] = counts.get(outcome, 0) + 1
        if outcome not in ("opened", "refused"):
            found.append(Fault(kind, number, what))
        elif seconds > LONGEST or peak > MOST_BYTES:
            found.append(Fault(kind, number, f"{what}: {seconds} s, {peak >> 20} MiB"))
        elif "\n" in what:
            found.append(Fault(kind, number, f"several lines: {what}"))
    return found, counts


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
