"""Stages to LLVM: the way to Numba, taken only when object code is not in the cache."""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from types import FunctionType

from numba import njit, types
from numba.extending import overload

from glassnet.engines.compiled.target import TARGET

STAGE = types.void(types.CPointer(types.int64), types.CPointer(types.int64))
OPTIONS = {
    "error_model": "numpy",
    "nogil": True,
    "forceinline": True,  # a stage becomes one function
    "no_cpython_wrapper": True,  # and is never called by the interpreter
    "no_cfunc_wrapper": True,
}
"""Of every function that Numba sees: it compiles one anew for callers whose options differ."""

compiled = njit(_target=TARGET, **OPTIONS)
"""A function of a stage's."""
_known: set[FunctionType] = set()


def to_llvm(key):
    """LLVM text of the stage, and the name of its function in it."""
    from glassnet.engines.compiled.stages import STAGES

    python_function = STAGES[key[0]](*key[1:])
    stage = compiled(python_function)
    stage.compile(STAGE)
    (result,) = stage.overloads.values()
    return stage.inspect_llvm(STAGE.args), result.fndesc.llvm_func_name


def known(function):
    """A record's function as Numba may call it: with the plain functions of `formulas` that it calls in turn."""
    for name in function.__code__.co_names:
        helper = function.__globals__.get(name)
        ours = isinstance(helper, FunctionType) and helper.__module__.startswith("glassnet.formulas.")
        if ours and helper not in _known and not helper.__module__.endswith(".elementary"):
            _known.add(helper)
            known(helper)
            overload(helper, strict=False, jit_options=OPTIONS)(lambda *arguments, _helper=helper: _helper)
    return compiled(function)
