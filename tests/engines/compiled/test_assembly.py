"""The machine code itself: whole vectors, fused multiply-adds where it counts, and no way out of a loop to libm.

What is compiled here is kept, so that the tests after this one find it in the session's cache.
"""

import math
import platform
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from numba import types

from engines.compiled.by_hand import DTYPES, lanes
from glassnet.engines.compiled import machine_code
from glassnet.engines.compiled.machine_code import is_x86, processor, vector_bytes
from glassnet.engines.compiled.packing import has_matrix_unit
from glassnet.engines.compiled.pointers import pointer_to
from glassnet.engines.compiled.stages import STAGES
from glassnet.formulas.activations import ACTIVATIONS
from glassnet.formulas.losses import LOSSES
from glassnet.formulas.optimizers import OPTIMIZERS

CURVES = {"exp", "expm1", "log", "log1p", "tanh", "erf", "xlogy"}  # polynomials on Lanes
ARM = platform.machine() in ("arm64", "aarch64")
HAS_FMA = ARM or "+fma" in processor()[1].split(",")
REGISTER = "zmm" if vector_bytes() == 64 else "ymm" if vector_bytes() == 32 else "xmm"
SCALAR = {"carry", "barrier", "predict", "train", "affine", "weight_gradient"}  # no loop over elements here
PLAIN = {"dropout", "randomized", "batch", "transpose"}  # no arithmetic on whole vectors

Key = tuple[str, ...]


def keys() -> Iterator[Key]:
    """Every stage that there is."""
    for dtype in DTYPES:
        for name, record in ACTIVATIONS.items():
            yield "activation", name, dtype
            if record.trainable:
                yield "activation_backward", name, dtype
        yield from (("activation", "softmax", dtype, fixed) for fixed in "1234")
        for name, record in LOSSES.items():
            forms = ("plain", *(["linked"] if record.linked else []), *(["joint"] if record.simplex else []))
            yield from (("loss", name, form, dtype) for form in forms)
            yield from (("loss", name, forms[-1], dtype, fixed) for fixed in ("1234" if record.simplex else "13"))
        yield from (("update", name, form, dtype) for name in OPTIMIZERS for form in ("once", "gradient", "rule"))
        for stage in ("normalize", "normalize_backward"):
            yield from ((stage, form, dtype) for form in ("batch", "running"))
        yield from (("product", along, dtype) for along in ("rows", "columns"))
        named = {"product", "activation", "activation_backward", "loss", "update", "normalize", "normalize_backward"}
        others = [name for name in STAGES if name not in named and not name.startswith(("test_", "packed_"))]
        yield from ((name, dtype) for name in others if name not in ("carry", "barrier"))
    yield from (("carry", name) for name in OPTIMIZERS)
    yield ("barrier",)
    if has_matrix_unit():
        yield from (("packed_affine", lie) for lie in ("straight", "turned"))
        yield from ((name,) for name in ("packed_prediction", "packed_weight_gradient"))
        forms = [(name, form) for name in OPTIMIZERS for form in ("once", "gradient")]
        yield from (("packed_weight_gradient", *form) for form in forms)


@cache
def compiled(key: Key) -> str:
    """The stage's assembly; its object code goes into the cache, as when an engine asks for it."""
    module = machine_code._module(key)
    machine_code._write(key, machine_code._machine().emit_object(module))
    return machine_code._machine().emit_assembly(module)


def instructions(assembly: str) -> list[str]:
    """One a line, without directives, labels and comments."""
    lines = [line.split("//" if ARM else "#")[0].rstrip() for line in assembly.splitlines()]
    return [line.strip() for line in lines if line.startswith("\t") and not line.startswith("\t.") and line.strip()]


def ways_out(assembly: str) -> list[str]:
    """Instructions that name a function outside: calls, tail calls, addresses of symbols. A call through a table
    or of the system's yield is of an address in a register, and not among them."""
    found = []
    for line in instructions(assembly):
        mnemonic, *rest = line.removeprefix("lock").split(None, 1)
        operands = re.sub(r"\{[^}]*\}|%\w+|\$-?\d\w*|\.L\w+|0x[0-9a-fA-F]+", " ", rest[0] if rest else "")
        if ARM:
            outside = mnemonic in ("b", "bl", "adrp") and ".L" not in line and "CPI" not in line
        else:
            outside = re.search(r"[A-Za-z_]\w*", operands) is not None
        if outside:
            found.append(line)
    return found


