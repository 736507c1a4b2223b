"""What a report says, before it has a form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sereno.client import Aggregates, AlarmEvent, AlarmFigures, LogEntry
from sereno.model import TagSpec

from .schedule import Period
from .spec import ReportSpec, Shown

SURE = 1e-4
"""A smaller part of the time that is not known is not worth a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """The value at the end of the period, None where it is not known. It held from `t` on, and is known to have held
    until `until`; times ns UTC, 0 = the end. `remark`: what its quality says. `unit`: its own, not that of the tag now.
    """

    value: float | int | str | None = None
    t: int = 0
    until: int = 0
    unit: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """Figures of a tag by the name of the aggregate, NaN where there is none. `good`: the part of the time known."""

    spec: TagSpec
    good: float = 0.0
    figures: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, float] = field(default_factory=dict)
    last: Last | None = None
    curve: Aggregates | None = None

    @property
    def unknown(self) -> float:
        """The part of the period of which the value is not known."""
        return max(0.0, 1.0 - self.good)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table of the report with its rows."""

    shown: Shown
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Content:
    """A whole report. `alarms`, `log` None where it has no such section; `cut` if there was more than is listed.
    `no_alarms`: there was to be one of alarms, and none are kept.

    `so_far`: the period is not over. `made`, `due` ns UTC.
    """

    spec: ReportSpec
    period: Period
    made: int
    due: int
    tables: tuple[Table, ...] = ()
    alarms: AlarmFigures | None = None
    no_alarms: bool = False
    events: tuple[AlarmEvent, ...] = ()
    log: tuple[LogEntry, ...] | None = None
    events_cut: bool = False
    log_cut: bool = False
    so_far: bool = False
    late: bool = False
    skipped: int = 0
