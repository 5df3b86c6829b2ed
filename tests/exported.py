"""Setups whose networks are exported, and the exported programs as what they define."""

from typing import Any

from playing import trainer

__all__ = ["SETUPS", "run", "trained"]

SETUPS: dict[str, dict[str, Any]] = {
    "plain": {},
    "classes": {"data": {"kind": "table", "table": "iris"}},
    "numbers": {"data": {"kind": "table", "table": "diabetes"}, "loss": "huber(delta=0.5)"},
    "curve": {"data": {"kind": "function"}, "layers": [], "inputs": ["x", "x^2", "softplus(x)"]},
    "formulas": {"inputs": ["x1^2", "sin(x2)*relu(x1)", "sigmoid(x1)-erf(x2)+pi", "abs(x1)", "2"]},
    "layers": {
        "layers": [
            {"units": 4, "batch_norm": True, "activation": "leaky_relu(alpha=0.2)"},
            {"units": 3, "dropout": 0.2},
        ],
        "optimizer": {"name": "adamw", "weight_decay": 0.1},
        "schedule": {"name": "cosine"},
        "clip_norm": 2.0,
        "l1": 0.001,
        "l2": 0.01,
    },
}


def trained(partial: dict[str, Any]) -> Any:
    """A trainer for the setup after two epochs."""
    subject = trainer(partial)
    subject.step("epoch", 2)
    return subject


def run(text: str) -> dict[str, Any]:
    """The names that a program defines."""
    names: dict[str, Any] = {"__name__": "exported"}
    exec(compile(text, "exported", "exec"), names)
    return names
