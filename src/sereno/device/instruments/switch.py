"""Switch: a box of switches and gauges, one tag each, found when it connects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sereno.device.authoring.declare import tag
from sereno.device.authoring.values import Cell
from sereno.model import Quality, suggest_segment

from .instrument import LOOK, Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchChannel:
    """One switch as the box declares it: `low`..`high` of a number; 0..1 in steps of 1 is a yes or no."""

    name: str
    description: str = ""
    writable: bool = False
    low: float = 0.0
    high: float = 1.0
    step: float = 1.0

    @property
    def is_bool(self) -> bool:
        """True for what is on or off."""
        return (self.low, self.high, self.step) == (0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchStatus:
    """The values of all switches in their order, as numbers; None for one that cannot be read."""

    values: tuple[float | None, ...]


class Switch(Instrument):
    """A box of switches. A family calls `declare` when it has connected."""

    switches: int = tag(scan=LOOK, description="How many switches the box has")
    _names: tuple[str, ...] = ()
    _channels: tuple[SwitchChannel, ...] = ()

    async def observe(self) -> SwitchStatus:
        """See Instrument."""
        raise NotImplementedError

    async def do_set(self, number: int, value: float) -> None:
        """Set one switch, counted from 0. Raises DeviceError."""
        raise NotImplementedError

    @property
    def channels(self) -> tuple[SwitchChannel, ...]:
        """The switches that were declared last."""
        return self._channels

    def declare(self, channels: Sequence[SwitchChannel]) -> None:
        """Have a tag for each of these switches; those of before that are no more are taken away."""
        before, self._channels = self._names, tuple(channels)
        self._names = _named([channel.name for channel in channels])
        for name in set(before) - set(self._names):
            self.remove_tag(name)
        for number, (name, channel) in enumerate(zip(self._names, channels, strict=True)):
            options: dict[str, Any] = {} if channel.is_bool else {"low": channel.low, "high": channel.high}
            if channel.writable:
                options |= {"write": True, "on_write": partial(self._set, number)}
            self.add_tag(name, bool if channel.is_bool else float, description=channel.description, **options)

    def show(self, status: SwitchStatus) -> None:
        """See Instrument."""
        self.switches = len(status.values)
        for name, channel, value in zip(self._names, self._channels, status.values, strict=False):
            if value is None:
                self._values.put(name, Cell(quality=int(Quality.DEVICE_FAILURE), reason="cannot be read"))
            else:
                self._values.set(name, value >= 0.5 if channel.is_bool else float(value))

    async def _set(self, number: int, value: float) -> None:
        await self.do_set(number, float(value))
        await self.look_again()


def _named(names: Sequence[str]) -> tuple[str, ...]:
    """Names of tags, each once."""
    found: list[str] = []
    for name in names:
        segment = suggest_segment(name) or "switch"
        taken = {*found, "switches"}
        number = 2
        made = segment
        while made in taken:
            made, number = f"{segment}_{number}", number + 1
        found.append(made)
    return tuple(found)
