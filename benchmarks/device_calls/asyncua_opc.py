"""asyncua: OPC UA without security."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time

from asyncua import Client, Server, ua

from device_calls import asking, serving


async def serve(size: int, port: int) -> None:
    logging.disable(logging.WARNING)
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    space = await server.register_namespace("bench")
    nodes = [
        await server.nodes.objects.add_variable(ua.NodeId(f"t{i:05d}", space), f"t{i:05d}", 0.0) for i in range(size)
    ]
    await server.nodes.objects.add_variable(ua.NodeId("wave", space), "wave", [float(i) for i in range(1000)])

    async def push(seconds: float) -> int:
        pushed, number, until = 0, 1.0, time.perf_counter() + seconds
        while time.perf_counter() < until:
            pushed += await one_round(number)
            number += 1.0
        return pushed + await one_round(asking.LAST)

    async def one_round(number: float) -> int:
        value = ua.DataValue(ua.Variant(number, ua.VariantType.Double))
        for node in nodes:
            await server.write_attribute_value(node.nodeid, value)
        await asyncio.sleep(0)
        return size

    async with server:
        loop = asyncio.get_running_loop()
        serving.ready({"url": f"opc.tcp://127.0.0.1:{port}/", "space": space})
        serving.in_thread(lambda s: asyncio.run_coroutine_threadsafe(push(s), loop).result())
        await asyncio.Event().wait()


class Handler:
    """Counts data changes."""

    def __init__(self, events: asking.Events, places: dict) -> None:
        self.events = events
        self.places = places

    def datachange_notification(self, node, value, data) -> None:
        del data
        self.events.take(self.places[node.nodeid], value)


async def ask(address: dict, size: int, seconds: float) -> None:
    logging.disable(logging.WARNING)
    async with Client(address["url"]) as client:
        space = address["space"]
        nodes = [client.get_node(ua.NodeId(f"t{i:05d}", space)) for i in range(size)]
        wave = client.get_node(ua.NodeId("wave", space))
        found = {}
        times, began = [], time.perf_counter()
        now = began
        while now - began < seconds:
            await nodes[0].read_value()
            after = time.perf_counter()
            times.append(after - now)
            now = after
        found |= asking.sequence(times, now - began)
        for name, call, values in (
            ("bulk", lambda: client.read_values(nodes), size),
            ("array", wave.read_value, 1000),
        ):
            calls, began = 0, time.perf_counter()
            while time.perf_counter() - began < seconds:
                await call()
                calls += 1
            found[f"{name}_values_per_s"] = values * calls / (time.perf_counter() - began)
        events = asking.Events(size)
        handler = Handler(events, {node.nodeid: i for i, node in enumerate(nodes)})
        began = time.perf_counter()
        subscription = await client.create_subscription(10, handler)
        await subscription.subscribe_data_change(nodes)
        found["subscribe_ms"] = (time.perf_counter() - began) * 1e3
        await asyncio.sleep(0.5)
        before, began = events.count, time.perf_counter()
        print("subscribed", flush=True)
        line = await asyncio.to_thread(sys.stdin.readline)
        end = asking.Quiet(events)
        while not end.over():
            await asyncio.sleep(0.02)
        found |= events.figures(end.last - began, json.loads(line)["pushed"], before)
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "server":
        asyncio.run(serve(int(sys.argv[2]), int(sys.argv[3])))
    else:
        asyncio.run(ask(json.loads(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
