"""Alpaca weather stations, safety monitors and boxes of switches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
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
from sereno.model import DeviceError, NoAnswerError

from .client import AlpacaClient, Snapshot
from .instrument import AlpacaInstrument
from .protocol import CONDITIONS, SENSORS

MOST_SWITCHES = 200


class AlpacaConditions(AlpacaInstrument, ObservingConditions):
    """A weather station behind Alpaca. It answers whether or not its sensors measure, so they are asked."""

    alpaca_kind: ClassVar[str] = "observingconditions"
    max_silence: float = setting(
        120.0, unit="s", low=0, description="A value that its sensor has not renewed for so long is not known; 0 it is"
    )
    _ages: Mapping[str, tuple[float, float]] = MappingProxyType({})
    _ageless: frozenset[str] = frozenset()
    _asked: int = 0

    async def learn(self, alpaca: AlpacaClient) -> None:
        """See AlpacaInstrument: a sensor that does not say when it measured is believed."""
        del alpaca
        self._ages, self._ageless = {}, frozenset()

    async def observe(self) -> ConditionsStatus:
        """See Instrument."""
        alpaca = await self.alpaca.snapshot()
        found = {tag: await alpaca.shown(member) for tag, member in CONDITIONS.items()}
        if self.max_silence:
            await self._ask_age(alpaca, [tag for tag, value in found.items() if value is not None])
        old = {tag: UNKNOWN for tag, value in found.items() if value is not None and self._is_old(tag)}
        return ConditionsStatus(**{**found, **old})

    async def _ask_age(self, alpaca: Snapshot, tags: list[str]) -> None:
        """Of one sensor with each look, in turn."""
        candidates = [tag for tag in tags if tag not in self._ageless]
        if not candidates:
            return
        self._asked += 1
        tag = candidates[self._asked % len(candidates)]
        try:
            age = await alpaca.number("timesincelastupdate", SensorName=SENSORS[tag])
        except DeviceError as error:
            if error.reason == "not_implemented":
                self._ageless |= {tag}
                self._ages = {one: age for one, age in self._ages.items() if one != tag}
        else:
            self._ages = {**self._ages, tag: (age, self.surroundings.clock.monotonic())}

    def _is_old(self, tag: str) -> bool:
        """By what it said last of its sensor, and how long ago; one that has never measured says less than 0."""
        age, asked = self._ages.get(tag, (0.0, math.inf))
        return age < 0 or age + self.surroundings.clock.monotonic() - asked > self.max_silence

    async def do_refresh(self) -> None:
        """See ObservingConditions."""
        await self.alpaca.put("refresh")


class AlpacaSafety(AlpacaInstrument, SafetyMonitor):
    """A safety monitor behind Alpaca."""

    alpaca_kind: ClassVar[str] = "safetymonitor"

    async def observe(self) -> SafetyStatus:
        """See Instrument."""
        return SafetyStatus(safe=await self.alpaca.truth("issafe"))


class AlpacaSwitch(AlpacaInstrument, Switch):
    """A box of switches behind Alpaca."""

    alpaca_kind: ClassVar[str] = "switch"

    async def learn(self, alpaca: AlpacaClient) -> None:
        """See AlpacaInstrument."""
        count = int(await alpaca.number("maxswitch"))
        if not 0 <= count <= MOST_SWITCHES:
            raise NoAnswerError(f"maxswitch {count}")
        self.declare([await self._channel(alpaca, number) for number in range(count)])

    async def observe(self) -> SwitchStatus:
        """See Instrument."""
        look = self.alpaca.look()
        return SwitchStatus(values=tuple([await self._value(look, number) for number in range(len(self.channels))]))

    async def do_set(self, number: int, value: float) -> None:
        """See Switch."""
        await self.alpaca.put("setswitchvalue", Id=number, Value=value)

    @staticmethod
    async def _value(look: Snapshot, number: int) -> float | None:
        try:
            return await look.number("getswitchvalue", Id=number)
        except DeviceError:
            return None

    @staticmethod
    async def _channel(alpaca: AlpacaClient, number: int) -> SwitchChannel:
        return SwitchChannel(
            name=str(await alpaca.get("getswitchname", Id=number)),
            description=str(await alpaca.get("getswitchdescription", Id=number)),
            writable=await alpaca.get("canwrite", Id=number) is True,
            low=await alpaca.number("minswitchvalue", Id=number),
            high=await alpaca.number("maxswitchvalue", Id=number),
            step=await alpaca.number("switchstep", Id=number),
        )
