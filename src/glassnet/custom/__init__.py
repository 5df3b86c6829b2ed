"""Your own activations and losses: written with Tensor operations, they become records that train.

    swish2 = custom.activation("swish2", lambda z: z * sigmoid(2 * z))
    Network(2, [Dense(8, swish2), Dense(1, "sigmoid")])

The derivative comes from the tape. The reference engine runs such a network; the compiled one refuses it, because its
cache of machine code would not know when the formula changes. A model file keeps the record's name, not its code:
define the record again before loading.
"""

from glassnet.custom.formulas import ActivationFormula, LossFormula
from glassnet.custom.records import activation, forget, loss

__all__ = ["ActivationFormula", "LossFormula", "activation", "forget", "loss"]
