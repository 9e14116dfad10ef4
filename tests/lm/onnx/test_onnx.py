"""Transformers as ONNX files: the numbers of torch, without torch."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from safetensors.torch import save_file  # noqa: E402

from searchgen.errors import ModelFileError, RequestError  # noqa: E402
from searchgen.lm.bpe import BytePairs  # noqa: E402
from searchgen.lm.neural.architectures.llama import Llama  # noqa: E402
from searchgen.lm.neural.architectures.llama_shape import Shape  # noqa: E402
from searchgen.lm.neural.settings import NeuralSettings  # noqa: E402
from searchgen.lm.neural.transformer import is_transformer, open_transformer  # noqa: E402
from searchgen.lm.onnx.export import export  # noqa: E402
from searchgen.lm.onnx.model import MOST, open_graph  # noqa: E402
from searchgen.lm.training.tokenizer import CONFIG, train_tokenizer  # noqa: E402
from searchgen.testing import assert_text_model  # noqa: E402
from tests.cli.runner import searchgen  # noqa: E402
from tests.places import ROOT  # noqa: E402

ENGLISH, CHINESE = (
    (ROOT / "corpora" / f"everyday-{language}.txt").read_text(encoding="utf-8").splitlines()
    for language in ("en", "zh")
)
TEXTS = [*ENGLISH[:60], *CHINESE[:20], "A", "the dog ran and ran " * 9]

#: Signs that two libraries might split in two ways.
ODD = [
    "",
    "   ",
    "a <s> b</s>",
    "\x1c\x85\xa0 x\u3000y²½ é\u0301 naïve",
    "한국어 😀😀 🇩🇪",
    "&&[^] \\ don't 'n' o''clock  two",
    "U.S.A.—1,000.5",
]


@pytest.fixture(scope="module", params=[True, False], ids=["tied", "untied"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random network whose scores are far from uniform."""
    return written(tmp_path_factory.mktemp("model"), request.param)


