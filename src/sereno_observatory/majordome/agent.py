"""The majordome as a device: its timers, its mode, and what it decided last."""

from __future__ import annotations

from typing import Any

from sereno import Device, scan, setting, tag
from sereno.client import Reading
from sereno.model import AckState, severity

from .conduct import Decision, Known, Mode, Nightfall, Order, Status, decide
from .sun import sun_altitude


class Majordome(Device):
    """The conductor: opens the dome into a safe night and closes it at its end, while its mode is AUTO.

    What it orders goes through interlocks, rights and audit as if a person had asked for it.
    """

    latitude: float = setting()
    longitude: float = setting()
    night_below: float = setting(-12.0)
    hold: float = setting(60.0)
    environment: str = setting("observatory/environment")
    dome: str = setting("site/plc")

    mode: Mode = tag(write=True, memorised=True, default=Mode.AUTO, description="Who opens and closes the dome")
    sun_altitude: float = tag(unit="deg", scan="time", decimals=2, description="Height of the sun")
    night: bool = tag(scan="time", description="The sun is low enough")
    activity: Status = tag(scan="conduct", description="What the majordome is at")
    decision: str = tag(scan="conduct", description="Why")
    last_order: str = tag(scan="conduct", description="What was ordered last, and what became of it")

    def startup(self) -> None:
        """Begin without a night and without an order."""
        self._nightfall = Nightfall(self.night_below)
        self._told = self._why = ""

    @scan(period="5s")
    async def time(self) -> None:
        """Look at the sun."""
        altitude = sun_altitude(self.client.clock.wall_ns(), self.latitude, self.longitude)
        before, now = self._nightfall.night, self._nightfall.at(altitude)
        if before is not None and before != now:
            self.log.info("the night begins" if now else "the night is over", sun=round(altitude, 2))
        self.sun_altitude, self.night = altitude, now

    @scan(period="5s")
    async def conduct(self) -> None:
        """Read the environment, decide, and have it done."""
        decided = decide(self.mode, await self._known(), self.hold)
        if decided.why != self._why:
            self._why = decided.why
            self.log.info("decision", status=decided.status.value, order=decided.order.value, why=decided.why)
        self.activity, self.decision = decided.status, decided.why
        if decided.order is not Order.NOTHING:
            self._told = await self._ordered(decided)
        self.last_order = self._told

    async def _known(self) -> Known:
        paths = (f"{self.environment}/make_safe", f"{self.environment}/safe_for", f"{self.dome}/shutter")
        readings = {reading.tag.path: reading for reading in await self.client.read(*paths)}
        act, safe_for, shutter = (_good(readings[path]) for path in paths)
        return Known(bool(self._nightfall.night), None if act is None else not act, safe_for or 0.0, shutter)

    async def _ordered(self, decided: Decision) -> str:
        name, value = ("dome_open", "open") if decided.order is Order.OPEN else ("dome_close", "closed")
        ack = await self.client.write(f"{self.dome}/{name}", value, timeout=4.0, comment=decided.why)
        words = f"{decided.order.value}: {str(ack.state).replace('_', ' ')}"
        if ack.state is not AckState.DONE:
            self.log.warning("order not done", order=decided.order.value, state=str(ack.state), reason=ack.reason)
            words += f", {ack.reason}"
        return words


def _good(reading: Reading) -> Any:
    return reading.value if severity(reading.quality) == "good" else None
