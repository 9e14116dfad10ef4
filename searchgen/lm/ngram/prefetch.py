"""Asking for memory before it is needed, in compiled code."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

__all__ = ["prefetch"]


def _prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole = context.make_array(signature.args[0])(context, builder, arguments[0])
        item = cgutils.get_item_pointer(  # type: ignore[no-untyped-call]
            context, builder, signature.args[0], whole, [arguments[1]], wraparound=False
        )
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]
        builder.call(function, [builder.bitcast(item, byte), word(0), word(3), word(1)])  # to read data, in all caches
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


#: `prefetch(array, index)` asks for the memory of array[index] without waiting for it; only in compiled code, where any index is safe.
prefetch: Any = intrinsic(_prefetch)