def written(folder: Path, tied: bool) -> Path:
    tokenizer = train_tokenizer([*ENGLISH, *CHINESE], 700)
    shape = Shape(tokenizer.get_vocab_size(), 48, 3, 4, 80, 256, tied=tied)
    save_file(
        {name: weight.contiguous() for name, weight in Llama(shape).initialise(1, deviation=0.3).published().items()},
        folder / "model.safetensors",
    )
    (folder / "config.json").write_text(json.dumps(shape.config(0, 1)), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def exported(folder: Path, bits: int) -> str:
    path = folder / f"{bits}.onnx"
    export(folder, path, bits)
    return str(path)


@pytest.mark.parametrize("texts", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_pieces_and_places_are_those_of_the_library(texts: list[str]) -> None:
    library = train_tokenizer(texts, 600)
    ours = BytePairs.of(library.to_str())
    state = 1
    signs = []
    for _ in range(4000):  # all planes that have letters, no halves of pairs
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        sign = (state >> 40) % 0x20000
        signs.append(chr(sign % 0x300 if sign % 3 else sign if not 0xD800 <= sign < 0xE000 else 0x4E00))
    noise = ["".join(signs[start : start + 20]) for start in range(0, len(signs), 20)]
    every = [*ENGLISH, *CHINESE, *ODD, *noise]
    found = library.encode_batch(every, add_special_tokens=False)
    assert ours.encode(every) == [one.ids for one in found]
    assert ours.offsets(every) == [one.offsets for one in found]


def test_32_bits_are_torchs_numbers(folder: Path) -> None:
    expected = open_transformer(str(folder)).log_probs(TEXTS)
    assert np.allclose(open_transformer(exported(folder, 32)).log_probs(TEXTS), expected, rtol=0, atol=1e-3)
    single = [open_transformer(str(folder / "32.onnx")).log_probs([text])[0] for text in TEXTS[:3]]
    assert single == pytest.approx(expected[:3], abs=1e-4)
    for settings in (NeuralSettings(end="none"), NeuralSettings(prompt="He said:"), NeuralSettings(end="newline")):
        one, other = (open_transformer(name, settings) for name in (str(folder), str(folder / "32.onnx")))
        assert other.log_probs(TEXTS[:5]) == pytest.approx(one.log_probs(TEXTS[:5]), abs=1e-3)


def test_it_keeps_every_promise_of_a_law(folder: Path) -> None:
    assert_text_model(open_transformer(exported(folder, 32)), [*TEXTS[:5], *TEXTS[-3:]])


def test_a_piece_differs_by_less_than_a_ten_thousandth(folder: Path) -> None:
    one, other = (open_transformer(name) for name in (str(folder), exported(folder, 32)))
    rows = one.spelling.spell(TEXTS)
    assert other.spelling.spell(TEXTS) == rows
    apart = [
        np.abs(a - b).max() for a, b in zip(one.scored_rows(TEXTS, rows), other.scored_rows(TEXTS, rows), strict=True)
    ]
    assert max(apart) < 1e-4


def test_8_bits_are_near_and_do_not_depend_on_the_batch(folder: Path) -> None:
    name = exported(folder, 8)
    model = open_transformer(name)
    together, expected = model.log_probs(TEXTS), open_transformer(str(folder)).log_probs(TEXTS)
    pieces = np.array([len(row) - 1 for row in model.spelling.spell(TEXTS)])
    assert np.abs((together - expected) / pieces).mean() < 0.1
    assert np.abs(together - expected).max() > 1e-3  # other numbers, as stated
    assert_text_model(model, TEXTS[:10], tolerance=1e-6)
    assert Path(name).stat().st_size < (folder / "model.safetensors").stat().st_size / 2


def test_two_products_of_bytes_fit_into_16_bits(folder: Path) -> None:
    """What processors without VNNI add up in 16 bits must not be cut."""
    onnx = pytest.importorskip("onnx")
    stored = onnx.load(exported(folder, 8)).graph.initializer
    weights = [onnx.numpy_helper.to_array(one) for one in stored if one.data_type == onnx.TensorProto.INT8]
    assert len(weights) > 5
    assert max(np.abs(one.astype(np.int64)).max() for one in weights) * 255 * 2 < 2**15


def test_prefix_log_probs_and_growing_texts(folder: Path) -> None:
    torchs, ours = (open_transformer(name) for name in (str(folder), exported(folder, 32)))
    for a, b in zip(torchs.prefix_log_probs(TEXTS[:9]), ours.prefix_log_probs(TEXTS[:9]), strict=True):
        assert np.array_equal(a.places, b.places)
        assert b.log_p == pytest.approx(a.log_p, abs=1e-3)
    grown = [text[: len(text) // 2] for text in TEXTS[:5]]
    parents = np.zeros(5, np.int64)
    assert ours.growing().log_probs(grown, parents) == pytest.approx(
        torchs.growing().log_probs(grown, parents), abs=1e-3
    )


def test_the_pieces_expected_are_the_most_probable_ones(folder: Path) -> None:
    """Against all pieces tried one by one in every place of two texts; both libraries, and more than there are pieces."""
    texts, models = (
        ["The dog ran.", "A ball."],
        [open_transformer(name) for name in (str(folder), exported(folder, 32))],
    )
    rows = models[0].spelling.spell(texts)
    for model in models:
        before = model.log_probs(texts)
        assert model.expected(texts)[0].scored.piece.shape == (len(rows[0]) - 1, 0)  # nothing was to be noted
        model.forget()
        model.note_expected(5)
        assert model.log_probs(texts) == pytest.approx(before, abs=1e-9)
        for row, one in zip(rows, model.expected(texts), strict=True):
            assert len(one.starts) == len(row) - 2
            for place in range(1, len(row)):
                tried = [[*row[:place], piece] for piece in range(700)]
                all_log_p = np.array([log_p[-1] for log_p in model.scored_rows([""] * 700, tried)])
                best = np.argsort(-all_log_p)[:5]
                assert one.scored.piece[place - 1].tolist() == best.tolist()
                assert one.scored.piece_log_p[place - 1] == pytest.approx(all_log_p[best], abs=1e-4)
                assert one.scored.log_p[place - 1] == pytest.approx(all_log_p[row[place]], abs=1e-4)
        model.note_expected(10**6)
        vocabulary = len(model.expectable or ())
        assert model.expected(["Another text."])[0].scored.piece.shape[1] == vocabulary
        model.forget()


def test_files_of_older_versions_cannot_tell_what_they_expect(folder: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    made = onnx.load(exported(folder, 32))
    graph = made.graph
    nodes, inputs = (
        [one for one in several if MOST not in (one.name, *getattr(one, "input", ()))]
        for several in (graph.node, graph.input)
    )
    for several, left in ((graph.node, nodes), (graph.input, inputs)):
        del several[:]
        several.extend(left)
    del graph.output[1:]
    onnx.save(made, tmp_path / "old.onnx")
    old, new = open_transformer(str(tmp_path / "old.onnx")), open_transformer(str(folder / "32.onnx"))
    assert old.expectable is None
    assert new.expectable is not None
    assert old.log_probs(TEXTS[:5]) == pytest.approx(new.log_probs(TEXTS[:5]), abs=1e-6)
    ran = searchgen("constrain", "--lm", str(tmp_path / "old.onnx"), "--keywords", "dog", "--seed", "1", "--json")
    assert ran.code == 0, ran.err
    assert ran.rows[0]["neural"]["tested"] > 0  # rounds, not edits
    ran = searchgen("constrain", "--lm", str(folder / "32.onnx"), "--keywords", "dog", "--seed", "1", "--json")
    assert ran.code == 0, ran.err
    assert ran.rows[0]["neural"]["tested"] == 0


WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}")
sys.meta_path.insert(0, Absent())
from searchgen.cli.main import run
sys.argv = ["searchgen", *{arguments!r}]
try:
    run()
finally:
    print("loaded:", *sorted(set({named!r}) & set(sys.modules)), file=sys.stderr)
"""


def without(absent: tuple[str, ...], *arguments: str, stdin: str = "") -> Any:
    named = ("torch", "tokenizers", "transformers", "onnx", "onnxruntime")
    script = WITHOUT.format(absent=absent, arguments=arguments, named=named)
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, input=stdin, capture_output=True, text=True, check=False
    )


EXTRA = ("torch", "tokenizers", "transformers", "safetensors", "onnx")


@pytest.mark.slow
def test_without_torch_every_command_takes_a_file(tmp_path: Path) -> None:
    name = exported(written(tmp_path, True), 8)
    expected = open_transformer(name).log_probs(["The dog ran."])[0]
    scored = without(EXTRA, "score", "--lm", name, stdin="The dog ran.\n")
    assert float(scored.stdout.split("\t")[0]) == pytest.approx(expected, abs=1e-5), scored.stderr
    assert scored.stderr.splitlines()[-1] == "loaded: onnxruntime"
    for command in (
        ["sample", "--keywords", "dog", "--max-words", "4", "-n", "2", "--option", "burn_in=20"],
        ["constrain", "--keywords", "dog,park", "--budget", "0.2"],
    ):
        for model in (name, f"en:0.5,{name}:0.5"):
            ran = without(EXTRA, *command, "--lm", model, "--seed", "3")
            assert ran.returncode == 0, ran.stderr
            assert "dog" in ran.stdout.lower()
    shared = ["constrain", "--keywords", "-", "--share", "2", "--budget", "0.2", "--json", "--lm", name]
    ran = without(EXTRA, *shared, stdin="dog\npark\n")
    assert [json.loads(line)["neural"]["shared"] for line in ran.stdout.splitlines()] == [2, 2], ran.stderr
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out.jsonl"
    jobs.write_text('{"keywords": ["dog"]}\n{"keywords": ["park"]}\n', encoding="utf-8")
    ran = without(EXTRA, "batch", str(jobs), "-o", str(out), "--lm", name, "--budget", "0.2")
    assert [json.loads(line)["status"] for line in out.read_text(encoding="utf-8").splitlines()] == ["ok"] * 2, (
        ran.stderr
    )
    drawn = ["sample", "--sampler", "surrogate", "--keywords", "dog", "--lm", name, "--option", f"masked={name}"]
    ran = without(EXTRA, *drawn)
    assert (ran.returncode, "is a causal model" in ran.stderr) == (2, True), ran.stderr


def test_only_the_mixture_loads_onnxruntime() -> None:
    ran = without((*EXTRA, "onnxruntime"), "constrain", "--keywords", "dog", "--lm", "en-ngram", "--budget", "0.01")
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (0, "loaded:")
    ran = without(EXTRA, "constrain", "--keywords", "dog", "--budget", "0.1")
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (0, "loaded: onnxruntime")


def test_what_a_name_stands_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from searchgen.lm.onnx import model

    folder = written(tmp_path, True)
    assert model.graph_of(str(folder)) is None
    export(folder, folder / "model.onnx", 8)
    assert model.graph_of(str(folder)) is None
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: None)
        assert model.graph_of(str(folder)) == folder / "model.onnx"
    (folder / "model.safetensors").unlink()
    assert model.graph_of(str(folder)) == folder / "model.onnx"
    assert is_transformer(str(folder))
    assert is_transformer("a/b.onnx")
    assert open_transformer(str(folder)).log_probs(["A dog."]).shape == (1,)


def test_files_that_are_none(tmp_path: Path) -> None:
    import onnx
    from onnx import helper

    with pytest.raises(ModelFileError, match="cannot be read"):
        open_transformer(str(tmp_path / "none.onnx"))
    good = Path(exported(written(tmp_path, True), 8))
    damaged = tmp_path / "damaged.onnx"
    for content in (b"", b"no model", good.read_bytes()[:5000]):
        damaged.write_bytes(content)
        with pytest.raises(ModelFileError, match="damaged or no ONNX file"):
            open_transformer(str(damaged))
    plain = helper.make_graph([helper.make_node("Identity", ["a"], ["b"])], "g", [], [])
    value = [helper.make_tensor_value_info(one, 1, [1]) for one in "ab"]
    plain.input.append(value[0])
    plain.output.append(value[1])
    onnx.save(helper.make_model(plain, opset_imports=[helper.make_opsetid("", 23)], ir_version=10), damaged)
    with pytest.raises(ModelFileError, match="not written by searchgen lm export"):
        open_transformer(str(damaged))
    with pytest.raises(RequestError, match=r"--device cuda: .* runs on the CPU"):
        open_transformer(str(good), NeuralSettings(device="cuda"))
    with pytest.raises(RequestError, match="--dtype bfloat16"):
        open_transformer(str(good), NeuralSettings(dtype="bfloat16"))
    with pytest.raises(RequestError, match="longer than the 256"):
        open_transformer(str(good)).log_probs(["x y " * 200])
    assert np.isneginf(open_transformer(str(good)).log_probs(["a <s> b", "a b"])).tolist() == [True, False]


def test_the_command(tmp_path: Path) -> None:
    folder = written(tmp_path, True)
    ran = searchgen("lm", "export", str(folder), "--onnx")
    assert (ran.code, ran.out) == (0, "")
    assert "8 bits a weight" in ran.err
    assert open_graph("f", folder / "model.onnx", NeuralSettings()).facts["bits"] == 8
    assert searchgen("lm", "export", str(folder), "--onnx", "-o", str(tmp_path / "f.onnx"), "--float32").code == 0
    assert open_graph("f", tmp_path / "f.onnx", NeuralSettings()).facts["bits"] == 32
    for wrong in (
        [str(folder)],
        [str(tmp_path / "none"), "--onnx"],
        [str(folder), "--onnx", "-o", str(tmp_path / "x.bin")],
    ):
        failed = searchgen("lm", "export", *wrong)
        assert (failed.code, failed.err.count("\n")) == (2, 1)
    (folder / "config.json").write_text('{"model_type": "gpt2"}', encoding="utf-8")
    assert "not a plain LLaMA" in searchgen("lm", "export", str(folder), "--onnx").err


def test_info_and_eval_take_transformers(tmp_path: Path) -> None:
    folder = written(tmp_path, True)
    name = exported(folder, 8)
    told = [searchgen("lm", "info", one, "--json").rows[0] for one in (str(folder), name)]
    shape = Shape.of(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    assert [row["parameters"] for row in told] == [shape.parameters] * 2
    assert [row["vocabulary"] for row in told] == [shape.vocabulary] * 2
    assert told[1]["hash"] == open_transformer(name).hash
    text = tmp_path / "text.txt"
    text.write_text("".join(f"{line}\n" for line in ENGLISH[:40]), encoding="utf-8")
    mixture = f"en:0.5,{name}:0.5"
    built = tmp_path / "own.sgm"
    assert searchgen("lm", "build", str(text), "-o", str(built), "--lang", "en").code == 0
    rows = searchgen("lm", "eval", str(folder), "en", str(built), mixture, str(text), "--json").rows
    assert [row["model"] for row in rows] == [str(folder), "en", str(built), mixture]
    total = open_transformer(str(folder)).log_probs(ENGLISH[:40]).sum()
    assert rows[0]["bits_per_character"] == pytest.approx(-total / np.log(2) / sum(map(len, ENGLISH[:40])), rel=1e-4)
    alone = searchgen("lm", "eval", "en", str(text), "--json").rows[0]
    assert rows[1]["bits_per_character"] == pytest.approx(alone["bits_per_character"])
    assert searchgen("lm", "eval", "en", name).code == 2
    (folder / "model.safetensors").write_bytes(b"\xff" * 100)
    assert "is damaged" in searchgen("lm", "info", str(folder)).err


def test_eval_leaves_out_what_is_too_long_and_names_what_is_not_there(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text(f"The dog ran home.\n{' '.join(f'word{i}x' for i in range(300))}.\n", encoding="utf-8")
    ran = searchgen("lm", "eval", "en", "en-ngram", str(text), "--json")
    assert [json.loads(line)["sentences"] for line in ran.out.splitlines()] == [1, 1], ran.err
    assert "1 sentences are too long for en" in ran.err
    failed = searchgen("lm", "eval", "en", "my-texts")
    assert failed.code == 2
    assert "there is no file or folder my-texts" in failed.err
