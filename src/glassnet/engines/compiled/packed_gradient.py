"""dW on the processor's matrix unit, with the update that follows it: the same as in `products`, for large float32
matrices.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.besides import besides
from glassnet.engines.compiled.kit import Kit, compiled, integers, own_panels
from glassnet.engines.compiled.matrix_unit import configure, release
from glassnet.engines.compiled.packed_product import multiplier, places
from glassnet.engines.compiled.packer import packer, spaces
from glassnet.engines.compiled.packing import DEEP, DEPTH, FAR, PIECES, STRIP, TILE
from glassnet.engines.compiled.updates import rule_on_vectors

__all__ = ["packed_weight_gradient"]

_KIT = Kit("float32")
_at, _SIZE = _KIT.pointer, _KIT.bytes


def _updater(name, form):
    """A rule besides a product, as functions (begin, unit, end): job = begin(update, fr, low, gradient) for a panel,
    unit for a vector of it, end(update, fr, number, size, job) for what is left of its `size` parameters.

    Without a name none of them does anything.
    """
    if name is None:
        nothing = compiled(lambda *arguments: 0)
        return nothing, compiled(lambda u, job: job), nothing
    given, panel, some, note, sums = rule_on_vectors(name, form, "float32")
    count, some = _KIT.count, compiled(some)

    @compiled
    def begin(update, fr, low, gradient):
        return given(integers(update), fr), panel(fr, low, gradient), sums()

    @compiled
    def unit(u, job):
        same, here, found = job
        return same, here, some(u * count, u * count + count, found, here, same)

    @compiled
    def end(update, fr, number, size, job):
        same, here, found = job
        whole = size // count * count
        if whole < size:
            found = some(whole, size, found, here, same)
        note(integers(update), fr, number, found)

    return begin, unit, end


def packed_weight_gradient(name=None, form="once"):
    """dW = a^T delta by panels, as `products.weight_gradient`; operands as there.

    The tiles of delta are made first, then those of a^T for the height of a panel. The update of a panel, by the
    optimizer of this name, waits for the next product and is done besides, a vector here and there: the unit multiplies
    while the processor computes and waits for memory.
    """
    begin, unit, end = _updater(name, form)
    (_, pack_left), (_, pack_right) = packer("left", "turned"), packer("right", "straight")
    start_rule, go, rest = besides(unit)
    lanes, multiply, count = _KIT.count, multiplier(go, 4), places(4)

    def stage(op, fr):
        a0, d0, W, inputs, outputs = fr[op[2]] + op[3], fr[op[4]] + op[5], op[6], op[7], op[8]
        a_step, d_step, height, chunk = op[9], op[10], op[11], op[12] if op[12] != 0 else outputs
        panel, update = op[13], op[14]
        edge, _, near, far = spaces(fr)
        strips = (inputs + height - 1) // height
        low, high, c0, c1 = own_panels(op, fr, strips, outputs, chunk)
        top, group = min(high * height, inputs), max(1, DEPTH // chunk) * chunk
        half = 0  # which half of the scratch is free
        size, number, job = 0, 0, begin(update, fr, 0, fr[f.GRADIENT])  # the panel that waits for its update
        configure()
        for r in range(0, fr[f.ROWS], FAR):
            rows = min(fr[f.ROWS] - r, FAR)
            depth = (rows + DEEP - 1) // DEEP
            distance = depth * (PIECES * TILE)
            again = r > 0 or fr[f.FIRST_BLOCK] == 0
            finish = update != 0 and fr[f.LAST_BLOCK] != 0 and r + rows == fr[f.ROWS]
            for g in range(c0, c1, group):
                wide = min(group, c1 - g)
                pack_right(_at(d0 + (r * d_step + g) * _SIZE), d_step, rows, wide, far, distance, _at(edge))
                for i in range(low * height, top, height):
                    tall = min(height, top - i)
                    pack_left(_at(a0 + (r * a_step + i) * _SIZE), a_step, rows, tall, near, distance, _at(edge))
                    for c in range(g, g + wide, chunk):
                        columns = min(chunk, outputs - c)
                        first = W + c * inputs + i * columns
                        start = fr[f.GRADIENT] + first * _SIZE
                        if finish and op[15] != 0 and not again:  # nobody else will want this gradient
                            start, half = fr[f.SCRATCH] + half * height * chunk * _SIZE, 1 - half
                        before = start if again else 0
                        work = start_rule(size // lanes, count(tall, columns, depth), job)
                        work = multiply(
                            *(near, distance, far + (c - g) // STRIP * distance, distance, depth, before, columns),
                            *(start, columns, tall, columns, edge, work),
                        )
                        job = rest(work)
                        if size > 0:
                            end(update, fr, number, size, job)
                        if finish:
                            number = panel + c // chunk * strips + i // height  # each thread's side by side
                            size, job = tall * columns, begin(update, fr, first, start)
        job = rest(start_rule(size // lanes, 1, job))
        if size > 0:
            end(update, fr, number, size, job)
        release()

    return stage
