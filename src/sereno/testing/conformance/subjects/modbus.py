"""The Modbus driver, against the simulator's server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from sereno.device import Driver, DriverTag, Transports
from sereno.drivers.modbus.driver import ModbusDriver
from sereno.drivers.modbus.tags import ModbusConfig, ModbusTagConfig
from sereno.model import Access, Clock, TagSpec, ValueType
from sereno.sim.modbus_server import ModbusServer
from sereno.sim.registers import RegisterMemory
from sereno.testing.conformance import Subject


class ModbusSubject(Subject):
    """Two holding registers behind a server of the simulator."""

    driver: ClassVar[type[Driver]] = ModbusDriver

    def __init__(self) -> None:
        self._server = ModbusServer({})

    @asynccontextmanager
    async def far_end(self, transports: Transports, clock: Clock) -> AsyncIterator[int]:
        """See Subject."""
        self._server = ModbusServer({1: RegisterMemory(words=16, bits=16)}, transports=transports, clock=clock)
        self.put(1)
        await self._server.start()
        try:
            yield self._server.port
        finally:
            await self._server.close()

    def config(self, port: int) -> Any:
        """See Subject."""
        return ModbusConfig.model_validate({"url": f"tcp://127.0.0.1:{port}", "timeout": 1.0})

    def tags(self, device: str) -> Sequence[DriverTag]:
        """See Subject."""
        kind = ValueType.UINT16
        level = TagSpec(path=f"{device}/level", type=kind)
        speed = TagSpec(path=f"{device}/speed", type=kind, access=Access.READ_WRITE)
        return (
            DriverTag(level, ModbusTagConfig.model_validate({"address": "holding:0"})),
            DriverTag(speed, ModbusTagConfig.model_validate({"address": "holding:1"})),
        )

    def put(self, level: int) -> None:
        """See Subject."""
        self._server.units[1].write_words(0, level.to_bytes(2, "big"))

    def speed(self) -> int:
        """See Subject."""
        return int(self._server.units[1].registers("holding")[1])

    def writes(self) -> int:
        """See Subject."""
        return self._server.counters["writes"]
