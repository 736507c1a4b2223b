"""The simulators of an observatory in this process, on a network in memory: what `sereno sim` runs as processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from sereno.device import MemoryTransports
from sereno.model import Clock, RefusedError
from sereno.sim.instruments.alpaca import AlpacaServer
from sereno.sim.instruments.observatory import SimObservatory
from sereno.sim.instruments.starfield import INFRARED, VISIBLE
from sereno.sim.jsonplc.devices import site_devices
from sereno.sim.jsonplc.server import PlcServer
from sereno.sim.jsonplc.watched import WatchedPlc

PLC = "plc"
SMALLER = replace(VISIBLE, width=512, height=512, scale=3.0)
SMALLER_INFRARED = replace(INFRARED, width=320, height=256, scale=4.4)
"""The same sky with a quarter of the pixels: of a whole night in minutes, drawing them would be a good part."""


class Simulators:
    """A PLC and instruments behind Alpaca, by the names that scenarios have for them."""

    def __init__(
        self, machine: WatchedPlc, plc: PlcServer, instruments: AlpacaServer, network: MemoryTransports
    ) -> None:
        self._machine = machine
        self._plc = plc
        self._instruments = instruments
        self._network = network

    def urls(self) -> dict[str, str]:
        """Where each of them is."""
        return {PLC: f"tcp://127.0.0.1:{self._plc.port}", **self._instruments.urls()}

    def force(self, name: str, action: Mapping[str, Any]) -> None:
        """Let something happen to one of them, as a scenario's action says it. Raises RefusedError."""
        if name != PLC:
            self._instruments.force(name, action)
        elif reason := self._machine.force(action):
            raise RefusedError(f"the simulated PLC: {reason}")

    def silence(self, name: str, *, silent: bool) -> None:
        """Have nothing of one of them arrive any more, nor at it; instruments share one server."""
        port = self._plc.port if name == PLC else self._instruments.port
        self._network.at(port).silent = silent

    def watch_shutter(self, seen: Callable[[str, bool], None] | None) -> None:
        """Be told where the dome's shutter is when that changes, and whether it went by itself, with nobody heard."""
        machine = self._machine
        machine.seen = None if seen is None else lambda word: seen(word, machine.refuge)


@asynccontextmanager
async def simulators(clock: Clock, network: MemoryTransports, seed: int) -> AsyncIterator[Simulators]:
    """All of them, while the context is open. The same seed gives the same stars and the same noise."""
    machine = WatchedPlc(site_devices(), clock)
    site = SimObservatory(clock, seed=seed, roofless=True, shutter=False, visible=SMALLER, infrared=SMALLER_INFRARED)
    plc, server = PlcServer(machine, clock, transports=network), AlpacaServer(site.devices(), clock, transports=network)
    try:
        await plc.start()
        await server.start()
        yield Simulators(machine, plc, server, network)
    finally:
        await server.close()
        await plc.close()
