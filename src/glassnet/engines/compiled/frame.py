"""What a stage is given: its operands, and the frame of the thread that runs it.

A program is a tape: instructions of `WIDTH` int64 numbers, of which the first is the address of a stage and the
rest are its operands. A tensor is named by two operands, a field of the frame that holds an address and a distance
from it in bytes. So a tape knows nothing of where arrays lie or how many rows a batch has: it is made once for an
architecture, and the frame, one for each thread, says the rest.
"""

__all__ = [
    "ARRIVED",
    "A_STEP",
    "BAD",
    "BUFFERS",
    "B_STEP",
    "CLIP",
    "COEFFICIENTS",
    "COUNT",
    "C_STEP",
    "DECAY",
    "DECISION",
    "DONE",
    "EDGE",
    "FIRST",
    "FIRST_BLOCK",
    "FIRST_OWN",
    "FRAME",
    "GRADIENT",
    "GRADIENT_OF_LO",
    "HI",
    "INPUT",
    "LAST",
    "LAST_BLOCK",
    "LO",
    "LOSSES",
    "NORMS",
    "NUMBERS",
    "ORDER",
    "OUTPUT",
    "PANEL",
    "PARTS",
    "PART_GRADIENTS",
    "PENALTY",
    "PLACE",
    "RATES",
    "ROW",
    "ROWS",
    "SCALE",
    "SCRATCH",
    "SEED",
    "SHARED",
    "SLOTS",
    "SLOT_STEP",
    "START",
    "START_STEP",
    "STEP",
    "STOP",
    "TARGET",
    "THETA",
    "THREAD",
    "THREADS",
    "WEIGHTS",
    "WIDTH",
    "WORK",
    "YIELD",
    "A",
    "B",
    "C",
    "K",
    "M",
    "N",
    "X",
    "Y",
]

WIDTH = 24  # numbers of one instruction

# who runs
THREAD = 0  # number of this thread
THREADS = 1  # how many there are
SHARED = 2  # address of the numbers that all threads see: see below
YIELD = 3  # address of the system's function that lets another thread run
# which rows: a batch is worked through in blocks
COUNT = 4  # rows of the batch
ROW = 5  # the block's first row in the batch
ROWS = 6  # rows of the block
FIRST = 7  # this thread's rows of the block: FIRST <= r < LAST
LAST = 8
FIRST_BLOCK = 9  # whether this block is the batch's first,
LAST_BLOCK = 10  # or last
STEP = 11  # number of the training step, from 1: what random draws depend on
# where arrays lie
THETA = 12  # parameters (P,)
GRADIENT = 13  # (P,)
SLOTS = 14  # (slots, P)
SLOT_STEP = 15  # P
BUFFERS = 16  # running statistics
WORK = 17  # activations and all else that a pass leaves
X = 18  # all inputs (n, d)
Y = 19  # all targets (n, K)
WEIGHTS = 20  # of the examples (n,) float64, or 0
ORDER = 21  # (COUNT,) int64: which examples the batch has, or 0: rows as they come
INPUT = 22  # the block's inputs
TARGET = 23  # the block's targets
OUTPUT = 24  # the block's outputs
# numbers of the step
SCALE = 25  # bits of the float64 that weighs an example: 1/COUNT for a mean, else 1
COEFFICIENTS = 26  # address of the optimizer's numbers (float64)
RATES = 27  # address of the dropout rates (float64)
NORMS = 28  # address of the squared norm of the gradient's panels (float64)
# what a stage hands to another
LO = 29  # parameters LO <= p < HI
HI = 30
PANEL = 31  # number of the panel
# a product's arguments: C = START + A B, each an address and the elements from row to row
A, A_STEP, B, B_STEP = 32, 33, 34, 35
START, START_STEP, C, C_STEP = 36, 37, 38, 39
M, N, K = 40, 41, 42  # rows and columns of C, and what is summed over
LOSSES = 48  # the block's losses (float64)
SEED = 49  # of random draws
SCRATCH = 50  # this thread's panel of the gradient, when the update follows at once
GRADIENT_OF_LO = 51  # address of the gradient of parameter LO
EDGE = 52  # where this thread packs matrices (see `packed`)
PARTS = 53  # parts of the batch whose gradients are to be added up,
PART_GRADIENTS = 54  # and where they lie, SLOT_STEP apart
FIRST_OWN = 55  # whether this block is the batch's first that this thread works on
FRAME = 64  # numbers of a frame: whole cache lines, since each thread writes into its own all the time

# of COEFFICIENTS, beyond the rule's own
DECAY = 16  # what weights shrink by: 1 - eta * weight_decay
CLIP = 17  # what the gradient is scaled by
PENALTY = 18  # what l1 and l2 are scaled by
NUMBERS = 19

# of SHARED
ARRIVED = 0  # threads that have come to a barrier, ever
STOP = 8  # set from outside: stop before the next block
DECISION = 16  # whether all stop now
DONE = 24  # steps done
BAD = 32  # for each thread, whether its parameters have ceased to be finite
PLACE = 8  # numbers from one place to the next
"""Places are 64 bytes apart, a cache line each."""
