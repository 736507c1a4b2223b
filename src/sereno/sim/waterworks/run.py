"""The waterworks on the network: both PLCs as Modbus/TCP servers, and the control port."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from sereno.device import Transports
from sereno.model import Clock, SystemClock
from sereno.sim.control import Control, ControlServer
from sereno.sim.modbus_server import ModbusServer

from .incidents import incidents
from .plant import Waterworks

log = structlog.get_logger(__name__)

UNIT = 1
SHORTEST_TICK = 0.02
MOST_CYCLES = 200
"""Cycles in one tick; what does not fit is skipped, so that the servers stay reachable."""


@dataclass(slots=True)
class RunningWaterworks:
    """What `run_waterworks` hands over. `skipped` counts cycles that the machine was too slow for."""

    plant: Waterworks
    servers: dict[str, ModbusServer]
    control: Control
    control_port: int | None
    skipped: int = 0

    @property
    def urls(self) -> dict[str, str]:
        """Device path -> url of its PLC, as a plant file has it."""
        return {path: f"tcp://{server.host}:{server.port}" for path, server in self.servers.items()}


@asynccontextmanager
async def run_waterworks(
    *,
    river_port: int = 0,
    town_port: int = 0,
    control_port: int | None = 0,
    speed: float = 1.0,
    scan_period: float = 0.1,
    clock: Clock | None = None,
    transports: Transports | None = None,
    seed: int | None = None,
) -> AsyncIterator[RunningWaterworks]:
    """Run on 127.0.0.1 while the context is open. Port 0 = choose one; `control_port` None = no control port.

    `speed` is simulated seconds per second of `clock`. The same `seed` gives the same weather, demand and noise.
    Raises OSError when a port is taken, ValueError for a speed or scan period that cannot be.
    """
    if not speed > 0.0:
        raise ValueError(f"speed {speed}, expected more than 0")
    clock = clock or SystemClock()
    source = random.Random(seed)  # noqa: S311 - weather, no secret
    plant = Waterworks(source, start_ns=clock.wall_ns(), scan_period=scan_period)
    plant.step()
    memories = {"river/plc1": (plant.river.memory, river_port), "town/plc2": (plant.town.memory, town_port)}
    async with AsyncExitStack() as stack:
        servers: dict[str, ModbusServer] = {}
        for path, (memory, port) in memories.items():
            server = ModbusServer({UNIT: memory}, transports=transports, clock=clock, noise=random.Random(seed))  # noqa: S311
            stack.push_async_callback(server.close)
            await server.start(port=port)
            servers[path] = server
        control = Control(servers, incidents(plant.physics))
        if control_port is not None:
            door = ControlServer(control, transports)
            stack.push_async_callback(door.close)
            await door.start(control_port)
            control_port = door.port
        running = RunningWaterworks(plant, servers, control, control_port)
        ticker = asyncio.create_task(_run(running, clock, speed), name="waterworks")
        try:
            yield running
        finally:
            ticker.cancel()
            await asyncio.gather(ticker, return_exceptions=True)


async def _run(running: RunningWaterworks, clock: Clock, speed: float) -> None:
    try:
        await _tick(running, clock, speed)
    except Exception:
        log.exception("the waterworks stopped", task="waterworks")
        for server in running.servers.values():
            await server.close()  # rather no answer than one that never changes


async def _tick(running: RunningWaterworks, clock: Clock, speed: float) -> None:
    plant = running.plant
    period = max(plant.scan_period / speed, SHORTEST_TICK)
    cycles_per_second = speed / plant.scan_period
    begin = clock.monotonic()
    done = ticks = 0
    while True:
        ticks += 1
        await clock.sleep(begin + ticks * period - clock.monotonic())
        due = int((clock.monotonic() - begin) * cycles_per_second + 1e-6) - done
        plant.cycles(min(due, MOST_CYCLES))
        running.skipped += max(0, due - MOST_CYCLES)
        done += max(0, due)
