"""What a device is built from: frozen declarations, without a connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sereno.model import Marks, check_path

from ._driver import Driver, DriverTag

DEFAULT_GROUP = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryConfig:
    """Back-off between attempts to connect, in seconds: `initial`, times `factor` each time, at most `max`.

    Each wait is shortened by a random part of up to `jitter` (0 to 1) of it. An attempt may take `connect_timeout`.
    A link that is up but has answered nobody for `silence` is connected anew.
    """

    initial: float = 0.5
    factor: float = 2.0
    max: float = 30.0
    jitter: float = 0.2
    connect_timeout: float = 10.0
    silence: float = 5.0

    def __post_init__(self) -> None:
        if not 0 < self.initial <= self.max:
            raise ValueError(f"retry initial={self.initial} s, max={self.max} s: expected 0 < initial <= max")
        if self.factor < 1 or not 0 <= self.jitter <= 1:
            raise ValueError(f"retry factor={self.factor}, jitter={self.jitter}: expected factor >= 1, jitter 0 to 1")
        if self.connect_timeout <= 0 or self.silence <= 0:
            raise ValueError("retry connect_timeout and silence must be more than 0 s")


@dataclass(frozen=True, slots=True)
class GroupConfig:
    """A scan group: `period` seconds, first at `phase` seconds after the start (None = spread by its name).

    `held`: its values are at hand in the driver, so that it is scanned without waiting for the link.
    """

    period: float
    phase: float | None = None
    held: bool = False

    def __post_init__(self) -> None:
        if self.period <= 0 or (self.phase is not None and self.phase < 0):
            raise ValueError(f"scan group with period={self.period} s, phase={self.phase} s: expected > 0 and >= 0")


@dataclass(frozen=True, slots=True)
class DeviceTag:
    """A tag with its address and the scan group that reads it."""

    tag: DriverTag
    group: str = DEFAULT_GROUP


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceConfig:
    """One device. `config` is an instance of `driver.Config`; `driver_name` is what people call the driver.
    `marks`: which of its named commands wait for people. `reading`: whether one only reads, where the plant file says
    so or that it does not; what is not there is as the driver's code says.

    `stale_after` counts for groups whose period is shorter; the others, and all where it is None, have the longer
    of two periods and 1 s. Of the devices that share a link, the first one's `retry` counts. Raises ValueError for a
    group that does not exist or a tag elsewhere.
    """

    path: str
    driver: type[Driver]
    config: Any
    groups: Mapping[str, GroupConfig] = field(default_factory=lambda: {DEFAULT_GROUP: GroupConfig(1.0)})
    tags: tuple[DeviceTag, ...] = ()
    stale_after: float | None = None
    retry: RetryConfig = field(default_factory=RetryConfig)
    description: str = ""
    driver_name: str = ""
    marks: Mapping[str, Marks] = field(default_factory=dict)
    reading: Mapping[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_path(self.path, segments=1)
        if self.stale_after is not None and self.stale_after <= 0:
            raise ValueError(f"device {self.path!r} with stale_after={self.stale_after} s, expected more than 0")
        for entry in self.tags:
            spec = entry.tag.spec
            if entry.group not in self.groups:
                known = ", ".join(self.groups)
                raise ValueError(f"tag {spec.path!r} is in scan group {entry.group!r}, the device has {known}")
            if spec.device != self.path:
                raise ValueError(f"tag {spec.path!r} is declared at device {self.path!r}")

    def stale_after_of(self, group: str) -> float:
        """Seconds without a batch after which the group's tags are stale."""
        period = self.groups[group].period
        if self.stale_after is not None and self.stale_after > period:
            return self.stale_after
        return max(2.0 * period, 1.0)
