"""A file that is damaged, hostile or of an unknown kind is refused in one clear line, soon and in little memory."""

import os
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.conversion.gguf_model import GGUF, open_gguf
from searchgen.lm.gguf.file import GgufFile, is_gguf
from searchgen.lm.neural.settings import NeuralSettings
from tests.cli.runner import searchgen
from tests.lm.gguf.tiny_gguf import BYTES, END, gguf, tables, written
from tests.places import ROOT

SETTINGS = NeuralSettings(end="newline")


def refused(path: Path) -> str:
    """Return the message of a file that is refused."""
    with pytest.raises((ModelFileError, RequestError)) as caught:
        open_gguf(str(path), SETTINGS).log_probs(["A dog."])
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def head(version: int = 3, tensors: int = 0, values: int = 0, rest: bytes = b"") -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, values) + rest


def text(content: str, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(content) if length is None else length) + content.encode()


HUGE = (1 << 63) - 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"GGUF", "ends within its head"),
        (b"GGML" + bytes(60), "does not begin with GGUF"),
        (head(1), "version 1 is not among"),
        (head(struct.unpack(">I", struct.pack("<I", 3))[0]), "version 50331648"),
        (head(3, HUGE, 0), "declares 9,223,372,036,854,775,807 tensors"),
        (head(3, 0, HUGE), "declares 9,223,372,036,854,775,807 values"),
        (head(3, 0, 1, text("a", HUGE) + bytes(20)), "bytes of text"),
        (head(3, 0, 1, text("a") + struct.pack("<I", 99) + bytes(9)), "unknown type 99"),
        (head(3, 0, 1, text("a") + struct.pack("<IIQ", 9, 4, HUGE) + bytes(9)), "numbers"),
        (head(3, 0, 1, text("a") + struct.pack("<IIQ", 9, 8, HUGE) + bytes(9)), "texts"),
        (head(3, 0, 1, text("a") + struct.pack("<IIQ", 9, 9, 2) + bytes(99)), "items of the unknown type 9"),
        (head(3, 1, 0, text("t") + struct.pack("<I", 1 << 31) + bytes(99)), "dimensions"),
        (head(3, 1, 0, text("t") + struct.pack("<I2QIQ", 2, HUGE, HUGE, 0, 0)), "declared larger than the file"),
        (head(3, 1, 0, text("t") + struct.pack("<IQIQ", 1, 1, 0, HUGE)), "declared larger than the file"),
        (head(), "architecture ''"),
    ],
)
def test_heads(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    assert message in refused(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    assert not is_gguf(tmp_path)
    assert not is_gguf(tmp_path / "missing")
    for path in (tmp_path, tmp_path / "missing.gguf"):
        assert "cannot be read" in refused(path)


@pytest.mark.skipif(sys.platform == "win32", reason="it has no named pipes of this kind")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert not is_gguf(tmp_path / "pipe")
    assert "no ordinary file" in refused(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="no ordinary file"):
        GgufFile.open(tmp_path / "pipe")


def test_names_that_are_no_file(tmp_path: Path) -> None:
    path, _ = written(tmp_path / "no-suffix")
    names = [str(path), "~no-such-user/x", "a\0b", "x" * 5000]
    assert [GGUF.matches(name) for name in names] == [True, False, False, False]


def test_a_refusal_ends_the_command_with_one_line(tmp_path: Path) -> None:
    path, _ = written(tmp_path / "model.gguf", facts={"general.architecture": "mamba"})
    run = searchgen("score", "--lm", str(path), stdin=b"A dog.\n")
    assert run.code == 2
    assert run.err.count("\n") == 1
    assert "'mamba'; those known are llama" in run.err


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"general.architecture": "mamba"}, "'mamba'; those known are llama, qwen2, qwen3, gemma3"),
        ({"llama.block_count": None}, "does not say its llama.block_count"),
        ({"llama.block_count": 3}, "lacks the tensor blk.2.attn_norm.weight"),
        ({"llama.block_count": 1 << 31}, "llama.block_count is 2147483648"),
        ({"llama.embedding_length": 0}, "llama.embedding_length is 0"),
        ({"llama.embedding_length": "wide"}, "llama.embedding_length is 'wide'"),
        ({"llama.embedding_length": [24, 24]}, "llama.embedding_length is '[24, 24]'"),
        ({"llama.embedding_length": 32}, "has shape (257, 24), not (257, 32)"),
        ({"llama.attention.head_count_kv": 3}, "do not fit"),
        ({"llama.attention.key_length": 1 << 19, "llama.attention.value_length": 1 << 19}, "do not fit"),
        ({"llama.attention.layer_norm_rms_epsilon": float("nan")}, "makes no sense"),
        ({"llama.rope.freq_base": 0.0}, "makes no sense"),
        ({"llama.rope.dimension_count": 4}, "turned in part"),
        ({"llama.expert_count": 8}, "experts"),
        ({"llama.rope.scaling.type": "yarn", "llama.rope.scaling.factor": 4.0}, "scaled as 'yarn'"),
        ({"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": float("nan")}, "scaled as 'linear'"),
        ({"general.alignment": 0}, "general.alignment is 0"),
        ({"tokenizer.ggml.pre": "no-such"}, "cuts texts as 'no-such'"),
        ({"tokenizer.ggml.pre": None}, "cuts texts as ''"),
        ({"tokenizer.ggml.model": "rwkv"}, "kind 'rwkv'"),
        ({"tokenizer.ggml.model": "llama"}, "score for each piece"),
        ({"tokenizer.ggml.model": "llama", "tokenizer.ggml.scores": [0.5]}, "score for each piece"),
        ({"tokenizer.ggml.tokens": None}, "lacks the table tokenizer.ggml.tokens"),
        ({"tokenizer.ggml.tokens": [1, 2]}, "lacks the table tokenizer.ggml.tokens"),
        ({"tokenizer.ggml.tokens": [*BYTES, "more"]}, "has 257 rows for 258 pieces"),
        ({"tokenizer.ggml.token_type": 3}, "token_type is no table"),
        ({"tokenizer.ggml.merges": ["a"]}, "its tokenizer is damaged"),
        ({"tokenizer.ggml.merges": ["a zz"]}, "its tokenizer is damaged"),
        ({"tokenizer.ggml.merges": [1, 2]}, "its tokenizer is damaged"),
        ({"tokenizer.ggml.bos_token_id": 999}, "the bos token is 999"),
        ({"tokenizer.ggml.eos_token_id": "end"}, "eos_token_id is 'end'"),
    ],
)
def test_facts(facts: dict[str, Any], message: str, tmp_path: Path) -> None:
    path, _ = written(tmp_path / "model.gguf", facts=facts)
    assert message in refused(path)


