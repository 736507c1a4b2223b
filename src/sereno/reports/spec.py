"""What a plant file declares of a report."""

from __future__ import annotations

from dataclasses import dataclass, field

from sereno.client import AGGREGATES, Calendar, Every
from sereno.model import TagSpec

FORMATS = ("html", "csv")
MOST_TAGS = 2000
"""Tags of one report; more are refused when the plant file is read."""
_OF_TEXTS = ("last", "count", "changes", "good", "states")
_OF_ARRAYS = ("last", "count", "good")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A table of a report: tags by glob, what is shown of each (names of AGGREGATES), and whether they are drawn."""

    tags: tuple[str, ...]
    show: tuple[str, ...]
    title: str = ""
    plot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSpec:
    """A report of each period `every` of the calendar, due `delay` seconds after its end, or at the minute `at` of the
    day by the local clock that comes next then. At most `catch_up` are made late, at most `keep` kept, each `keep_for`
    seconds (0 = for ever). `folder` "" = only where the node keeps them; `by`, `to` as in a step of [notices].
    """

    name: str
    title: str
    every: Every
    calendar: Calendar
    tables: tuple[Shown, ...] = ()
    alarms: bool = False
    logbook: bool = False
    at: int | None = None
    delay: float = 60.0
    formats: tuple[str, ...] = FORMATS
    folder: str = ""
    by: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    language: str = "en"
    catch_up: int = 3
    keep: int = 400
    keep_for: float = 0.0
    plant: str = field(default="", compare=False)

    @property
    def globs(self) -> tuple[str, ...]:
        """The tags of all tables."""
        return tuple(dict.fromkeys(glob for table in self.tables for glob in table.tags))

    @property
    def period(self) -> str:
        """As the plant file has it."""
        names = {"d": "day", "w": "week", "mo": "month", "shift": "shift"}
        return names.get(self.every.unit, f"{self.every.count}{self.every.unit}")

    @property
    def time_of_day(self) -> str:
        """When it is made, "" for at the end of the period."""
        return "" if self.at is None else f"{self.at // 60:02}:{self.at % 60:02}"


def fits(spec: TagSpec, name: str) -> bool:
    """True if values of this tag have the aggregate."""
    if name == "states":
        return not spec.shape and not spec.type.is_float
    if spec.is_row:
        return name in AGGREGATES
    return name in (_OF_ARRAYS if spec.shape else _OF_TEXTS)
