"""INDI weather stations, what they say of safety, and boxes of switches."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from sereno.device import setting
from sereno.device.instruments import (
    UNKNOWN,
    ConditionsStatus,
    ObservingConditions,
    SafetyMonitor,
    SafetyStatus,
    Switch,
    SwitchChannel,
    SwitchStatus,
)
from sereno.model import DeviceError, NoAnswerError, NotConnectedError

from .client import ALERT, BUSY, IndiClient, Property
from .instrument import IndiInstrument

PARAMETERS, STATUS, UPDATE, REFRESH = "WEATHER_PARAMETERS", "WEATHER_STATUS", "WEATHER_UPDATE", "WEATHER_REFRESH"
MISSED, UNASKED = 2.5, 60.0
"""How many of its periods a station may not have measured; and seconds, where it has no period."""
CONDITIONS = {
    "temperature": "WEATHER_TEMPERATURE",
    "humidity": "WEATHER_HUMIDITY",
    "dew_point": "WEATHER_DEWPOINT",
    "pressure": "WEATHER_PRESSURE",
    "rain_rate": "WEATHER_RAIN_HOUR",
    "wind_speed": "WEATHER_WIND_SPEED",
    "wind_gust": "WEATHER_WIND_GUST",
    "wind_direction": "WEATHER_WIND_DIRECTION",
    "cloud_cover": "WEATHER_CLOUD_COVER",
    "sky_temperature": "WEATHER_SKY_TEMPERATURE",
}
"""Tag -> what INDI's stations call it."""


class _Station(IndiInstrument):
    """A weather device, which measures by itself every so often, and answers meanwhile whether it does or not."""

    period: float = setting(
        0.0, unit="s", low=0, high=3600, description="How often the station is to measure; 0 as it is set there"
    )

    _measured: bool = True

    async def learn(self, indi: IndiClient) -> None:
        """See IndiInstrument: what it says when it is connected may be old, or nothing that was measured."""
        if self.period and UPDATE in indi.properties:
            await self.tell(UPDATE, {"PERIOD": self.period})
        if REFRESH in indi.properties:
            with suppress(DeviceError, NoAnswerError):  # then it measures when it is time
                await self.tell(REFRESH, {"REFRESH": True})

    def _measures(self, indi: IndiClient) -> bool:
        """False where it has not measured for too long: then nothing that it says is known.

        Raises NoAnswerError for one that cannot: it says Alert and leaves its values, and what it says of them, as they
        were.
        """
        known, period = indi.properties.get(PARAMETERS), indi.number(UPDATE, "PERIOD")
        if known is not None and known.state == ALERT:
            raise NoAnswerError(f"{indi.device} says that it cannot measure{f': {known.told}' if known.told else ''}")
        if known is None or period is None:
            return True
        silent = self.surroundings.clock.monotonic() - known.changed
        measures = silent <= (MISSED * period if period else UNASKED)
        if measures is not self._measured:
            self._measured = measures
            told = self.log.info if measures else self.log.warning
            told("the station measures" if measures else "the station does not measure", period=period)
        return measures


class IndiConditions(_Station, ObservingConditions):
    """A weather station behind INDI."""

    needs: ClassVar[tuple[str, ...]] = (PARAMETERS,)
    wind: float = setting(1 / 3.6, unit="m/s", low=0, description="One unit of the station's wind; most say km/h")

    async def observe(self) -> ConditionsStatus:
        """See Instrument."""
        indi = await self.there()
        found = {tag: indi.number(PARAMETERS, member) for tag, member in CONDITIONS.items()}
        if not self._measures(indi):
            return ConditionsStatus(**{tag: None if value is None else UNKNOWN for tag, value in found.items()})
        for tag in ("wind_speed", "wind_gust"):
            said = found[tag]
            found[tag] = None if said is None else said * self.wind
        return ConditionsStatus(**found)

    async def do_refresh(self) -> None:
        """See ObservingConditions."""
        await self.tell(REFRESH, {"REFRESH": True})


class IndiSafety(_Station, SafetyMonitor):
    """What a weather station behind INDI says of safety: its zones are set there."""

    needs: ClassVar[tuple[str, ...]] = (STATUS,)
    warning_is_safe: bool = setting(False, description="The zone between good and danger counts as safe")

    async def observe(self) -> SafetyStatus:
        """See Instrument: what it does not know is not safe."""
        indi = await self.there()
        if not self._measures(indi):
            return SafetyStatus(safe=UNKNOWN)
        state = indi.state(STATUS)
        return SafetyStatus(safe=state == "Ok" or (state == BUSY and self.warning_is_safe))


@dataclass(frozen=True, slots=True)
class _Place:
    property: str
    member: str
    off: str = ""


class IndiSwitch(IndiInstrument, Switch):
    """Properties of an INDI device as switches: each switch, each pair of on and off, each number."""

    properties: list[str] = setting(description="Their names, such as FLAT_LIGHT_CONTROL")

    _places: tuple[_Place, ...] = ()

    async def learn(self, indi: IndiClient) -> None:
        """See IndiInstrument."""
        if not self.properties:
            raise NotConnectedError(f"properties = [], expected some of {', '.join(sorted(indi.properties))}")
        await indi.learn(*self.properties, timeout=self.connect_timeout)
        found = [pair for name in self.properties for pair in _channels(name, indi.find(name))]
        self._places = tuple(place for place, _ in found)
        self.declare([channel for _, channel in found])

    async def observe(self) -> SwitchStatus:
        """See Instrument."""
        indi = await self.there()
        values = [indi.value(place.property, place.member) for place in self._places]
        return SwitchStatus(values=tuple(float(v) if isinstance(v, bool | float) else None for v in values))

    async def do_set(self, number: int, value: float) -> None:
        """See Switch."""
        place = self._places[number]
        known = self.indi.find(place.property)
        if known.type == "number":
            others = {name: one.value for name, one in known.members.items()}
            await self.tell(place.property, {**others, place.member: value})
        elif place.off:
            await self.tell(place.property, {place.member if value >= 0.5 else place.off: True})
        else:
            await self.tell(place.property, {place.member: value >= 0.5})


def _channels(name: str, known: Property) -> list[tuple[_Place, SwitchChannel]]:
    members = list(known.members.items())
    if known.type == "switch" and known.rule == "OneOfMany" and len(members) == 2:
        (on, first), (off, _) = members
        return [(_Place(name, on, off), SwitchChannel(name=first.label or on, writable=known.writable))]
    if known.type not in ("switch", "number"):
        raise NotConnectedError(f"{name} is a {known.type}, expected switches or numbers")
    found = []
    for member, one in members:
        limits = {} if known.type == "switch" else {"low": one.low, "high": one.high, "step": one.step or 1e-6}
        channel = SwitchChannel(name=one.label or member, description=name, writable=known.writable, **limits)
        found.append((_Place(name, member), channel))
    return found
