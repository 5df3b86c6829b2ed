"""The chain rule, backwards through the graph of a result."""

from typing import Any

import numpy as np

from glassnet.autograd.tape import describe, enable_grad, plain
from glassnet.autograd.tensor import Tensor, floats
from glassnet.errors import AutogradError

__all__ = ["cotangents", "ordered", "parents"]


def cotangents(
    root: Tensor, upstream: Any = None, *, create_graph: bool = False
) -> tuple[list[Tensor], dict[int, Any]]:
    """The chain rule, from the root back: each tensor that the root depends on, and dL/dtensor by its id.

    Each operation hands upstream gradient times local gradient to its arguments; where a tensor was used several times
    the parts are added. With `create_graph` the gradients are Tensors that can be differentiated again: the rules are
    written in the same operations.
    """
    if not root.requires_grad:
        raise AutogradError(f"{describe(root)} does not depend on a tensor with requires_grad=True")
    order = ordered(root)
    first = _upstream(root, upstream)
    if create_graph:
        with enable_grad():
            return order, _backwards(order, first if isinstance(first, Tensor) else Tensor(first), create_graph)
    return order, _backwards(order, plain(first), create_graph)


def _backwards(order: list[Tensor], first: Any, create_graph: bool) -> dict[int, Any]:
    """dL/dtensor by its id, on plain arrays or on Tensors."""
    found: dict[int, Any] = {id(order[-1]): first}
    for tensor in reversed(order):
        node = tensor.node
        if node is None:
            continue
        node.check()
        g, arguments = found[id(tensor)], node.arguments
        y, operands = (tensor, arguments) if create_graph else (tensor.value, [plain(a) for a in arguments])
        for i, argument in enumerate(arguments):
            if isinstance(argument, Tensor) and argument.requires_grad:
                part = _fitted(node.rule.vjp(i)(g, y, *operands, **node.settings), argument)
                known = found.get(id(argument))
                found[id(argument)] = part if known is None else known + part
    return found


def _upstream(root: Tensor, upstream: Any) -> Any:
    if upstream is None:
        if root.size != 1:
            raise AutogradError(
                f"{describe(root)} is not one number: differentiate a sum or mean of it, or give backward() the "
                f"upstream gradient, an array {root.shape}"
            )
        return np.ones(root.shape, root.dtype)
    given = upstream if isinstance(upstream, Tensor) else floats(upstream, root.dtype)
    if given.shape != root.shape:
        raise AutogradError(f"the upstream gradient must have the shape of {describe(root)}, got {given.shape}")
    return given


def _fitted(part: Any, argument: Tensor) -> Any:
    """A gradient in its argument's shape and dtype: added up over the axes that broadcasting had stretched."""
    if not isinstance(part, Tensor):
        part = np.asarray(part)
    extra = max(part.ndim - argument.ndim, 0)
    stretched = [i for i, n in enumerate(part.shape) if i < extra or (n != 1 and argument.shape[i - extra] == 1)]
    if stretched:
        part = part.sum(axis=tuple(stretched), keepdims=True).reshape(argument.shape)
    if part.shape != argument.shape:  # of a sum: the same for every entry
        part = part + np.zeros(argument.shape, part.dtype)
    return part if part.dtype == argument.dtype else part.astype(argument.dtype)


def ordered(root: Tensor) -> list[Tensor]:
    """All tensors that the root depends on and that need a gradient, each after what it was made from.

    No recursion: a chain of a hundred thousand operations is walked like a short one.
    """
    order: list[Tensor] = []
    seen = {id(root)}
    stack = [(root, iter(parents(root)))]
    while stack:
        tensor, rest = stack[-1]
        for parent in rest:
            if id(parent) not in seen:
                seen.add(id(parent))
                stack.append((parent, iter(parents(parent))))
                break
        else:
            order.append(tensor)
            stack.pop()
    return order


def parents(tensor: Tensor) -> list[Tensor]:
    """The arguments that need a gradient."""
    node = tensor.node
    if node is None:
        return []
    if node.freed:
        raise AutogradError(
            f"the graph of {describe(tensor)}, made by '{node.rule.name}', was freed by an earlier backward(): "
            "compute it again, or call backward(retain_graph=True) the first time"
        )
    return [a for a in node.arguments if isinstance(a, Tensor) and a.requires_grad]
