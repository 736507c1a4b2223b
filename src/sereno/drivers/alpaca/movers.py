"""Alpaca telescopes, domes, filter wheels and focusers."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from sereno.device import setting
from sereno.device.instruments import (
    UNKNOWN,
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
    is_unknown,
    sky,
)
from sereno.model import DeliveryError, DeviceError, NoAnswerError

from .client import AlpacaClient
from .instrument import AlpacaInstrument
from .protocol import is_finite

WATCHDOG = "watchdog"
"""The action that sets and tells the seconds after which a dome that is asked nothing closes by itself."""
WATCHED_EVERY = 10.0
"""Seconds after which a dome is asked for its watchdog again: whoever changes it there does not say so."""
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
            altitude=await alpaca.shown("altitude"),
            azimuth=await alpaca.shown("azimuth"),
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
    """A dome behind Alpaca. Each scan asks it something, so after `beat` seconds without one it helps itself."""

    alpaca_kind: ClassVar[str] = "dome"
    beat: float = setting(
        0.0, unit="s", low=0, high=3600, description="It closes by itself when nobody asks it for so long; 0 as it is"
    )
    _watchdog: float | None = None
    _action: str | None = None
    _watched: float = 0.0
    _watching: asyncio.Task[None] | None = None

    async def learn(self, alpaca: AlpacaClient) -> None:
        """See AlpacaInstrument: the dome's own watchdog, where it has that action, is set and asked for.

        One that cannot be set or does not say its seconds is told as not known; it may not keep the dome from being
        closed.
        """
        self._watchdog = self._action = None
        self._watched = self.surroundings.clock.monotonic()
        why = "it has no such action"
        try:
            self._action = await _watchdog_of(alpaca)
            if self._action is not None:
                if self.beat:
                    await alpaca.put("action", Action=self._action, Parameters=f"{self.beat:g}")
                self._watchdog, why = await self._set_watchdog(alpaca, self._action)
        except (DeviceError, NoAnswerError) as error:
            why = str(error)
        if self.beat and self._watchdog is None:
            self.log.warning("the watchdog of this dome cannot be set", beat=self.beat, why=why)

    async def shutdown(self) -> None:
        """See Device."""
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            await asyncio.wait((watching,))
        await super().shutdown()

    async def _set_watchdog(self, alpaca: AlpacaClient, action: str) -> tuple[float | None, str]:
        """Its seconds, set to `beat` where they are not, and what it says of them; None where it is of no use."""
        said = await alpaca.put("action", Action=action, Parameters="")
        if self.beat and _seconds(said) != self.beat:
            await alpaca.put("action", Action=action, Parameters=f"{self.beat:g}")
            said = await alpaca.put("action", Action=action, Parameters="")
        seconds = _seconds(said)
        weak = seconds is not None and self.beat and not 0 < seconds <= self.beat
        return None if weak else seconds, f"it says {said!r:.60}"

    async def _watch(self, alpaca: AlpacaClient, action: str) -> None:
        """Ask for the watchdog again, beside the scans: how it answers to that holds up none of them."""
        before = self._watchdog
        try:
            self._watchdog, why = await self._set_watchdog(alpaca, action)
        except (DeviceError, DeliveryError, OSError) as error:
            self._watchdog, why = None, str(error)
        if before is not None and self._watchdog is None:
            self.log.error("the watchdog of this dome is lost", beat=self.beat, why=why)
        elif before is None and self._watchdog is not None:
            self.log.info("the watchdog of this dome is there", watchdog=self._watchdog)

    def _watch_again(self) -> None:
        now = self.surroundings.clock.monotonic()
        under_way = self._watching is not None and not self._watching.done()
        if self._action is None or under_way or now - self._watched < WATCHED_EVERY:
            return
        self._watched = now
        work = self._watch(self.alpaca, self._action)
        self._watching = asyncio.create_task(work, name=f"watchdog of {self.path}")

    async def observe(self) -> DomeStatus:
        """See Instrument."""
        alpaca = await self.alpaca.snapshot()
        shutter = _shutter(await alpaca.shown("shutterstatus"))
        moves = await alpaca.truth("slewing")
        self._watch_again()
        missed = self._watchdog is None and (self.beat > 0.0 or self._action is not None)
        return DomeStatus(
            shutter=shutter,
            azimuth=await alpaca.shown("azimuth"),
            turning=moves and shutter not in _SHUTTER_MOVES,
            parked=await alpaca.may("atpark"),
            watchdog=UNKNOWN if missed else self._watchdog,
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


def _shutter(code: float | None) -> ShutterState | float | None:
    """What a number says of the shutter. Raises NoAnswerError for one that says nothing."""
    if code is None or is_unknown(code):
        return code
    if code not in range(len(_SHUTTER)):
        raise NoAnswerError(f"shutterstatus {code:g}")
    return _SHUTTER[int(code)]


async def _watchdog_of(alpaca: AlpacaClient) -> str | None:
    """The name of the action, as the dome spells it. Raises DeviceError."""
    actions = await alpaca.get("supportedactions")
    names = [one for one in actions if isinstance(one, str)] if isinstance(actions, list) else []
    return next((one for one in names if one.lower() == WATCHDOG), None)


def _seconds(said: object) -> float | None:
    """A number that came as text; None if it is none."""
    try:
        seconds = float(str(said))
    except ValueError:
        return None
    return seconds if seconds >= 0 and is_finite(seconds) else None


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
        position = await alpaca.shown("position")
        return FocuserStatus(
            position=position if position is None or is_unknown(position) else int(position),
            moving=await alpaca.truth("ismoving"),
            temperature=await alpaca.shown("temperature"),
        )

    async def do_move(self, position: int) -> None:
        """See Focuser."""
        await self.alpaca.put("move", Position=position)

    async def do_abort(self) -> None:
        """See Focuser."""
        await self.alpaca.put("halt")
