"""Why each formula holds: derivations in symbols, as lists of equalities that the tests verify with SymPy."""

from glassnet.explain.proofs.proof import Equalities, Proof, Step
from glassnet.explain.proofs.shelf import KINDS, PROOFS, derive

__all__ = ["KINDS", "PROOFS", "Equalities", "Proof", "Step", "derive"]
