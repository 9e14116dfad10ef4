"""Compiled functions that become part of their callers: numba's pipeline, without machine code of their own.

numba makes machine code of every function it compiles, also of one that is only ever copied into others. That code is never run; making it
took a third of the time of the first compilation (measured).
"""

# numba's insides are untyped.
# mypy: disable-error-code="no-untyped-call,attr-defined"

from functools import cache
from typing import Any

__all__ = ["FAULTS", "part_compiler"]

#: What another numba's insides raise where they differ from those that are known here; then functions are compiled as numba does it.
FAULTS = (ImportError, AttributeError, TypeError)


@cache
def part_compiler() -> Any:
    """Return the compiler (numba's `pipeline_class`) of functions that other compiled functions take in whole; None: numba's own.

    Everything up to the optimised intermediate code is numba's own, so that callers come out the same.
    """
    try:
        return _compiler_with(_part_lowering())
    except FAULTS:
        return None


def _part_library() -> Any:
    from numba.core.codegen import JITCodeLibrary

    class PartLibrary(JITCodeLibrary):
        """Code to be linked into that of callers, never into the process."""

        def _finalize_final_module(self) -> None:
            self._finalize_dynamic_globals()
            self._finalized = True

    return PartLibrary


def _part_lowering() -> Any:
    from numba import _dynfunc
    from numba.core.compiler_machinery import register_pass
    from numba.core.typed_passes import NativeLowering

    part_library = _part_library()

    @register_pass(mutates_CFG=True, analysis_only=False)
    class PartLowering(NativeLowering):
        """Numba's lowering, up to what callers link."""

        _name = "part_lowering"

        def run_pass(self, state: Any) -> bool:
            library = state.library
            try:
                return self._lower_part(state)
            except FAULTS:
                state.library, state.flags.no_compile = library, False
                return bool(super().run_pass(state))

        def _lower_part(self, state: Any) -> bool:
            state.library = part_library(state.targetctx.codegen(), state.func_id.func_qualname)
            state.flags.no_compile = True
            super().run_pass(state)
            state.flags.no_compile = False
            state.library.finalize()
            lowered = state["cr"]
            # An entry that is none: callers know the function by it, and nothing calls it.
            name, library = lowered.fndesc.qualname, state.library
            entry = _dynfunc.make_function(lowered.fndesc.lookup_module(), name, "", 0, lowered.env, (library,))
            state.targetctx.insert_user_function(entry, lowered.fndesc, [library])
            state["cr"] = lowered._replace(cfunc=entry)
            return True

    return PartLowering


def _compiler_with(lowering: Any) -> Any:
    from numba.core.compiler import CompilerBase, DefaultPassBuilder
    from numba.core.typed_passes import NativeLowering

    class PartCompiler(CompilerBase):
        """Numba's pipeline with that lowering."""

        def define_pipelines(self) -> list[Any]:
            passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
            passes.passes = [(lowering if step is NativeLowering else step, why) for step, why in passes.passes]
            passes.finalize()
            return [passes]

    return PartCompiler
