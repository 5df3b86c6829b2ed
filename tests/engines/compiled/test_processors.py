"""Other vector widths than this machine's: LLVM is told of an older processor, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import pytest

from glassnet.engines.compiled.machine_code import cache_folder, is_x86

OLDER = {
    "skylake-avx512": ("+avx512f,+avx512vl,+avx512bw,+avx512dq,+avx512cd,+avx2,+fma,+bmi,+bmi2,+f16c", 64),
    "haswell": ("+avx2,+fma,+avx,+sse4.2,+bmi,+bmi2,+f16c,+popcnt,+lzcnt", 32),
    "x86-64": ("+sse2", 16),  # no fused multiply-add, no masked load, no instruction to round
}
TESTS = Path(__file__).parents[2]

COMPARE = """
import sys
from glassnet import Adam, Architecture, BatchNorm, Dense, Dropout
from glassnet.engines.compiled.machine_code import vector_bytes
from glassnet.engines.compiled.packing import has_matrix_unit
from engines.compiled.test_equality import check_all
from engines.compiled.twins import Twin

for dtype in ("float32", "float64"):
    layers = Dropout(0.2), Dense(33, "tanh", norm=BatchNorm()), Dense(5), Dense(3, "softmax")
    net = Architecture(7, layers, dtype=dtype, l2=0.01)
    for threads in (1, 2):
        check_all(Twin(net, Adam(), 24, 60, {"threads": threads}, weighted=True))
    net = Architecture(1, (Dense(17, "tanh"), Dense(3, "softmax")), dtype=dtype)
    check_all(Twin(net, Adam(), 300, 340, {"clip_value": 0.05}))
net = Architecture(140, (Dense(140, "tanh"), Dense(3, "softmax")), dtype="float32")
check_all(Twin(net, Adam(), 140, 300))
print(vector_bytes(), has_matrix_unit())
"""


@pytest.mark.skipif(not is_x86(), reason="this processor has no older instructions")
@pytest.mark.parametrize("name", OLDER)
def test_an_older_processor_equals_the_reference(name, tmp_path):
    features, width = OLDER[name]
    if not all(llvm.get_host_cpu_features().get(feature[1:], False) for feature in features.split(",")):
        pytest.skip(f"this machine is older than {name}")
    environment = {**os.environ, "NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}
    done = subprocess.run(
        [sys.executable, "-c", COMPARE],
        cwd=TESTS,
        env={**environment, "GLASSNET_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == f"{width} False\n"
    (folder,) = tmp_path.iterdir()
    assert folder.name != cache_folder().name, "object code for another processor lies apart"
