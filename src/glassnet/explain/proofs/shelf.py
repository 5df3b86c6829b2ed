"""All proofs by name."""

from typing import Any

from glassnet.errors import InvalidParameterError, nearest
from glassnet.explain.proofs.activations import ACTIVATION_PROOFS
from glassnet.explain.proofs.losses import LOSS_PROOFS
from glassnet.explain.proofs.network import NETWORK_PROOFS
from glassnet.explain.proofs.proof import Proof
from glassnet.formulas.activations import ACTIVATIONS
from glassnet.formulas.losses import LOSSES
from glassnet.formulas.optimizers import OPTIMIZERS
from glassnet.formulas.registry import Registry

__all__ = ["KINDS", "PROOFS", "derive"]

KINDS: dict[str, tuple[Proof, ...]] = {
    "backpropagation, penalties, optimizers": NETWORK_PROOFS,
    "losses": LOSS_PROOFS,
    "activations": ACTIVATION_PROOFS,
}
"""In the order in which they are listed."""

PROOFS: dict[str, Proof] = {proof.name: proof for proofs in KINDS.values() for proof in proofs}
REGISTRIES: tuple[Registry[Any], ...] = (ACTIVATIONS, LOSSES, OPTIMIZERS)
ABBREVIATIONS = {
    "dw": "weight_gradient",
    "db": "weight_gradient",
    "backpropagation": "delta",
    "batchnorm": "batch_norm",
}


def derive(name: str) -> Proof:
    """The derivation of a formula in symbols, as lists of equalities with their reasons.

    Parameters
    ----------
    name : str
        An activation or a loss by any of its names ("sigmoid", "bce"), "delta" (the recursion of backpropagation),
        "weight_gradient", "l2", "l1", "batch_norm", or an optimizer; `glassnet derive list` names them all.

    Returns
    -------
    Proof
        It prints as text and shows itself in a notebook; `markdown()`, `latex()`, `html()` and `document()` write it
        otherwise. Every equality is verified with SymPy in glassnet's tests.

    Raises
    ------
    InvalidParameterError
        If nothing of this name is derived.

    Source: the lectures' derivations (softmax with cross-entropy: Introduction, section 3; the rest: Lecture 5 and 23).

    >>> derive("softmax").parts[0].steps[-1].expression
    'a[k] * (kronecker(k, j) - a[j])'
    >>> derive("rellu")
    Traceback (most recent call last):
    glassnet.errors.InvalidParameterError: nothing is derived for 'rellu'; did you mean 'relu'?
    """
    key = name.strip().lower().replace("-", "_").replace(" ", "_")
    for registry in REGISTRIES:
        if key not in PROOFS and key in registry:
            key = _name(registry[key])
    key = ABBREVIATIONS.get(key, key)
    if key not in PROOFS:
        near = nearest(key, [*PROOFS, *ABBREVIATIONS]) or f" (there are: {', '.join(PROOFS)})"
        raise InvalidParameterError(f"nothing is derived for '{name}'{near}")
    return PROOFS[key]


def _name(record: Any) -> str:
    return record.name
