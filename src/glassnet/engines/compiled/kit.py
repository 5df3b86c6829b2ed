"""What the stages share: the words of a dtype, and which part of a tensor is a thread's."""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from numba import types

from glassnet.engines.compiled import elementary as _elementary  # noqa: F401  teaches Numba exp, log ... and /
from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.conversions import number, spreader
from glassnet.engines.compiled.groups import in_memory, in_registers
from glassnet.engines.compiled.lanes import Lanes
from glassnet.engines.compiled.load_store import loader
from glassnet.engines.compiled.machine_code import vector_bytes
from glassnet.engines.compiled.pointers import pointer_to
from glassnet.engines.compiled.translate import compiled
from glassnet.engines.compiled.unrolled import tuple_of

__all__ = ["Kit", "compiled", "doubles", "integers", "its_turn", "own_panels", "region", "share"]

_DTYPES = {"float32": types.float32, "float64": types.float64}
integers = pointer_to(types.int64)
doubles = pointer_to(types.float64)


class Kit:
    """The words of one dtype: vectors as wide as the processor's, pointers to numbers."""

    def __init__(self, dtype):
        self.dtype = _DTYPES[dtype]
        self.bytes = self.dtype.bitwidth // 8
        self.count = vector_bytes() // self.bytes
        self.lanes = Lanes(self.dtype, self.count)
        self.pointer = pointer_to(self.dtype)
        self.load = loader(self.dtype, self.count)
        self.splat = spreader(self.dtype, self.count)
        pointer = self.pointer

        @compiled
        def tensor(op, fr, i):
            return pointer(fr[op[i]] + op[i + 1])

        self.tensor = tensor

    def rows(self, fixed=None):
        """How groups of rows are read and written: of any number of columns, or of one that a key has fixed."""
        return in_registers(self.lanes, int(fixed)) if fixed else in_memory(self.lanes)

    def constants(self, count, first):
        """A function of op: `count` numbers of a formula from op[first] on (bits of float64), as Lanes."""
        splat = self.splat
        return tuple_of(count, compiled(lambda i, op: splat(number(op[first + i]))))


@compiled
def share(fr, columns, count):
    """This thread's share of the columns, in whole vectors."""
    groups = (columns + count - 1) // count
    low = groups * fr[f.THREAD] // fr[f.THREADS] * count
    return low, min(groups * (fr[f.THREAD] + 1) // fr[f.THREADS] * count, columns)


@compiled
def region(fr, columns, chunk):
    """This thread's part of a tensor: rows r0 to r1, columns c0 to c1.

    Rows with all their columns, or for `chunk` > 0 all rows of columns in chunks: what a wide layer's thread computes
    then comes from the part of W that the same thread updates, and W need not travel between the cores. (For the
    same reason a chunk's columns of W lie together in memory, all rows of one chunk after all rows of the last.)
    """
    if chunk == 0:
        return fr[f.FIRST], fr[f.LAST], 0, columns
    low, high = share(fr, columns, chunk)
    return 0, fr[f.ROWS], low, high


@compiled
def its_turn(fr, layer):
    """This thread's number, turned from layer to layer, so that small ones fall to different threads."""
    return (fr[f.THREAD] + layer) % fr[f.THREADS]


@compiled
def own_panels(op, fr, strips, outputs, chunk):
    """This thread's panels of a weight gradient: strips of rows low to high, columns c0 to c1.

    op: see `products.weight_gradient`.
    """
    low, high, c0, c1 = 0, strips, 0, outputs
    if op[12] != 0:
        c0, c1 = share(fr, outputs, chunk)
    else:
        turn = its_turn(fr, op[16])
        low, high = strips * turn // fr[f.THREADS], strips * (turn + 1) // fr[f.THREADS]
    return low, high, c0, c1
