"""Alpaca telescopes, domes, filter wheels and focusers."""

from __future__ import annotations

from typing import ClassVar

from sereno.device.instruments import (
    Dome,
    DomeStatus,
    FilterWheel,
    Focuser,
    FocuserStatus,
    ShutterState,
    Telescope,
    TelescopeState,
    TelescopeStatus,
    WheelState,
    WheelStatus,
    sky,
)
from sereno.model import DeviceError, NoAnswerError

from .client import AlpacaClient
from .instrument import AlpacaInstrument

J2000 = 2
"""What equatorialsystem says of a mount that speaks of J2000; all others are taken for the equinox of date."""
_SHUTTER = (ShutterState.OPEN, ShutterState.CLOSED, ShutterState.OPENING, ShutterState.CLOSING, ShutterState.ERROR)
_SHUTTER_MOVES = (ShutterState.OPENING, ShutterState.CLOSING)


class AlpacaTelescope(AlpacaInstrument, Telescope):
    """A telescope behind Alpaca; a mount that speaks of the equinox of date is translated."""

    alpaca_kind: ClassVar[str] = "telescope"
    _of_date: bool = True
    _slews: bool = True

    async def learn(self, alpaca: AlpacaClient) -> None:
        """See AlpacaInstrument."""
        self._of_date = await alpaca.optional("equatorialsystem") != J2000
        self._slews = await alpaca.may("canslewasync")

    async def observe(self) -> TelescopeStatus:
        """See Instrument."""
        alpaca = await self.alpaca.snapshot()
        parked, slewing = await alpaca.truth("atpark"), await alpaca.truth("slewing")
        tracking = await alpaca.truth("tracking")
        place = await alpaca.number("rightascension"), await alpaca.number("declination")
        if self._of_date:
            place = sky.of_j2000(*place, self._now())
        return TelescopeStatus(
            state=_telescope_state(slewing=slewing, parked=parked, tracking=tracking),
            right_ascension=place[0],
            declination=place[1],
            altitude=await alpaca.optional("altitude"),
            azimuth=await alpaca.optional("azimuth"),
            tracking=tracking,
            parked=parked,
        )

    async def do_slew(self, right_ascension: float, declination: float) -> None:
        """See Telescope."""
        alpaca = self.alpaca
        if not self._slews:
            raise DeviceError("not_implemented", "this mount cannot slew while others go on")
        place = (right_ascension, declination)
        if self._of_date:
            place = sky.of_date(*place, self._now())
        if not await alpaca.truth("tracking"):
            await alpaca.put("tracking", Tracking=True)
        await alpaca.put("slewtocoordinatesasync", RightAscension=place[0], Declination=place[1])

    async def do_track(self, on: bool) -> None:
        """See Telescope."""
        await self.alpaca.put("tracking", Tracking=on)

    async def do_park(self) -> None:
        """See Telescope."""
        await self.alpaca.put("park")

    async def do_unpark(self) -> None:
        """See Telescope."""
        await self.alpaca.put("unpark")

    async def do_abort(self) -> None:
        """See Telescope."""
        await self.alpaca.put("abortslew")

    def _now(self) -> float:
        return self.surroundings.clock.wall_ns() / 1e9


def _telescope_state(*, slewing: bool, parked: bool, tracking: bool) -> TelescopeState:
    if slewing:
        return TelescopeState.SLEWING
    if parked:
        return TelescopeState.PARKED
    return TelescopeState.TRACKING if tracking else TelescopeState.IDLE


class AlpacaDome(AlpacaInstrument, Dome):
    """A dome behind Alpaca."""

    alpaca_kind: ClassVar[str] = "dome"

    async def observe(self) -> DomeStatus:
        """See Instrument."""
        alpaca = await self.alpaca.snapshot()
        code = await alpaca.optional("shutterstatus")
        if code is not None and code not in range(len(_SHUTTER)):
            raise NoAnswerError(f"shutterstatus {code:g}")
        shutter = None if code is None else _SHUTTER[int(code)]
        moves = await alpaca.truth("slewing")
        return DomeStatus(
            shutter=shutter,
            azimuth=await alpaca.optional("azimuth"),
            turning=moves and shutter not in _SHUTTER_MOVES,
            parked=await alpaca.may("atpark"),
        )

    async def do_open(self) -> None:
        """See Dome."""
        await self.alpaca.put("openshutter")

    async def do_close(self) -> None:
        """See Dome."""
        await self.alpaca.put("closeshutter")

    async def do_turn(self, azimuth: float) -> None:
        """See Dome."""
        await self.alpaca.put("slewtoazimuth", Azimuth=azimuth)

    async def do_park(self) -> None:
        """See Dome."""
        await self.alpaca.put("park")

    async def do_abort(self) -> None:
        """See Dome."""
        await self.alpaca.put("abortslew")


class AlpacaWheel(AlpacaInstrument, FilterWheel):
    """A filter wheel behind Alpaca."""

    alpaca_kind: ClassVar[str] = "filterwheel"
    _filters: tuple[str, ...] = ()

    async def learn(self, alpaca: AlpacaClient) -> None:
        """See AlpacaInstrument."""
        names = await alpaca.get("names")
        if not isinstance(names, list):
            raise NoAnswerError(f"names: {names!r:.60} is no list")
        self._filters = tuple(str(name) for name in names)

    async def observe(self) -> WheelStatus:
        """See Instrument."""
        position = int(await self.alpaca.number("position"))
        state = WheelState.MOVING if position < 0 else WheelState.IDLE
        return WheelStatus(state=state, position=position, filters=self._filters)

    async def do_move(self, position: int) -> None:
        """See FilterWheel."""
        await self.alpaca.put("position", Position=position)


class AlpacaFocuser(AlpacaInstrument, Focuser):
    """A focuser behind Alpaca that knows where it is."""

    alpaca_kind: ClassVar[str] = "focuser"

    async def observe(self) -> FocuserStatus:
        """See Instrument."""
        alpaca = await self.alpaca.snapshot()
        position = await alpaca.optional("position")
        return FocuserStatus(
            position=None if position is None else int(position),
            moving=await alpaca.truth("ismoving"),
            temperature=await alpaca.optional("temperature"),
        )

    async def do_move(self, position: int) -> None:
        """See Focuser."""
        await self.alpaca.put("move", Position=position)

    async def do_abort(self) -> None:
        """See Focuser."""
        await self.alpaca.put("halt")
