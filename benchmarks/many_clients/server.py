"""A native server whose tags change every second. Answers each line of standard input with its figures."""

from __future__ import annotations

import json
import resource
import sys
import threading

import numpy as np
import psutil
import uvloop

from sereno.access.actor import ROLES, Actor
from sereno.client import GroupSpec
from sereno.gateways.native.door import TokenDoor
from sereno.gateways.native.ports import NativePorts
from sereno.gateways.native.server import NativeServer
from sereno.hub.hub import Hub
from sereno.hub.router import CommandRouter
from sereno.model import RowIndex, SystemClock, TagSpec, seal

TAGS = 100
PERIOD = 1.0


class NoDevices:
    """A DevicePort of nothing."""

    async def devices(self, actor: Actor) -> list[object]:
        """None."""
        del actor
        return []


async def main() -> None:
    clock = SystemClock()
    hub = Hub(clock)
    index = RowIndex(hub.register_tags([TagSpec(path=f"crowd/device/t{i:03d}") for i in range(TAGS)]))
    group = hub.register_group(GroupSpec("fast", "crowd/device", PERIOD, 3600.0, index))
    door = TokenDoor({"crowd": Actor("crowd", (ROLES["viewer"],))})
    ports = NativePorts(
        live=hub,
        commands=CommandRouter(hub, clock),
        devices=NoDevices(),  # type: ignore[arg-type] - without traces
        door=door,
        clock=clock,
    )
    async with NativeServer(ports) as server:
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        print(json.dumps(server.url), flush=True)
        seq = 0
        while True:
            seq += 1
            hub.publish(seal(group, seq, index, np.full(TAGS, float(seq)), clock.wall_ns(), 0))
            await clock.sleep(PERIOD)


def answer(server: NativeServer) -> None:
    me = psutil.Process()
    for _ in sys.stdin:
        cpu = me.cpu_times()
        figures = {"rss": me.memory_info().rss, "cpu": cpu.user + cpu.system, **server.statistics()}
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(20_000, hard), hard))
    uvloop.run(main())
