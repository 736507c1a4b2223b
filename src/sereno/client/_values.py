"""What the ports hand over: readings, updates, series, status of devices, traces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.model import LinkState, OperationalState, Override, TagSpec

from ._described import CommandSpec

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
U16 = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Reading:
    """The present value of one tag: number, bool, enum label, string or array; None when there never was one.

    `reason` says why the quality is not good, in words. `age` seconds since the sample entered the hub
    or was last confirmed by a scan, by monotonic time.
    """

    tag: TagSpec
    value: Any
    quality: int
    reason: str
    t_source: int
    age: float


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """Columns of what changed for a subscription. `index` are positions in `Subscription.tags`.

    All columns have equal length; `exact_rows` are positions in this update whose int64 value is
    in `exact_values`; `objects` are (position in `Subscription.tags`, value, t_source, quality).
    `reasons` maps positions in `Subscription.tags` to words for values that are not good.
    `snapshot` marks a full picture; `seq` grows by one per update of the subscription;
    `dropped` counts the updates that were merged into this one because the reader was slow.
    """

    seq: int
    t_hub: int
    snapshot: bool
    index: I32
    values: F64
    t_source: I64
    quality: U16
    exact_rows: I32
    exact_values: I64
    objects: tuple[tuple[int, Any, int, int], ...] = ()
    reasons: dict[int, str] = field(default_factory=dict)
    dropped: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Present:
    """Columns of what a read plan's tags are now. Rows are all its row tags in order, at the positions `index`.

    `ages` seconds as in Reading, one per row, `object_ages` by position; the others as in Update.
    """

    t_hub: int
    index: I32
    values: F64
    t_source: I64
    quality: U16
    exact_rows: I32
    exact_values: I64
    ages: F32
    objects: tuple[tuple[int, Any, int, int], ...] = ()
    object_ages: dict[int, float] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """Samples of tags in [start, end) ns UTC; `points` = number of buckets per tag, None = raw."""

    tags: tuple[str, ...]
    start: int
    end: int
    points: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """History of one tag, by time. Raw: `value` is each sample, `low`, `high`, `count` are None; the one in force at
    the start comes first, with its own earlier time.

    Buckets: `t` is the bucket's start (from 8 minutes of length on, buckets begin at whole minutes, hours or days UTC),
    `value` the mean of the samples that are not bad, `low`/`high` the extremes, `count` how many; with count 0 all
    three are the value in force, or NaN where none is known. A gap is a row of bad quality (value NaN). `exact` holds
    int64 (of uint64 tags: uint64) where float64 cannot. `objects` replaces `value` for strings and arrays, which are
    always raw. `covered_until` ns UTC: the last sample is known to hold until then.

    `unit`, `type` and `labels` are those of the definition that applies, which holds from `since` (ns UTC, 0 = ever).
    Samples from before, in the units `converted`, are converted to it. What cannot be said in the present definition
    comes as a Series of its own before the other, with the time `until` which its definition held (0 = still).
    """

    tag: str
    unit: str
    t: I64
    value: F64
    quality: U16
    low: F64 | None = None
    high: F64 | None = None
    count: I64 | None = None
    exact: I64 | None = None
    objects: tuple[Any, ...] | None = None
    covered_until: int = 0
    type: str = ""
    labels: tuple[str, ...] = ()
    since: int = 0
    until: int = 0
    converted: tuple[str, ...] = ()

    def to_arrow(self) -> Any:
        """A pyarrow.Table: see `arrow_table`."""
        from ._frames import arrow_table

        return arrow_table(self)

    def to_pandas(self) -> Any:
        """A pandas.DataFrame with the columns of `to_arrow`. Needs pandas."""
        return self.to_arrow().to_pandas()

    def to_polars(self) -> Any:
        """A polars.DataFrame with the columns of `to_arrow`. Needs polars."""
        import polars

        return polars.from_arrow(self.to_arrow())


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """A scan group as it runs. Times in seconds; `overruns` = periods missed because a scan lasted too long."""

    name: str
    period: float
    phase: float
    tags: int
    scans: int
    overruns: int
    incomplete: int
    last_duration: float
    worst_duration: float
    last_scan: int
    stale: bool


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """A device as it is: operational state, link state apart from it, last error in words, counters.

    `maintenance`: it, or a device above it, is tagged out; commands to it are refused. `remarks`: what its driver
    found out about it, in words. `status`: what the device says of itself. `commands`: what may be called.
    """

    path: str
    driver: str
    url: str
    state: OperationalState
    link: LinkState
    last_error: str
    since: int
    stale_after: float
    groups: tuple[GroupStatus, ...] = ()
    counters: dict[str, int] = field(default_factory=dict)
    description: str = ""
    maintenance: Override | None = None
    remarks: tuple[str, ...] = ()
    status: str = ""
    commands: tuple[CommandSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One raw frame of a link: `direction` "tx", "rx" or "note"; `text` decodes it in words."""

    t: int
    link: str
    direction: str
    data: bytes
    text: str
