"""Products of the graph: of whole numbers they are near those of floats, row by row."""

from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx")

from searchgen.lm.conversion import graph, products  # noqa: E402
from searchgen.lm.conversion.products import Products  # noqa: E402
from searchgen.lm.decoder.shape import Shape  # noqa: E402

Floats = npt.NDArray[np.float32]

#: Sizes of matrices: runs of 8, 2, 1 and 32 numbers are turned.
SIZES = [(24, 40), (7, 6), (5, 9), (48, 256)]


def product(matrix: Floats, bits: int, rows: Floats) -> Floats:
    """Return rows (N, K) times a transposed matrix (M, K), as the graph computes it."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    def keep(name: str, value: npt.NDArray[Any]) -> Any:
        return numpy_helper.from_array(value, name)

    built = Products(cast(Shape, None), lambda name, size: matrix, bits, keep)
    found = built._product("x", "blk.0.matrix", *matrix.shape)
    given, out = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", size])]
        for name, size in zip(("x", found), matrix.shape[::-1], strict=True)
    )
    made = helper.make_graph(built.nodes, "product", given, out, list(built.stored.values()))
    sets = [helper.make_opsetid("", graph.OPERATORS), helper.make_opsetid("com.microsoft", graph.MICROSOFT)]
    model = helper.make_model(made, opset_imports=sets, ir_version=graph.FORMAT)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if bits != 4:
        options.add_session_config_entry("session.disable_prepacking", "1")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": rows})[0])


def drawn(rows: int, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return a matrix, and rows of which every fiftieth number is 30 times larger."""
    source = np.random.default_rng(7)
    given = source.standard_normal((rows, size[1]))
    given[source.random(given.shape) < 0.02] *= 30
    return source.standard_normal(size).astype(np.float32), given.astype(np.float32)


def error(matrix: Floats, bits: int, rows: Floats) -> float:
    """Return how far products are from exact ones, relative to these."""
    exact = rows.astype(np.float64) @ matrix.T.astype(np.float64)
    return float(np.abs(product(matrix, bits, rows) - exact).mean() / np.abs(exact).mean())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("bits", "most"), [(4, 0.2), (8, 0.05), (32, 1e-5)])
def test_products_are_near_exact_ones(size: tuple[int, int], bits: int, most: float) -> None:
    matrix, rows = drawn(50, size)
    assert error(matrix, bits, rows) < most


def test_large_numbers_are_spread_so_that_the_others_keep_their_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, rows = drawn(200, (48, 1024))
    turned = error(matrix, 8, rows)
    monkeypatch.setattr(products, "RUN", 1)
    assert turned < error(matrix, 8, rows) / 2


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("bits", [4, 8, 32])
def test_a_row_has_the_same_product_in_every_batch(size: tuple[int, int], bits: int) -> None:
    matrix, rows = drawn(61, size)
    rows[5] = 0
    together = product(matrix, bits, rows)
    for number in (2, 3, 7, 16):
        for start in (0, 1, 30, 61 - number):
            part = slice(start, start + number)
            assert product(matrix, bits, rows[part]).tobytes() == together[part].tobytes()
    assert not together[5].any()


def test_four_bits_are_whole_numbers_with_a_scale_and_a_zero_for_each_run() -> None:
    runs = np.array([[*range(-3, 13), *[0] * 16], [0.5] * 32, [0] * 32], np.float32)
    packed, scales, zeros = products.in_four_bits(runs.reshape(1, 96))
    assert [packed.shape, scales.shape] == [(1, 3, 16), (1, 3)]
    assert (packed.dtype, zeros.tolist()) == (np.dtype(np.uint8), [[3, 0]])
    whole = np.stack([packed & 15, packed >> 4], axis=-1).reshape(3, 32).astype(np.float32)
    np.testing.assert_allclose((whole - [[3], [0], [0]]) * scales.reshape(3, 1), runs, atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 8, 32])
def test_turning_twice_is_not_at_all(size: int) -> None:
    matrix = products._hadamard(size)
    np.testing.assert_allclose(matrix @ matrix, np.eye(size), atol=1e-6)
    assert np.unique(np.abs(matrix)).tolist() == [np.float32(size**-0.5)]
