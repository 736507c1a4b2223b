"""The majordome as a device: its timers, its mode, what it decided last, and what people have it do by hand."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

from sereno import Device, DeviceError, bounds, command, scan, setting, tag
from sereno.client import Reading, being_done, done
from sereno.model import Ack, AckState, SerenoError, severity
from sereno_observatory.instruments import readings_of, seen_of
from sereno_observatory.sky import Altitudes, Place, Skyline, horizontal

from .conduct import Decision, Known, Mode, Nightfall, Order, Status, decide
from .hour import CLOCK, Hour
from .nights import minute, night_at
from .orders import DONE, Orders
from .sun import moon_lit, moon_place, sidereal_hours, sun_place

Hours = Annotated[float, bounds(0, 24, unit="h")]
Declination = Annotated[float, bounds(-90, 90, unit="deg")]
SENT, ANSWERED, PATIENCE, PARKING = 4.0, 5.0, 20.0, 300.0
"""Seconds within which an order must be sent, and answered; one to the dome is answered when the dome is there. A
telescope that was told to park is let slew for so long.
"""
MOVES = 8.0
"""Seconds within which the shutter of a dome that has taken an order must move."""
_OBEYS = {Order.OPEN: ("opening", "open"), Order.CLOSE: ("closing", "closed")}

ANYHOW = ("enabled", "disabled", "fault")
"""The states in which it can be told to close: also when a round of its own hangs or fails."""


_HOUR = 3600 * 10**9


class Supply(StrEnum):
    """What has a power switch of its own."""

    TELESCOPE = "telescope"
    CAMERAS = "cameras"


def by_hand(majordome: Any) -> bool | str:
    """What people do themselves they do in MANUAL."""
    return majordome.mode is Mode.MANUAL or "the majordome is in AUTO; set its mode to MANUAL first"


class Majordome(Device):
    """The conductor: opens the dome into a safe night, has observed what is due, parks and closes, while in AUTO.

    What it orders goes through interlocks, rights and audit as if a person had asked for it. `telescope`, `observer`
    and `sequences` are devices, "" where the site has none. `dome` has a tag `shutter`, and either set-points
    `dome_open` and `dome_close`, as a PLC, or commands `open` and `close`, as an instrument of that kind.
    """

    latitude: float = setting(unit="deg", low=-90, high=90, site="latitude")
    longitude: float = setting(unit="deg", low=-180, high=360, site="longitude")
    horizon: Altitudes = setting([0.0], site="horizon")
    lowest_altitude: float = setting(0.0, unit="deg", low=0, high=90, site="lowest_altitude")
    night_below: float = setting(-12.0, unit="deg", low=-90, high=91, site="night_below")
    hold: float = setting(60.0, unit="s", low=0, site="reopen_after")
    environment: str = setting("observatory/environment")
    dome: str = setting("site/plc")
    switches: str = setting("", description="Device with dome_light, telescope_power, cameras_power; else the dome")
    telescope: str = setting("")
    observer: str = setting("")
    sequences: str = setting("")
    wait_for_clock: bool = setting(
        True, site="wait_for_clock", description="In AUTO, do nothing before the node's clock is said to be kept right"
    )

    mode: Mode = tag(write=True, memorised=True, default=Mode.AUTO, description="Who opens and closes the dome")
    sun_altitude: float = tag(unit="deg", scan="time", decimals=2, description="Height of the sun")
    sun_azimuth: float = tag(unit="deg", scan="time", decimals=1, description="The sun's direction, north 0, east 90")
    moon_altitude: float = tag(unit="deg", scan="time", decimals=1, description="Height of the moon")
    moon_azimuth: float = tag(unit="deg", scan="time", decimals=1, description="The moon's direction")
    moon_lit: float = tag(unit="%", scan="time", decimals=0, description="How much of the moon's disk is lit")
    sidereal_time: float = tag(unit="h", scan="time", decimals=3, description="Mean sidereal time of the site")
    site_latitude: float = tag(unit="deg", scan="time", decimals=4, description="Of the site, north positive")
    site_horizon: list[float] = tag(unit="deg", scan="time", description="Where looking begins, from north by east")
    night: bool = tag(scan="time", description="The sun is low enough")
    night_begins: str = tag(scan="time", description="The night that is, or comes next: its beginning, UTC")
    night_ends: str = tag(scan="time", description="The night that is, or comes next: its end, UTC")
    activity: Status = tag(scan="conduct", description="What the majordome is at")
    decision: str = tag(scan="conduct", description="Why")
    last_order: str = tag(scan="conduct", description="What was ordered last, and what became of it")

    def startup(self) -> None:
        """Begin without a night and without an order."""
        self._nightfall = Nightfall(self.night_below)
        self._skyline = Skyline(self.horizon, self.lowest_altitude)
        self._decided: Decision | None = None
        self._own = self._looked = self._look_again = 0
        self._park_taken: float | None = None
        self._orders = Orders(self._tell, self.log)
        self._hour = Hour(needed=self.wait_for_clock)

    async def shutdown(self) -> None:
        """Wait for no answer any more."""
        await self._orders.stop()

    @scan(period="5s")
    async def time(self) -> None:
        """Look at the sun."""
        t_ns = self.client.clock.wall_ns()
        sun, moon = (place(t_ns, self.latitude, self.longitude) for place in (sun_place, moon_place))
        before, now = self._nightfall.night, self._nightfall.at(sun.altitude)
        if before is not None and before != now:
            self.log.info("the night begins" if now else "the night is over", sun=round(sun.altitude, 2))
        self.sun_altitude, self.sun_azimuth, self.night = sun.altitude, round(sun.azimuth, 1) % 360.0, now
        self.site_latitude, self.site_horizon = self.latitude, self._skyline.altitudes()
        self.moon_altitude, self.moon_azimuth = moon.altitude, round(moon.azimuth, 1) % 360.0
        self.moon_lit, self.sidereal_time = moon_lit(t_ns) * 100.0, sidereal_hours(t_ns, self.longitude)
        if not self._looked <= t_ns < self._look_again:
            night = night_at(t_ns, self.latitude, self.longitude, self.night_below)
            self.night_begins, self.night_ends = ("" if t is None else minute(t) for t in (night.sinks, night.rises))
            self._looked, self._look_again = t_ns, min(night.rises or t_ns + _HOUR, t_ns + _HOUR)

    @scan(period="5s")
    async def conduct(self) -> None:
        """Read the environment and the instruments, decide, and have it done without waiting for answers."""
        known = await self._known()
        decided = decide(self.mode, known, self.hold)
        before, self._decided = self._decided, decided
        if not decided.as_before(before):
            order = "+".join(decided.orders) or "nothing"
            self.log.info("decision", status=decided.status.value, order=order, why=decided.why)
        self.activity, self.decision = decided.status, decided.why
        if decided.orders:
            if Order.EXECUTE in decided.orders:
                self._own = known.next_number
            self._orders.give(decided.orders, partial(self._ordered, decided.why, known.next_number))
        self.last_order = self._orders.told

    @command(allowed=by_hand)
    async def open_dome(self) -> str:
        """Open the dome, if the interlock lets it."""
        return await self._by_hand(self._move_dome(Order.OPEN))

    @command(at_once=True, allowed=ANYHOW)
    async def close_dome(self) -> str:
        """Close the dome, in any mode, whatever else is under way."""
        _all_done(await self._orders.given([Order.CLOSE], partial(self._ordered, "closed by hand", 0)))
        return "done"

    @command(allowed=by_hand)
    async def slew(self, right_ascension: Hours, declination: Declination) -> str:
        """Point the telescope (J2000), unparked if need be. What is below the horizon is refused."""
        place = Place(self.latitude, self.longitude)
        if low := self._skyline.hides(*horizontal(self.client.clock.wall_ns(), place, right_ascension, declination)):
            raise DeviceError("low", low)
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
        return await self._by_hand(self.client.write(await self._switch("dome_light"), on, timeout=SENT))

    @command(allowed=by_hand)
    async def power(self, what: Supply, on: bool) -> str:
        """Switch the power of the telescope or the cameras."""
        return await self._by_hand(self.client.write(await self._switch(f"{what.value}_power"), on, timeout=SENT))

    @command
    async def cancel(self, why: str = "") -> int:
        """Cancel the sequence that is executed, in any mode; its number."""
        number = await self._sequence()
        if not number:
            raise DeviceError("nothing", "no sequence is executed")
        await self._by_hand(self.client.call(self._device("sequences"), "cancel", number, why, timeout=SENT))
        return number

    @command(at_once=True, allowed=ANYHOW)
    async def make_safe(self) -> str:
        """Interrupt, park and close now, whatever else is under way, and stay in MANUAL. Fails if one is not done."""
        self.mode = Mode.MANUAL
        begin = partial(self._ordered, "made safe by hand", 0)
        self._orders.give([Order.CLOSE], begin)  # before anything is asked
        begun = Order.EXECUTE in self._orders
        known = await self._known()
        orders = [Order.CLOSE, *([Order.INTERRUPT] if self.observer and (known.sequence or begun) else [])]
        orders += [Order.PARK] if self.telescope and known.parked is not True else []
        return _all_done(await self._orders.given(orders, begin))

    async def _known(self) -> Known:
        wanted = {"act": f"{self.environment}/make_safe", "safe_for": f"{self.environment}/safe_for"}
        wanted["shutter"] = f"{self.dome}/shutter"
        wanted |= {name: f"{self.telescope}/{name}" for name in ("parked", "state") if self.telescope}
        wanted |= {name: f"{self.observer}/{name}" for name in ("sequence", "ready", "dark") if self.observer}
        wanted |= {name: f"{self.sequences}/{name}" for name in ("due", "calibration") if self.sequences}
        seen = seen_of(await readings_of(self.client, [*wanted.values(), *self._hour.asks]))
        found = {name: seen.values.get(path) for name, path in wanted.items()}
        act, sequence, night = found["act"], found.get("sequence"), self._nightfall.night
        if night is None:  # the first look at the sun is still to come
            t_ns = self.client.clock.wall_ns()
            night = self._nightfall.at(sun_place(t_ns, self.latitude, self.longitude).altitude)
        settled = self.mode is Mode.AUTO or sequence == 0
        if sequence is not None and settled and Order.EXECUTE not in self._orders:
            self._own = sequence  # one that is not known now stays whose it was
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
            parking=self._is_parking(found.get("state")),
            hour=self._hour.doubt(seen.values.get(CLOCK)),
            hour_told=seen.values.get(CLOCK) is not None,
        )

    def _is_parking(self, state: str | None) -> bool:
        """The telescope slews since it has taken the order to park."""
        now = self.client.clock.monotonic()
        if state != "slewing" or (self._park_taken is not None and now - self._park_taken > PARKING):
            self._park_taken = None
        return self._park_taken is not None

    async def _ordered(self, why: str, number: int, order: Order) -> str:
        """Give one order; what became of it, in words."""
        try:
            async with self.client.clock.timeout(PATIENCE if order in _OBEYS else ANSWERED):
                ack = await self._order(order, why, number)
                taken = ack.state is AckState.DONE or being_done(ack)  # a guard's order to close is as good
                obeyed = taken and await self._obeys(order)
        except TimeoutError:
            self.log.warning("order not done", order=order.value, state="no answer", reason="it does not return")
            return "no answer"
        except SerenoError as error:
            self.log.warning("order not done", order=order.value, state="not sent", reason=str(error))
            return f"not sent, {error}"
        if obeyed:
            return DONE
        state = "taken and the shutter does not move" if taken else str(ack.state).replace("_", " ")
        words = ", ".join(part for part in (state, ack.reason) if part)
        self.log.warning("order not done", order=order.value, state=str(ack.state), reason=ack.reason or words)
        return words

    async def _order(self, order: Order, why: str, number: int) -> Ack:
        client = self.client
        if order is Order.INTERRUPT:
            return await client.call(self.observer, "interrupt", why, timeout=SENT, comment=why)
        if order is Order.EXECUTE:
            return await client.call(self.observer, "execute", number, timeout=SENT, comment=why)
        if order is Order.PARK:
            ack = await client.call(self.telescope, "park", timeout=SENT, comment=why)
            self._park_taken = client.clock.monotonic() if ack.state is AckState.DONE else None
            return ack
        return await self._move_dome(order, why)

    async def _move_dome(self, order: Order, why: str = "") -> Ack:
        """A PLC takes a value for it, an instrument a call."""
        client, name = self.client, "dome_open" if order is Order.OPEN else "dome_close"
        if await client.tags(f"{self.dome}/{name}"):
            value = "open" if order is Order.OPEN else "closed"
            return await client.write(f"{self.dome}/{name}", value, timeout=SENT, comment=why)
        return await client.call(self.dome, order.value, timeout=SENT, comment=why)

    async def _obeys(self, order: Order) -> bool:
        """An instrument has done an order when it has taken it; whether its shutter moves is seen afterwards."""
        clock = self.client.clock
        last = clock.monotonic() + MOVES
        while order in _OBEYS:
            with suppress(SerenoError):
                if _good(await self.client.get(f"{self.dome}/shutter")) in _OBEYS[order]:
                    break
            if clock.monotonic() >= last:
                return False
            await clock.sleep(0.25)
        return True

    def _tell(self, words: str) -> None:
        self.last_order = words

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

    async def _switch(self, name: str) -> str:
        """The tag of this name, beside the dome's."""
        path = f"{self.switches or self.dome}/{name}"
        if not await self.client.tags(path):
            raise DeviceError("none", f"this site has no {path}")
        return path

    def _device(self, kind: str) -> str:
        path = str(getattr(self, kind))
        if not path:
            raise DeviceError("none", f"this site has no {kind}")
        return path


def _good(reading: Reading) -> Any:
    return reading.value if severity(reading.quality) == "good" else None


def _all_done(words: str) -> str:
    """The same words. Raises DeviceError with them if an order was not done."""
    if any(not one.endswith(f": {DONE}") for one in words.split("; ")):
        raise DeviceError("not_done", words)
    return words
