"""Telescope: a mount that points, tracks and parks. Coordinates are J2000."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from sereno.device.authoring.declare import bounds, command, tag

from .instrument import ANYHOW, LOOK, Instrument

Hours = Annotated[float, bounds(0, 24, unit="h")]
Declination = Annotated[float, bounds(-90, 90, unit="deg")]


class TelescopeState(Enum):
    """What a telescope does."""

    PARKED = "parked"
    IDLE = "idle"
    SLEWING = "slewing"
    TRACKING = "tracking"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class TelescopeStatus:
    """How a telescope is: right ascension in hours, angles in degrees, J2000."""

    state: TelescopeState
    right_ascension: float | None
    declination: float | None
    altitude: float | None
    azimuth: float | None
    tracking: bool
    parked: bool


class Telescope(Instrument):
    """A telescope's mount."""

    activity: TelescopeState = tag(name="state", scan=LOOK, description="What the mount does")
    right_ascension: float = tag(unit="h", scan=LOOK, low=0, high=24, decimals=4, description="Right ascension, J2000")
    declination: float = tag(unit="deg", scan=LOOK, low=-90, high=90, decimals=3, description="Declination, J2000")
    altitude: float = tag(unit="deg", scan=LOOK, low=-90, high=90, decimals=2, description="Height above the horizon")
    azimuth: float = tag(unit="deg", scan=LOOK, low=0, high=360, decimals=2, description="North 0, east 90")
    tracking: bool = tag(scan=LOOK, description="Follows the sky")
    parked: bool = tag(scan=LOOK, description="At its park position, refuses to move")

    async def observe(self) -> TelescopeStatus:
        """See Instrument."""
        raise NotImplementedError

    async def do_slew(self, right_ascension: float, declination: float) -> None:
        """Begin to slew. Raises DeviceError."""
        raise NotImplementedError

    async def do_track(self, on: bool) -> None:
        """Follow the sky, or stop that."""
        raise NotImplementedError

    async def do_park(self) -> None:
        """Begin to go to the park position."""
        raise NotImplementedError

    async def do_unpark(self) -> None:
        """Allow movements again."""
        raise NotImplementedError

    async def do_abort(self) -> None:
        """Stop moving."""
        raise NotImplementedError

    @command
    async def slew(self, right_ascension: Hours, declination: Declination) -> None:
        """Begin to slew there (J2000) and track afterwards."""
        await self.begin(self.do_slew(right_ascension % 24.0, declination))
        await self.look_again()

    @command
    async def track(self, on: bool) -> None:
        """Follow the sky, or stand still."""
        await self.begin(self.do_track(on))
        await self.look_again()

    @command(at_once=True, allowed=ANYHOW)
    async def park(self) -> None:
        """Begin to go to the park position, whatever else is under way."""
        self.overtake()
        await self.do_park()
        await self.look_again()

    @command
    async def unpark(self) -> None:
        """Allow movements again."""
        await self.begin(self.do_unpark())
        await self.look_again()

    @command(at_once=True, allowed=ANYHOW)
    async def abort(self) -> None:
        """Stop moving, wherever it is."""
        self.overtake()
        await self.do_abort()
        await self.look_again()
