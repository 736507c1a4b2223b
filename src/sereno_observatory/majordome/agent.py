"""The majordome as a device: its timers, its mode, what it decided last, and what people have it do by hand."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from sereno import Device, DeviceError, bounds, command, scan, setting, tag
from sereno.client import Reading, done
from sereno.model import Ack, AckState, SerenoError, severity
from sereno_observatory.instruments import readings_of, seen_of

from .conduct import Decision, Known, Mode, Nightfall, Order, Status, decide
from .sun import moon_lit, moon_place, sidereal_hours, sun_place

Hours = Annotated[float, bounds(0, 24, unit="h")]
Declination = Annotated[float, bounds(-90, 90, unit="deg")]
SENT, ANSWERED, PATIENCE = 4.0, 5.0, 20.0
"""Seconds within which an order must be sent, and answered; one to the dome is answered when the dome is there."""


def by_hand(majordome: Any) -> bool | str:
    """What people do themselves they do in MANUAL."""
    return majordome.mode is Mode.MANUAL or "the majordome is in AUTO; set its mode to MANUAL first"


class Majordome(Device):
    """The conductor: opens the dome into a safe night, has observed what is due, parks and closes, while in AUTO.

    What it orders goes through interlocks, rights and audit as if a person had asked for it. `telescope`, `observer`
    and `sequences` are devices, "" where the site has none.
    """

    latitude: float = setting()
    longitude: float = setting()
    night_below: float = setting(-12.0)
    hold: float = setting(60.0)
    environment: str = setting("observatory/environment")
    dome: str = setting("site/plc")
    telescope: str = setting("")
    observer: str = setting("")
    sequences: str = setting("")

    mode: Mode = tag(write=True, memorised=True, default=Mode.AUTO, description="Who opens and closes the dome")
    sun_altitude: float = tag(unit="deg", scan="time", decimals=2, description="Height of the sun")
    sun_azimuth: float = tag(unit="deg", scan="time", decimals=1, description="The sun's direction, north 0, east 90")
    moon_altitude: float = tag(unit="deg", scan="time", decimals=1, description="Height of the moon")
    moon_azimuth: float = tag(unit="deg", scan="time", decimals=1, description="The moon's direction")
    moon_lit: float = tag(unit="%", scan="time", decimals=0, description="How much of the moon's disk is lit")
    sidereal_time: float = tag(unit="h", scan="time", decimals=3, description="Mean sidereal time of the site")
    site_latitude: float = tag(unit="deg", scan="time", decimals=4, description="Of the site, north positive")
    night: bool = tag(scan="time", description="The sun is low enough")
    activity: Status = tag(scan="conduct", description="What the majordome is at")
    decision: str = tag(scan="conduct", description="Why")
    last_order: str = tag(scan="conduct", description="What was ordered last, and what became of it")

    def startup(self) -> None:
        """Begin without a night and without an order."""
        self._nightfall = Nightfall(self.night_below)
        self._told = self._why = ""
        self._own = 0

    @scan(period="5s")
    async def time(self) -> None:
        """Look at the sun."""
        t_ns = self.client.clock.wall_ns()
        sun, moon = (place(t_ns, self.latitude, self.longitude) for place in (sun_place, moon_place))
        before, now = self._nightfall.night, self._nightfall.at(sun.altitude)
        if before is not None and before != now:
            self.log.info("the night begins" if now else "the night is over", sun=round(sun.altitude, 2))
        self.sun_altitude, self.sun_azimuth, self.night = sun.altitude, sun.azimuth, now
        self.site_latitude = self.latitude
        self.moon_altitude, self.moon_azimuth = moon.altitude, moon.azimuth
        self.moon_lit, self.sidereal_time = moon_lit(t_ns) * 100.0, sidereal_hours(t_ns, self.longitude)

    @scan(period="5s")
    async def conduct(self) -> None:
        """Read the environment and the instruments, decide, and have it done."""
        known = await self._known()
        decided = decide(self.mode, known, self.hold)
        if decided.why != self._why:
            self._why = decided.why
            order = "+".join(decided.orders) or "nothing"
            self.log.info("decision", status=decided.status.value, order=order, why=decided.why)
        self.activity, self.decision = decided.status, decided.why
        if decided.orders:
            words = await asyncio.gather(*(self._ordered(order, decided, known) for order in decided.orders))
            self._told = "; ".join(words)
        self.last_order = self._told

    @command(allowed=by_hand)
    async def open_dome(self) -> str:
        """Open the dome, if the interlock lets it."""
        return await self._by_hand(self.client.write(f"{self.dome}/dome_open", "open", timeout=SENT))

    @command
    async def close_dome(self) -> str:
        """Close the dome, in any mode."""
        return await self._by_hand(self.client.write(f"{self.dome}/dome_close", "closed", timeout=SENT))

    @command(allowed=by_hand)
    async def slew(self, right_ascension: Hours, declination: Declination) -> str:
        """Point the telescope (J2000), unparked if need be."""
        if await self._parked():
            await self._by_hand(self.client.call(self._device("telescope"), "unpark", timeout=SENT))
        order = self.client.call(self._device("telescope"), "slew", right_ascension, declination, timeout=SENT)
        return await self._by_hand(order)

    @command(allowed=by_hand)
    async def park(self) -> str:
        """Park the telescope."""
        return await self._by_hand(self.client.call(self._device("telescope"), "park", timeout=SENT))

    @command(allowed=by_hand)
    async def stop_telescope(self) -> str:
        """Stop the telescope where it is."""
        return await self._by_hand(self.client.call(self._device("telescope"), "abort", timeout=SENT))

    @command(allowed=by_hand)
    async def light(self, on: bool) -> str:
        """Switch the light in the dome."""
        return await self._by_hand(self.client.write(f"{self.dome}/dome_light", on, timeout=SENT))

    @command(allowed=by_hand)
    async def power(self, what: str, on: bool) -> str:
        """Switch the power of the "telescope" or the "cameras"."""
        if what not in ("telescope", "cameras"):
            raise DeviceError("unknown", f"there is no power of {what!r}; telescope or cameras")
        return await self._by_hand(self.client.write(f"{self.dome}/{what}_power", on, timeout=SENT))

    @command
    async def cancel(self, why: str = "") -> int:
        """Cancel the sequence that is executed, in any mode; its number."""
        number = await self._sequence()
        if not number:
            raise DeviceError("nothing", "no sequence is executed")
        await self._by_hand(self.client.call(self._device("sequences"), "cancel", number, why, timeout=SENT))
        return number

    @command
    async def make_safe(self) -> str:
        """Interrupt, park and close now, and stay in MANUAL."""
        self.mode = Mode.MANUAL
        known = await self._known()
        orders = [Order.CLOSE, *([Order.INTERRUPT] if known.sequence else [])]
        orders += [Order.PARK] if self.telescope and known.parked is not True else []
        decided = Decision(Status.PAUSED, tuple(orders), "made safe by hand")
        return "; ".join(await asyncio.gather(*(self._ordered(order, decided, known) for order in orders)))

    async def _known(self) -> Known:
        wanted = {"act": f"{self.environment}/make_safe", "safe_for": f"{self.environment}/safe_for"}
        wanted["shutter"] = f"{self.dome}/shutter"
        wanted |= {"parked": f"{self.telescope}/parked"} if self.telescope else {}
        wanted |= {name: f"{self.observer}/{name}" for name in ("sequence", "ready", "dark") if self.observer}
        wanted |= {name: f"{self.sequences}/{name}" for name in ("due", "calibration") if self.sequences}
        seen = seen_of(await readings_of(self.client, list(wanted.values())))
        found = {name: seen.values.get(path) for name, path in wanted.items()}
        act, sequence, night = found["act"], found.get("sequence"), self._nightfall.night
        if night is None:  # the first look at the sun is still to come
            t_ns = self.client.clock.wall_ns()
            night = self._nightfall.at(sun_place(t_ns, self.latitude, self.longitude).altitude)
        if self.mode is Mode.AUTO or sequence == 0:
            self._own = sequence or 0
        return Known(
            night,
            None if act is None else not act,
            float(found["safe_for"] or 0.0),
            found["shutter"],
            sequence=sequence,
            own=bool(sequence) and sequence == self._own,
            due=int(found.get("due") or 0) if found.get("ready") else 0,
            parked=found.get("parked"),
            dark=found.get("dark") is True,
            calibration=int(found.get("calibration") or 0) if found.get("ready") else 0,
        )

    async def _ordered(self, order: Order, decided: Decision, known: Known) -> str:
        """Give one order; what became of it, in words."""
        try:
            async with self.client.clock.timeout(PATIENCE if order in (Order.OPEN, Order.CLOSE) else ANSWERED):
                ack = await self._order(order, decided, known)
        except TimeoutError:
            self.log.warning("order not done", order=order.value, state="no answer", reason="it does not return")
            return f"{order.value}: no answer"
        except SerenoError as error:
            self.log.warning("order not done", order=order.value, state="not sent", reason=str(error))
            return f"{order.value}: not sent, {error}"
        words = f"{order.value}: {str(ack.state).replace('_', ' ')}"
        if ack.state is not AckState.DONE:
            self.log.warning("order not done", order=order.value, state=str(ack.state), reason=ack.reason)
            words += f", {ack.reason}"
        return words

    async def _order(self, order: Order, decided: Decision, known: Known) -> Ack:
        client, why = self.client, decided.why
        if order is Order.INTERRUPT:
            return await client.call(self.observer, "interrupt", why, timeout=SENT, comment=why)
        if order is Order.EXECUTE:
            number = known.due if known.night else known.calibration
            return await client.call(self.observer, "execute", number, timeout=SENT, comment=why)
        if order is Order.PARK:
            return await client.call(self.telescope, "park", timeout=SENT, comment=why)
        name, value = ("dome_open", "open") if order is Order.OPEN else ("dome_close", "closed")
        return await client.write(f"{self.dome}/{name}", value, timeout=SENT, comment=why)

    async def _by_hand(self, order: Any) -> str:
        """An order of a person: what became of it is the person's answer."""
        try:
            async with self.client.clock.timeout(PATIENCE):
                return str(done(await order).state)
        except TimeoutError:
            raise DeviceError("no_answer", "it does not return") from None
        except SerenoError as error:
            raise DeviceError("not_done", str(error)) from None

    async def _sequence(self) -> int:
        return int(_good(await self.client.get(f"{self._device('observer')}/sequence")) or 0)

    async def _parked(self) -> bool:
        return bool(_good(await self.client.get(f"{self._device('telescope')}/parked")))

    def _device(self, kind: str) -> str:
        path = str(getattr(self, kind))
        if not path:
            raise DeviceError("none", f"this site has no {kind}")
        return path


def _good(reading: Reading) -> Any:
    return reading.value if severity(reading.quality) == "good" else None
