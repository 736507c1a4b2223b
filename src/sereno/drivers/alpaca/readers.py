"""Alpaca weather stations, safety monitors and boxes of switches."""

from __future__ import annotations

from typing import ClassVar

from sereno.device.instruments import (
    ConditionsStatus,
    ObservingConditions,
    SafetyMonitor,
    SafetyStatus,
    Switch,
    SwitchChannel,
    SwitchStatus,
)
from sereno.model import DeviceError, NoAnswerError

from .client import AlpacaClient
from .instrument import AlpacaInstrument
from .protocol import CONDITIONS

MOST_SWITCHES = 200


class AlpacaConditions(AlpacaInstrument, ObservingConditions):
    """A weather station behind Alpaca."""

    alpaca_kind: ClassVar[str] = "observingconditions"

    async def observe(self) -> ConditionsStatus:
        """See Instrument."""
        alpaca = await self.alpaca.snapshot()
        return ConditionsStatus(**{tag: await alpaca.optional(member) for tag, member in CONDITIONS.items()})

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
        return SwitchStatus(values=tuple([await self._value(number) for number in range(len(self.channels))]))

    async def do_set(self, number: int, value: float) -> None:
        """See Switch."""
        await self.alpaca.put("setswitchvalue", Id=number, Value=value)

    async def _value(self, number: int) -> float | None:
        try:
            return await self.alpaca.number("getswitchvalue", Id=number)
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
