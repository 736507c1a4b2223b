"""A simulated mount: it slews at a rate, tracks, parks, and refuses what is too low. Positions are of date."""

from __future__ import annotations

from dataclasses import dataclass

from sereno.device.instruments import sky
from sereno.model import Clock, DeviceError

PARK = 0.0
"""Hour angle of the park position, which looks at the pole."""


@dataclass(frozen=True, slots=True)
class _Move:
    """From one place to another; the first number is a right ascension, or an hour angle where `fixed`."""

    start: tuple[float, float]
    end: tuple[float, float]
    begun: float
    seconds: float
    fixed: bool


class SimTelescope:
    """A mount at a site. `rate` degrees per second on both axes at once; `lowest` degrees that it points at."""

    def __init__(
        self,
        clock: Clock,
        *,
        latitude: float = 31.0439,
        longitude: float = -115.4637,
        elevation: float = 2800.0,
        rate: float = 5.0,
        settle: float = 1.0,
        lowest: float = 10.0,
    ) -> None:
        self.clock = clock
        self.latitude, self.longitude, self.elevation = latitude, longitude, elevation
        self.rate, self.settle, self.lowest = rate, settle, lowest
        self.parked = True
        self.stuck = False
        self._tracking = False
        self._place = (PARK, self._park_declination)  # an hour angle while it stands, a right ascension while it tracks
        self._move: _Move | None = None

    @property
    def now(self) -> float:
        """Unix seconds."""
        return self.clock.wall_ns() / 1e9

    @property
    def sidereal(self) -> float:
        """Sidereal time at the site, hours."""
        return sky.sidereal_time(self.now, self.longitude)

    @property
    def tracking(self) -> bool:
        """Follows the sky."""
        self._arrive()
        return self._tracking

    @property
    def slewing(self) -> bool:
        """On its way, or shaking still."""
        self._arrive()
        return self._move is not None

    def position(self) -> tuple[float, float]:
        """Right ascension in hours and declination of the equinox of date."""
        self._arrive()
        if self._move is None:
            fixed, place = not self._tracking, self._place
        else:
            fixed, place = self._move.fixed, self._along(self._move)
        return ((self.sidereal - place[0]) % 24.0 if fixed else place[0]), place[1]

    def pointing(self) -> tuple[float, float]:
        """The same for J2000."""
        return sky.of_j2000(*self.position(), self.now)

    def horizontal(self) -> tuple[float, float]:
        """Altitude and azimuth."""
        place = self.position()
        return sky.horizontal(self.sidereal - place[0], place[1], self.latitude)

    def slew(self, right_ascension: float, declination: float) -> None:
        """Begin to slew, and track afterwards. Raises DeviceError."""
        self._awake()
        altitude, _ = sky.horizontal(self.sidereal - right_ascension, declination, self.latitude)
        if altitude < self.lowest:
            words = f"that is {altitude:.1f} deg above the horizon, the lowest is {self.lowest:g}"
            raise DeviceError("invalid_value", words)
        self._begin((right_ascension, declination), fixed=False)
        self._tracking = True

    def slew_horizontal(self, altitude: float, azimuth: float) -> None:
        """Begin to slew to a place above the horizon, and stand there. Raises DeviceError."""
        self._awake()
        if altitude < self.lowest:
            raise DeviceError("invalid_value", f"altitude {altitude:g} deg, the lowest is {self.lowest:g}")
        self._begin(sky.equatorial(altitude, azimuth, self.latitude), fixed=True)
        self._tracking = False

    def track(self, on: bool) -> None:
        """Follow the sky or stand. Raises DeviceError."""
        self._awake()
        place = self.position()
        self._move = None
        self._stand(place, tracking=on)

    def sync(self, right_ascension: float, declination: float) -> None:
        """Believe that it points there. Raises DeviceError."""
        self._awake()
        self._move = None
        self._stand((right_ascension, declination), tracking=self._tracking)

    def park(self) -> None:
        """Begin to go to the park position."""
        if not self.parked:
            self._begin((PARK, self._park_declination), fixed=True)
            self._tracking, self.parked = False, True

    def unpark(self) -> None:
        """Allow movements."""
        self._arrive()
        if self._move is None:
            self.parked = False

    def abort(self) -> None:
        """Stop where it is."""
        place = self.position()
        if self._move is not None:
            self._move, self.parked = None, False
            self._stand(place, tracking=self._tracking)

    @property
    def _park_declination(self) -> float:
        return 90.0 if self.latitude >= 0 else -90.0

    def _awake(self) -> None:
        if self.parked:
            raise DeviceError("parked", "the mount is parked; unpark it first")

    def _stand(self, place: tuple[float, float], *, tracking: bool) -> None:
        self._tracking = tracking
        self._place = place if tracking else ((self.sidereal - place[0]) % 24.0, place[1])

    def _begin(self, end: tuple[float, float], *, fixed: bool) -> None:
        place = self.position()
        start = ((self.sidereal - place[0]) % 24.0, place[1]) if fixed else place
        farthest = max(abs(_shortest(start[0], end[0])) * 15.0, abs(end[1] - start[1]))
        self._move = _Move(start, end, self.clock.monotonic(), farthest / self.rate, fixed)

    def _along(self, move: _Move) -> tuple[float, float]:
        done = 1.0 if move.seconds <= 0 else min(1.0, (self.clock.monotonic() - move.begun) / move.seconds)
        turned = (move.start[0] + done * _shortest(move.start[0], move.end[0])) % 24.0
        return turned, move.start[1] + done * (move.end[1] - move.start[1])

    def _arrive(self) -> None:
        move = self._move
        if move is None or self.stuck or self.clock.monotonic() < move.begun + move.seconds + self.settle:
            return
        self._move, self._place = None, move.end


def _shortest(start: float, end: float) -> float:
    """Hours to go, the shorter way."""
    return (end - start + 12.0) % 24.0 - 12.0
