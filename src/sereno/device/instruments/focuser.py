"""Focuser: moves along the optical axis, in steps."""

from __future__ import annotations

from dataclasses import dataclass

from sereno.device.authoring.declare import command, tag

from .instrument import ANYHOW, LOOK, Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class FocuserStatus:
    """How a focuser is: steps, degrees Celsius."""

    position: float | None
    moving: bool
    temperature: float | None


class Focuser(Instrument):
    """A focuser."""

    position: int = tag(scan=LOOK, description="Where it is, in steps")
    moving: bool = tag(scan=LOOK, description="On its way")
    temperature: float = tag(unit="degC", scan=LOOK, decimals=1, description="Of the tube")

    async def observe(self) -> FocuserStatus:
        """See Instrument."""
        raise NotImplementedError

    async def do_move(self, position: int) -> None:
        """Begin to move. Raises DeviceError."""
        raise NotImplementedError

    async def do_abort(self) -> None:
        """Stop."""
        raise NotImplementedError

    @command
    async def move(self, position: int) -> None:
        """Begin to move to this step."""
        await self.begin(self.do_move(position))
        await self.look_again()

    @command(at_once=True, allowed=ANYHOW)
    async def abort(self) -> None:
        """Stop, wherever it is."""
        self.overtake()
        await self.do_abort()
        await self.look_again()
