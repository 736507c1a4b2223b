"""The clients of the push benchmark, all in one process: how long a frame was under way, and how many came."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import re
import socket
import struct
import sys
import time
from functools import partial
from typing import Any

import numpy as np
from feed import many_files, say

_VALUE = re.compile(rb'"value":\[([0-9.]+),')
_VALUES = re.compile(rb'"value":\[([^]]*)')
_FRACTION = re.compile(rb"[0-9]+\.[0-9]*[1-9]")
_LONG = b"\x82\x7e"
_SENT_AT = struct.Struct("<d")
_BUFFER = bytearray(1 << 18)
_VIEW = memoryview(_BUFFER)


class Counts:
    """What all connections of this process saw while `open`."""

    def __init__(self) -> None:
        self.open = False
        self.delays: list[float] = []
        self.bytes = 0
        self.lost = 0
        self.ready = 0


class Reader(asyncio.BufferedProtocol):
    """One client; `asking` is what it says when it is connected, each part when the one before was answered."""

    def __init__(self, counts: Counts, asking: list[bytes], times: Any) -> None:
        self.counts = counts
        self.asking = list(asking)
        self.times = times

    def connection_made(self, transport: Any) -> None:  # uvloop has transports of its own
        self.transport = transport
        transport.write(self.asking.pop(0))

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        counts = self.counts
        if counts.open:
            counts.bytes += nbytes
            if self.times is None:
                return
            now = time.monotonic()
            for sent in self.times(bytes(_VIEW[:nbytes])):
                counts.delays.append(now - sent)
            return
        if self.asking is not None:
            if self.asking:
                self.transport.write(self.asking.pop(0))
            else:
                self.asking = None  # type: ignore[assignment]
                counts.ready += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.counts.lost += 1


def event_times(data: bytes) -> list[float]:
    return [float(found) for found in _VALUE.findall(data)]


def path_times(data: bytes) -> list[float]:
    """The times in an event that other values stand beside: they alone have a fraction."""
    return [float(found) for values in _VALUES.findall(data) for found in _FRACTION.findall(values)]


def frame_times(data: bytes) -> list[float]:
    """Of the messages that begin in this piece; those after one cut short are not found."""
    times, at = [], 0
    while data[at : at + 2] == _LONG and len(data) >= at + 60:
        times.append(_SENT_AT.unpack_from(data, at + 52)[0])
        at += 4 + int.from_bytes(data[at + 2 : at + 4], "big")
    return times


def masked_text(text: bytes) -> bytes:
    """A text message of a client; a mask of zeros leaves it as it is."""
    assert len(text) < 126
    return bytes([0x81, 0x80 | len(text)]) + bytes(4) + text


def requests(kind: str, token: str, interval: str) -> list[bytes]:
    head = f"Host: localhost\r\nAuthorization: Bearer {token}\r\n"
    if kind != "ws":
        only = "&tag=plant" if kind == "path" else ""  # the node has tags of its own, whose values are no times
        return [f"GET /api/v1/stream?interval={interval}{only} HTTP/1.1\r\n{head}\r\n".encode()]
    upgrade = (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
    ask = {"type": "subscribe", "sub": 1, "tags": [], "interval": float(interval)}
    return [f"GET /api/v1/live HTTP/1.1\r\n{head}{upgrade}\r\n".encode(), masked_text(json.dumps(ask).encode())]


def _same(reader: Reader) -> Reader:
    return reader


async def stall(port: int, asking: list[bytes]) -> socket.socket:
    """A client that asks and takes nothing."""
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(stuck, ("127.0.0.1", port))
    for part in asking:
        await loop.sock_sendall(stuck, part)
        await asyncio.sleep(0.01)
    return stuck


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("sse", "ws", "path"))
    parser.add_argument("port", type=int)
    parser.add_argument("token")
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--stalled", type=int, default=0)
    parser.add_argument("--interval", default="0")
    parser.add_argument("--at-once", type=int, default=50, help="connections opened together")
    parser.add_argument("--measured", type=int, default=0, help="how many of the clients look at what comes (0: all)")
    asked = parser.parse_args()
    many_files()
    counts, asking = Counts(), requests(asked.kind, asked.token, asked.interval)
    times = {"sse": event_times, "ws": frame_times, "path": path_times}[asked.kind]
    measured = asked.measured or asked.clients
    loop = asyncio.get_running_loop()
    stuck = [await stall(asked.port, asking) for _ in range(asked.stalled)]
    started = time.monotonic()
    kept = []
    for first in range(0, asked.clients, asked.at_once):
        many = range(first, min(first + asked.at_once, asked.clients))
        readers = [Reader(counts, asking, times if number < measured else None) for number in many]
        opening = [loop.create_connection(partial(_same, one), "127.0.0.1", asked.port) for one in readers]
        kept += await asyncio.gather(*opening)
    while counts.ready + counts.lost < asked.clients:
        await asyncio.sleep(0.01)
    say(connected=counts.ready, seconds=time.monotonic() - started)
    gc.collect()
    gc.freeze()
    await _measure(counts)
    for one in stuck:
        one.close()


async def _measure(counts: Counts) -> None:
    """As often as standard input asks, for as many seconds as each of its lines says."""
    loop = asyncio.get_running_loop()
    while line := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        counts.delays.clear()
        counts.bytes, counts.open = 0, True
        cpu, began = time.process_time(), time.monotonic()
        await asyncio.sleep(float(line))
        counts.open = False
        seconds = time.monotonic() - began
        delays = np.array(counts.delays or [np.nan]) * 1000
        p50, p99 = np.percentile(delays, [50, 99])
        say(
            events_per_s=len(counts.delays) / seconds,
            bytes_per_s=counts.bytes / seconds,
            p50_ms=float(p50),
            p99_ms=float(p99),
            max_ms=float(delays.max()),
            lost=counts.lost,
            receiver_cpu=(time.process_time() - cpu) / seconds,
        )


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())