def fused(assembly: str) -> list[str]:
    """Fused multiply-adds on whole vectors."""
    if ARM:
        return [line for line in instructions(assembly) if re.match(r"fml[as]\s+v\d+\.[24][sd]", line)]
    pattern = re.compile(rf"vfn?m(add|sub)\d+p[sd]\s.*%{REGISTER}\d")
    return [line for line in instructions(assembly) if pattern.match(line)]


def vectors(assembly: str) -> list[str]:
    """Arithmetic on whole vectors."""
    if ARM:
        return [line for line in instructions(assembly) if re.match(r"f\w+\s+v\d+\.[24][sd]", line)]
    pattern = re.compile(
        rf"v?(add|sub|mul|div|max|min|cmp\w*|and|or|xor|blendm|sqrt|rcp\w*|fn?m\w+)p[sd]\s.*%{REGISTER}\d"
    )
    whole = rf"vp?(or|and|xor|tern|abs|blendm|cmp|min|max)\w*\s.*%{REGISTER}\d|vmovup[sd]\s.*%{REGISTER}\d"
    return [line for line in instructions(assembly) if pattern.match(line) or re.match(whole, line)]


def inner_loops(assembly: str) -> list[list[str]]:
    """Blocks that jump back to their own beginning."""
    loops, label, block = [], "", []
    for line in assembly.splitlines():
        start = re.match(r"(\.?L\w+):", line)
        if start:
            label, block = start[1], []
        elif line.startswith("\t") and not line.startswith("\t."):
            block.append(line.strip())
            if label and re.match(r"(j\w+|b\.\w+|cbn?z|tbn?z)\s", line.strip()) and line.split()[-1] == label:
                loops.append(list(block))
    return loops


def curved(function: Callable[..., Any] | None) -> bool:
    """Whether a record's function, or a function it calls, is made of polynomials."""
    if function is None:
        return False
    names = function.__code__.co_names
    inside = [function.__globals__.get(name) for name in names]
    ours = [f for f in inside if getattr(f, "__module__", "") == function.__module__ and hasattr(f, "__code__")]
    return bool(CURVES & set(names)) or any(map(curved, ours))


def formula(key: Key) -> Callable[..., Any] | None:
    """The record's function that a stage compiles."""
    if key[0] == "activation":
        return ACTIVATIONS[key[1]].function
    if key[0] == "activation_backward":
        record = ACTIVATIONS[key[1]]
        return record.derivative or record.vjp
    if key[0] == "loss":
        record = LOSSES[key[1]]
        return record.linked if key[2] == "linked" else record.function
    return None


@pytest.mark.parametrize("key", list(keys()), ids="-".join)
def test_stage(key):
    """No way out to a library, whole vectors, and fused multiply-adds where polynomials or products are."""
    assembly = compiled(key)
    allowed = {"carry": "pow", "packed_affine": "memset"}  # once a step; at an edge
    assert [line for line in ways_out(assembly) if allowed.get(key[0], line + "?") not in line] == []
    if key[0] not in SCALAR | PLAIN:
        assert vectors(assembly), "whole vectors"
    if HAS_FMA and (key[0] == "product" or curved(formula(key))):
        assert fused(assembly), "a * b + c in one instruction"


