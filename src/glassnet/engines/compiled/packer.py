"""Tiles of the matrix unit: the three bfloat16 pieces of every number of a matrix, in the order the unit reads them.

A tile of the left matrix A holds 16 rows and 32 steps of k; one of the right matrix B has 16 columns, and 32 steps of
k in 16 rows of pairs. In what order k runs is free if it is the same on both sides: here k and k + 16 make a pair, so
that a pair is two vectors of A or B as they lie, shifted into each other. Tiles are made just before they are
multiplied, piece by piece in the thread's own memory, which is used again and again and so stays in the core's own
cache.

    left:  strip s, step d of depth: A[16 s : 16 s + 16, 32 d : 32 d + 32],  PIECES tiles in a row
    right: strip s, step d of depth: B[32 d : 32 d + 32, 16 s : 16 s + 16]
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.conversions import bits_of, from_bits, whole
from glassnet.engines.compiled.kit import Kit, compiled
from glassnet.engines.compiled.lanes import shift_right
from glassnet.engines.compiled.load_store import store
from glassnet.engines.compiled.packing import (
    DEEP,
    EDGE_BYTES,
    HIGH,
    LOW,
    MIDDLE,
    NEAR,
    NEAR_BYTES,
    PIECES,
    STRIP,
    TILE,
    TURN_BYTES,
    WHOLE,
)
from glassnet.engines.compiled.pointers import after
from glassnet.engines.compiled.transposition import turner

__all__ = ["TURNED_PARTS", "packer", "put_left_row", "put_right_row", "put_right_turned", "spaces"]

_KIT = Kit("float32")
_STRIPS, _BLOCK = NEAR // STRIP, PIECES * TILE
TURNED_PARTS = 6  # of a block: to turn its halves, and a quarter of its rows each
_load, _at, _turn = _KIT.load, _KIT.pointer, turner(_KIT.dtype, _KIT.count)


# --- rows of tiles ------------------------------------------------------------------------------------------------


@compiled
def _top(x):
    """x rounded to the digits of a bfloat16."""
    return from_bits((bits_of(x) + whole(x, 0x8000)) & whole(x, -0x10000))


@compiled
def _put(out, piece, x, y):
    pair = shift_right(bits_of(x), whole(x, 16)) | (bits_of(y) & whole(y, -0x10000))
    store(after(out, piece * (TILE // 4)), 0, STRIP, from_bits(pair))


@compiled
def _put_pairs(out, x, y):
    """The three pieces of the pairs (x, y), a row of each of the three tiles."""
    high_x, high_y = _top(x), _top(y)
    _put(out, HIGH, high_x, high_y)
    x, y = x - high_x, y - high_y
    middle_x, middle_y = _top(x), _top(y)
    _put(out, MIDDLE, middle_x, middle_y)
    _put(out, LOW, x - middle_x, y - middle_y)


# --- blocks of a tile's size --------------------------------------------------------------------------------------


@compiled
def _put_right(p, step, rows, columns, out, scratch):
    """The tiles of a right block of 32 x 16, of which so much is there."""
    for r in range(STRIP):
        x = _load(after(p, r * step), 0, columns if r < rows else 0)
        y = _load(after(p, (r + STRIP) * step), 0, columns if r + STRIP < rows else 0)
        _put_pairs(after(out, r * STRIP), x, y)


@compiled
def _put_left(p, step, rows, columns, out, scratch):
    """The tiles of a left block of 16 x 32, of which so much is there."""
    for r in range(STRIP):
        row, there = after(p, r * step), columns if r < rows else 0
        _put_pairs(after(out, r * STRIP), _load(row, 0, there), _load(row, STRIP, there))


@compiled
def _turn_half(p, step, rows, columns, out, out_step):
    """A block of at most 16 x 16 turned; what is not there is 0."""
    if rows < STRIP or columns < STRIP:
        for r in range(STRIP):
            store(after(out, r * out_step), 0, STRIP, _load(out, 0, 0))
    if rows > 0 and columns > 0:
        _turn(p, step, min(rows, STRIP), min(columns, STRIP), out, out_step)


@compiled
def _put_left_turned(p, step, rows, columns, out, scratch):
    _turn_half(p, step, rows, columns, scratch, DEEP)
    _turn_half(after(p, STRIP * step), step, rows - STRIP, columns, after(scratch, STRIP), DEEP)
    _put_left(scratch, DEEP, STRIP, DEEP, out, scratch)


@compiled
def _put_right_turned(p, step, rows, columns, out, scratch):
    _turn_half(p, step, rows, columns, scratch, STRIP)
    _turn_half(after(p, STRIP), step, rows, columns - STRIP, after(scratch, STRIP * STRIP), STRIP)
    _put_right(scratch, STRIP, DEEP, STRIP, out, scratch)


_PUT = {
    ("left", "straight"): _put_left,
    ("right", "straight"): _put_right,
    ("left", "turned"): _put_left_turned,
    ("right", "turned"): _put_right_turned,
}


# --- what is packed while the unit multiplies, in parts: see `besides` ----------------------------------------------


@compiled
def put_left_row(u, job):
    """A row of the tiles of two left strips, WHOLE for each step of depth. job: where S lies, its step, how many rows
    and columns there are, where the tiles lie, the distance from strip to strip.
    """
    S, step, rows, columns, tiles, distance = job
    r, strip, deep = u % STRIP, u // STRIP % 2, u // WHOLE
    row, c = strip * STRIP + r, deep * DEEP
    p, there = after(_at(S), row * step + c), columns - c if row < rows else 0
    out = _at(tiles + strip * distance + deep * _BLOCK)
    _put_pairs(after(out, r * STRIP), _load(p, 0, there), _load(p, STRIP, there))
    return job


@compiled
def put_right_row(u, job):
    """A row of the tiles of a chunk of NEAR columns, NEAR for each step of depth. job: where S lies, its step, where
    the tiles lie, the distance from strip to strip.
    """
    S, step, tiles, distance = job
    strip, r, deep = u % _STRIPS, u // _STRIPS % STRIP, u // NEAR
    p, out = after(_at(S), (deep * DEEP + r) * step + strip * STRIP), _at(tiles + strip * distance + deep * _BLOCK)
    _put_pairs(after(out, r * STRIP), _load(p, 0, STRIP), _load(after(p, STRIP * step), 0, STRIP))
    return job


@compiled
def _put_part(part, p, step, out, scratch):
    """One of TURNED_PARTS parts of `_put_right_turned`, for a whole block."""
    if part < 2:
        _turn(after(p, part * STRIP), step, STRIP, STRIP, after(scratch, part * STRIP**2), STRIP)
    else:
        for r in range(4 * (part - 2), 4 * (part - 1)):
            row = after(scratch, r * STRIP)
            _put_pairs(after(out, r * STRIP), _load(row, 0, STRIP), _load(row, STRIP**2, STRIP**2 + STRIP))


@compiled
def put_right_turned(u, job):
    """A part of a block of the tiles of S^T as B, for NEAR rows of S, which lies in chunks of columns, TURNED_PARTS for
    each block. job: where S lies, its chunks, rows and columns, the first row and column, where the tiles lie, the
    distance from strip to strip, scratch.
    """
    S, chunk, rows, columns, r, c, tiles, distance, scratch = job
    block, part = u // TURNED_PARTS, u % TURNED_PARTS
    strip, deep = block % _STRIPS, block // _STRIPS
    j = c + deep * DEEP
    first = j // chunk * chunk
    step = min(chunk, columns - first)
    p = after(_at(S), first * rows + (r + strip * STRIP) * step + j - first)
    _put_part(part, p, step, _at(tiles + strip * distance + deep * _BLOCK), _at(scratch))
    return job


# --- a matrix -----------------------------------------------------------------------------------------------------


def packer(side, lie):
    """Functions (put_tiles, pack) that make the tiles of a matrix S (rows, columns) for a product: of a block, of all.

    `side` "left": as A, "right": as B. `lie` "straight": of S itself; "turned": of its transpose.
    """
    put = _PUT[side, lie]
    tall, wide = (STRIP, DEEP) if (side == "left") == (lie == "straight") else (DEEP, STRIP)  # of S in a tile

    @compiled
    def put_tiles(S, step, rows, columns, r, c, tiles, scratch):
        """The tiles of the block of S at (r, c)."""
        p, out = after(S, r * step + c), _at(tiles)
        if r + tall <= rows and c + wide <= columns:
            put(p, step, tall, wide, out, scratch)  # without masks
        else:
            put(p, step, rows - r, columns - c, out, scratch)

    @compiled
    def pack(S, step, rows, columns, tiles, distance, scratch):
        """All tiles; `distance` is the bytes from strip to strip."""
        for r in range(0, rows, tall):
            for c in range(0, columns, wide):
                strip, deep = (r // tall, c // wide) if tall == STRIP else (c // wide, r // tall)
                put_tiles(S, step, rows, columns, r, c, tiles + strip * distance + deep * (PIECES * TILE), scratch)

    return put_tiles, pack


@compiled
def spaces(fr):
    """Where this thread makes edges of C, turns blocks, and packs: for what is near, twice, and far."""
    edge = fr[f.EDGE]
    turn = edge + EDGE_BYTES
    return edge, turn, turn + TURN_BYTES, turn + TURN_BYTES + 2 * NEAR_BYTES
