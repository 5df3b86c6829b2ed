"""Penalties on the weights, added to the objective: l1 sum |W| + l2/2 sum W^2.

Sources: Tibshirani (1996) for l1; Hoerl and Kennard (1970) and the lectures' weight decay for l2.
"""

# pyright: reportMissingParameterType=false

from glassnet.formulas.elementary import absolute, constant, sign

__all__ = ["penalty_slope", "penalty_value"]


def penalty_value(w, l1, l2):
    """What a weight's penalties add to the objective: l1 |w| + l2/2 w^2."""
    return l1 * absolute(w) + constant(w, 0.5) * l2 * w * w


def penalty_slope(w, l1, l2):
    """What a weight's penalties add to its gradient: l1 sign(w) + l2 w."""
    return l1 * sign(w) + l2 * w
