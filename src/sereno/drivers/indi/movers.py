"""INDI mounts, domes, filter wheels and focusers."""

from __future__ import annotations

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
)
from sereno.device.instruments.sky import horizontal, of_date, of_j2000, separation, sidereal_time
from sereno.model import DeviceError, NotConnectedError

from .client import ALERT, BUSY, IndiClient, Property
from .instrument import IndiInstrument

OF_DATE, J2000 = "EQUATORIAL_EOD_COORD", "EQUATORIAL_COORD"
SITE, PARK = "GEOGRAPHIC_COORD", "TELESCOPE_PARK"
NEAR, NEAR_DOME = 0.05, 1.0
"""Degrees within which a mount, and a dome, that has taken a place without having to move says it back."""


class IndiTelescope(IndiInstrument, Telescope):
    """A mount behind INDI. It speaks of the equinox of date, or of J2000 where it has only that."""

    site: list[float] = setting([], description="Latitude, longitude (east), elevation in m, told to the mount")

    async def learn(self, indi: IndiClient) -> None:
        """See IndiInstrument."""
        where = (OF_DATE, J2000)
        await indi.wait_for(lambda: any(name in indi.properties for name in where) or None, self.connect_timeout)
        if not self.site:
            return
        if len(self.site) != 3:
            raise NotConnectedError(f"site = {self.site}, expected [latitude, longitude, elevation]")
        latitude, longitude, elevation = self.site
        await indi.learn(SITE, timeout=self.timeout)
        await self.tell(SITE, {"LAT": latitude, "LONG": longitude % 360.0, "ELEV": elevation})

    async def observe(self) -> TelescopeStatus:
        """See Instrument."""
        indi = await self.there()
        name = OF_DATE if OF_DATE in indi.properties else J2000
        ra, dec = indi.number(name, "RA"), indi.number(name, "DEC")
        now = self.surroundings.clock.wall_ns() / 1e9
        altitude, azimuth = self._above(indi, name, ra, dec, now)
        if name == OF_DATE and ra is not None and dec is not None:
            ra, dec = of_j2000(ra, dec, now)
        state = self._state(indi, name)
        return TelescopeStatus(
            state=state,
            right_ascension=ra,
            declination=dec,
            altitude=altitude,
            azimuth=azimuth,
            tracking=state is TelescopeState.TRACKING,
            parked=state is TelescopeState.PARKED,
        )

    async def do_slew(self, right_ascension: float, declination: float) -> None:
        """See Telescope."""
        indi = self.indi
        if self._parked(indi):
            raise DeviceError("parked", "the mount is parked; unpark it first")
        name, ra, dec = J2000, right_ascension, declination
        if OF_DATE in indi.properties:
            name = OF_DATE
            ra, dec = of_date(ra, dec, self.surroundings.clock.wall_ns() / 1e9)
        if "ON_COORD_SET" in indi.properties:
            await self.tell("ON_COORD_SET", {"TRACK": True})

        def begun(known: Property) -> bool:
            at_ra, at_dec = indi.number(name, "RA"), indi.number(name, "DEC")
            there = at_ra is not None and at_dec is not None and separation((at_ra, at_dec), (ra, dec)) < NEAR
            return known.state == BUSY or there

        await self.tell(name, {"RA": ra, "DEC": dec}, accepted=begun)

    async def do_track(self, on: bool) -> None:
        """See Telescope."""
        await self.tell("TELESCOPE_TRACK_STATE", {"TRACK_ON" if on else "TRACK_OFF": True})

    async def do_park(self) -> None:
        """See Telescope."""
        await self.tell(PARK, {"PARK": True})

    async def do_unpark(self) -> None:
        """See Telescope."""
        await self.tell(PARK, {"UNPARK": True})

    async def do_abort(self) -> None:
        """See Telescope."""
        await self.tell("TELESCOPE_ABORT_MOTION", {"ABORT": True})

    def _state(self, indi: IndiClient, name: str) -> TelescopeState:
        if indi.state(PARK) == BUSY or indi.state(name) == BUSY:
            return TelescopeState.SLEWING
        if self._parked(indi):
            return TelescopeState.PARKED
        if ALERT in (indi.state(name), indi.state(PARK)):
            return TelescopeState.ERROR
        if "TELESCOPE_TRACK_STATE" in indi.properties:
            tracks = indi.is_on("TELESCOPE_TRACK_STATE", "TRACK_ON")
        else:
            tracks = indi.state(name) == "Ok"
        return TelescopeState.TRACKING if tracks else TelescopeState.IDLE

    @staticmethod
    def _parked(indi: IndiClient) -> bool:
        return indi.is_on(PARK, "PARK") and indi.state(PARK) != BUSY

    @staticmethod
    def _above(
        indi: IndiClient, name: str, ra: float | None, dec: float | None, now: float
    ) -> tuple[float | None, float | None]:
        """Altitude and azimuth, as the mount says, or from its place and site."""
        told = indi.number("HORIZONTAL_COORD", "ALT"), indi.number("HORIZONTAL_COORD", "AZ")
        if None not in told:
            return told
        latitude, longitude = indi.number(SITE, "LAT"), indi.number(SITE, "LONG")
        if ra is None or dec is None or latitude is None or longitude is None:
            return None, None
        if name == J2000:
            ra, dec = of_date(ra, dec, now)
        return horizontal(sidereal_time(now, longitude) - ra, dec, latitude)


