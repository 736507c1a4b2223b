"""A simulated PLC on Modbus that holds marbles, and is told of the totals of its fleet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sereno.sim.modbus_server import ModbusServer
from sereno.sim.registers import RegisterMemory

PLANT = """
[[device]]
name = "plc"
driver = "modbus"
url = "tcp://127.0.0.1:{port}"
scan = "50ms"
retry = {{ initial = 0.05 }}
"""
TAG = '[[device.tag]]\nname = "{name}"\naddress = "holding:{at}"\ntype = "uint16"\naccess = "{access}"\n'
GATEWAY = """
[gateway.http]
insecure = true
writes = ["plc/total*"]
[gateway.http.names]
compteur_bille = ["plc/lane0", "plc/lane1", "plc/lane2"]
[gateway.http.totals]
compteur_bille = ["plc/total0", "plc/total1", "plc/total2"]
"""


class Plc:
    """Registers 0 to 2 are marbles, 3 to 5 the totals that are written, 6 the temperature."""

    def __init__(self, marbles: tuple[int, int, int]) -> None:
        self._memory = RegisterMemory()
        self._server = ModbusServer({1: self._memory})
        self._registers = self._memory.registers("holding")
        self._registers[:7] = [*marbles, 0, 0, 0, 21]

    async def start(self) -> None:
        """Listen."""
        await self._server.start()
        self.port = self._server.port

    async def stop(self) -> None:
        """Be gone."""
        await self._server.close()

    @property
    def totals(self) -> list[int]:
        """As they were written."""
        return [int(word) for word in self._registers[3:6]]

    @property
    def plant(self) -> str:
        """The plant file of a gateway beside it."""
        names = {"lane": 0, "total": 3}
        tags = [
            TAG.format(name=f"{name}{i}", at=first + i, access="read_write" if name == "total" else "read")
            for name, first in names.items()
            for i in range(3)
        ]
        tags.append(TAG.format(name="temperature", at=6, access="read"))
        return PLANT.format(port=self.port) + "".join(tags) + GATEWAY


@asynccontextmanager
async def run_plc(marbles: tuple[int, int, int]) -> AsyncIterator[Plc]:
    """Listens."""
    plc = Plc(marbles)
    await plc.start()
    try:
        yield plc
    finally:
        await plc.stop()
