"""A target of Numba's that ends at LLVM's language: it types and lowers, and leaves the rest to `machine_code`.

For a processor Numba would optimize each of a stage's 50 functions, link them into the next, optimize that anew, and
emit machine code of all, of which nothing is ever called. Without that a stage takes 0.4 of the time to compile, and
LLVM sees it whole when it optimizes it, once. The target has contexts of its own, so that what other users of Numba
compile in the same process is not touched.

The way is the one that Numba names for this, `numba.core.target_extension`; what is overridden here was read in its
version 0.68.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false

from functools import cached_property, partial

from numba import jit
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
from numba.core.cpu import CPUContext
from numba.core.dispatcher import Dispatcher
from numba.core.registry import CPUTarget
from numba.core.target_extension import CPU, dispatcher_registry, jit_registry, target_registry

__all__ = ["TARGET"]

TARGET = "glassnet"
"""The target's name, as in `numba.njit(_target=TARGET)`."""


class _Library(JITCodeLibrary):
    """LLVM of a function and of all that it calls, as it was lowered."""

    def _optimize_functions(self, ll_module):
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalized = True

    def get_pointer_to_function(self, _name):
        """No address: 0."""
        self._ensure_finalized()
        return 0


class _Codegen(JITCPUCodegen):
    _library_class = _Library

    def set_env(self, _env_name, _env):
        """Nothing: the environment is for what calls into the interpreter."""


class _Context(CPUContext):
    def init(self):
        super().init()
        self._internal_codegen = _Codegen(TARGET)

    def load_additional_registries(self):
        """Of Numba's own functions those that stages call: numbers, tuples, ranges and scalar mathematics."""
        from numba.cpython import builtins, mathimpl, numbers, rangeobj, tupleobj  # noqa: F401

        self.install_registry(mathimpl.registry)

    def post_lowering(self, _mod, _library):
        """Nothing: stages hold no Python objects, so Numba's runtime is not linked into them."""


class _Descriptor(CPUTarget):
    @cached_property
    def _toplevel_target_context(self):
        return _Context(self.typing_context, self._target_name)


class _Stages(CPU):
    """The mark by which Numba finds what may be called: all that serves a processor."""


class _Dispatcher(Dispatcher):
    targetdescr = _Descriptor(TARGET)


target_registry[TARGET] = _Stages
dispatcher_registry[_Stages] = _Dispatcher
jit_registry[_Stages] = partial(jit, _target=TARGET)
