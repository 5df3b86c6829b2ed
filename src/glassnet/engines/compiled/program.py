"""The operands of the `train` stage, by name: what a call of it does, to which arrays."""

__all__ = [
    "AVERAGE_PENALTY",
    "BLOCK",
    "BOUNDS",
    "CARRY",
    "CLIP_NORM",
    "COLUMNS_TAPE",
    "DROPOUTS",
    "DROPOUT_RATES",
    "END_TAPE",
    "INPUTS",
    "LEARNING_RATES",
    "LOSSES",
    "MEAN",
    "MIDDLE_TAPE",
    "ORDER",
    "PANELS",
    "PARTS",
    "PART_GRADIENTS",
    "PART_LOSSES",
    "PENALTIES",
    "PROGRAM",
    "ROWS_TAPE",
    "STEPS",
    "STEP_NORMS",
    "TARGETS",
    "WEIGHT_DECAYS",
]

# tapes: the address, and in the next place the number of instructions
ROWS_TAPE = 1  # forward, loss, backward
COLUMNS_TAPE = 3  # dW and db of a block, and at its end the update that needs no norm
MIDDLE_TAPE = 5  # the same update where parts of the batch had to be added up first
END_TAPE = 7  # the update that waited for the norm
# the batch
BLOCK = 9  # rows of a block
INPUTS = 10  # columns of X
TARGETS = 11  # and of Y
MEAN = 12  # whether examples add up to a mean
PARTS = 13  # parts of a batch, 0: threads share its blocks
PART_GRADIENTS = 14  # addresses of their gradients, SLOT_STEP apart,
PART_LOSSES = 15  # and losses
# the steps
STEPS = 16
BOUNDS = 17  # addresses of what `engines.base.Slice` holds
ORDER = 18  # 0: examples as they lie
LEARNING_RATES = 19
WEIGHT_DECAYS = 20
DROPOUT_RATES = 21
DROPOUTS = 22  # how many of them a step has
LOSSES = 23  # addresses of what is filled in, a number a step
STEP_NORMS = 24
# the update
PANELS = 25  # panels of the gradient
CARRY = 26  # address of its instruction, 0: no update
CLIP_NORM = 27  # bits of a float64, 0.0: none
AVERAGE_PENALTY = 28  # whether the penalties are divided by the examples of the batch
PENALTIES = 29  # address of what is filled in, a number a step
PROGRAM = 30
