"""Stages of the update: the optimizer's numbers, and its rule on panels of parameters."""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.conversions import lanes_sum, number, widen
from glassnet.engines.compiled.kit import Kit, compiled, doubles, integers
from glassnet.engines.compiled.lanes import fused
from glassnet.engines.compiled.load_store import store
from glassnet.engines.compiled.pointers import after, call, claim
from glassnet.engines.compiled.translate import known
from glassnet.engines.compiled.unrolled import each_of, tuple_of, vectors_of
from glassnet.formulas.elementary import maximum, minimum
from glassnet.formulas.optimizers import OPTIMIZERS
from glassnet.formulas.penalties import penalty_slope, penalty_value

__all__ = ["apply", "carry", "rule_on_vectors", "update"]


def carry(name):
    """The optimizer's numbers of step HI with learning rate LO (bits), in float64.  op: carried by turns; constants."""
    cls = OPTIMIZERS[name]
    rule = cls()
    carry_, coefficients = known(cls.carry), known(cls.coefficients)
    many = len(rule.carried)
    read = tuple_of(many, compiled(lambda i, p: p[i]))
    constants = tuple_of(len(rule.constants), compiled(lambda i, op: number(op[8 + i])))

    @compiled
    def put(i, p, values):
        p[i] = values[i]

    keep = each_of(many, put)

    def stage(op, fr):
        eta, step = number(fr[f.LO]), fr[f.HI]
        new = carry_(read(doubles(op[1] + 8 * many * (step % 2))), *constants(op))
        keep(doubles(op[1] + 8 * many * ((step + 1) % 2)), new)
        numbers, out = coefficients(eta, new, *constants(op)), doubles(fr[f.COEFFICIENTS])
        for i in range(len(numbers)):
            out[i] = numbers[i]

    return stage


def _sum(count):
    """A function (values, start): start + the `count` values of a tuple."""
    if count == 0:
        return compiled(lambda values, start: start)
    before, last = _sum(count - 1), count - 1
    return compiled(lambda values, start: before(values, start) + values[last])


def rule_on_vectors(name, form, dtype):
    """What `update` does to a vector of parameters, as functions (given, panel, some, note, sums).

    given(op, fr): what is the same for all parameters. panel(fr, low, gradient): where those from `low` on lie, whose
    gradient lies there. some(i, n, sums, panel, given): update the vector at i of the panel's n; returns the sums,
    which begin as `sums` (a function without arguments). note(op, fr, number, sums): write down a panel's.
    """
    kit, cls = Kit(dtype), OPTIMIZERS[name]
    pointer, load, size, splat = kit.pointer, kit.load, kit.bytes, kit.splat
    rule, slots = known(cls.update), len(cls.slots)
    slope, value = known(penalty_slope), known(penalty_value)
    numbers = len(cls.coefficients(0.1, cls.carry(cls.carried, *cls().constants.values()), *cls().constants.values()))
    read_slots = tuple_of(slots, compiled(lambda k, p, step, i, n: load(after(p, k * step), i, n)))
    read_numbers = tuple_of(numbers, compiled(lambda k, p: splat(p[k])))
    write_slots = each_of(slots, compiled(lambda k, p, step, i, n, new: store(after(p, k * step), i, n, new[k])))
    plus_all = _sum(slots)
    gradient_here, rule_here = form != "rule", form != "gradient"

    @compiled
    def given(op, fr):
        numbers = doubles(fr[f.COEFFICIENTS])
        share = numbers[f.PENALTY]
        l1, l2 = splat(number(op[1]) * share), splat(number(op[2]) * share)
        penalized = op[1] != 0 or op[2] != 0
        clips, bound, scale = op[3] != 0, splat(number(op[4])), splat(numbers[f.CLIP])
        decays, decay = op[5] != 0 and numbers[f.DECAY] != 1.0, splat(numbers[f.DECAY])
        return fr[f.SLOT_STEP], read_numbers(numbers), penalized, l1, l2, clips, bound, decays, decay, scale, splat(0.0)

    @compiled
    def panel(fr, low, gradient):
        return pointer(fr[f.THETA] + low * size), pointer(fr[f.SLOTS] + low * size), pointer(gradient)

    def some(i, n, sums, panel, given):
        step, coefficients, penalized, l1, l2, clips, bound, decays, decay, scale, zero = given
        (theta, slot, gradient), (total, clipped, penalties, worst) = panel, sums
        g, w = load(gradient, i, n), load(theta, i, n)
        if gradient_here:
            if penalized:
                g = g + slope(w, l1, l2)
                penalties = penalties + value(w, l1, l2)
            total = fused(g, g, total)
            if clips:
                g = minimum(maximum(g, -bound), bound)
        else:
            g = g * scale
        if rule_here:
            if decays:
                w = w * decay
            w, new = rule(w, g, read_slots(slot, step, i, n), coefficients)
            store(theta, i, n, w)
            write_slots(slot, step, i, n, new)
            together = plus_all(new, w)
            worst = fused(together, zero, worst)  # 0 as long as all is finite
        else:
            store(gradient, i, n, g)
            clipped = fused(g, g, clipped)
        return total, clipped, penalties, worst

    @compiled
    def note(op, fr, number, sums):
        total, clipped, penalties, worst = sums
        norms = doubles(fr[f.NORMS])
        if gradient_here:
            norms[number] = lanes_sum(widen(total))
            norms[2 * op[6] + number] = lanes_sum(widen(penalties))
        if not rule_here:
            norms[op[6] + number] = lanes_sum(widen(clipped))
        if rule_here and lanes_sum(worst) != 0.0:  # true of NaN
            integers(fr[f.SHARED])[f.BAD + f.PLACE * fr[f.THREAD]] = 1

    @compiled
    def sums():
        zero = splat(0.0)
        return zero, zero, zero, zero

    return given, panel, some, note, sums


