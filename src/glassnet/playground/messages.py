"""What the server tells the page: registries, setup, data, history, snapshot; headers and arrays of the frames."""

import inspect
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import cache
from typing import Any

import numpy as np

from glassnet import __version__
from glassnet.formulas.activations import ACTIVATIONS
from glassnet.formulas.initializers import INITIALIZERS
from glassnet.formulas.losses import LOSSES
from glassnet.formulas.optimizers import OPTIMIZERS
from glassnet.network.parameters import parameter_layout
from glassnet.playground.frames import pack
from glassnet.playground.inputs import FEATURES
from glassnet.playground.limits import LIMITS
from glassnet.playground.problem import Problem, playable_schedules
from glassnet.playground.setup import Setup, setup_document
from glassnet.playground.tabular import Table, columns_document
from glassnet.playground.trainer import Trainer
from glassnet.tables.datasets import TOYS

__all__ = ["data_frame", "hello_frame", "history_frame", "setup_frame", "theta_shown"]

TITLES = {
    "circle": "Circle",
    "xor": "Exclusive or",
    "gauss": "Two clouds",
    "spiral": "Spiral",
    "moons": "Moons",
    "plane": "Plane",
    "multi_gauss": "Hills and hollows",
}


def hello_frame(session: str, tables: Mapping[str, Table], start: Setup) -> bytes:
    """Who is there, and all that can be chosen."""
    return pack(
        "hello",
        {
            "version": __version__,
            "session": session,
            "registries": registries(),
            "data_kinds": data_kinds(),
            "inputs": list(FEATURES),
            "tables": [table_document(name, table) for name, table in tables.items()],
            "limits": LIMITS.document(),
            "default_setup": setup_document(Setup()),
            "start": setup_document(start),
        },
    )


def table_document(name: str, table: Table) -> dict[str, Any]:
    """A table that can be chosen."""
    return {
        "id": name,
        "title": table.title,
        "target": table.target or table.frame.columns[-1],
        "rows": table.frame.height,
        "columns": columns_document(table),
    }


@cache
def registries() -> dict[str, list[dict[str, Any]]]:
    """The records by kind, in the registries' order."""
    return {
        "activations": [
            {"name": name, "latex": a.latex, "about": a.source, "range": _interval(a.range), "rowwise": a.rowwise}
            for name, a in ACTIVATIONS.items()
        ],
        "losses": [
            {"name": name, "latex": x.latex, "about": x.source, "link": x.link, "classes": x.simplex}
            for name, x in LOSSES.items()
        ],
        "optimizers": [_rule(name, rule) for name, rule in OPTIMIZERS.items()],
        "schedules": [_rule(name, rule, leave=("initial",)) for name, rule in playable_schedules().items()],
        "initializers": [
            {"name": name, "latex": rule.latex, "about": rule.source} for name, rule in INITIALIZERS.items()
        ],
    }


def _interval(interval: Any) -> str:
    return str(interval)


def _rule(name: str, rule: Any, leave: tuple[str, ...] = ()) -> dict[str, Any]:
    parameters = [
        {"name": item.name, "default": item.default}
        for item in fields(rule)
        if item.name not in leave and isinstance(item.default, int | float)
    ]
    about = (inspect.getdoc(rule) or "").split("\n")[0]
    return {"name": name, "latex": rule.latex, "about": about, "source": rule.source, "parameters": parameters}


def data_kinds() -> list[dict[str, Any]]:
    """The kinds of data with their titles, tasks and options."""
    kinds = [
        {"name": name, "title": TITLES[name], "task": toy.task, "about": toy.description, "options": ["noise", "size"]}
        for name, toy in TOYS.items()
    ]
    more = [
        ("function", "A function of x", "regression", "a curve of one variable", ["expression", "noise", "size"]),
        ("points", "Your points", "classification", "points drawn by hand", ["points"]),
        ("table", "A table", "any", "a table of your own or a built-in one", ["table", "target", "features", "axes"]),
    ]
    words = ("name", "title", "task", "about", "options")
    return kinds + [dict(zip(words, entry, strict=True)) for entry in more]


def setup_frame(trainer: Trainer) -> bytes:
    """The whole setup, and what came of it."""
    problem = trainer.problem
    data, architecture = problem.dataset, problem.architecture
    spec = trainer.setup.data
    table = trainer.tables.get(spec.table or "") if spec.kind == "table" else None
    header = {
        "number": trainer.number,
        "setup": setup_document(trainer.setup),
        "tensors": [
            {
                "name": piece.name,
                "shape": piece.shape,
                "layer": piece.layer,
                "frozen": piece.name in architecture.frozen,
            }
            for piece in parameter_layout(architecture).slices
        ],
        "sizes": architecture.sizes,
        "inputs": data.inputs,
        "classes": data.classes,
        "task": data.task,
        "output": {"activation": architecture.output.activation, "loss": architecture.loss},
        "parameters": architecture.parameter_count,
        "steps_per_epoch": trainer.slices.per_epoch,
        "engine": problem.engine.name,
        "can_undo": trainer.can_undo,
        "table": None if table is None else table_document(spec.table or "", table),
    }
    return pack("setup", header)


def data_frame(trainer: Trainer) -> bytes:
    """The points as they are shown, training and test, and the inputs over the box."""
    data = trainer.problem.dataset
    both = np.concatenate([data.y, data.y_test])
    header = {
        "axes": [asdict(axis) for axis in data.axes],
        "classes": data.classes,
        "y_range": [float(both.min()), float(both.max())],
        "target": data.target,
        "y_scale": data.scale,
        "line": data.line,
        "notes": data.notes,
    }
    arrays = {"train": data.shown, "train_y": data.y, "test": data.shown_test, "test_y": data.y_test}
    arrays["inputs"] = data.input_pictures()
    return pack("data", header, arrays)


def history_frame(rows: list[tuple[float, ...]]) -> bytes:
    """The whole curve, thinned to 1,000 points; `from` is the number of rows it stands for."""
    most = 1_000
    chosen = rows if len(rows) <= most else [rows[i] for i in np.linspace(0, len(rows) - 1, most).round().astype(int)]
    table = np.array(chosen, np.float64).reshape(-1, 5)
    names = ("epochs", "loss_train", "loss_test", "score_train", "score_test")
    return pack("history", {"from": len(rows)}, dict(zip(names, table.T, strict=True)))


def theta_shown(problem: Problem, theta: np.ndarray) -> np.ndarray:
    """The parameters tensor by tensor, each row by row as it is shown."""
    views = parameter_layout(problem.architecture).views(theta)
    return np.concatenate([view.ravel() for view in views.values()])
