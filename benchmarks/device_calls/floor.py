"""The floor: length and MessagePack on uvloop, a dictionary of numbers. No rights, no quality, nothing that lasts."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import msgspec
import uvloop

from device_calls import asking, serving

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class Framed(asyncio.Protocol):
    """Frames of 4 bytes length and MessagePack, both ways."""

    def __init__(self, take) -> None:
        self.take = take
        self.held = b""
        self.transport = None

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        data = self.held + data
        at = 0
        while len(data) - at >= 4:
            size = int.from_bytes(data[at : at + 4], "little")
            if len(data) - at - 4 < size:
                break
            self.take(self, _decode(data[at + 4 : at + 4 + size]))
            at += 4 + size
        self.held = data[at:]

    def send(self, value) -> None:
        raw = _encode(value)
        self.transport.write(len(raw).to_bytes(4, "little") + raw)


async def serve(size: int) -> None:
    values = {f"t{i:05d}": float(i) for i in range(size)}
    wave = [float(i) for i in range(1000)]
    listeners = []

    def take(peer: Framed, asked) -> None:
        what, names = asked
        if what == 0:
            peer.send(values[names])
        elif what == 1:
            peer.send([values[name] for name in names])
        elif what == 2:
            peer.send(wave)
        else:
            listeners.append(peer)
            peer.send(len(names))

    async def push(seconds: float) -> int:
        pushed, number, until = 0, 1.0, time.perf_counter() + seconds
        while time.perf_counter() < until:
            pushed += await one_round(number)
            number += 1.0
        return pushed + await one_round(asking.LAST)

    async def one_round(number: float) -> int:
        for position in range(size):
            for peer in listeners:
                peer.send((position, number))
        await asyncio.sleep(0)
        while any(peer.transport.get_write_buffer_size() > 1 << 20 for peer in listeners):
            await asyncio.sleep(0.001)
        return size

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Framed(take), "127.0.0.1", 0)
    serving.ready(server.sockets[0].getsockname()[1])
    serving.in_thread(lambda s: asyncio.run_coroutine_threadsafe(push(s), loop).result())
    await asyncio.Event().wait()


async def ask(port: int, size: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    events = asking.Events(size)
    waiting: list[asyncio.Future] = []

    def take(_: Framed, value) -> None:
        if waiting:
            waiting.pop().set_result(value)
        else:
            events.take(*value)

    _, peer = await loop.create_connection(lambda: Framed(take), "127.0.0.1", port)

    def call(what: int, names) -> asyncio.Future:
        future = loop.create_future()
        waiting.append(future)
        peer.send((what, names))
        return future

    names = [f"t{i:05d}" for i in range(size)]
    found = {}
    times, began = [], time.perf_counter()
    now = began
    while now - began < seconds:
        await call(0, "t00000")
        after = time.perf_counter()
        times.append(after - now)
        now = after
    found |= asking.sequence(times, now - began)
    for name, what, values in (("bulk", 1, size), ("array", 2, 1000)):
        calls, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            await call(what, names)
            calls += 1
        found[f"{name}_values_per_s"] = values * calls / (time.perf_counter() - began)
    began = time.perf_counter()
    await call(3, names)
    found["subscribe_ms"] = (time.perf_counter() - began) * 1e3
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
        uvloop.run(serve(int(sys.argv[2])))
    else:
        uvloop.run(ask(json.loads(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
