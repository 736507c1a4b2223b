"""A simulated PLC that runs while a context is open, and one question to a running one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from sereno.device import Transports
from sereno.drivers.jsonplc.protocol import Splitter, parse_answer, question
from sereno.model import Clock, NotConnectedError, OperationError, RefusedError, SystemClock
from sereno.sim.scenario import Scenario

from .devices import bare_devices, site_devices
from .machine import FORCE, PlcMachine
from .server import PlcServer

DEFAULT_PORT = 5003


@asynccontextmanager
async def run_plc(
    *,
    port: int = 0,
    bare: bool = False,
    scenario: Scenario | None = None,
    hang_up: bool = False,
    clock: Clock | None = None,
    transports: Transports | None = None,
) -> AsyncIterator[PlcServer]:
    """A PLC on 127.0.0.1; `bare` with the original's devices alone. Raises OSError when the port is taken."""
    clock = clock or SystemClock()
    machine = PlcMachine(bare_devices() if bare else site_devices(), clock, scenario)
    server = PlcServer(machine, clock, transports=transports, hang_up=hang_up)
    await server.start(port)
    try:
        yield server
    finally:
        await server.close()


async def force(port: int, event: Mapping[str, Any], *, timeout: float = 5.0) -> None:
    """Have a running simulator set a value. Raises NotConnectedError, RefusedError."""
    try:
        async with SystemClock().timeout(timeout):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(question({"name": FORCE, "id": 1, **event}))
                data = await _one_message(reader)
            finally:
                writer.close()
                await writer.wait_closed()
    except (OSError, TimeoutError) as error:
        raise NotConnectedError(f"no simulated PLC on port {port}: {error or 'no answer'}; see --port") from None
    result, reason = parse_answer(data).acks.get(1, ("", "no ack"))
    if result != "ok":
        raise RefusedError(reason)


async def _one_message(reader: asyncio.StreamReader) -> bytes:
    splitter = Splitter()
    while data := await reader.read(65536):
        for message in splitter.feed(data):
            return message
    raise OperationError("the simulator hung up")