@pytest.mark.parametrize(
    "name", ["token_embd.weight", "output_norm.weight", "blk.1.attn_k.weight", "blk.0.ffn_norm.weight"]
)
def test_missing_tensors_are_named(name: str, tmp_path: Path) -> None:
    path, _ = written(tmp_path / "model.gguf", change=lambda one, value: None if one == name else value)
    assert f"lacks the tensor {name}" in refused(path)


@pytest.mark.parametrize("worst", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["token_embd.weight", "blk.0.attn_norm.weight", "blk.1.ffn_down.weight"])
def test_what_is_no_number(worst: float, name: str, tmp_path: Path, kept: Path) -> None:
    def spoilt(one: str, value: Any) -> Any:
        if one == name:
            value = value.copy()
            value.flat[3] = worst
        return value

    path, _ = written(tmp_path / "model.gguf", change=spoilt)
    assert f"the tensor {name} holds what is no number" in refused(path)
    assert [one.name for one in (kept / "converted").iterdir() if not one.name.endswith(".lock")] == []


def test_weights_that_overflow(tmp_path: Path) -> None:
    path, _ = written(tmp_path / "m.gguf", change=lambda one, x: x * 1e38 if one == "output_norm.weight" else x)
    model = open_gguf(str(path), SETTINGS, bits=32)
    with pytest.raises(ModelFileError, match="not a number"):
        model.log_probs(["A dog."])


