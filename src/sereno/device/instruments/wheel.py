"""FilterWheel: one of several filters in the beam."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from sereno.device.authoring.declare import bounds, command, tag
from sereno.model import DeviceError

from .instrument import LOOK, Instrument

Slot = Annotated[int, bounds(0, 1000)]


class WheelState(Enum):
    """What a filter wheel does."""

    IDLE = "idle"
    MOVING = "moving"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelStatus:
    """How a wheel is; `position` counts from 0, -1 while it moves."""

    state: WheelState
    position: int
    filters: tuple[str, ...]


class FilterWheel(Instrument):
    """A filter wheel."""

    activity: WheelState = tag(name="state", scan=LOOK, description="What the wheel does")
    position: int = tag(scan=LOOK, description="Place in the beam, from 0; -1 while it moves")
    filter: str = tag(scan=LOOK, description="Filter in the beam; empty while it moves")
    filters: list[str] = tag(scan=LOOK, description="What is in the places, from 0")

    async def observe(self) -> WheelStatus:
        """See Instrument."""
        raise NotImplementedError

    async def do_move(self, position: int) -> None:
        """Begin to move a place into the beam. Raises DeviceError."""
        raise NotImplementedError

    def show(self, status: WheelStatus) -> None:
        """See Instrument."""
        super().show(status)
        known = 0 <= status.position < len(status.filters)
        self.filter = status.filters[status.position] if known else ""

    @command
    async def select(self, filter: str) -> None:  # noqa: A002 - what people call it
        """Begin to move this filter into the beam."""
        filters = tuple(self.value("filters"))
        if filter not in filters:
            raise DeviceError("no_such_filter", f"there is no filter {filter!r}; there are: {', '.join(filters)}")
        await self._go(filters.index(filter))

    @command
    async def move(self, position: Slot) -> None:
        """Begin to move this place into the beam, counted from 0."""
        places = len(self.value("filters"))
        if position >= places:
            raise DeviceError("no_such_place", f"there is no place {position}; there are 0 to {places - 1}")
        await self._go(position)

    async def _go(self, position: int) -> None:
        await self.do_move(position)
        await self.look_again()
