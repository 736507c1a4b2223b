"""What a trial runs on: lying servers, the real devices and hub, and between them the witness and the checker."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from sereno.client import TraceLine
from sereno.device import DeviceRunner, DeviceSet, Environment, Transports
from sereno.hub.hub import Hub
from sereno.model import Clock
from sereno.sim.lying import LyingServer
from sereno.sim.lying_lies import Liar
from sereno.sim.lying_memory import CodedMemory
from sereno.sim.lying_witness import Asked, Witness

from .checker import Checker, DeviceCheck, Figures
from .plant import PLAIN, Pace, Unit, device_config

FLOOD = 1 << 21


@dataclass(frozen=True)
class Ground:
    """Time and wires: memory or sockets. `reset` ends a server's connection without a farewell."""

    pace: Pace
    clock: Clock
    transports: Transports
    reset: Callable[[asyncio.Transport], None]


class Site:
    """Servers by number, devices by path, one liar for all."""

    def __init__(self, ground: Ground, units: Sequence[Unit], seed: int) -> None:
        pace, clock = ground.pace, ground.clock
        self.ground = ground
        self.units = {unit.path: unit for unit in units}
        self.found = Figures()
        self.liar = Liar(seed)
        self.hub = Hub(clock)
        self.witness = Witness(
            ground.transports, clock, patience=pace.patience, slack=pace.slack, on_request=self._asked
        )
        self.servers = {unit.server: self._server(unit.server) for unit in units}
        self.checks = {u.path: DeviceCheck(u, self.servers[u.server].truth, clock, self.found) for u in units}
        self._asks: dict[tuple[int, int], DeviceCheck] = {}
        self._seed = seed
        self.devices: DeviceSet | None = None

    @property
    def transactions(self) -> int:
        """Requests that the servers have got."""
        return sum(server.counters["requests"] for server in self.servers.values())

    def device(self, path: str) -> DeviceRunner:
        """A running device."""
        assert self.devices is not None
        return self.devices.handlers[path]

    def port_of(self, path: str) -> int:
        """The port of a device's server."""
        return self.servers[self.units[path].server].port

    def counters(self) -> Counter[str]:
        """Counters of all links, summed; `links` is how many there are."""
        links = {id(device.link): device.link for device in map(self.device, self.units)}
        sums: Counter[str] = Counter(links=len(links))
        for link in links.values():
            sums.update(link.counters)
        return sums

    async def start(self) -> None:
        """Begin to serve and to scan."""
        for server in self.servers.values():
            await server.start()
        self._asks = {(self.port_of(path), unit.unit): self.checks[path] for path, unit in self.units.items()}
        environment = Environment(self.ground.clock, self.witness, random.Random(self._seed))
        configs = [device_config(u, self.port_of(u.path), self.ground.pace) for u in self.units.values()]
        self.devices = DeviceSet(configs, self.hub, environment)
        self.hub.add_sink(Checker(self.hub, self.checks, self.witness))
        for unit in self.units.values():
            if unit.traced:
                self.device(unit.path).link.taps.add(_look_away)
        await self.devices.start()

    async def stop(self) -> int:
        """Stop all of it; how many connections stay open."""
        assert self.devices is not None
        with suppress(TimeoutError):
            async with self.ground.clock.timeout(self.ground.pace.recovery):
                await self.devices.stop()
        left = await self.surplus(0)
        for server in self.servers.values():
            await server.close()
        self.hub.close()
        return left

    async def surplus(self, allowed: int) -> int:
        """Connections to any server beyond `allowed` to each, once those under way have had time to end."""
        for _ in range(100):
            extra = sum(max(0, len(server.connections) - allowed) for server in self.servers.values())
            if not extra:
                return 0
            await self.ground.clock.sleep(self.ground.pace.fast)
        return extra

    def _server(self, number: int) -> LyingServer:
        ground = self.ground
        return LyingServer(
            {u.unit: CodedMemory(u.unit + 16 * number, plain=PLAIN) for u in self.units.values() if u.server == number},
            self.liar,
            patience=ground.pace.patience,
            flood=FLOOD,
            transports=ground.transports,
            clock=ground.clock,
            reset=ground.reset,
        )

    def _asked(self, request: Asked) -> None:
        check = self._asks.get((request.port, request.unit))
        if check is not None:
            check.asked(request)


def _look_away(_: TraceLine) -> None:
    """A tap: with one, the link takes the way in which every frame is told."""