def update(name, form, dtype):
    """Parameters LO <= p < HI: the end of the gradient, and the rule.

    Form "once" does all; to clip by the norm of all gradients, "gradient" adds the penalties' slope and clips by
    value, and when the norm is known "rule" scales and applies the rule. What a panel adds to the squared norm is
    noted under PANEL, and so are its penalties, and for "gradient" what it adds after clipping by value. (A panel adds
    few enough terms for its own dtype. Where they overflow, the step counts as not finite, and the reference, in
    float64, decides.)
    op: l1, l2 (bits), clip by value?, clip_value (bits), whether these decay, panels.
    """
    given, panel, some, note, sums = rule_on_vectors(name, form, dtype)
    every = vectors_of(Kit(dtype).count, some)

    def stage(op, fr):
        low, high = fr[f.LO], fr[f.HI]
        found = every(0, high - low, sums(), panel(fr, low, fr[f.GRADIENT_OF_LO]), given(op, fr))
        note(op, fr, fr[f.PANEL], found)

    return stage


def apply(dtype):
    """An update's instruction on this thread's share of the panels of a range.  op: instruction, start, stop, panel
    size, number of the first panel, whether to wait for the batch's last block, whether the gradients of the batch's
    parts are to be added up first.
    """
    kit = Kit(dtype)
    size, count, load, pointer = kit.bytes, kit.count, kit.load, kit.pointer

    @compiled
    def add_parts(fr, low, high):
        """The gradient of a panel: the sum of the parts', in their order. Another thread has read its parameters."""
        total, step = pointer(fr[f.GRADIENT]), fr[f.SLOT_STEP]
        for i in range(low, high, count):
            g = load(pointer(fr[f.PART_GRADIENTS]), i, high)
            for part in range(1, fr[f.PARTS]):
                g = g + load(pointer(fr[f.PART_GRADIENTS] + part * step * size), i, high)
            store(total, i, high, g)
            claim(pointer(fr[f.THETA]), i)

    def stage(op, fr):
        if op[6] != 0 and fr[f.LAST_BLOCK] == 0:
            return
        start, stop, panel = op[2], op[3], op[4]
        panels = (stop - start + panel - 1) // panel
        for some in range(panels * fr[f.THREAD] // fr[f.THREADS], panels * (fr[f.THREAD] + 1) // fr[f.THREADS]):
            fr[f.LO], fr[f.HI], fr[f.PANEL] = start + some * panel, min(start + (some + 1) * panel, stop), op[5] + some
            if op[7] != 0:
                add_parts(fr, fr[f.LO], fr[f.HI])
            fr[f.GRADIENT_OF_LO] = fr[f.GRADIENT] + fr[f.LO] * size
            call(integers(op[1])[0], integers(op[1]), fr)

    return stage
