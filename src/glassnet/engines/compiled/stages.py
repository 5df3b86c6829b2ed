"""The stages: what a training step is made of, each a plain loop around a record's own function.

Every factory of `products`, `packed`, `packed_gradient`, `layers`, `normalization`, `updates` and `drivers` takes names
(a record, a dtype) and returns a function of two pointers, the operands `op` and the thread's frame `fr` (see `frame`),
which `machine_code` compiles. A tensor operand is two numbers: op[i] names the frame's field that holds an address,
op[i + 1] the distance in bytes. Rows FIRST <= r < LAST of a block are the calling thread's; stages that work on
columns or parameters take the thread's share of those instead.
"""

# pyright: basic

from glassnet.engines.compiled import drivers, layers, normalization, packed, packed_gradient, products, updates

__all__ = ["STAGES"]

STAGES = {
    "product": products.product,
    "affine": products.affine,
    "few": products.few,
    "transpose": products.transpose,
    "packed_affine": packed.packed_affine,
    "packed_prediction": packed.packed_prediction,
    "packed_weight_gradient": packed_gradient.packed_weight_gradient,
    "weight_gradient": products.weight_gradient,
    "bias_gradient": products.bias_gradient,
    "activation": layers.activation,
    "activation_backward": layers.activation_backward,
    "loss": layers.loss,
    "dropout": layers.dropout,
    "randomized": layers.randomized,
    "multiply": layers.multiply,
    "normalize": normalization.normalize,
    "normalize_backward": normalization.normalize_backward,
    "batch": layers.batch,
    "carry": updates.carry,
    "update": updates.update,
    "apply": updates.apply,
    "barrier": drivers.barrier,
    "predict": drivers.predict,
    "train": drivers.train,
}
"""By name: stages as factories of names."""
