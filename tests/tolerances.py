"""All tolerances, in units of the dtype's eps unless a line says otherwise. Comparisons fail on NaN."""

import numpy as np

ELEMENTARY_ULP = 4  # exp, log ... on vectors of the processor against exact values, in units in the last place
RECORD_ULP = 32  # a record under Numba's libm against NumPy's SIMD loops
DERIVATIVE = 1e-6  # relative, a record against central differences in float64
GRADIENT = 1e-6  # relative per tensor, backpropagation against central differences in float64
TORCH = 1e-10  # relative per tensor, backpropagation against PyTorch's autograd in float64
TORCH_ULP = 64  # a formula here against the same one in torch.nn.functional
TRAJECTORY = 1e-11  # relative, 50 steps of an optimizer in float64 against torch.optim
SCHEDULE = 1e-12  # relative, a schedule against torch.optim.lr_scheduler
LECTURE = 0.5 + 1e-9  # units of the last digit that a lecture prints
STAGE_EPS = 64  # a stage of the compiled engine against NumPy
PACKED_ERROR = 0.5  # of the magnitudes' sum, a product on the matrix unit beyond one of fused multiply-adds
COMPILED_GRADIENT = 500  # per tensor, the compiled engine's gradient, loss and outputs against the reference's
COMPILED_STEP = 2000  # per tensor of the state, one step from the same state
COMPILED_STEPS = 50_000  # per tensor of the state, ten steps from the same state


def close(actual, expected, ulp: float, floor: float = 0.0) -> bool:
    """Equal to `ulp` eps of the larger of |expected| and floor, elementwise; NaN equals NaN, infinities by sign."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.dtype != expected.dtype or actual.shape != expected.shape:
        return False
    eps = np.finfo(expected.dtype).eps
    tiny = np.finfo(expected.dtype).tiny
    with np.errstate(all="ignore"):
        near = np.abs(actual - expected) <= ulp * (eps * np.maximum(np.abs(expected), floor) + tiny)
    same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    return bool(np.all(near | same))


def relative(actual, expected) -> float:
    """Norm of the difference over the larger norm; 0 when both vanish, NaN when anything is NaN."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    scale = max(np.linalg.norm(actual), np.linalg.norm(expected))
    return float(np.linalg.norm(actual - expected) / scale) if scale > 0 or np.isnan(scale) else 0.0
