"""Compiled functions that become part of their callers: numba's pipeline, without machine code of their own.

numba makes machine code of every function it compiles, also of one that is only ever copied into others. That code is never run; making it
took a third of the time of the first compilation (measured).
"""

# numba's insides are untyped.
# mypy: disable-error-code="no-untyped-call,attr-defined"

from functools import cache
from typing import Any

__all__ = ["part_compiler"]


@cache
def part_compiler() -> Any:
    """Return the compiler (numba's `pipeline_class`) of functions that other compiled functions take in whole.

    Everything up to the optimised intermediate code is numba's own, so that callers come out the same.
    """
    from numba import _dynfunc
    from numba.core.codegen import JITCodeLibrary
    from numba.core.compiler import CompilerBase, DefaultPassBuilder
    from numba.core.compiler_machinery import register_pass
    from numba.core.typed_passes import NativeLowering

    class PartLibrary(JITCodeLibrary):
        """Code to be linked into that of callers, never into the process."""

        def _finalize_final_module(self) -> None:
            self._finalize_dynamic_globals()
            self._finalized = True

    @register_pass(mutates_CFG=True, analysis_only=False)
    class PartLowering(NativeLowering):
        """Numba's lowering, up to what callers link."""

        _name = "part_lowering"

        def run_pass(self, state: Any) -> bool:
            state.library = PartLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
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

    class PartCompiler(CompilerBase):
        """Numba's pipeline with that lowering."""

        def define_pipelines(self) -> list[Any]:
            passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
            passes.passes = [(PartLowering if each is NativeLowering else each, why) for each, why in passes.passes]
            passes.finalize()
            return [passes]

    return PartCompiler