class IndiDome(IndiInstrument, Dome):
    """A dome behind INDI. One that is parked is unparked when it is told to open or to turn."""

    async def observe(self) -> DomeStatus:
        """See Instrument."""
        indi = await self.there()
        turns = BUSY in (indi.state("ABS_DOME_POSITION"), indi.state("DOME_MOTION"), indi.state("DOME_PARK"))
        has_park = "DOME_PARK" in indi.properties
        return DomeStatus(
            shutter=self._shutter(indi),
            azimuth=indi.number("ABS_DOME_POSITION", "DOME_ABSOLUTE_POSITION"),
            turning=turns,
            parked=self._parked(indi) if has_park else None,
        )

    async def do_open(self) -> None:
        """See Dome."""
        await self._unpark()
        await self.tell("DOME_SHUTTER", {"SHUTTER_OPEN": True})

    async def do_close(self) -> None:
        """See Dome."""
        await self.tell("DOME_SHUTTER", {"SHUTTER_CLOSE": True})

    async def do_turn(self, azimuth: float) -> None:
        """See Dome."""
        await self._unpark()
        indi = self.indi

        def begun(known: Property) -> bool:
            at = indi.number("ABS_DOME_POSITION", "DOME_ABSOLUTE_POSITION")
            there = at is not None and abs((at - azimuth + 180.0) % 360.0 - 180.0) <= NEAR_DOME
            return known.state == BUSY or there

        await self.tell("ABS_DOME_POSITION", {"DOME_ABSOLUTE_POSITION": azimuth}, accepted=begun)

    async def do_park(self) -> None:
        """See Dome."""
        await self.tell("DOME_PARK", {"PARK": True})

    async def do_abort(self) -> None:
        """See Dome."""
        await self.tell("DOME_ABORT_MOTION", {"ABORT": True})

    async def _unpark(self) -> None:
        """Raises DeviceError where that takes longer than an answer may: whoever wants more then says so again."""
        indi = self.indi
        if self._parked(indi):
            await self.tell("DOME_PARK", {"UNPARK": True})
        if indi.state("DOME_PARK") != BUSY or indi.is_on("DOME_PARK", "PARK"):
            return
        try:
            await indi.wait_for(lambda: indi.state("DOME_PARK") != BUSY or None, self.timeout)
        except TimeoutError:
            found = f"the dome is being unparked, which takes longer than {self.timeout:g} s; ask again when it is"
            raise DeviceError("unparking", found) from None

    @staticmethod
    def _parked(indi: IndiClient) -> bool:
        return indi.is_on("DOME_PARK", "PARK") and indi.state("DOME_PARK") != BUSY

    @staticmethod
    def _shutter(indi: IndiClient) -> ShutterState | float | None:
        opens, closes = indi.is_on("DOME_SHUTTER", "SHUTTER_OPEN"), indi.is_on("DOME_SHUTTER", "SHUTTER_CLOSE")
        if indi.state("DOME_SHUTTER") == ALERT:
            return ShutterState.ERROR
        if indi.state("DOME_SHUTTER") == BUSY:
            return ShutterState.OPENING if opens else ShutterState.CLOSING
        if not opens and not closes:
            return UNKNOWN if "DOME_SHUTTER" in indi.properties else None
        return ShutterState.OPEN if opens else ShutterState.CLOSED


class IndiWheel(IndiInstrument, FilterWheel):
    """A filter wheel behind INDI, which counts its places from 1."""

    needs: ClassVar[tuple[str, ...]] = ("FILTER_SLOT",)

    async def observe(self) -> WheelStatus:
        """See Instrument."""
        indi = await self.there()
        slot, state = indi.number("FILTER_SLOT", "FILTER_SLOT_VALUE"), indi.state("FILTER_SLOT")
        moves = state == BUSY or slot is None
        return WheelStatus(
            state=WheelState.MOVING if moves else WheelState.ERROR if state == ALERT else WheelState.IDLE,
            position=-1 if moves or slot is None else int(slot) - 1,
            filters=self._filters(indi),
        )

    async def do_move(self, position: int) -> None:
        """See FilterWheel."""
        await self.tell("FILTER_SLOT", {"FILTER_SLOT_VALUE": position + 1})

    @staticmethod
    def _filters(indi: IndiClient) -> tuple[str, ...]:
        names = indi.properties.get("FILTER_NAME")
        if names is not None:
            return tuple(str(one.value) for one in names.members.values())
        places = int(indi.find("FILTER_SLOT").members["FILTER_SLOT_VALUE"].high)
        return tuple(f"place {number}" for number in range(1, places + 1))


class IndiFocuser(IndiInstrument, Focuser):
    """A focuser behind INDI that knows where it is."""

    needs: ClassVar[tuple[str, ...]] = ("ABS_FOCUS_POSITION",)

    async def observe(self) -> FocuserStatus:
        """See Instrument."""
        indi = await self.there()
        at = indi.number("ABS_FOCUS_POSITION", "FOCUS_ABSOLUTE_POSITION")
        return FocuserStatus(
            position=None if at is None else round(at),
            moving=indi.state("ABS_FOCUS_POSITION") == BUSY,
            temperature=indi.number("FOCUS_TEMPERATURE", "TEMPERATURE"),
        )

    async def do_move(self, position: int) -> None:
        """See Focuser."""
        known = self.indi.find("ABS_FOCUS_POSITION").members["FOCUS_ABSOLUTE_POSITION"]
        if known.high > known.low and not known.low <= position <= known.high:
            raise DeviceError("invalid_value", f"{position} is not within {known.low:g} to {known.high:g}")
        await self.tell("ABS_FOCUS_POSITION", {"FOCUS_ABSOLUTE_POSITION": position})

    async def do_abort(self) -> None:
        """See Focuser."""
        await self.tell("FOCUS_ABORT_MOTION", {"ABORT": True})
