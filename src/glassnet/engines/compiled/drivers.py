"""The drivers: stages that play tapes of stages, and the barrier at which threads meet."""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

import math

from numba import types

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled import program as p
from glassnet.engines.compiled.conversions import bits_of_number, lanes_sum, number, spreader
from glassnet.engines.compiled.denormals import flush_denormals, restore_denormals
from glassnet.engines.compiled.kit import Kit, compiled, doubles, integers
from glassnet.engines.compiled.load_store import loader
from glassnet.engines.compiled.machine_code import vector_bytes
from glassnet.engines.compiled.pointers import atomic_add, atomic_load, call, call_plain

__all__ = ["barrier", "predict", "train"]


@compiled
def wait_for_all(fr):
    """The barrier: go on when every thread has come here as often as this one."""
    threads = fr[f.THREADS]
    if threads > 1:
        shared = integers(fr[f.SHARED])
        arrived = atomic_add(shared, f.ARRIVED, 1) + 1
        goal, spins = (arrived + threads - 1) // threads * threads, 0
        while atomic_load(shared, f.ARRIVED) < goal:
            spins += 1
            if spins > 4000:  # the other thread is not running: let it
                call_plain(fr[f.YIELD])
                spins = 0


def barrier():
    """Wait for the other threads."""

    def stage(op, fr):
        wait_for_all(fr)

    return stage


@compiled
def play(tape, instructions, fr):
    """Call the stages of a tape in turn."""
    for i in range(instructions):
        op = integers(tape + i * (8 * f.WIDTH))
        call(op[0], op, fr)


