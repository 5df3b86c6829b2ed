"""The elementary functions on Lanes: at most 4 ulp over the whole range, NumPy's edges, no scalar library calls."""

import os
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest

from engines.compiled.elementary_sweep import (
    DTYPES,
    ONE,
    STAGE,
    TWO,
    allowed,
    compiled,
    errors,
    scalar_calls,
    stage,
    truth,
    worst,
)
from glassnet.engines.compiled import elementary as on_lanes
from glassnet.engines.compiled import kit, machine_code, stages
from glassnet.engines.compiled.coefficients import FLOAT32
from glassnet.formulas import elementary
from tolerances import ELEMENTARY_ULP

STEPS = {np.float32: 2053, np.float64: 2**32 // 100_000}  # 2 million patterns, 100,000 patterns
FAULT = "test_elementary_fault"
QUOTIENT = "test_elementary_quotient"
TESTS = Path(__file__).parents[2]
OLDER = {
    "haswell": "+avx2,+fma,+avx,+sse4.2,+bmi,+bmi2,+f16c",
    "x86-64": "+sse2",  # neither fused multiply-add nor an instruction to round
}

every_name = pytest.mark.parametrize("name", (*ONE, *TWO))
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)


@pytest.fixture(scope="module", autouse=True)
def _stages(tmp_path_factory):
    def faulty(name, dtype):
        table = replace(FLOAT32, exp=(FLOAT32.exp[0] * 1.001, *FLOAT32.exp[1:]))
        return stage(name, dtype, kit.compiled(getattr(on_lanes, f"_{name}")(table)))

    def quotient(of_two, dtype):
        return stage(of_two, dtype, kit.compiled(lambda a, b: a / b))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLASSNET_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setitem(stages.STAGES, STAGE, stage)
        patch.setitem(stages.STAGES, FAULT, faulty)
        patch.setitem(stages.STAGES, QUOTIENT, quotient)
        yield


@every_dtype
@every_name
def test_within_the_stated_error_over_all_exponents(name, dtype):
    error, place = worst(name, dtype, STEPS[dtype])
    assert error <= allowed(name, dtype), place


def edges(dtype):
    form = np.finfo(dtype)
    positive = [0, form.smallest_subnormal, form.tiny / 2, form.tiny, form.eps / 4, 0.5, 1, 2, 1e4, form.max, np.inf]
    return np.array([*positive, *np.negative(positive), np.nan], dtype)


@every_dtype
@every_name
def test_edges_are_numpys(name, dtype):
    x = edges(dtype)
    arguments = (np.repeat(x, x.size), np.tile(x, x.size)) if name in TWO else (x,)
    with np.errstate(all="ignore"):
        expected, actual = getattr(elementary, name)(*arguments), compiled(name, *arguments)
        assert np.all(errors(actual, truth(name, *arguments)) <= allowed(name, dtype))
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(actual), np.isinf(expected))
    if name not in ("maximum", "minimum"):  # of two zeros NumPy, too, takes either
        number = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(actual[number]), np.signbit(expected[number]))


@every_dtype
def test_quotients_edges_are_numpys(dtype):
    a, b = (x.ravel() for x in np.meshgrid(edges(dtype), edges(dtype)))
    with np.errstate(all="ignore"):
        expected, actual = a / b, compiled(TWO[0], a, b, key=QUOTIENT)
        assert np.all(errors(actual, truth("divide", a, b)) <= 1)
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(actual[number]), np.signbit(expected[number]))


@every_dtype
@every_name
def test_no_scalar_library_call(name, dtype):
    assert scalar_calls(machine_code.assembly((STAGE, name, dtype.__name__))) == []


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="this processor has no older instructions")
@pytest.mark.parametrize("processor", OLDER)
def test_older_processors(processor):
    if not all(llvm.get_host_cpu_features().get(feature[1:], False) for feature in OLDER[processor].split(",")):
        pytest.skip(f"this machine is older than {processor}")
    environment = {**os.environ, "NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": OLDER[processor]}
    command = [sys.executable, "-m", "engines.compiled.elementary_sweep", str(2**32 // 50_000)]
    run = subprocess.run(command, cwd=TESTS, env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [f"{32 if processor == 'haswell' else 16} bytes"], run.stdout


# --- the checkers can fail ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["exp", "expm1", "tanh"])
def test_a_wrong_coefficient_is_caught(name):
    assert worst(name, np.float32, 2**32 // 1000, key=FAULT)[0] > ELEMENTARY_ULP


def test_errors_count_in_the_last_place():
    exact = np.array([1, 1, 2.0**128, 2.0**130, 1e-45, 0, np.nan, 1])
    actual = np.array([1, 1 + 2**-22, 3.4028235e38, np.inf, 0, 0, np.nan, np.nan], np.float32)
    with np.errstate(all="ignore"):
        assert errors(actual, exact).round(2).tolist() == [0, 2, 0.5, 0, 0.71, 0, 0, np.inf]
    assert errors(np.array([np.nan], np.float32), np.array([np.inf])) == np.inf


def test_a_call_is_found():
    assert scalar_calls("\tvaddps\t%zmm0, %zmm1, %zmm2\n\tcallq\texpf@PLT\n\tjmp\t.LBB0_1\n\tretq\n") == [
        "callq expf@PLT"
    ]
    assert scalar_calls("\tjmp\texpf@PLT\n\tbl\texpf\n") == ["jmp expf@PLT", "bl expf"]
