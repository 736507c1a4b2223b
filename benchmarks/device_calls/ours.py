"""Sereno: a hub with a source that pushes, its native server, and the client with asyncio."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import numpy as np
import uvloop

from device_calls import asking, serving
from sereno.access.actor import ROLES, Actor
from sereno.client import DeviceStatus, GroupSpec, connect
from sereno.gateways.native.door import TokenDoor
from sereno.gateways.native.ports import NativePorts
from sereno.gateways.native.server import NativeServer
from sereno.hub.hub import Hub
from sereno.hub.router import CommandRouter
from sereno.model import ObjectSample, RowIndex, SystemClock, TagHandle, TagSpec, seal

TOKEN = "bench"
PATH = "bench/device"


class Source:
    """Values that code pushes one by one; those of one turn of the loop are sealed as one batch."""

    def __init__(self, size: int) -> None:
        self.clock = SystemClock()
        self.hub = Hub(self.clock)
        self.size = size
        specs = [TagSpec(path=f"{PATH}/t{i:05d}") for i in range(size)]
        handles = self.hub.register_tags([*specs, TagSpec(path=f"{PATH}/wave", shape=(1000,))])
        self.index = RowIndex(handles[:size])
        self.wave = TagHandle(int(handles[size]))
        self.group = self.hub.register_group(GroupSpec("pushed", PATH, 1.0, 3600.0, self.index, (self.wave,)))
        self.values = [0.0] * size
        self.seq = 0
        wave = ObjectSample(self.wave, np.arange(1000.0), self.clock.wall_ns(), 0)
        self.seal((wave,))

    def push(self, position: int, value: float) -> None:
        """One value."""
        self.values[position] = value

    def seal(self, objects: tuple[ObjectSample, ...] = ()) -> None:
        """What was pushed in this turn."""
        self.seq += 1
        column = np.array(self.values)
        self.hub.publish(seal(self.group, self.seq, self.index, column, self.clock.wall_ns(), 0, objects=objects))

    async def flat_out(self, seconds: float) -> int:
        """Push for so long."""
        pushed, number, until = 0, 1.0, time.perf_counter() + seconds
        while time.perf_counter() < until:
            pushed += await self.round(number)
            number += 1.0
        return pushed + await self.round(asking.LAST)

    async def round(self, number: float) -> int:
        """Every tag once."""
        push = self.push
        for position in range(self.size):
            push(position, number)
        self.seal()
        await asyncio.sleep(0)
        return self.size

    async def devices(self, actor: Actor) -> list[DeviceStatus]:
        """None."""
        del actor
        return []


async def serve(size: int) -> None:
    source = Source(size)
    ports = NativePorts(
        live=source.hub,
        commands=CommandRouter(source.hub, source.clock),
        devices=source,  # type: ignore[arg-type] - without traces
        door=TokenDoor({TOKEN: Actor("bench", (ROLES["operator"],))}),
        clock=source.clock,
    )
    loop = asyncio.get_running_loop()
    async with NativeServer(ports) as server:
        serving.ready(server.url)
        serving.in_thread(lambda s: asyncio.run_coroutine_threadsafe(source.flat_out(s), loop).result())
        await asyncio.Event().wait()


async def ask(address: str, size: int, seconds: float) -> None:
    """The client has one loop, so the common measurements are done here, call by call."""
    async with connect(address, TOKEN) as client:
        one, many, array = f"{PATH}/t00000", f"{PATH}/t*", f"{PATH}/wave"
        found = {}
        for path in (one, array):
            await client.get(path)
        times, began = [], time.perf_counter()
        now = began
        while now - began < seconds:
            await client.get(one)
            after = time.perf_counter()
            times.append(after - now)
            now = after
        found |= asking.sequence(times, now - began)
        group = client.group(many)
        for name, call, values in (
            ("bulk", lambda: values_of(group), size),
            ("bulk_readings", lambda: client.read(many), size),
            ("array", lambda: client.get(array), 1000),
        ):
            calls, began = 0, time.perf_counter()
            while time.perf_counter() - began < seconds:
                await call()
                calls += 1
            found[f"{name}_values_per_s"] = values * calls / (time.perf_counter() - began)
        await events(client, size, found)
        print(json.dumps(found), flush=True)


async def values_of(group) -> list[float]:
    """As a list of Python numbers, which is what the others give."""
    return (await group.read()).present.values.tolist()


async def events(client, size: int, found: dict[str, float]) -> None:
    counted = asking.Events(size)
    device = client[PATH]
    paths = [f"t{i:05d}" for i in range(size)]
    began = time.perf_counter()
    watches = await asyncio.gather(
        *(device.tag(p).subscribe(lambda r, i=i: counted.take(i, r.value)) for i, p in enumerate(paths))
    )
    found["subscribe_ms"] = (time.perf_counter() - began) * 1e3
    await asyncio.sleep(0.3)
    before, began = counted.count, time.perf_counter()
    print("subscribed", flush=True)
    line = await asyncio.to_thread(sys.stdin.readline)
    end = asking.Quiet(counted)
    while not end.over():
        await asyncio.sleep(0.02)
    found |= counted.figures(end.last - began, json.loads(line)["pushed"], before)
    found["events_dropped"] = max(w.dropped for w in watches)


if __name__ == "__main__":
    if sys.argv[1] == "server":
        uvloop.run(serve(int(sys.argv[2])))
    else:
        uvloop.run(ask(json.loads(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
