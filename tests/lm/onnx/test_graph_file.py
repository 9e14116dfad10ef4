"""A file of `lm export` is compared with what the command writes, before anything of it is run: weights by name, sizes, operators."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from searchgen.errors import ModelFileError  # noqa: E402
from searchgen.lm.embedded import MIXED, data_file  # noqa: E402
from searchgen.lm.neural.transformer import open_transformer  # noqa: E402
from searchgen.lm.onnx.export import export  # noqa: E402
from searchgen.lm.onnx.graph_file import read_graph_file  # noqa: E402
from searchgen.lm.training.warm_start import read_warm_start  # noqa: E402
from tests.lm.onnx.test_onnx import written  # noqa: E402

UP = "model.layers.1.mlp.up_proj.weight"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = written(tmp_path_factory.mktemp("graph"), True)
    for bits in (8, 32):
        export(folder, folder / f"{bits}.onnx", bits)
    return folder


@pytest.fixture(params=[8, 32])
def model(request: pytest.FixtureRequest, folder: Path) -> Any:
    return onnx.load(folder / f"{request.param}.onnx")


def refused(model: Any, path: Path, *signs: str) -> None:
    """Require both readers to refuse a file in one line that has these signs."""
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    for read in (open_transformer, read_warm_start):
        with pytest.raises(ModelFileError) as error:
            read(str(path))
        assert "\n" not in str(error.value)
        assert all(sign in str(error.value) for sign in signs), error.value


def tensor(model: Any, name: str) -> Any:
    return next(one for one in model.graph.initializer if one.name == name)


def fact(model: Any, key: str) -> Any:
    return next(one for one in model.metadata_props if one.key == key)


@pytest.mark.parametrize("name", MIXED)
def test_the_embedded_files_are_as_they_must_be(name: str) -> None:
    assert read_graph_file(data_file(name, ".onnx")).facts["bits"] == 8


def test_weights_by_name(model: Any, tmp_path: Path) -> None:
    path, up = tmp_path / "x.onnx", tensor(model, UP)
    model.graph.initializer.remove(up)
    refused(model, path, f"lacks {UP}")
    more = model.graph.initializer.add()
    more.CopyFrom(up)
    more.name = UP.replace("up_", "upp_")
    refused(model, path, f"lacks {UP}")
    model.graph.initializer.append(up)
    refused(model, path, "holds model.layers.1.mlp.upp_proj.weight, which a network of its sizes does not have")
    more.name = UP
    refused(model, path, f"holds {UP} twice")
    more.name = UP.replace(".1.", ".9.")
    refused(model, path, "holds model.layers.9.mlp.up_proj.weight")
    model.graph.initializer.remove(more)
    path.write_bytes(model.SerializeToString())
    assert np.isfinite(open_transformer(str(path)).log_probs(["A dog."])).all()


@pytest.mark.parametrize("location", ["/etc/passwd", "../weights.bin", "weights.bin"])
def test_weights_in_another_file(model: Any, tmp_path: Path, location: str) -> None:
    """Beside it, above it or anywhere: no hash of this file covers them."""
    (tmp_path / "weights.bin").write_bytes(b"\0" * 100_000)
    up = tensor(model, UP)
    up.raw_data, up.data_location = b"", onnx.TensorProto.EXTERNAL
    up.external_data.add(key="location", value=location)
    refused(model, tmp_path / "x.onnx", "keeps weights in another file, which its hash does not cover")


@pytest.mark.parametrize("shape", [(1 << 40,), (1 << 62, 1 << 62), (-1, 5), (3,), ()])
def test_sizes_are_those_of_the_bytes(model: Any, tmp_path: Path, shape: tuple[int, ...]) -> None:
    up = tensor(model, UP)
    del up.dims[:]
    up.dims.extend(shape)
    refused(model, tmp_path / "x.onnx", f"is damaged: {UP} has")


@pytest.mark.parametrize(
    ("key", "value", "sign"),
    [
        ("vocabulary", 1 << 40, "vocabulary is 1099511627776"),
        ("layers", (1 << 31) - 1, "too few for 2,147,483,647 layers"),
        ("layers", 2, "holds model.layers.2.input_layernorm.weight"),
        ("layers", 4, "lacks model.layers.3.input_layernorm.weight"),
        ("context", 1 << 30, "cos has the shape"),
        ("width", 96, "has the shape"),
        ("heads", 0, "heads is 0"),
        ("heads", 5, "not an even multiple of 5 heads"),
        ("inner", 10**400, "inner is 1"),
        ("inner", "80", "inner is '80'"),
        ("base", float("inf"), "base is inf"),
        ("tied", 1, "tied is 1"),
        ("bits", 4, "bits are 4"),
    ],
)
def test_facts_that_are_none(model: Any, tmp_path: Path, key: str, value: object, sign: str) -> None:
    facts = fact(model, "searchgen")
    facts.value = json.dumps({**json.loads(facts.value), key: value})
    refused(model, tmp_path / "x.onnx", sign)


@pytest.mark.parametrize("value", ["[]", "{}", "", "[" * 100_000, '{"layers": ' + "9" * 5000 + "}"])
def test_facts_that_cannot_be_read(model: Any, tmp_path: Path, value: str) -> None:
    fact(model, "searchgen").value = value
    refused(model, tmp_path / "x.onnx", "the facts of the network are damaged")


def _more_pieces(content: Any) -> None:
    content["model"]["vocab"]["dog-like"] = len(content["model"]["vocab"])


def _odd_number(content: Any) -> None:
    content["model"]["vocab"]["a"] = 1 << 40


def _odd_merge(content: Any) -> None:
    content["model"]["merges"].append(["a", "☃"])


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        (_more_pieces, "pieces, and the network"),
        (_odd_number, "did not make this tokenizer"),
        (_odd_merge, "did not make this tokenizer"),
    ],
)
def test_tokenizers_of_other_networks(model: Any, tmp_path: Path, change: Callable[[Any], None], sign: str) -> None:
    tokenizer = fact(model, "tokenizer")
    content = json.loads(tokenizer.value)
    change(content)
    tokenizer.value = json.dumps(content)
    path = tmp_path / "x.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelFileError, match=sign):
        open_transformer(str(path))


def test_graphs_that_the_command_does_not_write(model: Any, tmp_path: Path) -> None:
    path, node = tmp_path / "x.onnx", model.graph.node[0]
    kind = node.op_type
    for foreign in ("Loop", "ConstantOfShape", "Identity", ""):
        node.op_type = foreign
        refused(model, path, f"computes {foreign!r}, which searchgen lm export does not write")
    node.op_type = kind
    inside = node.attribute.add(name="body")
    inside.g.CopyFrom(onnx.GraphProto(name="body"))
    refused(model, path, "a tensor or a graph inside a node")
    node.attribute.remove(inside)
    model.functions.add(name="f", domain="d")
    refused(model, path, "holds functions")
    del model.functions[:]
    model.graph.sparse_initializer.add()
    refused(model, path, "holds sparse weights")


def test_a_graph_that_cannot_be_computed(folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It is refused when it is opened, or with its first text, and nothing but that is written."""
    model = onnx.load(folder / "32.onnx")
    node = next(one for one in model.graph.node if one.op_type == "Add")
    node.input[1] = "cos"
    (tmp_path / "x.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelFileError, match=r"cannot be computed|damaged or no ONNX file"):
        open_transformer(str(tmp_path / "x.onnx")).log_probs(["A dog."])
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.name != "posix", reason="devices are files there")
def test_an_endless_file(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").symlink_to("/dev/zero")
    with pytest.raises(ModelFileError, match="not a regular file"):
        open_transformer(str(tmp_path / "x.onnx"))
