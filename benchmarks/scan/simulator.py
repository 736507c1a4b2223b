"""The device of the scan benchmark where there is no compiler: Sereno's own simulator in a process of its own.

Registers hold their own address, every tenth one moves by 7 a hundred times a second; every third bit is set.
"""

from __future__ import annotations

import argparse
import asyncio

from sereno.app.platform import new_event_loop
from sereno.sim.modbus_server import ModbusServer
from sereno.sim.registers import RegisterMemory

MOVING = 10


async def serve(units: int) -> None:
    memory = RegisterMemory()
    tables = [memory.registers("holding"), memory.registers("input")]
    for registers in tables:
        registers[:] = range(len(registers))
    memory.bits("coil")[::3] = 1
    server = ModbusServer(dict.fromkeys(range(1, units + 1), memory))
    await server.start()
    print(server.port, flush=True)
    while True:
        await asyncio.sleep(0.01)
        for registers in tables:
            registers[::MOVING] += 7


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=247)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(parser.parse_args().units))
