"""What the processor could do: fused multiply-adds on vectors that never leave the registers.

TILES independent sums hide the latency of the multiply-add (4 cycles on 2 ports need 8 of them); each is one vector
of the widest kind the processor has. LLVM may not reassociate floating-point numbers, so the loop runs as written.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import llvmlite.binding as llvm
from llvmlite import ir
from numba import njit, types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic

from benchmarks.speed.contenders import CORES
from benchmarks.speed.processes import LEAD_IN

__all__ = ["LANES", "Peak", "serve"]

TILES = 12  # with the two factors, 14 of the 16 vector registers of AVX2


def _lanes() -> int:
    """float32 numbers in a vector register."""
    features = llvm.get_host_cpu_features()
    return 16 if features.get("avx512f") else 8 if features.get("avx") else 4


_TURNS = 5  # of about 20 ms, in a measurement
LANES = _lanes()
FLOPS_A_TURN = 2 * LANES * TILES


@intrinsic
def _multiply_adds(typing, turns, x):
    """sum over tiles and lanes after s <- s x + x, `turns` times: one number, so that nothing is optimized away."""

    def emit(context, builder, signature, arguments):
        count, factor = arguments
        scalar, index = ir.FloatType(), ir.IntType(64)
        vector = ir.VectorType(scalar, LANES)
        fma = get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{LANES}f32")
        undefined = ir.Constant(vector, ir.Undefined)
        one = builder.insert_element(undefined, factor, ir.Constant(ir.IntType(32), 0))
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        spread = builder.shuffle_vector(one, undefined, lanes)
        before, loop = builder.block, builder.append_basic_block("turn")
        after = builder.append_basic_block("done")
        builder.branch(loop)
        builder.position_at_end(loop)
        turn = builder.phi(index)
        sums = [builder.phi(vector) for _ in range(TILES)]
        new = [builder.call(fma, [s, spread, spread]) for s in sums]
        turn_after = builder.add(turn, ir.Constant(index, 1))
        turn.add_incoming(ir.Constant(index, 0), before)
        turn.add_incoming(turn_after, loop)
        for number, (s, updated) in enumerate(zip(sums, new, strict=True)):
            s.add_incoming(ir.Constant(vector, [float(number)] * LANES), before)
            s.add_incoming(updated, loop)
        builder.cbranch(builder.icmp_signed("<", turn_after, count), loop, after)
        builder.position_at_end(after)
        total = new[0]
        for vector_sum in new[1:]:
            total = builder.fadd(total, vector_sum)
        answer = builder.extract_element(total, ir.Constant(ir.IntType(32), 0))
        for lane in range(1, LANES):
            answer = builder.fadd(answer, builder.extract_element(total, ir.Constant(ir.IntType(32), lane)))
        return answer

    return types.float32(types.int64, types.float32), emit


@njit(nogil=True)
def _spin(turns, x):
    return _multiply_adds(turns, x)


class Peak:
    """Measures GFLOP/s in float32."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(CORES)
        _spin(1000, 0.5)
        start = time.perf_counter()
        _spin(1_000_000, 0.5)
        self.turns = int(0.02e6 / (time.perf_counter() - start))  # about 20 ms

    def measure(self, cores: int) -> float:
        """GFLOP/s of this many cores at once, after a lead-in as every contender has."""
        begun = time.perf_counter()
        while (start := time.perf_counter()) - begun < LEAD_IN:
            self._turn(cores)
        for _ in range(_TURNS):
            self._turn(cores)
        return _TURNS * cores * self.turns * FLOPS_A_TURN / (time.perf_counter() - start) / 1e9

    def _turn(self, cores: int) -> None:
        if cores == 1:
            _spin(self.turns, 0.5)
        else:
            list(self.pool.map(lambda _: _spin(self.turns, 0.5), range(cores)))


def serve() -> Peak:
    """For a worker."""
    return Peak()
