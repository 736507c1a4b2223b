"""A simulated dome: shutter and roof take their time, the shutter can jam, and closes when nobody asks any more."""

from __future__ import annotations

from sereno.device.instruments import ShutterState
from sereno.model import Clock, DeviceError

JAM_NOTICED = 2.0
"""How many times its usual time a shutter may take until the dome says that it is in an error."""


class SimDome:
    """`seconds` from closed to open, `rate` degrees per second, `watchdog` seconds without `heard` until it closes."""

    def __init__(
        self, clock: Clock, *, seconds: float = 12.0, rate: float = 6.0, park: float = 0.0, watchdog: float = 0.0
    ) -> None:
        self.clock = clock
        self.seconds, self.rate, self.park_azimuth = seconds, rate, park
        self._open, self._target, self._begun = 0.0, 0.0, 0.0
        self._jammed_at: float | None = None
        self.watchdog = watchdog
        self._heard = clock.monotonic()
        self._azimuth, self._goal, self._left = park, park, 0.0
        self._parking = True

    @property
    def jammed(self) -> bool:
        """The shutter does not move."""
        return self._jammed_at is not None

    def jam(self, on: bool) -> None:
        """Let the shutter stick where it is, or go on."""
        opening = self.opening
        if on:
            self._jammed_at = opening
        elif self.jammed:
            self._jammed_at = None
            self._open, self._begun = opening, self.clock.monotonic()

    @property
    def opening(self) -> float:
        """How far it is open, 0 to 1."""
        self._help_itself()
        return self._opening_at(self.clock.monotonic())

    def heard(self) -> None:
        """Somebody asked it something."""
        self._help_itself()
        self._heard = self.clock.monotonic()

    def _help_itself(self) -> None:
        """Close, from the moment on at which nobody had been heard for so long."""
        silent = self._heard + self.watchdog
        if self.watchdog and self._target > 0.0 and self.clock.monotonic() >= silent:
            self._open, self._target, self._begun = self._opening_at(silent), 0.0, silent

    def _opening_at(self, moment: float) -> float:
        if self._jammed_at is not None:
            return self._jammed_at
        way = (moment - self._begun) / self.seconds
        if self._target > self._open:
            return min(self._target, self._open + way)
        return max(self._target, self._open - way)

    @property
    def shutter(self) -> ShutterState:
        """What the shutter does."""
        if self.opening == self._target:
            return {0.0: ShutterState.CLOSED, 1.0: ShutterState.OPEN}.get(self._target, ShutterState.ERROR)
        if self.jammed and self.clock.monotonic() > self._begun + JAM_NOTICED * self.seconds:
            return ShutterState.ERROR
        return ShutterState.OPENING if self._target > self.opening else ShutterState.CLOSING

    def move(self, target: float) -> None:
        """Begin to open (1) or to close (0)."""
        self.heard()
        now = self.opening
        self._open, self._target, self._begun = now, target, self.clock.monotonic()

    @property
    def azimuth(self) -> float:
        """Of the opening, degrees."""
        gone = (self.clock.monotonic() - self._left) * self.rate
        way = (self._goal - self._azimuth + 180.0) % 360.0 - 180.0
        return self._goal if gone >= abs(way) else (self._azimuth + (gone if way > 0 else -gone)) % 360.0

    @property
    def turning(self) -> bool:
        """The roof moves."""
        return self.azimuth != self._goal

    @property
    def parked(self) -> bool:
        """At its park position, sent there."""
        return self._parking and not self.turning

    def turn(self, azimuth: float) -> None:
        """Begin to turn. Raises DeviceError."""
        if not 0 <= azimuth < 360:
            raise DeviceError("invalid_value", f"azimuth {azimuth:g}, expected 0 to 360 deg")
        self._azimuth, self._goal, self._left = self.azimuth, azimuth, self.clock.monotonic()
        self._parking = False

    def park(self) -> None:
        """Begin to turn to the park position."""
        self.turn(self.park_azimuth)
        self._parking = True

    def abort(self) -> None:
        """Stop roof and shutter."""
        self._azimuth = self._goal = self.azimuth
        self._open = self._target = self.opening