@pytest.mark.skipif(not HAS_FMA, reason="this processor has no fused multiply-add")
@pytest.mark.parametrize("along", ["rows", "columns"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_products_inner_loop(dtype, along):
    """The largest tile stays in registers: its loop is fused multiply-adds, a store to memory nowhere."""
    assembly = compiled(("product", along, dtype))
    tile = {64: 8 * 3, 32: 4 * 3}.get(vector_bytes(), 4 * 2)
    best = max(inner_loops(assembly), key=lambda loop: len(fused("\n".join("\t" + line for line in loop))))
    text = "\n".join("\t" + line for line in best)
    assert len(fused(text)) >= tile
    if is_x86():
        stores = [line for line in best if re.search(r"%[xyz]mm\d+, -?\w*\(%", line)]
        assert stores == [], "sums that spill"
        assert len(best) < 3 * len(fused(text))
    kind = "ps" if dtype == "float32" else "pd"
    assert all(kind in line or ARM for line in fused(text))
    assert lanes(dtype) * (4 if dtype == "float32" else 8) == vector_bytes()


@pytest.mark.skipif(not has_matrix_unit(), reason="this processor has no matrix unit for bfloat16")
def test_the_matrix_units_step():
    """Four tiles of C by six products, for which 14 tiles are loaded; after every sixth product a loop of other work,
    which is a row to pack, and between the others nothing else is moved.
    """
    after = compiled(("packed_affine", "straight")).split("tdpbf16ps")[1:]
    sixth = next(n for n, piece in enumerate(after) if "vsubps" in piece)
    between = after[sixth - 5 : sixth + 18]  # the 24 of one step
    other = [n for n, piece in enumerate(between, start=1) if "vsubps" in piece]
    assert other == [6, 12, 18]
    assert all(between[n - 1].count("vsubps") == 4 and between[n - 1].count("vmovdqu64") < 10 for n in other)
    quiet = [instructions(piece) for n, piece in enumerate(between, start=1) if n not in other]
    assert not any(line.startswith("vmov") for lines in quiet for line in lines)
    assert sum(map(len, quiet)) < 80
    assert 10 <= "".join(between).count("tileloadd") <= 14 - 2, "the first two before the first product"


def test_what_is_kept_is_what_an_engine_loads():
    key = "transpose", "float32"
    compiled(key)
    code = machine_code._read(key)
    assert code is not None and machine_code._symbol(key).encode() in code


# --- the checks can fail ----------------------------------------------------------------------------------------------

DOUBLES = pointer_to(types.float64)


def one_by_one(name: str) -> Callable[..., None]:
    """A stage as one would write it without Lanes."""
    function = getattr(math, name)

    def stage(op, fr):
        z, a = DOUBLES(op[1]), DOUBLES(op[2])
        for i in range(op[3]):
            a[i] = function(z[i])

    return stage


@pytest.mark.parametrize("name", ["exp", "tanh", "log", "log1p", "erf"])
def test_a_scalar_call_is_caught(name, monkeypatch, tmp_path):
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path))
    monkeypatch.setitem(STAGES, "test_fault", one_by_one)
    assembly = machine_code.assembly(("test_fault", name))
    assert any(name in line for line in ways_out(assembly)), ways_out(assembly)
    assert not fused(assembly)


@pytest.mark.skipif(not is_x86(), reason="x86-64 assembly")
def test_ways_out_by_hand():
    assert ways_out("\tcallq\texpf@PLT\n\tjmp\ttanh\n\tmovabsq\t$log, %rax\n\tcallq\t*erf@GOTPCREL(%rip)\n") == [
        "callq\texpf@PLT",
        "jmp\ttanh",
        "movabsq\t$log, %rax",
        "callq\t*erf@GOTPCREL(%rip)",
    ]
    inside = "\tcallq\t*%rax\n\tcallq\t*8(%rdi,%rcx)\n\tjmp\t.LBB0_1\n\tvmovups\t(%rax), %zmm1 {%k1} {z} # expf\n"
    inside += (
        "\tmovabsq\t$.LCPI0_0, %rax\n\tvmulps\t.LCPI0_1(%rip){1to16}, %zmm0, %zmm1\n\tretq\nexpf:\n\t.globl\texpf\n"
    )
    assert ways_out(inside) == []
    assert inner_loops(".LBB0_1:\n\taddq\t$1, %rax\n\tjne\t.LBB0_1\n\tretq\n") == [["addq\t$1, %rax", "jne\t.LBB0_1"]]
    assert fused("\tvfmadd231sd\t%xmm0, %xmm1, %xmm2\n\tvmulps\t%zmm0, %zmm1, %zmm2\n") == []
