"""Simulated filter wheel, focuser, weather station, safety monitor and box of switches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sereno.device.instruments import ConditionsStatus, SwitchChannel
from sereno.model import Clock, DeviceError

FILTERS = ("clear", "u", "g", "r", "i", "z")
WEATHER = ConditionsStatus(
    temperature=12.12,
    humidity=64.1,
    dew_point=8.3,
    pressure=769.2,
    rain_rate=0.0,
    wind_speed=3.1,
    wind_direction=202.3,
    wind_gust=4.4,
    sky_temperature=-15.67,
    cloud_cover=5.0,
    sky_brightness=0.01,
    seeing=1.1,
)
SWITCHES = (
    SwitchChannel(name="Flat lamp", description="Lights the inside of the dome", writable=True),
    SwitchChannel(name="Dew heater", description="Power of the heater, percent", writable=True, high=100, step=1),
    SwitchChannel(name="Mains voltage", description="Volts", high=260, step=0.1),
)


class SimWheel:
    """A filter wheel; `seconds` from one place to the next."""

    def __init__(self, clock: Clock, filters: Sequence[str] = FILTERS, *, seconds: float = 1.0) -> None:
        self.clock = clock
        self.filters = tuple(filters)
        self.seconds = seconds
        self.stuck = False
        self._place, self._arrives = 0, 0.0

    @property
    def position(self) -> int:
        """Place in the beam; -1 while it moves."""
        return -1 if self.stuck or self.clock.monotonic() < self._arrives else self._place

    @property
    def filter(self) -> str:
        """In the beam; empty while it moves."""
        return self.filters[self._place] if self.position >= 0 else ""

    def move(self, position: int) -> None:
        """Begin to move. Raises DeviceError."""
        if not 0 <= position < len(self.filters):
            raise DeviceError("invalid_value", f"place {position}, expected 0 to {len(self.filters) - 1}")
        steps = abs(position - self._place)
        self._arrives = self.clock.monotonic() + self.seconds * min(steps, len(self.filters) - steps)
        self._place = position


class SimFocuser:
    """A focuser; `best` is where stars are sharp, `rate` steps per second."""

    def __init__(self, clock: Clock, *, best: int = 5000, most: int = 10000, rate: float = 500.0) -> None:
        self.clock = clock
        self.best, self.most, self.rate = best, most, rate
        self.temperature = 11.5
        self._from, self._goal, self._begun = best, best, 0.0

    @property
    def position(self) -> int:
        """Steps."""
        gone = (self.clock.monotonic() - self._begun) * self.rate
        way = self._goal - self._from
        return self._goal if gone >= abs(way) else round(self._from + (gone if way > 0 else -gone))

    @property
    def moving(self) -> bool:
        """On its way."""
        return self.position != self._goal

    def move(self, position: int) -> None:
        """Begin to move. Raises DeviceError."""
        if not 0 <= position <= self.most:
            raise DeviceError("invalid_value", f"step {position}, expected 0 to {self.most}")
        self._from, self._goal, self._begun = self.position, position, self.clock.monotonic()

    def abort(self) -> None:
        """Stop."""
        self._from = self._goal = self.position


@dataclass(slots=True)
class SimConditions:
    """A weather station: what it says, as a scenario sets it."""

    now: ConditionsStatus = WEATHER


@dataclass(slots=True)
class SimSafety:
    """A safety monitor."""

    safe: bool = True


@dataclass(slots=True)
class SimSwitches:
    """A box of switches."""

    channels: tuple[SwitchChannel, ...] = SWITCHES
    values: list[float] = field(default_factory=lambda: [0.0, 0.0, 229.6])

    def set(self, number: int, value: float) -> None:
        """Set one. Raises DeviceError."""
        channel = self.channels[number]
        if not channel.writable:
            raise DeviceError("not_implemented", f"{channel.name} can only be read")
        if not channel.low <= value <= channel.high:
            raise DeviceError("invalid_value", f"{value:g}, expected {channel.low:g} to {channel.high:g}")
        self.values[number] = value
