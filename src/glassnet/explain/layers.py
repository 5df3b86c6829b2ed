"""Lines of what stands between z and the next layer's input: batch normalization, drawn slopes, dropout."""

from collections.abc import Callable

from glassnet.explain.arithmetic import Arithmetic, Number
from glassnet.explain.lines import Numbers, dot
from glassnet.explain.places import LEAVES, Entry, Line, Place
from glassnet.network.architecture import BatchNorm, Dropout, RandomizedLeakyReLU

__all__ = [
    "batch_mean",
    "batch_variance",
    "beta_gradient",
    "factor",
    "gamma_gradient",
    "leaving",
    "normalized",
    "normalized_delta",
    "running",
    "scale",
    "shifted",
]

# --- batch normalization ----------------------------------------------------------------------------------------


def _norm(at: Place) -> BatchNorm:
    return at.setting.norms[at.layer]


def batch_mean(at: Place) -> Line:
    """The mean of z over the examples."""
    return Line((at.column("z"),), lambda A, z: A.total(z) / A.number(len(z)), once=True)


def batch_variance(at: Place) -> Line:
    """The mean square of z - mean."""

    def compute(A: Arithmetic, z: Numbers, mean: Numbers) -> Number:
        return A.sum_of(lambda one: (one - mean[0]) * (one - mean[0]), z) / A.number(len(z))

    return Line((at.column("z"), (at.entry("mean"),)), compute)


def scale(at: Place) -> Line:
    """1 / sqrt(var + epsilon)."""
    epsilon = _norm(at).epsilon
    return Line(
        ((at.entry("var"),),),
        lambda A, var: A.number(1) / A.functions["sqrt"](var[0] + A.named("epsilon", epsilon)),
    )


def running(name: str, of_sample: bool) -> Callable[[Place], Line]:
    """A running statistic after the batch; with the batch's variance over n - 1, where n > 1."""

    def line(at: Place) -> Line:
        n, full = at.setting.rows, f"running_{name}{at.layer}"
        old = Entry(0, full, at.index) if at.step == 1 else Entry(at.step - 1, f"{full}_new", at.index)

        def compute(A: Arithmetic, old: Numbers, new: Numbers) -> Number:
            momentum = A.named("rho", _norm(at).momentum)
            sample = [A.number(n) / A.number(n - 1)] if of_sample and n > 1 else []
            fresh = momentum * new[0]
            for ratio in sample:
                fresh = fresh * ratio
            return (A.number(1) - momentum) * old[0] + fresh

        return Line(((old,), (at.entry(name),)), compute)

    return line


def normalized(at: Place) -> Line:
    """zhat = (z - mean) scale."""
    k = at.index[-1:]
    groups = ((at.entry("z"),), (at.entry("mean", k),), (at.entry("scale", k),))
    return Line(groups, lambda A, z, mean, scale: (z[0] - mean[0]) * scale[0])


def shifted(at: Place) -> Line:
    """s = gamma zhat + beta."""
    gamma, beta = (at.parameter(f"{kind}{at.layer}", at.index[-1:]) for kind in ("gamma", "beta"))
    return Line(((gamma,), (at.entry("zhat"),), (beta,)), lambda A, gamma, zhat, beta: gamma[0] * zhat[0] + beta[0])


def gamma_gradient(at: Place) -> Line:
    """dL/ds times zhat, summed over the examples."""
    return Line((at.column("dL_ds"), at.column("zhat")), dot, once=True)


def beta_gradient(at: Place) -> Line:
    """dL/ds, summed over the examples."""
    return Line((at.column("dL_ds"),), lambda A, ds: A.total(ds), once=True)


def normalized_delta(at: Place) -> Line:
    """dL/dz back through the normalization; the batch's own statistics depend on every z."""
    k = at.index[-1:]
    by_batch, n = at.layer in at.setting.by_batch, at.setting.rows
    gradients = ((at.entry("dbeta", k),), (at.entry("zhat"),), (at.entry("dgamma", k),)) if by_batch else ((), (), ())

    def compute(A: Arithmetic, ds: Numbers, gamma: Numbers, scale: Numbers, *means: Numbers) -> Number:
        dbeta, zhat, dgamma = means
        inner = ds[0]
        if by_batch:
            inner = ds[0] - dbeta[0] / A.number(n) - zhat[0] * dgamma[0] / A.number(n)
        return gamma[0] * scale[0] * inner

    gamma = at.parameter(f"gamma{at.layer}", k)
    return Line(((at.entry("dL_ds"),), (gamma,), (at.entry("scale", k),), *gradients), compute)


# --- dropout and drawn slopes -----------------------------------------------------------------------------------


def _what(at: Place, number: int) -> Dropout | RandomizedLeakyReLU:
    return at.setting.behind(at.layer)[number]


def _input(at: Place, number: int) -> Entry:
    """What comes into the so-manieth of the layers behind a layer, at the place's index."""
    names = ["a", *(LEAVES[type(what)][1] for what in at.setting.behind(at.layer))]
    return at.units(names[number], at.layer, at.index[0])[at.index[1]]


def factor(number: int) -> Callable[[Place], Line]:
    """The mask, or the slope, as it was drawn: from a number u in [0, 1)."""

    def line(at: Place) -> Line:
        what = _what(at, number)
        if isinstance(what, Dropout):
            drawn = ((at.entry("u_mask"),), (at.entry("rate", ()),))
            return Line(drawn, _mask)

        def slope(A: Arithmetic, z: Numbers, u: Numbers) -> Number:
            low, high = A.named("lower", what.lower), A.named("upper", what.upper)
            below = low + (high - low) * u[0] if u else (low + high) / A.number(2)
            return A.functions["where"](z[0] > A.number(0), A.number(1), below)

        u = (at.entry("u_slope"),) if at.setting.training else ()
        return Line(((_input(at, number),), u), slope)

    return line


def _mask(A: Arithmetic, u: Numbers, rate: Numbers) -> Number:
    one = A.number(1)
    return A.functions["where"](u[0] >= rate[0], one / (one - rate[0]), A.number(0))


def leaving(number: int) -> Callable[[Place], Line]:
    """What leaves dropout, or the drawn slopes: the input times the factor."""

    def line(at: Place) -> Line:
        name = LEAVES[type(_what(at, number))][0]
        return Line(((_input(at, number),), (at.entry(name),)), lambda A, a, factor: a[0] * factor[0], once=True)

    return line
