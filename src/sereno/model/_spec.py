"""TagSpec: what is declared about a tag."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field
from enum import StrEnum

from ._ids import TagId, check_path, split_tag_path, tag_id


class ValueType(StrEnum):
    """Type of a tag's value. Numeric types, booleans and enum codes are rows; the others are objects."""

    BOOL = "bool"
    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    ENUM = "enum"
    STRING = "string"

    @property
    def is_exact(self) -> bool:
        """True where float64 cannot hold every value: an int64 stands beside the row."""
        return self in (ValueType.INT64, ValueType.UINT64)

    @property
    def is_float(self) -> bool:
        """True for float32 and float64."""
        return self in (ValueType.FLOAT32, ValueType.FLOAT64)


class Access(StrEnum):
    """Who may move the value: the device only, both, or commands only."""

    READ = "read"
    READ_WRITE = "read_write"
    WRITE = "write"

    @property
    def writable(self) -> bool:
        """True if a command may set the tag."""
        return self is not Access.READ


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Alarm limits in the tag's unit; None = no such limit."""

    lolo: float | None = None
    lo: float | None = None
    hi: float | None = None
    hihi: float | None = None
    deadband: float = 0.0
    priority: int | None = None
    response: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What a command waits for before it is sent, and what it depends on, if on anything.

    `select` seconds for its own actor to execute it, `approval` seconds for a second person (0 = neither), and whoever
    lets it go on signs with one of the meanings in `sign`. It goes only while the expression `interlock` is true and
    good. Its end is awaited for `timeout` seconds (0 = as long as usual).
    """

    select: float = 0.0
    approval: float = 0.0
    sign: tuple[str, ...] = ()
    interlock: str = ""
    timeout: float = 0.0

    @property
    def marked(self) -> bool:
        """True if it waits for people."""
        return bool(self.select or self.approval or self.sign)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setpoint(Marks):
    """How a writable tag is commanded. `readback` is "self" or another tag's path.

    The ack is done only when the readback differs from the value by at most `tolerance`
    within `timeout` seconds. A command moves the value by at most `max_step`, and by at most
    `max_rate` times the seconds since the last one; both in the tag's unit. A marked one waits for people, see Marks.
    """

    low: float | None = None
    high: float | None = None
    max_step: float | None = None
    max_rate: float | None = None
    readback: str = "self"
    tolerance: float = 0.0
    timeout: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSpec:
    """Declaration of one tag. `path` = device path + '/' + name; `shape` () = scalar, a length of 0 = any.

    `low`/`high` is the range that the value may be trusted in (outside: uncertain).
    `deadband` is absolute, in the tag's unit; `deadband_percent` is of high - low. `clock`: the tag is the device's own
    clock, in seconds since 1970 UTC, and that many seconds off are still right.
    """

    path: str
    type: ValueType = ValueType.FLOAT64
    unit: str = ""
    description: str = ""
    access: Access = Access.READ
    shape: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    deadband: float = 0.0
    deadband_percent: float = 0.0
    limits: Limits | None = None
    setpoint: Setpoint = field(default_factory=Setpoint)
    clock: float | None = None
    was: str = ""

    def __post_init__(self) -> None:
        check_path(self.path)
        if self.type is ValueType.ENUM and not self.labels:
            raise ValueError(f"tag {self.path!r} is an enum without labels; add labels = [...]")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"tag {self.path!r} has low = {self.low:g} above high = {self.high:g}; swap them")
        if self.was:
            check_path(self.was)

    @property
    def id(self) -> TagId:
        """Stable id, from the birth path (`was`, else `path`)."""
        return tag_id(self.was or self.path)

    @property
    def device(self) -> str:
        """Path of the device that the tag belongs to."""
        return split_tag_path(self.path)[0]

    @property
    def name(self) -> str:
        """Last segment of the path."""
        return split_tag_path(self.path)[1]

    @property
    def is_row(self) -> bool:
        """True if values travel in the columns, False if as objects beside them."""
        return not self.shape and self.type is not ValueType.STRING

    @property
    def deadband_absolute(self) -> float:
        """The deadband in the tag's unit, the larger of the two declarations."""
        span = (self.high - self.low) if self.high is not None and self.low is not None else 0.0
        return max(self.deadband, self.deadband_percent * span / 100.0)


def match_paths(glob: str, paths: list[str]) -> list[str]:
    """The paths that `glob` names, in their order: '*' and '?' also cross '/', case matters.

    A glob without wildcard matches the path itself and everything below it.
    """
    if not any(c in glob for c in "*?["):
        return [p for p in paths if p == glob or p.startswith(glob + "/")]
    matcher = re.compile(fnmatch.translate(glob))
    return [p for p in paths if matcher.match(p)]