def entries(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the names of tensors and where in the file the number of their quantisation stands."""
    content, file = path.read_bytes(), GgufFile.open(path)
    for name, stored in file.tensors.items():
        at = content.rindex(text(name)) + 8 + len(name) + 4 + 8 * len(stored.shape)
        yield name, at


@pytest.mark.parametrize(
    ("kind", "message"), [(77, "unknown quantisation 77"), (24, "cannot be decoded"), (2, "multiple of 32")]
)
def test_quantisations(kind: int, message: str, tmp_path: Path) -> None:
    path, _ = written(tmp_path / "model.gguf")
    name, at = next(one for one in entries(path) if one[0] == "blk.0.attn_q.weight")
    content = bytearray(path.read_bytes())
    content[at : at + 4] = struct.pack("<I", kind)
    path.write_bytes(content)
    found = refused(path)
    assert message in found
    assert name in found


@pytest.mark.parametrize("kind", ["F16", "BF16", "Q8_0", "Q4_0", "Q5_1"])
def test_known_quantisations(kind: str, tmp_path: Path) -> None:
    from gguf.quants import dequantize, quantize

    value = np.random.default_rng(0).normal(size=(6, 64)).astype(np.float32)
    wanted = gguf.GGMLQuantizationType[kind]
    raw = value.astype(np.float16) if kind == "F16" else quantize(value, wanted)
    writer = gguf.GGUFWriter(tmp_path / "one.gguf", "llama")
    writer.add_tensor("t", raw, raw_dtype=None if kind == "F16" else wanted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = GgufFile.open(tmp_path / "one.gguf").weights("t", (6, 64))
    np.testing.assert_array_equal(found, raw if kind == "F16" else dequantize(raw, wanted))
    assert np.abs(found - value).max() < 0.4


def test_truncated_anywhere(tmp_path: Path) -> None:
    path, _ = written(tmp_path / "model.gguf")
    content = path.read_bytes()
    for length in [*range(0, 4000, 397), *range(4000, len(content), 4999), len(content) - 33]:
        path.write_bytes(content[:length])
        assert "fetch it again" in (message := refused(path)) or "name a GGUF file" in message


def test_other_tables_of_pieces(tmp_path: Path) -> None:
    """Pieces for some bytes only: a text with another one has probability zero, and nothing of it is left out."""
    path, _ = written(tmp_path / "model.gguf", tokenizer=tables([END, *"abĠĊ"]))
    model = open_gguf(str(path), SETTINGS)
    assert np.isfinite(model.log_probs(["a b"])).all()
    for unknown in ("abc", "é", "\ud800"):
        assert model.log_probs([unknown]).tolist() == [-np.inf]


#: Opens damaged files; prints how each ended, and the most memory that was in use.
CHILD = """
import sys, warnings
from pathlib import Path
from searchgen.lm.conversion import cached
from tests.lm.gguf.test_bad_input import mutated, outcome
from tests.memory import peak_megabytes
warnings.simplefilter("error")
folder = Path(sys.argv[1])
cached.cache_folder = lambda: folder
content = (folder / "model.gguf").read_bytes()
for seed in range(int(sys.argv[2])):
    print(outcome(folder, mutated(content, seed)), flush=True)
print(peak_megabytes())
"""


def mutated(content: bytes, seed: int) -> bytes:
    """Return a file with a few changes: bits, bytes, counts, pieces cut out or doubled, mostly where the head is."""
    draw, found = random.Random(seed), bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 5))):
        at = draw.randrange(draw.choice((60, 2000, 9000, len(found) - 8)))
        match draw.randrange(6):
            case 0:
                found[at] ^= 1 << draw.randrange(8)
            case 1:
                found[at] = draw.choice((0, 1, 8, 9, 127, 255))
            case 2:
                found[at : at + 8] = struct.pack("<Q", draw.choice((0, 1, 1 << 20, 1 << 31, 1 << 40, HUGE)))
            case 3:
                found[at : at + 4] = struct.pack("<f", draw.choice((float("nan"), float("inf"), 3e38, -1.0)))
            case 4:
                del found[at : at + draw.choice((1, 8, 100))]
            case _:
                found[at:at] = found[at : at + draw.choice((1, 8, 100))]
    return bytes(found)


def outcome(folder: Path, content: bytes) -> str:
    """Return how opening and scoring ends: scored, or the class and message of the refusal; anything else is raised."""
    path = folder / "mutated.gguf"
    path.write_bytes(content)
    try:
        found = open_gguf(str(path), SETTINGS).log_probs(["A dog ran.", "a"])
    except (ModelFileError, RequestError) as error:
        kind, message = type(error).__name__, str(error)
    else:
        kind, message = "scored", ""
        assert not np.isnan(found).any()
    assert "\n" not in message, message
    return f"{kind} {message[:300]!r}" if message else kind


@pytest.mark.skipif(sys.platform == "win32", reason="it does not say how much memory a process used")
@pytest.mark.parametrize("number", [100, pytest.param(3000, marks=pytest.mark.slow)])
def test_mutations(number: int, tmp_path: Path) -> None:
    written(tmp_path / "model.gguf")
    command = [sys.executable, "-c", CHILD, str(tmp_path), str(number)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3 * number)
    assert run.returncode == 0, (run.stdout.splitlines()[-1:], run.stderr[-3000:])
    *outcomes, megabytes = run.stdout.splitlines()
    assert len(outcomes) == number
    assert int(megabytes) < 1000
    # Some files are read, others refused, for many reasons.
    assert 0.02 * number < sum(one == "scored" for one in outcomes) < 0.9 * number
    assert sum("Error" in one for one in outcomes) > 0.1 * number
