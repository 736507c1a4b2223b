"""The device of the scan benchmark: Sereno's own Modbus simulator in a process of its own, registers that move."""

from __future__ import annotations

import argparse
import asyncio

from sereno.app.platform import new_event_loop
from sereno.sim.modbus_server import ModbusServer
from sereno.sim.registers import RegisterMemory

MOVING = 10
"""Every tenth register moves beyond the deadband, a hundred times a second; the others hold their own address."""


async def serve(units: int) -> None:
    memory = RegisterMemory()
    registers = memory.registers("holding")
    registers[:] = range(len(registers))
    server = ModbusServer(dict.fromkeys(range(1, units + 1), memory))
    await server.start()
    print(server.port, flush=True)
    while True:
        await asyncio.sleep(0.01)
        registers[::MOVING] += 7


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=247)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(parser.parse_args().units))
