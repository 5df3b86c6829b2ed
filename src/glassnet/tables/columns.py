"""What is done with each column of a table, as records that go to JSON and back."""

from typing import Literal

import msgspec

__all__ = ["MISSING", "OTHER", "CategoricalColumn", "DroppedColumn", "NumericColumn", "Reads", "Scaling"]

MISSING = "<missing>"
OTHER = "<other>"

Scaling = Literal["standard", "minmax", "robust", "none"]
Reads = Literal["number", "boolean", "date"]


class NumericColumn(msgspec.Struct, frozen=True, tag_field="kind", tag="numeric"):
    """A column that becomes (x - center) / scale, and a second input that says where x was missing.

    `fill` stands in for missing values; it is the median in training. `indicator` says whether there is
    the second input: it is there when a value was missing in training. `reads` says what the cells are:
    numbers, booleans (false 0, true 1) or dates (days since 1970-01-01).

    >>> NumericColumn("mass", fill=4050.0, indicator=True, center=4200.0, scale=800.0).feature_names
    ('mass', 'mass is missing')
    """

    name: str
    fill: float
    indicator: bool
    center: float
    scale: float
    reads: Reads = "number"

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the inputs that the column becomes."""
        return (self.name, f"{self.name} is missing") if self.indicator else (self.name,)


class CategoricalColumn(msgspec.Struct, frozen=True, tag_field="kind", tag="categorical"):
    """A column that becomes one input for each category: 1 where it is the row's, else 0.

    The last category is always "<other>": values that training never or too seldom showed. "<missing>"
    stands before it when a value was missing in training.

    >>> CategoricalColumn("island", ("Biscoe", "Dream", "<other>")).feature_names
    ('island=Biscoe', 'island=Dream', 'island=<other>')
    """

    name: str
    categories: tuple[str, ...]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the inputs that the column becomes."""
        return tuple(f"{self.name}={category}" for category in self.categories)


class DroppedColumn(msgspec.Struct, frozen=True, tag_field="kind", tag="dropped"):
    """A column that is not used, and why.

    >>> DroppedColumn("id", "one value for each row").why
    'one value for each row'
    """

    name: str
    why: str
