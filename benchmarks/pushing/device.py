"""Devices of the path benchmark: Modbus servers whose registers are the time of the very answer that brings them.

A float64 of monotonic seconds, then integers that differ from answer to answer: every tag changes in every scan.
"""

from __future__ import annotations

import asyncio
import struct
import sys
import time
from typing import Any

from feed import many_files, say

TAGS = 50
REGISTERS = 4 + TAGS - 1
_HEAD = struct.Struct(">HHHBB")


class Device(asyncio.Protocol):
    """Answers every read of `REGISTERS` registers; anything else ends the connection."""

    def __init__(self) -> None:
        self._count = 0
        self._waiting = b""

    def connection_made(self, transport: Any) -> None:  # uvloop has transports of its own
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while len(self._waiting) >= 12:
            request, self._waiting = self._waiting[:12], self._waiting[12:]
            number, _, _, unit, function = _HEAD.unpack_from(request)
            if function != 3 or request[10:12] != struct.pack(">H", REGISTERS):
                self._transport.close()
                return
            self._count = (self._count + 1) % 30_000
            rest = struct.pack(f">{REGISTERS - 4}H", *range(self._count, self._count + REGISTERS - 4))
            head = _HEAD.pack(number, 0, 3 + 2 * REGISTERS, unit, 3) + bytes((2 * REGISTERS,))
            self._transport.write(head + struct.pack(">d", time.monotonic()) + rest)


async def main(count: int) -> None:
    many_files()
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(Device, "127.0.0.1", 0) for _ in range(count)]
    say(ports=[server.sockets[0].getsockname()[1] for server in servers])
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(main(int(sys.argv[1])))
    else:
        uvloop.run(main(int(sys.argv[1])))
