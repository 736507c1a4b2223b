"""What a range of time amounts to: figures of each tag, a histogram, limits of the process, correlations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sereno.wire.jsonvalue import json_value


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlChart:
    """A chart of means and ranges (X-bar, R) of subgroups of `size` samples that follow each other; `count` of them.

    `mean` and `range` are the centre lines, limits three standard deviations away as Shewhart has them for this size;
    so many are beyond. The newest subgroups, at most 300: `t` ns UTC of the first sample, its mean, its range.
    """

    size: int
    count: int
    mean: float
    mean_lower: float
    mean_upper: float
    means_beyond: int
    range: float
    range_upper: float
    ranges_beyond: int
    t: tuple[int, ...]
    means: tuple[float, ...]
    ranges: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TagStatistics:
    """Figures of one tag. Aggregates as in AGGREGATES, NaN where there is nothing.

    `edges` (one more) and `seconds`: how long the value was in each bin. `lower` and `upper` are the limits of an
    individuals chart, mean -+ 2.66 times the mean moving range of the samples; `beyond` samples lie outside.
    """

    tag: str
    unit: str
    start: int
    end: int
    count: int
    mean: float
    time_mean: float
    std: float
    min: float
    max: float
    good: float
    edges: tuple[float, ...]
    seconds: tuple[float, ...]
    moving_range: float
    lower: float
    upper: float
    beyond: int
    chart: ControlChart


@dataclass(frozen=True, slots=True)
class Statistics:
    """Figures of tags in the order asked. `correlation[i][j]` of their means in `buckets` equal parts of the range in
    which both are known; NaN where one does not vary.
    """

    tags: tuple[TagStatistics, ...]
    correlation: tuple[tuple[float, ...], ...]
    buckets: int


def statistics_json(found: Statistics) -> dict[str, Any]:
    """The figures; NaN is null."""
    written: dict[str, Any] = json_value(asdict(found))
    return written


def parse_statistics(data: Mapping[str, Any]) -> Statistics:
    """The other way."""
    return Statistics(
        tuple(_tag(one) for one in data["tags"]),
        tuple(tuple(_number(r) for r in row) for row in data["correlation"]),
        data["buckets"],
    )


def _tag(data: Mapping[str, Any]) -> TagStatistics:
    given = {name: _number(value) for name, value in data.items() if name != "chart"}
    chart = ControlChart(**{name: _number(value) for name, value in data["chart"].items()})
    return TagStatistics(**given, chart=chart)


def _number(value: Any) -> Any:
    return float("nan") if value is None else tuple(value) if isinstance(value, list) else value
