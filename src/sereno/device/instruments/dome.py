"""Dome: a shutter that opens and a roof that turns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Annotated

from sereno.device.authoring.declare import bounds, command, tag
from sereno.model import DeliveryError, DeviceError, NotConnectedError

from .instrument import ANYHOW, LOOK, Instrument

ASTRAY = 60.0
"""Seconds for which an order to open that nobody has answered may still reach the dome."""
CLOSE_AGAIN = 3.0
"""Seconds between two orders to close of one command."""
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
    """How a dome is; azimuth in degrees, north 0, east 90.

    `shutter` may be UNKNOWN. `watchdog`: seconds without a question after which it closes by itself; 0 never.
    """

    shutter: ShutterState | float | None
    azimuth: float | None
    turning: bool
    parked: bool | None
    watchdog: float | None = None


class Dome(Instrument):
    """A dome. Whether it may open is the plant's business: interlocks and guards, and in the end its PLC."""

    shutter: ShutterState = tag(scan=LOOK, description="Where the shutter is")
    azimuth: float = tag(
        unit="deg", scan=LOOK, low=0, high=360, decimals=1, description="Of the opening: north 0, east 90"
    )
    turning: bool = tag(scan=LOOK, description="The roof moves")
    parked: bool = tag(scan=LOOK, description="At its park position")
    watchdog: float = tag(
        unit="s", scan=LOOK, decimals=0, description="Nobody heard for so long: it closes by itself; 0 never"
    )

    _astray_until: float = -inf
    _insists_until: float = -inf
    _told: float = 0.0
    _has_closed: bool = False

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

    async def heed(self, status: DomeStatus) -> None:
        """See Instrument: an order to open that comes after the one to close that overtook it is not the last word."""
        shutter = status.shutter
        if self._now() >= self._insists_until:
            return
        self._has_closed |= shutter in (ShutterState.CLOSED, ShutterState.CLOSING)
        opens = shutter is ShutterState.OPENING or (shutter is ShutterState.OPEN and self._has_closed)
        if not opens or self._now() - self._told < CLOSE_AGAIN:
            return
        self._told = self._now()
        self.log.warning("an order to open came after the one to close: it is closed again", shutter=shutter)
        try:
            await self.do_close()
        except (DeliveryError, DeviceError, OSError) as error:
            self.log.error("it could not be closed again", error=str(error))

    def _now(self) -> float:
        return self.surroundings.clock.monotonic()

    @command
    async def open(self) -> None:
        """Begin to open the shutter."""
        before, self._astray_until = self._astray_until, inf
        self._insists_until = -inf
        try:
            await self.begin(self.do_open())
        except (DeviceError, NotConnectedError):
            self._astray_until = before
            raise
        except BaseException:
            self._astray_until = self._now() + ASTRAY
            raise
        self._astray_until = before  # one of before may still be under way
        await self.look_again()

    @command(at_once=True, allowed=ANYHOW)
    async def close(self) -> None:
        """Begin to close the shutter, whatever else is under way.

        While an order to open that nobody has answered may still reach the dome, it is closed again when it opens.
        """
        self.overtake()
        insists = self._now() < self._astray_until
        await self.do_close()
        if insists:
            self._insists_until, self._told, self._has_closed = self._now() + ASTRAY, self._now(), False
        await self.look_again()

    @command
    async def turn(self, azimuth: Azimuth) -> None:
        """Begin to turn the opening to this azimuth."""
        await self.begin(self.do_turn(azimuth % 360.0))
        await self.look_again()

    @command
    async def park(self) -> None:
        """Begin to turn to the park position."""
        await self.begin(self.do_park())
        await self.look_again()

    @command(at_once=True, allowed=ANYHOW)
    async def abort(self) -> None:
        """Stop shutter and roof, wherever they are."""
        self.overtake()
        self._insists_until = -inf
        await self.do_abort()
        await self.look_again()
