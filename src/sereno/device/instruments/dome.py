"""Dome: a shutter that opens and a roof that turns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from sereno.device.authoring.declare import bounds, command, tag

from .instrument import LOOK, Instrument

Azimuth = Annotated[float, bounds(0, 360, unit="deg")]


class ShutterState(Enum):
    """Where a shutter is."""

    CLOSED = "closed"
    OPEN = "open"
    OPENING = "opening"
    CLOSING = "closing"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class DomeStatus:
    """How a dome is; azimuth in degrees, north 0, east 90."""

    shutter: ShutterState | None
    azimuth: float | None
    turning: bool
    parked: bool | None


class Dome(Instrument):
    """A dome. Whether it may open is the plant's business: interlocks and guards, and in the end its PLC."""

    shutter: ShutterState = tag(scan=LOOK, description="Where the shutter is")
    azimuth: float = tag(
        unit="deg", scan=LOOK, low=0, high=360, decimals=1, description="Of the opening: north 0, east 90"
    )
    turning: bool = tag(scan=LOOK, description="The roof moves")
    parked: bool = tag(scan=LOOK, description="At its park position")

    async def observe(self) -> DomeStatus:
        """See Instrument."""
        raise NotImplementedError

    async def do_open(self) -> None:
        """Begin to open the shutter. Raises DeviceError."""
        raise NotImplementedError

    async def do_close(self) -> None:
        """Begin to close the shutter."""
        raise NotImplementedError

    async def do_turn(self, azimuth: float) -> None:
        """Begin to turn there."""
        raise NotImplementedError

    async def do_park(self) -> None:
        """Begin to go to the park position."""
        raise NotImplementedError

    async def do_abort(self) -> None:
        """Stop moving."""
        raise NotImplementedError

    @command
    async def open(self) -> None:
        """Begin to open the shutter."""
        await self.do_open()
        await self.look_again()

    @command
    async def close(self) -> None:
        """Begin to close the shutter."""
        await self.do_close()
        await self.look_again()

    @command
    async def turn(self, azimuth: Azimuth) -> None:
        """Begin to turn the opening to this azimuth."""
        await self.do_turn(azimuth % 360.0)
        await self.look_again()

    @command
    async def park(self) -> None:
        """Begin to turn to the park position."""
        await self.do_park()
        await self.look_again()

    @command
    async def abort(self) -> None:
        """Stop shutter and roof, wherever they are."""
        await self.do_abort()
        await self.look_again()
