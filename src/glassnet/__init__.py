"""glassnet: the neural network you can see through.

The public names are listed here and loaded when they are first used, so that `import glassnet` is quick.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PLACES = {
    "activation": "formulas.activations",
    "loss": "formulas.losses",
    "initializer": "formulas.initializers",
    "optimizer": "formulas.optimizers",
    "schedule": "formulas.schedules",
    "ACTIVATIONS": "formulas.activations",
    "LOSSES": "formulas.losses",
    "INITIALIZERS": "formulas.initializers",
    "OPTIMIZERS": "formulas.optimizers",
    "SCHEDULES": "formulas.schedules",
    **dict.fromkeys(
        ("SGD", "Momentum", "Nesterov", "Adagrad", "RMSprop", "Adam", "AdamW", "NAdam"), "formulas.optimizers"
    ),
    **dict.fromkeys(
        ("Constant", "Step", "Exponential", "InverseScaling", "Cosine", "OneCycle", "LinearWarmup"),
        "formulas.schedules",
    ),
    **dict.fromkeys(("LBFGS", "NewtonRaphson", "LeastSquares"), "training.solvers"),
    **dict.fromkeys(("Dense", "Dropout", "BatchNorm", "RandomizedLeakyReLU", "Architecture"), "network.architecture"),
    **dict.fromkeys(
        ("Callback", "EarlyStopping", "ReduceOnPlateau", "TargetMetric", "TimeBudget"),
        "training.callbacks",
    ),
    **dict.fromkeys(("CSVLog", "TensorBoard"), "training.logs"),
    "Checkpoint": "training.checkpoints",
    "Progress": "training.progress",
    "History": "training.history",
    "Trace": "network.passes",
    "CheckReport": "explain.findings",
    "Derivation": "explain.derivation",
    "check": "explain.checking",
    **dict.fromkeys(("Proof", "derive"), "explain.proofs"),
    **dict.fromkeys(("Exercise", "exercise"), "explain.exercises"),
    **dict.fromkeys(("WorkedExample", "read_example"), "explain.worked"),
    "Network": "model",
    "check_gradients": "model",
    "compare_gradients": "gradients.ways",
    "network_graph": "gradients.drawn",
    **dict.fromkeys(("diagnose", "Diagnosis", "Finding"), "diagnosis"),
    "load": "loading",
    "TableClassifier": "estimators.table",
    "TableRegressor": "estimators.table",
    "MLPClassifier": "estimators.mlp_classifier",
    "MLPRegressor": "estimators.mlp_regressor",
    "load_dataset": "tables.datasets",
    "read_table": "tables.reading",
    **dict.fromkeys(
        (
            "ArchitectureError",
            "AutogradError",
            "DataError",
            "DivergenceError",
            "EngineError",
            "GlassnetError",
            "InvalidParameterError",
            "ModelFileError",
            "ResumeError",
            "SingularHessianError",
            "WriteError",
        ),
        "errors",
    ),
}

__all__ = ["__version__", *_PLACES]  # noqa: PLE0604  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'glassnet' has no attribute '{name}'")
    value = getattr(import_module(f"glassnet.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
