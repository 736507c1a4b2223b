"""caproto: Channel Access, its asyncio server and its threading client."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading

from device_calls import asking, serving


def serve(size: int, port: int) -> None:
    os.environ["EPICS_CA_SERVER_PORT"] = str(port)
    from caproto.asyncio.server import start_server
    from caproto.server import PVGroup, pvproperty

    members = {f"t{i:05d}": pvproperty(value=0.0) for i in range(size)}
    group = type("Bench", (PVGroup,), {**members, "wave": pvproperty(value=[float(i) for i in range(1000)])})(
        prefix="bench:"
    )
    pvs = [group.pvdb[f"bench:t{i:05d}"] for i in range(size)]

    async def push(seconds: float) -> int:
        pushed, number = 0, 1.0
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while loop.time() < until:
            for pv in pvs:
                await pv.write(number)
            pushed, number = pushed + size, number + 1.0
            await asyncio.sleep(0)
        for pv in pvs:
            await pv.write(asking.LAST)
        return pushed + size

    async def run() -> None:
        loop = asyncio.get_running_loop()

        async def began(_: object) -> None:
            serving.ready(port)
            serving.in_thread(lambda s: asyncio.run_coroutine_threadsafe(push(s), loop).result())

        await start_server(group.pvdb, interfaces=["127.0.0.1"], startup_hook=began, log_pv_names=False)

    asyncio.run(run())


def ask(port: int, size: int, seconds: float) -> None:
    os.environ |= {
        "EPICS_CA_SERVER_PORT": str(port),
        "EPICS_CA_ADDR_LIST": "127.0.0.1",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
    }
    from caproto.threading.client import Batch, Context

    context = Context()
    names = [f"bench:t{i:05d}" for i in range(size)]
    *pvs, wave = context.get_pvs(*names, "bench:wave", timeout=20)
    for pv in (*pvs, wave):
        pv.wait_for_connection(timeout=20)
    kept = []

    def many() -> list[float]:
        found: list[float] = []
        ended = threading.Event()

        def came(response) -> None:
            found.append(response.data[0])
            if len(found) == size:
                ended.set()

        with Batch() as batch:
            for pv in pvs:
                batch.read(pv, came)
        ended.wait(20)
        return found

    def subscribe(take) -> None:
        first = threading.Semaphore(0)
        seen = [False] * size
        for i, pv in enumerate(pvs):

            def came(_, response, i=i) -> None:
                take(i, response.data[0])
                if not seen[i]:
                    seen[i] = True
                    first.release()

            subscription = pv.subscribe()
            subscription.add_callback(came)
            kept.append((subscription, came))
        for _ in pvs:
            first.acquire(timeout=20)

    asker = asking.Asker(lambda: pvs[0].read().data[0], many, lambda: wave.read().data, subscribe)
    asking.measure(asker, size, seconds)
    context.disconnect()


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve(int(sys.argv[2]), int(sys.argv[3]))
    else:
        ask(json.loads(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
