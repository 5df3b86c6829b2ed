"""What the programs share: filling a template, literals of the data and the weights, the optimizer, the schedule."""

import ast
from string import Template
from typing import Any

import numpy as np

from glassnet.formulas.activations import activation
from glassnet.formulas.losses import loss
from glassnet.network.parameters import buffer_layout, parameter_layout
from glassnet.playground.exports.frameworks import NUMPY_FUNCTIONS, Framework
from glassnet.playground.exports.schedules import initial, rate_texts
from glassnet.playground.inputs import parsed
from glassnet.playground.limits import RefusedError
from glassnet.playground.problem import Problem
from glassnet.playground.way_back import Moment

__all__ = ["decay_of", "filled", "holes", "listed", "rule_text", "written"]

USUAL_EPOCHS = 100
"""How long a program trains where the setup stops at no epoch."""


def filled(template: str, **holes: Any) -> str:
    """The template with its holes, written $name, filled in."""
    return Template(template).substitute(holes)


def listed(entries: list[str], spaces: int) -> str:
    """Entries of a list, one a line."""
    return "".join(f"{' ' * spaces}{entry},\n" for entry in entries)


def holes(problem: Problem, moment: Moment, needs: str, time: str = "") -> dict[str, Any]:
    """What every program says in its own place: data, weights, sizes, settings, the schedule at a time."""
    a, setup = problem.architecture, problem.setup
    return {
        "head": _head(problem, needs),
        "data": _data(problem, moment),
        "inputs": a.inputs,
        "outputs": a.output.units,
        "epochs": setup.stop.epoch or USUAL_EPOCHS,
        "batch_size": problem.program.batch_size,
        "seed": setup.seed,
        **rate_texts(problem, time),
    }


# --- data and weights -------------------------------------------------------------------------------------------------


def _head(problem: Problem, needs: str) -> str:
    sizes = "-".join(map(str, problem.architecture.sizes))
    maths = "" if problem.setup.data.kind == "table" else "\nimport math\n"
    return f'''"""A {sizes} network from the glassnet playground, for {needs}.

`predict(X)` uses its weights as they were; `train(X, y)` begins anew with its settings.
"""
{maths}
import numpy as np'''


def _data(problem: Problem, moment: Moment) -> str:
    """Inputs, classes and weights as literals; the inputs' formulas as a function where there are any."""
    data = problem.dataset
    notes = f"CLASSES = {list(data.classes)!r}" if data.classes else "# the outputs are numbers"
    if data.scale is not None:
        notes = f"MEAN, SPREAD = {data.scale!r}  # an output o stands for MEAN + SPREAD * o"
    table = "  # columns after preprocessing: missing values filled, categories one-hot, numbers standardized"
    weights = "".join(f"    {name!r}: {values},\n" for name, values in _tensors(problem, moment).items())
    return f"""INPUTS = {list(data.inputs)!r}{table if problem.setup.data.kind == "table" else ""}
{notes}
WEIGHTS = {{
{weights}}}
{_features(problem)}"""


def _tensors(problem: Problem, moment: Moment) -> dict[str, str]:
    """Each tensor as text that reads back to the same float32 bits."""
    parameters = parameter_layout(problem.architecture).views(moment.theta)
    buffers = buffer_layout(problem.architecture).views(moment.buffers)

    def text(array: np.ndarray) -> str:
        if array.ndim == 0:
            return str(np.float32(array))
        return f"[{', '.join(text(part) for part in array)}]"

    return {name: text(array) for name, array in {**parameters, **buffers}.items()}


def _features(problem: Problem) -> str:
    """Shown coordinates to inputs, as NumPy."""
    if problem.setup.data.kind == "table":
        return "\n"
    arguments = "x" if problem.dataset.line else "x1, x2"
    columns = ", ".join(f"one * ({_numpy(name)})" for name in problem.dataset.inputs)
    first = arguments.split(",")[0]
    return f'''

def inputs({arguments}):
    """Inputs (n, {len(problem.dataset.inputs)}) of points given by their coordinates (n,)."""
    {arguments} = {", ".join(f"np.asarray({name}, float)" for name in arguments.split(", "))}
    one, pi, e = np.ones_like({first}), math.pi, math.e
    return np.column_stack([{columns}])

'''


class _Numpy(ast.NodeTransformer):
    """Functions of the whitelist as NumPy's."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """The function's name replaced; the reader has checked that it is one of the list."""
        self.generic_visit(node)
        name = ast.unparse(node.func)
        return ast.Call(ast.parse(NUMPY_FUNCTIONS[name], mode="eval").body, node.args, [])


def _numpy(formula: str) -> str:
    return ast.unparse(ast.fix_missing_locations(_Numpy().visit(parsed(formula))))


# --- records ----------------------------------------------------------------------------------------------------------


def written(framework: Framework, kind: str, spec: str) -> str:
    """A record in the framework's words; refused where it has none."""
    record: Any = activation(spec) if kind == "activation" else loss(spec)
    table = framework.activations if kind == "activation" else framework.losses
    if record.name not in table:
        raise RefusedError(f"{framework.name} has no {kind} {record.name}; take another export, or another {kind}")
    return table[record.name].format(**record.constants)


def rule_text(framework: Framework, problem: Problem, rate: str, more: str = "") -> str:
    """The optimizer in the framework's words, with this text as its learning rate."""
    rule = problem.program.optimizer
    switched = next((name for name, value in rule.constants.items() if value is True), None)
    if rule.name not in framework.optimizers or switched is not None:
        what = f"{rule.name} with {switched}" if switched else rule.name
        raise RefusedError(f"{framework.name} has no optimizer {what}; take another export, or another optimizer")
    return framework.optimizers[rule.name].format(rate=rate, more=more, **rule.constants)


def decay_of(problem: Problem) -> float:
    """Decoupled weight decay, which the playground does not schedule."""
    return initial(problem.program.optimizer.weight_decay)
