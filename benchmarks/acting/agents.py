"""The observatory's agents with quicker timers, and ways to hang and to break them from outside."""

from __future__ import annotations

import asyncio

from sereno import DeviceError, command, scan
from sereno_observatory.environment import Environment
from sereno_observatory.majordome import Majordome
from sereno_observatory.observer import Observer

FORGETS = False
"""Whether an observer never asks the book what is under way: a defect to plant."""


class FastEnvironment(Environment):
    """Looks five times a second."""

    def startup(self) -> None:
        """As it is, and well."""
        super().startup()
        self._ails = ""

    @scan(period="200ms")
    async def synthesis(self) -> None:
        """As it is, unless it hangs or is broken."""
        await _suffer(self._ails)
        await super().synthesis()

    @command
    def ail(self, how: str) -> None:
        """Let it hang or be broken until it is started anew."""
        self._ails = how


class FastMajordome(Majordome):
    """Looks three times a second."""

    def startup(self) -> None:
        """As it is, and well."""
        super().startup()
        self._ails = ""

    @scan(period="300ms")
    async def time(self) -> None:
        """As it is."""
        await _suffer(self._ails)
        await super().time()

    @scan(period="300ms")
    async def conduct(self) -> None:
        """As it is, unless it hangs or is broken."""
        await _suffer(self._ails)
        await super().conduct()

    @command
    def ail(self, how: str) -> None:
        """Let it hang or be broken until it is started anew."""
        self._ails = how


class FastObserver(Observer):
    """As it is, and may be harmed."""

    async def startup(self) -> None:
        """As it is, and well."""
        await super().startup()
        self._ails = ""

    @scan(period="500ms")
    async def tick(self) -> None:
        """As it is, unless it hangs or is broken."""
        await _suffer(self._ails)
        await super().tick()

    async def _resume(self) -> None:
        self._resumed = FORGETS
        if not FORGETS:
            await super()._resume()

    @command
    def ail(self, how: str) -> None:
        """Let it hang or be broken until it is started anew."""
        self._ails = how


async def _suffer(how: str) -> None:
    if how == "hang":
        await asyncio.Event().wait()
    if how == "kill":
        raise DeviceError("broken", "the rig has broken it")
