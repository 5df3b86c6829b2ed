"""Clipping, both ways at once."""

import numpy as np

from glassnet.network.updates import clip_gradient, gradient_norm


def test_value_then_norm():
    """Entries are clipped first; the norm of what is left decides whether it is scaled."""
    g = np.array([30.0, 0.4, 0.0])
    clip_gradient(g, gradient_norm(g), clip_norm=0.5, clip_value=0.3)
    np.testing.assert_allclose(g, [0.3, 0.3, 0.0])  # norm 0.42 is below 0.5: not scaled
    g = np.array([30.0, 40.0])
    clip_gradient(g, gradient_norm(g), clip_norm=1.0, clip_value=3.0)
    np.testing.assert_allclose(g, np.array([1.0, 1.0]) / np.sqrt(2))
