"""The simulated PLC that notes when it told of rain and when it was asked to close, and rounds of that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sereno.drivers.jsonplc.protocol import SET, STATUS
from sereno.sim.jsonplc.machine import PlcMachine

REST = 0.3
"""Seconds that the site is dry and open between two rounds: several scans."""


class Watched(PlcMachine):
    """Notes when rain is told and when closing is asked for."""

    told = asked = 0.0

    def answer(self, commands: Any) -> list[dict[str, Any]] | None:
        """See PlcMachine."""
        now = time.perf_counter()
        listed: Sequence[Mapping[str, Any]] = list(commands)
        if self.told and not self.asked and any(one.get("name") == SET for one in listed):
            self.asked = now
        parts = super().answer(listed)
        raining = self.devices["WXT520"].values["RainRate"].value != 0
        if raining and not self.told and any(one.get("name") == STATUS for one in listed):
            self.told = time.perf_counter()
        return parts

    def clear(self) -> None:
        """Dry, open, and nothing noted."""
        self.devices["WXT520"].values["RainRate"].value = 0.0
        self.devices["DOME"].values["shutter"].value = "open"
        self._moving.clear()
        self.told = self.asked = 0.0


async def one_round(machine: Watched) -> float:
    """Milliseconds from the answer that tells of rain to the order to close."""
    machine.clear()
    answered = machine.iterations
    await asyncio.sleep(REST)
    async with asyncio.timeout(30):
        while machine.iterations < answered + 3:
            await asyncio.sleep(0.01)
    machine.devices["WXT520"].values["RainRate"].value = 12.0
    async with asyncio.timeout(30):
        while not machine.asked:
            await asyncio.sleep(0.002)
    await asyncio.sleep(0.05)
    return (machine.asked - machine.told) * 1e3


async def rounds(machine: Watched, count: int) -> list[float]:
    """Milliseconds of each round."""
    return [await one_round(machine) for _ in range(count)]


async def seconds_to_move(machine: Watched) -> float:
    """How long the shutter still stands open, from now on."""
    begun = time.perf_counter()
    async with asyncio.timeout(30):
        while machine.devices["DOME"].values["shutter"].value == "open":
            await asyncio.sleep(0.01)
    return time.perf_counter() - begun
