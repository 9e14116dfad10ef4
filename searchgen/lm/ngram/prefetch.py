"""Asking for memory before it is needed, in compiled code; a numba or llvmlite that does it otherwise than known here does not do it."""

from contextlib import suppress
from typing import Any

from searchgen.kernels.compiled import inner
from searchgen.kernels.compiled_parts import FAULTS

__all__ = ["prefetch"]


def _intrinsic() -> Any:
    from llvmlite import ir
    from numba.core import cgutils, types
    from numba.extending import intrinsic

    def ask(context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        whole = context.make_array(signature.args[0])(context, builder, arguments[0])
        item = cgutils.get_item_pointer(  # type: ignore[no-untyped-call]
            context, builder, signature.args[0], whole, [arguments[1]], wraparound=False
        )
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]
        builder.call(function, [builder.bitcast(item, byte), word(0), word(3), word(1)])  # to read data, in all caches

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        with suppress(*FAULTS):
            ask(context, builder, signature, arguments)
        return context.get_dummy_value()

    def _prefetch(typing_context: Any, array: Any, index: Any) -> Any:
        return types.void(array, types.int64), generate

    return intrinsic(_prefetch)


@inner
def _nothing(array: Any, index: Any) -> None:
    pass


def _prefetch_or_nothing() -> Any:
    try:
        return _intrinsic()
    except FAULTS:
        return _nothing


#: `prefetch(array, index)` asks for the memory of array[index] without waiting for it; only in compiled code, where any index is safe.
prefetch: Any = _prefetch_or_nothing()
