"""Many clients in one process: each connects, watches one tag, and reads it once a second at a moment of its own."""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sys
import time

import uvloop

from sereno.client._native_link import NativeLink
from sereno.client._native_live import NativeSubscription
from sereno.client._native_wire import checked
from sereno.model import SystemClock
from sereno.wire.messages import Open
from sereno.wire.native import Kind
from sereno.wire.packed import pack_value

AT_ONCE = 100


class Crowd:
    """What its clients found."""

    def __init__(self, url: str, size: int, seconds: float) -> None:
        self.url = url
        self.size = size
        self.seconds = seconds
        self.clock = SystemClock()
        self.times: list[float] = []
        self.delays: list[float] = []
        self.connected = 0
        self.errors: dict[str, int] = {}
        self.begin = asyncio.Event()
        self.room = asyncio.Semaphore(AT_ONCE)

    async def client(self, number: int) -> None:
        """One client from its connection to its end."""
        path = f"crowd/device/t{number % 100:03d}"
        link = NativeLink(self.url, "crowd", self.clock, timeout=60.0)
        try:
            async with self.room:
                await link.open()
                wire = await link.ready()
                checked(await wire.ask(Kind.OPEN, 1, pack_value(Open([path]))))
                watch = NativeSubscription(link, (path,), {})
                await watch.open()
            self.connected += 1
            following = asyncio.create_task(self.follow(watch))
            await self.begin.wait()
            await asyncio.sleep(random.random())
            until = time.perf_counter() + self.seconds
            while (now := time.perf_counter()) < until:
                checked(await wire.ask(Kind.READ, 1))
                took = time.perf_counter() - now
                self.times.append(took)
                await asyncio.sleep(max(0.0, 1.0 - took))
            following.cancel()
            await watch.close()
        except Exception as error:  # noqa: BLE001 - counted: this is what the benchmark is about
            name = f"{type(error).__name__}: {error}"
            self.errors[name] = self.errors.get(name, 0) + 1
        finally:
            await link.close()

    async def follow(self, watch: NativeSubscription) -> None:
        """How late the updates come."""
        async for update in watch:
            if not update.snapshot and self.begin.is_set():
                self.delays.append((time.time_ns() - update.t_hub) / 1e9)


async def main(url: str, size: int, seconds: float) -> None:
    crowd = Crowd(url, size, seconds)
    began = time.perf_counter()
    clients = [asyncio.create_task(crowd.client(n)) for n in range(size)]
    while crowd.connected + sum(crowd.errors.values()) < size:
        await asyncio.sleep(0.05)
    print(json.dumps({"connected": crowd.connected, "connect_s": time.perf_counter() - began}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    crowd.begin.set()
    await asyncio.gather(*clients)
    found = {"reads": len(crowd.times), "updates": len(crowd.delays), "errors": crowd.errors}
    print(json.dumps({**found, "times": sorted(crowd.times), "delays": sorted(crowd.delays)}), flush=True)


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(20_000, hard), hard))
    uvloop.run(main(json.loads(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
