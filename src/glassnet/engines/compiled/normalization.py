"""Stages of batch normalization, there and back.

Source: Ioffe and Szegedy (2015), Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
Shift, algorithm 1 and section 3.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from glassnet.engines.compiled import frame as f
from glassnet.engines.compiled.conversions import lanes_sum, number
from glassnet.engines.compiled.kit import Kit, integers, share
from glassnet.engines.compiled.load_store import store
from glassnet.engines.compiled.pointers import after
from glassnet.formulas.elementary import sqrt

__all__ = ["normalize", "normalize_backward"]


def normalize(form, dtype):
    """zhat = (z - mean) / sqrt(var + epsilon), s = gamma zhat + beta, and the scale 1 / sqrt(...) is kept.

    With form "batch" mean and var are the block's, which is the whole batch, and the running ones follow; each
    thread takes columns. With "running" these are used, and each thread takes its rows.
    op: z, zhat, s, scale, mean, var, gamma, beta, step, columns, momentum, epsilon.
    """
    kit, batch = Kit(dtype), form == "batch"
    tensor, load, count, splat = kit.tensor, kit.load, kit.count, kit.splat

    def stage(op, fr):
        z, zhat, s, scale = tensor(op, fr, 1), tensor(op, fr, 3), tensor(op, fr, 5), tensor(op, fr, 7)
        running_mean, running_var = tensor(op, fr, 9), tensor(op, fr, 11)
        gamma, beta, step, columns = tensor(op, fr, 13), tensor(op, fr, 15), op[17], op[18]
        one, momentum, epsilon = splat(1.0), number(op[19]), splat(number(op[20]))
        low, high = share(fr, columns, count) if batch else (0, columns)
        first, last = (0, fr[f.ROWS]) if batch else (fr[f.FIRST], fr[f.LAST])
        for j in range(low, high, count):
            if batch:
                n = splat(1.0 * fr[f.ROWS])
                mean, var = splat(0.0), splat(0.0)
                for r in range(last):
                    mean = mean + load(after(z, r * step), j, columns)
                mean = mean / n
                for r in range(last):
                    d = load(after(z, r * step), j, columns) - mean
                    var = var + d * d
                var = var / n
                old, new = splat(1.0 - momentum), splat(momentum)
                unbiased = splat(1.0 * fr[f.ROWS] / max(fr[f.ROWS] - 1, 1))
                store(running_mean, j, high, old * load(running_mean, j, columns) + new * mean)
                store(running_var, j, high, old * load(running_var, j, columns) + new * var * unbiased)
                worst = load(running_var, j, columns) - load(running_var, j, columns)
                if lanes_sum(worst) != 0.0:  # true of NaN
                    integers(fr[f.SHARED])[f.BAD + f.PLACE * fr[f.THREAD]] = 1
            else:
                mean, var = load(running_mean, j, columns), load(running_var, j, columns)
            by = one / sqrt(var + epsilon)
            if batch or fr[f.THREAD] == 0:
                store(scale, j, high, by)
            times, plus = load(gamma, j, columns), load(beta, j, columns)
            for r in range(first, last):
                x = (load(after(z, r * step), j, columns) - mean) * by
                store(after(zhat, r * step), j, high, x)
                store(after(s, r * step), j, high, times * x + plus)

    return stage


def normalize_backward(form, dtype):
    """dgamma, dbeta and dJ/dz (in place of dJ/ds); each thread takes columns.

    op: delta, zhat, scale, gamma, dgamma, dbeta, step, columns. A first block begins the sums at 0, later ones add.
    """
    kit, batch = Kit(dtype), form == "batch"
    tensor, load, count, splat = kit.tensor, kit.load, kit.count, kit.splat

    def stage(op, fr):
        delta, zhat, scale, gamma = tensor(op, fr, 1), tensor(op, fr, 3), tensor(op, fr, 5), tensor(op, fr, 7)
        dgamma, dbeta, step, columns = tensor(op, fr, 9), tensor(op, fr, 11), op[13], op[14]
        low, high = share(fr, columns, count)
        rows, zero, n = fr[f.ROWS], splat(0.0), splat(1.0 * fr[f.ROWS])
        for j in range(low, high, count):
            along, total = zero, zero
            for r in range(rows):
                d = load(after(delta, r * step), j, columns)
                along = along + d * load(after(zhat, r * step), j, columns)
                total = total + d
            factor = load(gamma, j, columns) * load(scale, j, columns)
            for r in range(rows):
                d = load(after(delta, r * step), j, columns)
                if batch:  # through mean and var, which depend on every row
                    d = d - total / n - load(after(zhat, r * step), j, columns) * (along / n)
                store(after(delta, r * step), j, high, d * factor)
            if fr[f.FIRST_BLOCK] == 0:
                along, total = along + load(dgamma, j, columns), total + load(dbeta, j, columns)
            store(dgamma, j, high, along)
            store(dbeta, j, high, total)

    return stage
