"""Instrument: what all kinds share. One scan shows what the family observed; commands start what they name."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any

from sereno.device.authoring.declare import MISSING, scan
from sereno.device.authoring.device import Device
from sereno.device.authoring.values import Cell
from sereno.model import DeliveryError, DeviceError, Quality

LOOK = "look"
"""The scan group of every instrument; `scan = ...` in the plant file sets its period."""


class Instrument(Device):
    """An instrument of any family.

    A command returns when the instrument has accepted it, with the tags as they are by then; what it started is
    told by the tags. Refused, it raises DeviceError. A family fills `observe` and those of the hooks named do_...
    that its instruments can; the others are refused as not implemented.
    """

    async def startup(self) -> None:
        """See Device: connect; families that need it."""

    async def shutdown(self) -> None:
        """See Device: disconnect; families that override it call this one too."""

    async def observe(self) -> Any:
        """How the instrument is now, as the frozen dataclass of its kind; None in a field = it does not have that.

        May be called while another call of it runs. Raises DeliveryError when it did not answer.
        """
        raise NotImplementedError(f"{type(self).__name__} does not observe")

    @scan(period=1.0)
    async def look(self) -> None:
        """Show how the instrument is."""
        self.show(await self.observe())

    def show(self, status: Any) -> None:
        """Set the tags that have the names of the fields of `status`."""
        for field in fields(status):
            if field.name not in self._tags:
                continue
            value = getattr(status, field.name)
            if value is None:
                self._values.put(field.name, Cell(MISSING, int(Quality.BAD), 0, "not implemented"))
            else:
                self._values.set(field.name, value)

    def trace(self, direction: str, data: bytes, text: str) -> None:
        """Show a raw frame, "tx" or "rx", to people who look at the link of this instrument."""
        if self._runtime is not None:
            self._runtime.trace(direction, data, text)

    async def look_again(self) -> None:
        """Show how the instrument is after a command; one that cannot say it now is told by the next scan."""
        with suppress(DeliveryError, DeviceError, OSError):
            await self.look()


@dataclass(frozen=True, slots=True)
class InstrumentFamily:
    """What a driver entry point gives for instruments: the device class of each kind that the family has."""

    name: str
    kinds: Mapping[str, type[Device]]
