"""A whole site in this process on a jumping clock: the PLC on a network in memory, the plant's devices, its guards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sereno.access.actor import ROLES, Actor
from sereno.agents.guards import Guards
from sereno.agents.supervisor import Supervisor
from sereno.app.agents import AgentDevices
from sereno.app.device_configs import device_configs_of
from sereno.app.host_clock import timekeeping
from sereno.app.plant.load import load_plant
from sereno.app.self_watch import SelfWatch
from sereno.app.serve.server import DeviceServer
from sereno.app.simulators.placing import with_urls
from sereno.client import Client
from sereno.device import Environment, NoMemory
from sereno.model import AckState
from sereno.sim.instruments.alpaca import AlpacaServer
from sereno.sim.jsonplc.run import run_plc
from sereno.sim.jsonplc.server import PlcServer
from sereno.testing import JumpingClock, MemoryTransports
from sereno_observatory.demo import OBSERVATORY
from sereno_observatory.simulators import DEVICES

ADMIN = Actor("admin", (ROLES["admin"],))
WATCH = "observatory/environment/supervision"


@dataclass(slots=True)
class Site:
    """What a test works with."""

    clock: JumpingClock
    plc: PlcServer
    client: Client
    transports: MemoryTransports
    folder: Path

    def force(self, device: str, name: str, value: Any) -> None:
        """Let something happen at the site."""
        assert not self.plc.machine.force({"device_name": device, "value_name": name, "value": value})

    @property
    def shutter(self) -> Any:
        """Where the shutter really is."""
        self.plc.machine.settle()
        return self.plc.machine.devices["DOME"].values["shutter"].value

    async def value(self, path: str) -> Any:
        """Present value of a tag."""
        return (await self.client.get(path)).value


@asynccontextmanager
async def site(
    clock: JumpingClock,
    plant: Path = OBSERVATORY.plant,
    *,
    mode: str = "MANUAL",
    instruments: AlpacaServer | None = None,
    **plc: Any,
) -> AsyncIterator[Site]:
    """The demo's site, running for three seconds already; with `instruments` where a test wants them, on port 80."""
    transports = MemoryTransports() if instruments is None else instruments.transports
    assert isinstance(transports, MemoryTransports)
    async with AsyncExitStack() as stack:
        kept = stack.enter_context(TemporaryDirectory())
        urls: dict[str, str] = {}
        if instruments is not None:
            await instruments.start(80)
            stack.push_async_callback(instruments.close)
            urls = {DEVICES[actor]: url for actor, url in instruments.urls().items() if actor in DEVICES}
        yield await stack.enter_async_context(_running(clock, transports, plant, mode, Path(kept), plc, urls))


@asynccontextmanager
async def _running(
    clock: JumpingClock,
    transports: MemoryTransports,
    plant: Path,
    mode: str,
    kept: Path,
    plc: dict[str, Any],
    urls: dict[str, str],
) -> AsyncIterator[Site]:
    async with run_plc(clock=clock, transports=transports, **plc) as server:
        loaded = with_urls(load_plant(plant), {"site/plc": f"tcp://127.0.0.1:{server.port}", **urls})
        configs = device_configs_of(loaded.linked_devices, NoMemory())
        configs = [replace(c, groups={n: replace(g, phase=0.0) for n, g in c.groups.items()}) for c in configs]
        async with DeviceServer(configs, Environment(clock=clock, transports=transports, folder=kept)) as node:
            guards = Guards(loaded.guards, node.hub, node.router, clock)
            rules = [agent.rule for agent in loaded.agents]
            supervisor = Supervisor(rules, AgentDevices(node.devices), node.hub, clock)
            for path, supervised in supervisor.members.items():
                node.router.register(path, supervised)
            itself = SelfWatch(node.hub, clock, kept, lambda: ("", "", ""), partial(timekeeping, clock, demo=False))
            tasks = [asyncio.create_task(one.run()) for one in (guards, supervisor, itself)]
            try:
                await clock.sleep(3.0)
                client = node.client(ADMIN)
                if plant == OBSERVATORY.plant:
                    assert (await client.write("observatory/majordome/mode", mode)).state is AckState.DONE
                yield Site(clock, server, client, transports, kept)
            finally:
                for task in tasks:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