def _enter_block(size):
    """A function (fr, first row, rows, columns of X and Y): set the frame for a block."""

    @compiled
    def enter(fr, row, rows, inputs, targets):
        fr[f.ROW], fr[f.ROWS] = row, rows
        fr[f.FIRST_BLOCK] = fr[f.FIRST_OWN] = row == 0
        fr[f.LAST_BLOCK] = row + rows == fr[f.COUNT]
        groups = (rows + 7) // 8
        fr[f.FIRST] = min(groups * fr[f.THREAD] // fr[f.THREADS] * 8, rows)
        fr[f.LAST] = min(groups * (fr[f.THREAD] + 1) // fr[f.THREADS] * 8, rows)
        if fr[f.ORDER] == 0:
            fr[f.INPUT], fr[f.TARGET] = fr[f.X] + row * inputs * size, fr[f.Y] + row * targets * size

    return enter


def predict(dtype):
    """All rows, block by block; SHARED[BAD] is set if a first z is not finite.

    One number of the inputs that is not finite makes every z of its row NaN or infinite, so one z a row tells whether
    the inputs must be looked at: that costs a hundredth of looking at them all.
    op: tape, instructions, block, columns of X and Y, addresses of outputs and losses, the first layer's z, its step.
    """
    kit = Kit(dtype)
    size, tensor, scalar = kit.bytes, kit.tensor, kit.dtype
    enter = _enter_block(size)

    def stage(op, fr):
        block, inputs, targets, outputs, losses = op[3], op[4], op[5], op[6], op[7]
        row, before, worst = 0, flush_denormals(), scalar(0)
        while row < fr[f.COUNT] and integers(fr[f.SHARED])[f.STOP] == 0:
            rows = min(block, fr[f.COUNT] - row)
            enter(fr, row, rows, inputs, targets)
            fr[f.OUTPUT], fr[f.LOSSES] = outputs + row * targets * size, losses + row * 8
            play(op[1], op[2], fr)
            z = tensor(op, fr, 8)
            for r in range(rows):
                worst = worst + (z[r * op[10]] - z[r * op[10]])  # 0 as long as all is finite
            row += rows
        if worst != scalar(0):  # true of NaN
            integers(fr[f.SHARED])[f.BAD] = 1
        restore_denormals(before)

    return stage


def _adding():
    """A function (p, n): the sum of n float64 numbers, in an order that is always the same."""
    count = vector_bytes() // 8
    load, spread = loader(types.float64, count), spreader(types.float64, count)

    @compiled
    def add_up(p, n):
        total = spread(0.0)
        for i in range(0, n, count):
            total = total + load(p, i, n)
        return lanes_sum(total)

    return add_up


def _sharing_blocks(dtype):
    """For `train`: all threads through every block of a batch."""
    enter, add_up = _enter_block(Kit(dtype).bytes), _adding()

    @compiled
    def share_blocks(op, fr, shared, n):
        """All threads through every block; returns the loss, and whether to go on."""
        row, loss = 0, 0.0
        while row < n:
            rows = min(op[p.BLOCK], n - row)
            enter(fr, row, rows, op[p.INPUTS], op[p.TARGETS])
            if fr[f.THREAD] == 0 and shared[f.STOP] != 0:
                shared[f.DECISION] = 1
            play(op[p.ROWS_TAPE], op[p.ROWS_TAPE + 1], fr)
            wait_for_all(fr)
            if shared[f.DECISION] != 0:
                return loss, False
            loss += add_up(doubles(fr[f.LOSSES]), rows)
            play(op[p.COLUMNS_TAPE], op[p.COLUMNS_TAPE + 1], fr)
            row += rows
            if row < n:
                wait_for_all(fr)
        return loss, True

    return share_blocks


def _sharing_parts(dtype):
    """For `train`: each thread through parts of a batch of its own."""
    size = Kit(dtype).bytes
    enter, add_up = _enter_block(size), _adding()

    @compiled
    def share_parts(op, fr, shared, n):
        """Each thread through parts of its own, alone; then the parts' losses are added up (gradients: `apply`)."""
        thread, threads, gradient = fr[f.THREAD], fr[f.THREADS], fr[f.GRADIENT]
        blocks = (n + op[p.BLOCK] - 1) // op[p.BLOCK]
        parts, losses = min(op[p.PARTS], blocks), doubles(op[p.PART_LOSSES])
        fr[f.THREAD], fr[f.THREADS] = 0, 1
        for part in range(thread, parts, threads):
            fr[f.GRADIENT] = op[p.PART_GRADIENTS] + part * fr[f.SLOT_STEP] * size
            first, loss = blocks * part // parts, 0.0
            for block in range(first, blocks * (part + 1) // parts):
                if shared[f.STOP] != 0:
                    shared[f.DECISION] = 1
                    break
                row = block * op[p.BLOCK]
                rows = min(op[p.BLOCK], n - row)
                enter(fr, row, rows, op[p.INPUTS], op[p.TARGETS])
                fr[f.FIRST_BLOCK], fr[f.LAST_BLOCK] = block == first, 0
                fr[f.FIRST_OWN] = block == first and part == thread
                play(op[p.ROWS_TAPE], op[p.ROWS_TAPE + 1], fr)
                loss += add_up(doubles(fr[f.LOSSES]), rows)
                play(op[p.COLUMNS_TAPE], op[p.COLUMNS_TAPE + 1], fr)
            losses[part] = loss
        fr[f.THREAD], fr[f.THREADS], fr[f.GRADIENT], fr[f.LAST_BLOCK] = thread, threads, gradient, 1
        wait_for_all(fr)
        if shared[f.DECISION] != 0:
            return 0.0, False
        total_loss = 0.0
        for part in range(parts):
            total_loss += losses[part]
        fr[f.PARTS], fr[f.PART_GRADIENTS] = parts, op[p.PART_GRADIENTS]
        return total_loss, True

    return share_parts


def train(dtype):
    """Steps of training. `program` names the operands; sets SHARED[DONE] to the steps done.

    A batch is worked through in blocks. Either all threads share each block, or, when a batch has many blocks of a
    small network, threads take parts of the batch (PARTS of them, however many threads there are), each with memory
    of its own and a gradient of its own; these are added up in the parts' order.
    """
    share_blocks, share_parts, add_up = _sharing_blocks(dtype), _sharing_parts(dtype), _adding()

    def stage(op, fr):
        shared, given = integers(fr[f.SHARED]), doubles(fr[f.COEFFICIENTS])
        bounds, rates = integers(op[p.BOUNDS]), doubles(op[p.LEARNING_RATES])
        decays, losses, norms = doubles(op[p.WEIGHT_DECAYS]), doubles(op[p.LOSSES]), doubles(op[p.STEP_NORMS])
        penalties, panels = doubles(op[p.PENALTIES]), op[p.PANELS]
        carry_instruction, squares = integers(op[p.CARRY]), doubles(fr[f.NORMS])
        clip, before = number(op[p.CLIP_NORM]), flush_denormals()
        done, going = 0, True
        while done < op[p.STEPS] and going:
            n = bounds[done + 1] - bounds[done]
            fr[f.COUNT], fr[f.STEP] = n, fr[f.STEP] + 1
            if op[p.ORDER] != 0:
                fr[f.ORDER] = op[p.ORDER] + 8 * bounds[done]
            fr[f.RATES] = op[p.DROPOUT_RATES] + 8 * done * op[p.DROPOUTS]
            fr[f.SCALE] = bits_of_number(1.0 / n if op[p.MEAN] != 0 else 1.0)
            if op[p.CARRY] != 0:
                fr[f.LO] = bits_of_number(rates[done])
                fr[f.HI] = done
                call(carry_instruction[0], carry_instruction, fr)
                given[f.DECAY] = 1.0 - rates[done] * decays[done]
            given[f.PENALTY] = 1.0 / n if op[p.AVERAGE_PENALTY] != 0 else 1.0
            if op[p.PARTS] > 0:
                loss, going = share_parts(op, fr, shared, n)
            else:
                loss, going = share_blocks(op, fr, shared, n)
            if not going:
                break
            play(op[p.MIDDLE_TAPE], op[p.MIDDLE_TAPE + 1], fr)
            if clip > 0.0:
                wait_for_all(fr)
                norm = math.sqrt(add_up(doubles(fr[f.NORMS] + 8 * panels), panels))
                given[f.CLIP] = clip / norm if norm > clip else 1.0
            play(op[p.END_TAPE], op[p.END_TAPE + 1], fr)
            wait_for_all(fr)
            norm = math.sqrt(add_up(squares, panels))
            if fr[f.THREAD] == 0:
                losses[done], norms[done] = loss, norm
                penalties[done] = add_up(doubles(fr[f.NORMS] + 16 * panels), panels)
            going = loss - loss == 0.0 and norm - norm == 0.0
            for t in range(fr[f.THREADS]):
                going = going and shared[f.BAD + f.PLACE * t] == 0
            if going:
                done += 1
        if fr[f.THREAD] == 0:
            shared[f.DONE] = done
        restore_denormals(before)

    return stage
