"""`glassnet summary MODEL`: what is in a model file."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassnet.cli.options import Json, Model

if TYPE_CHECKING:
    from glassnet.cli.screen import Screen

__all__ = ["Summary"]


@dataclass(frozen=True)
class Summary:
    """Show what a model file holds: layers, columns, target, options and test scores."""

    model: Model
    json: Json = False

    def run(self) -> int:
        """Load and show."""
        from glassnet.cli.screen import Screen
        from glassnet.loading import load

        model = load(self.model)
        screen = Screen(json=self.json)
        if hasattr(model, "preprocessing_"):
            show_table_model(screen, model)
        show_layers(screen, getattr(model, "network_", model).architecture)
        screen.document(document(model))
        return 0


def show_table_model(screen: "Screen", model: Any) -> None:
    """Target, training and columns."""
    from glassnet.cli.screen import grid, plain_number
    from glassnet.tables import describe

    rows = [["predicts", _target(model)], ["trained", f"{model.n_iter_:,} epochs, seed {model.seed_}"]]
    rows += [[name.replace("_", " "), plain_number(value)] for name, value in model.metrics_.items()]
    rows += [[name, str(value)] for name, value in changed_options(model).items()]
    screen.show(grid(type(model).__name__, ["", ""], rows, left=2))
    screen.show(grid("columns", ["column", "kind", "becomes"], describe(model.preprocessing_), left=3))


def _target(model: Any) -> str:
    if hasattr(model, "classes_"):
        return f"'{model.target_.name}': {', '.join(map(str, model.classes_))}"
    return (
        f"'{model.target_.name}', a number (training mean {model.target_.mean:.6g}, spread {model.target_.scale:.6g})"
    )


def changed_options(model: Any) -> dict[str, Any]:
    """The options that differ from their defaults."""
    default = type(model)().get_params(deep=False)
    hidden = ("random_state", "callbacks", "verbose", "engine", "threads")
    mine = model.get_params(deep=False)
    return {k: v for k, v in mine.items() if k not in hidden and _plain(v) != _plain(default[k])}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def show_layers(screen: "Screen", architecture: Any) -> None:
    """Layer by layer."""
    from glassnet.cli.screen import grid
    from glassnet.network.summary import summary_rows

    rows = [[a, b, c, f"{n:,}" if n else ""] for a, b, c, n in summary_rows(architecture)]
    rows.append(["sum", "", f"loss {architecture.loss}, {architecture.dtype}", f"{architecture.parameter_count:,}"])
    shape = "-".join(str(n) for n in architecture.sizes)
    screen.show(grid(f"network {shape}", ["layer", "activation", "tensors", "parameters"], rows, left=3))


def document(model: Any) -> dict[str, Any]:
    """The JSON document."""
    import msgspec

    network = getattr(model, "network_", model)
    content = {"kind": type(model).__name__, "seed": network.seed, "parameters": network.architecture.parameter_count}
    if hasattr(model, "preprocessing_"):
        content |= {
            "target": model.target_.name,
            "classes": model.classes_.tolist() if hasattr(model, "classes_") else None,
            "epochs": model.n_iter_,
            "metrics": model.metrics_,
            "preprocessing": msgspec.to_builtins(model.preprocessing_),
        }
    return content | {"architecture": msgspec.to_builtins(network.architecture)}
