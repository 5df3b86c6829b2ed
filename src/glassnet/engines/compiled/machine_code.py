"""From a stage's Python function to its address in memory, by way of Numba, LLVM and a folder of object code.

A stage is a Python function of two pointers. Numba turns it into LLVM's language, LLVM into an object file for this
processor, and that is kept in the cache; the next process only loads it, and never imports Numba at all. The cache
folder is named by a digest of every source that a stage can depend on, of the compilers' versions and of the
processor, so a changed formula or another machine finds nothing stale.

Environment
-----------
GLASSNET_CACHE : the folder for object code, instead of the user's cache folder.
GLASSNET_QUIET : if set, nothing is said on stderr when machine code has to be made first.
NUMBA_CPU_NAME, NUMBA_CPU_FEATURES : compile for another processor than this one, as for Numba itself.
"""

import ctypes
import hashlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any

import llvmlite.binding as llvm

__all__ = [
    "address",
    "addresses",
    "assembly",
    "cache_folder",
    "function",
    "is_x86",
    "processor",
    "unavailable",
    "vector_bytes",
]

Key = tuple[str, ...]
_lock = threading.RLock()
_addresses: dict[Key, int] = {}
_announced = False


def _after_fork() -> None:
    global _lock  # noqa: PLW0603
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


# --- the processor ------------------------------------------------------------------------------------------------


@cache
def processor() -> tuple[str, str]:
    """Name and features, as LLVM writes them, of the processor to compile for."""
    name = os.environ.get("NUMBA_CPU_NAME")
    features = os.environ.get("NUMBA_CPU_FEATURES")
    if name and name != "host":
        return name, features or ""
    return llvm.get_host_cpu_name(), features if features is not None else llvm.get_host_cpu_features().flatten()


@cache
def vector_bytes() -> int:
    """Bytes of a vector register: 64 with AVX-512, 32 with AVX2, 16 with SSE2 and NEON."""
    features = set(processor()[1].split(","))
    if "+avx512f" in features and "+avx512vl" in features:
        return 64
    return 32 if "+avx2" in features else 16


def is_x86() -> bool:
    """Whether the processor is of the x86-64 family."""
    return llvm.get_process_triple().startswith(("x86_64", "amd64"))


@cache
def _machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features = processor()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(cpu=name, features=features, opt=3, reloc="default", codemodel="jitdefault")


@cache
def _loader() -> Any:
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())


@cache
def unavailable() -> str | None:
    """Why there is no machine code on this computer, if so."""
    try:
        _loader()
    except Exception as error:
        return f"LLVM does not know this processor ({error})"
    return None


# --- the cache ----------------------------------------------------------------------------------------------------


@cache
def _digest() -> str:
    """Of all that object code depends on."""
    here = Path(__file__).parent
    text = hashlib.sha256()
    for folder in (here, here.parent.parent / "formulas"):
        for path in sorted(folder.glob("*.py")):
            text.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for word in (version("numba"), version("llvmlite"), sys.version.split()[0], *processor(), str(vector_bytes())):
        text.update(word.encode() + b"\0")
    return text.hexdigest()[:32]


_NO_FOLDER = (OSError, RuntimeError)  # of a disk, and of Path.home() for a user who has none


def cache_folder() -> Path:
    """Where the object code of these sources, versions and this processor lies."""
    given = os.environ.get("GLASSNET_CACHE")
    if given:
        return Path(given) / _digest()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "glassnet" / "machine-code" / _digest()


def _file(key: Key) -> Path:
    return cache_folder() / ("-".join(key) + ".o")


def _read(key: Key) -> bytes | None:
    """The object code from the cache, if it is there and whole: its own SHA-256 goes before it."""
    try:
        content = _file(key).read_bytes()
    except _NO_FOLDER:
        return None
    code = content[32:]
    return code if hashlib.sha256(code).digest() == content[:32] else None


def _write(key: Key, code: bytes) -> None:
    """Keep object code for the next process; a folder that cannot be written to costs that process the time only."""
    try:
        path = _file(key)
        part = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            part.write_bytes(hashlib.sha256(code).digest() + code)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
    except _NO_FOLDER:
        pass


# --- compiling ----------------------------------------------------------------------------------------------------


def _symbol(key: Key) -> str:
    return "glassnet_" + hashlib.sha256("-".join(key).encode()).hexdigest()[:24]


def _announce() -> None:
    global _announced  # noqa: PLW0603
    if not _announced and not os.environ.get("GLASSNET_QUIET"):
        _announced = True
        print("glassnet: making machine code for this processor, once; it takes some seconds ...", file=sys.stderr)


def _module(key: Key) -> Any:
    """Optimized LLVM of a stage: one C function of the stage's symbol, everything else inside it or gone."""
    from glassnet.engines.compiled.translate import to_llvm

    text, inner = to_llvm(key)
    symbol = _symbol(key)
    text += f"""
define void @"{symbol}"(ptr %operands, ptr %frame) {{
  %result = alloca ptr
  %error = alloca ptr
  %status = call i32 @"{inner}"(ptr %result, ptr %error, ptr %operands, ptr %frame)
  ret void
}}
"""
    module = llvm.parse_assembly(text)
    for function in module.functions:
        if not function.is_declaration and function.name != symbol:
            function.linkage = "internal"
    for variable in module.global_variables:
        if not variable.is_declaration:
            variable.linkage = "internal"
    builder = llvm.create_pass_builder(_machine(), llvm.create_pipeline_tuning_options(speed_level=3))
    builder.getModulePassManager().run(module, builder)
    return module


def _compile(key: Key) -> bytes:
    _announce()
    code = _machine().emit_object(_module(key))
    _write(key, code)
    return code


def assembly(key: Key) -> str:
    """The stage in the processor's own words, compiled anew: for people and for tests."""
    with _lock:
        return _machine().emit_assembly(_module(key))


@contextmanager
def _interrupts() -> Generator[Callable[[], None]]:
    """A function that raises the KeyboardInterrupt of a Ctrl-C that came meanwhile and was lost.

    Python drops an exception inside a finalizer or a weak reference's callback, of which a compilation has thousands.
    """
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        signal.default_int_handler(number, frame)

    def raise_again() -> None:
        if came:
            raise KeyboardInterrupt

    in_charge = threading.current_thread() is threading.main_thread()
    if not in_charge or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield raise_again
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield raise_again
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def addresses(keys: Iterable[Key]) -> list[int]:
    """Addresses of these stages' functions, each loaded, or first compiled, when it is not in memory yet."""
    keys = list(keys)
    with _lock:
        missing = [key for key in dict.fromkeys(keys) if key not in _addresses]
        found = {key: _read(key) for key in missing}
        if None in found.values():
            with _interrupts() as raise_lost:
                for key in missing:
                    found[key] = found[key] or _compile(key)
                    raise_lost()
        for code in found.values():
            _loader().add_object_file(llvm.ObjectFileRef.from_data(code))
        if missing:
            _loader().finalize_object()
        for key in missing:
            _addresses[key] = _loader().get_function_address(_symbol(key))
        return [_addresses[key] for key in keys]


@cache
def address(*key: str) -> int:
    """Address of one stage's function."""
    return addresses([key])[0]


@cache
def function(*key: str) -> Any:
    """One stage as a function of two addresses, callable from Python; the interpreter's lock is let go meanwhile."""
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(address(*key))
