"""Instrument: what all kinds share. One scan shows what the family observed; commands start what they name."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from math import isnan, nan
from typing import Any

from sereno.device.authoring.declare import MISSING, scan
from sereno.device.authoring.device import Device
from sereno.device.authoring.values import Cell
from sereno.model import DeliveryError, DeviceError, NoAnswerError, Quality

ANYHOW = ("enabled", "disabled", "fault")
"""States in which what stops or shelters an instrument is tried: also while it answers late, or wrong."""
UNKNOWN = nan
"""In a field of a status: the instrument has that, and nobody knows it now."""
LOOK = "look"
"""The scan group of every instrument; `scan = ...` in the plant file sets its period."""


def is_unknown(value: object) -> bool:
    """True of UNKNOWN."""
    return isinstance(value, float) and isnan(value)


class Instrument(Device):
    """An instrument of any family.

    A command returns when the instrument has accepted it, with the tags as they are by then; what it started is
    told by the tags. Refused, it raises DeviceError. A family fills `observe` and those of the hooks named do_...
    that its instruments can; the others are refused as not implemented.
    """

    _beginning: frozenset[asyncio.Task[None]] = frozenset()

    async def startup(self) -> None:
        """See Device: connect; families that need it."""

    async def shutdown(self) -> None:
        """See Device: disconnect; families that override it call this one too."""

    async def observe(self) -> Any:
        """How the instrument is now, as the frozen dataclass of its kind.

        None in a field = it does not have that, UNKNOWN = it has, and cannot say it now. May be called while another
        call of it runs. Raises DeliveryError when it did not answer.
        """
        raise NotImplementedError(f"{type(self).__name__} does not observe")

    @scan(period=1.0)
    async def look(self) -> None:
        """Show how the instrument is."""
        status = await self.observe()
        self.show(status)
        await self.heed(status)

    async def heed(self, status: Any) -> None:
        """What is left to do of a command, now that the instrument is so. Kinds that need it."""

    def show(self, status: Any) -> None:
        """Set the tags that have the names of the fields of `status`."""
        for field in fields(status):
            if field.name not in self._tags:
                continue
            value = getattr(status, field.name)
            if value is None:
                self._values.put(field.name, Cell(MISSING, int(Quality.NOT_IMPLEMENTED), 0))
            elif is_unknown(value):
                self._values.put(field.name, Cell(MISSING, int(Quality.BAD), 0, "not known now"))
            else:
                self._values.set(field.name, self._in_circle(field.name, value))

    def _in_circle(self, name: str, value: Any) -> Any:
        """The north is 0 degrees, also where rounding would show 360."""
        spec = self._tags[name].spec
        if (spec.unit, spec.low, spec.high) != ("deg", 0, 360):
            return value
        return 0.0 if value >= 360.0 - 0.5 * 10.0 ** -(spec.decimals or 0) else value

    def trace(self, direction: str, data: bytes, text: str) -> None:
        """Show a raw frame, "tx" or "rx", to people who look at the link of this instrument."""
        if self._runtime is not None:
            self._runtime.trace(direction, data, text)

    async def begin(self, order: Coroutine[Any, Any, None]) -> None:
        """Have a movement begun, unless `overtake` comes before the instrument has accepted it.

        Raises NoAnswerError then: nobody knows how much of it the instrument has heard.
        """
        task = asyncio.create_task(order, name=f"order to {self.path}")
        self._beginning |= {task}
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise
        finally:
            self._beginning -= {task}
        if task.cancelled() or (task.cancelling() and task.exception()):
            raise NoAnswerError("overtaken by another command before the instrument had accepted it")
        await task

    def overtake(self) -> None:
        """Let nothing more go out of movements that are not accepted yet: what stops them or shelters comes now."""
        for task in self._beginning:
            task.cancel()

    async def look_again(self) -> None:
        """Show how the instrument is after a command; one that cannot say it now is told by the next scan."""
        with suppress(DeliveryError, DeviceError, OSError):
            await self.look()


@dataclass(frozen=True, slots=True)
class InstrumentFamily:
    """What a driver entry point gives for instruments: the device class of each kind that the family has."""

    name: str
    kinds: Mapping[str, type[Device]]
