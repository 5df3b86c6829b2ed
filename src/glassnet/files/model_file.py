"""A network as a `.glassnet` file: architecture as JSON, tensors by name.

Loading checks everything against the architecture and refuses what does not fit with ModelFileError.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from glassnet.errors import InvalidParameterError, ModelFileError
from glassnet.files.container import Container, pack, read_container, unpack, write_container
from glassnet.formulas.activations import ACTIVATIONS
from glassnet.formulas.losses import LOSSES
from glassnet.network.architecture import Architecture
from glassnet.network.own import changed, values_of_own_formulas
from glassnet.network.parameters import Layout, aligned_zeros, buffer_layout, parameter_layout

__all__ = [
    "as_document",
    "as_tensors",
    "from_document",
    "from_tensors",
    "load_network",
    "network_bytes",
    "network_from_bytes",
    "save_network",
]


class _NetworkDocument(msgspec.Struct, forbid_unknown_fields=True):
    architecture: dict[str, Any]
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


def as_document(architecture: Architecture) -> dict[str, Any]:
    """The architecture as plain JSON types; beside it some values of the user's own formulas, if there are any.

    A field younger than the format stands there only where it is set.
    """
    own, document = values_of_own_formulas(architecture), msgspec.to_builtins(architecture)
    if not architecture.average_penalty:
        del document["average_penalty"]
    return document | ({"own_formulas": own} if own else {})


def from_document(document: Any, source: str) -> Architecture:
    """The architecture back, validated as at construction."""
    own: Any = document.get("own_formulas", {}) if isinstance(document, dict) else {}
    rest = {k: v for k, v in document.items() if k != "own_formulas"} if isinstance(document, dict) else document
    try:
        own = msgspec.convert(own, dict[str, list[float | None]])
        _check_defined(own, source)
        architecture = msgspec.convert(rest, Architecture)
    except (msgspec.ValidationError, InvalidParameterError) as error:
        raise ModelFileError(f"{source}: the network in it is not consistent: {error}") from error
    odd = changed(architecture, own)
    if odd is not None:
        raise ModelFileError(
            f"{source}: {odd} gives other values now than when the network was saved: define it as it was then "
            f"(glassnet.custom.{odd.split()[0]}), and load again"
        )
    return architecture


def _check_defined(own: Mapping[str, Any], source: str) -> None:
    """A formula of the user's own must be defined before a network that uses it is loaded."""
    for name in own:
        kind, _, spec = name.partition(" ")
        word = spec.partition("(")[0]
        if word not in {"activation": ACTIVATIONS, "loss": LOSSES}.get(kind, ()):
            raise ModelFileError(
                f"{source}: the network uses {kind} '{word}', a formula of your own, whose code is not in the file: "
                f"define it first with glassnet.custom.{kind}('{word}', ...), then load"
            )


def as_tensors(architecture: Architecture, theta: np.ndarray, buffers: np.ndarray) -> dict[str, np.ndarray]:
    """All tensors by name, in the shapes people see."""
    parameters, statistics = parameter_layout(architecture).views(theta), buffer_layout(architecture).views(buffers)
    return {**parameters, **statistics}


def from_tensors(
    architecture: Architecture, tensors: Mapping[str, np.ndarray], source: str
) -> tuple[np.ndarray, np.ndarray]:
    """The vectors theta and buffers; names, shapes and dtype must be exactly the architecture's."""
    layouts = parameter_layout(architecture), buffer_layout(architecture)
    expected = {piece.name: piece.shape for layout in layouts for piece in layout.slices}
    if set(expected) != set(tensors):
        odd = min(set(expected) ^ set(tensors))
        raise ModelFileError(f"{source}: tensor {odd} is {'missing' if odd in expected else 'not of this network'}")
    for name, shape in expected.items():
        got = tensors[name]
        if got.shape != shape or got.dtype != architecture.dtype:
            raise ModelFileError(
                f"{source}: tensor {name} should be {architecture.dtype} {shape}, is {got.dtype} {got.shape}"
            )
    theta, buffers = (_gather(layout, tensors, architecture.dtype) for layout in layouts)
    return theta, buffers


def _gather(layout: Layout, tensors: Mapping[str, np.ndarray], dtype: str) -> np.ndarray:
    vector = aligned_zeros(layout.size, dtype)
    for piece in layout.slices:
        piece.view(vector)[...] = tensors[piece.name]
    return vector


def save_network(
    path: str | Path, architecture: Architecture, theta: np.ndarray, buffers: np.ndarray, seed: int
) -> None:
    """Write the file in one atomic step."""
    document = {"architecture": as_document(architecture), "seed": seed}
    write_container(path, as_tensors(architecture, theta, buffers), document, kind="network")


def network_bytes(architecture: Architecture, theta: np.ndarray, buffers: np.ndarray, seed: int) -> bytes:
    """The bytes of such a file."""
    document = {"architecture": as_document(architecture), "seed": seed}
    return pack(as_tensors(architecture, theta, buffers), document, kind="network")


def load_network(path: str | Path) -> tuple[Architecture, np.ndarray, np.ndarray, int]:
    """Architecture, theta, buffers and seed of a network's file."""
    return _from_container(read_container(path, kind="network"), f"'{path}'")


def network_from_bytes(data: bytes, source: str) -> tuple[Architecture, np.ndarray, np.ndarray, int]:
    """The same of a file's bytes; `source` names them in errors."""
    return _from_container(unpack(data, source=source, kind="network"), source)


def _from_container(container: Container, source: str) -> tuple[Architecture, np.ndarray, np.ndarray, int]:
    try:
        document = msgspec.convert(container.document, _NetworkDocument)
    except msgspec.ValidationError as error:
        raise ModelFileError(f"{source}: not a network that this version reads: {error}") from error
    architecture = from_document(document.architecture, source)
    theta, buffers = from_tensors(architecture, container.tensors, source)
    return architecture, theta, buffers, document.seed
