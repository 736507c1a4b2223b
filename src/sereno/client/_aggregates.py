"""What samples amount to in the buckets of a calendar, as a request and as columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._values import F64, I64

AGGREGATES: Mapping[str, str] = {
    "count": "samples that are not bad",
    "mean": "their mean",
    "time_mean": "mean of the value by the time that it held",
    "min": "the least that the value was, held from before or sampled",
    "max": "the greatest",
    "std": "standard deviation of the samples (n - 1)",
    "first": "the first sample, empty if it is bad",
    "last": "the last sample, empty if it is bad",
    "good": "fraction of the time with a value that is not bad",
    "total": "integral over time: of m3/h in m3, of kW in kWh, else in unit times hours",
    "increase": "how far a counter went up; one that starts again counts from 0",
    "changes": "how often the value became another one",
    "states": "seconds in each state, of bool, enum, integer and string tags",
}
"""Names of aggregates, and what they are."""

DEFAULT_AGGREGATES = ("time_mean", "min", "max", "good")


@dataclass(frozen=True, slots=True)
class AggregateRequest:
    """Aggregates of tags in [start, end) ns UTC in buckets of `every` (as Every.parse takes it).

    `timezone` "" = that of the node's plant.
    """

    tags: tuple[str, ...]
    start: int
    end: int
    every: str
    aggregates: tuple[str, ...] = DEFAULT_AGGREGATES
    timezone: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Aggregates:
    """Aggregates of one tag. Buckets are [t, t_end) ns UTC; the first and the last are cut to the range.

    `columns` by name of the aggregate, NaN where there is nothing; `states` seconds in each state by its name.
    `units` of the columns where it is not `unit`; `timezone` is that of the calendar.
    """

    tag: str
    unit: str
    t: I64
    t_end: I64
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    states: Mapping[str, F64] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    timezone: str = "UTC"

    def to_arrow(self) -> Any:
        """A pyarrow.Table: `t`, `t_end` (timestamp ns UTC), a column per aggregate, `state.NAME` per state."""
        import pyarrow as pa

        stamp = pa.timestamp("ns", "UTC")
        columns: dict[str, Any] = {"t": pa.array(self.t, stamp), "t_end": pa.array(self.t_end, stamp)}
        columns |= {name: pa.array(column, from_pandas=True) for name, column in self.columns.items()}
        columns |= {f"state.{name}": pa.array(column) for name, column in self.states.items()}
        return pa.table(columns)

    def to_pandas(self) -> Any:
        """A pandas.DataFrame with the columns of `to_arrow`. Needs pandas."""
        return self.to_arrow().to_pandas()

    def to_polars(self) -> Any:
        """A polars.DataFrame with the columns of `to_arrow`. Needs polars."""
        import polars

        return polars.from_arrow(self.to_arrow())


def joined_aggregates(pieces: list[Aggregates]) -> Aggregates:
    """Pieces of one tag that follow each other, as one."""
    if len(pieces) == 1:
        return pieces[0]
    names = list(dict.fromkeys(name for piece in pieces for name in piece.states))
    return Aggregates(
        pieces[0].tag,
        pieces[0].unit,
        np.concatenate([p.t for p in pieces]),
        np.concatenate([p.t_end for p in pieces]),
        {name: np.concatenate([p.columns[name] for p in pieces]) for name in pieces[0].columns},
        {n: np.concatenate([p.states.get(n, np.zeros(len(p.t))) for p in pieces]) for n in names},
        pieces[0].units,
        pieces[0].timezone,
    )
