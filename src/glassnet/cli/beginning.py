"""What `glassnet play` begins with: DATA, a trained model, or both."""

from typing import TYPE_CHECKING, Any

from glassnet.errors import InvalidParameterError

if TYPE_CHECKING:
    from glassnet.cli.source import Source
    from glassnet.playground.rooms import Rooms
    from glassnet.playground.tabular import Table, Tables

__all__ = ["rooms_for"]

SUFFIX = ".glassnet"


def rooms_for(data: str | None, target: str | None, model: str | None) -> "tuple[Rooms, str | None]":
    """The sessions to come, and one line on the model if there is one; what cannot be is told here, not in the page."""
    if data is not None and data.lower().endswith(SUFFIX):
        if model is not None:
            raise InvalidParameterError(f"{data} is a model file, and --model {model} another; give one of them")
        data, model = None, data
    if model is None:
        return _without_model(data, target), None
    from glassnet.loading import load

    found = load(model)
    return (_with_table_model if hasattr(found, "preprocessing_") else _with_network)(found, model, data, target)


def _without_model(data: str | None, target: str | None) -> "Rooms":
    from glassnet.playground.problem import make_problem
    from glassnet.playground.rooms import Rooms

    tables, start = _data(data, target)
    rooms = Rooms(tables, start)
    if start["data"]["kind"] == "table":
        make_problem(rooms.start, tables)
    return rooms


def _data(data: str | None, target: str | None) -> "tuple[Tables, dict[str, Any]]":
    """The tables, and the setup of a toy problem or a table."""
    from glassnet.cli.source import read_source
    from glassnet.playground.tabular import built_in_tables, checked_table
    from glassnet.tables.datasets import TOYS

    tables = built_in_tables()
    toy = "circle" if data is None else data.replace("-", "_")
    if data is None or toy in TOYS:
        if target is not None:
            raise InvalidParameterError("--target needs a table: glassnet play DATA.csv --target COL")
        return tables, {"data": {"kind": toy}}
    source = read_source(data)
    wanted = source.target_or(target)
    return _with(source, checked_table(source.name, source.frame, wanted), tables)


def _with(source: "Source", table: "Table", tables: "Tables") -> "tuple[Tables, dict[str, Any]]":
    """The tables with this one in front, and the setup that begins with it."""
    name = source.name if source.name in tables else "data"
    return tables.behind(name, table), {"data": {"kind": "table", "table": name, "target": table.target}}


# --- with a model -------------------------------------------------------------------------------------------------


def _with_network(network: Any, path: str, data: str | None, target: str | None) -> "tuple[Rooms, str]":
    """A bare network knows no columns: it takes data of its sizes."""
    from glassnet.playground.opening import TOYS_TO_TRY, opened
    from glassnet.playground.rooms import Rooms

    tables, start = _data(data, target)
    starts = [{"data": {"kind": kind}} for kind in TOYS_TO_TRY] if data is None else [start]
    opening = opened(network, path, tables, starts)
    where = f"{data}" if data is not None else f"{opening.setup.data.kind}, built-in data that it fits"
    other = "" if data is not None else f"; for other data: glassnet play DATA --model {path}"
    return Rooms(tables, opening.setup, opening.weights), f"{path}: a {opening.sizes} network, on {where}{other}"


def _with_table_model(model: Any, path: str, data: str | None, target: str | None) -> "tuple[Rooms, str]":
    """A table model brings its target and what it learned of the columns, but no rows."""
    from glassnet.cli.models import read_for, target_name
    from glassnet.playground.opening import opened, table_of_model
    from glassnet.playground.rooms import Rooms
    from glassnet.playground.tabular import built_in_tables

    if target is not None and target != target_name(model):
        raise InvalidParameterError(f"--target {target}: {path} predicts '{target_name(model)}'; leave --target out")
    tables = built_in_tables()
    name = _built_in_of(model, tables) if data is None else data
    if name is None:
        columns = ", ".join(model.preprocessing_.input_names)
        raise InvalidParameterError(
            f"{path} predicts '{target_name(model)}' from {columns}, and holds no rows to show it on; give a table "
            f"with these columns: glassnet play DATA.csv --model {path}"
        )
    source = read_for(model, name, noise=None, rows=None, seed="0")
    tables, start = _with(source, table_of_model(model, path, source.name, source.frame), tables)
    opening = opened(model.network_, path, tables, [start])
    said = (
        f"{path}: a {opening.sizes} network that predicts {target_name(model)}, on {name} with its own preprocessing; "
        "rows are split anew, so those of the test may be ones that it has learned from"
    )
    return Rooms(tables, opening.setup, opening.weights), said


def _built_in_of(model: Any, tables: "Tables") -> str | None:
    """The built-in table with the model's columns and target, if there is one."""
    wanted = {target for target in (model.target_.name,) if isinstance(target, str)}
    wanted |= set(model.preprocessing_.input_names)
    fitting = (name for name, table in tables.items() if table.target in wanted and wanted <= {*table.frame.columns})
    return next(fitting, None)
