"""The jsonplc driver, against the simulated PLC."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from sereno.device import Driver, DriverTag, Transports
from sereno.drivers.jsonplc.driver import JsonPlcDriver
from sereno.drivers.jsonplc.tags import JsonPlcConfig, JsonPlcTagConfig
from sereno.model import Access, Clock, TagSpec
from sereno.sim.jsonplc.devices import SimDevice, SimValue
from sereno.sim.jsonplc.machine import PlcMachine
from sereno.sim.jsonplc.server import PlcServer
from sereno.testing.conformance import Subject


class _Drive(PlcMachine):
    """A PLC whose SET takes any number, so that there is something with 42 to be set."""

    def _set(self, command: Any) -> str:
        self.sets += 1
        return self.force(command)


class JsonPlcSubject(Subject):
    """One device with a level and a speed behind the PLC."""

    driver: ClassVar[type[Driver]] = JsonPlcDriver

    def __init__(self) -> None:
        self._drive = SimDevice("DRIVE", "site", "1", {"level": SimValue(1), "speed": SimValue(0)})
        self._machine: PlcMachine | None = None

    @asynccontextmanager
    async def far_end(self, transports: Transports, clock: Clock) -> AsyncIterator[int]:
        """See Subject."""
        self._machine = _Drive([self._drive], clock)
        server = PlcServer(self._machine, clock, transports=transports)
        self.put(1)
        await server.start()
        try:
            yield server.port
        finally:
            await server.close()

    def config(self, port: int) -> Any:
        """See Subject."""
        return JsonPlcConfig.model_validate({"url": f"tcp://127.0.0.1:{port}", "timeout": 1.0})

    def tags(self, device: str) -> Sequence[DriverTag]:
        """See Subject."""
        level = TagSpec(path=f"{device}/level")
        speed = TagSpec(path=f"{device}/speed", access=Access.READ_WRITE)
        return (
            DriverTag(level, JsonPlcTagConfig.model_validate({"address": "DRIVE:level"})),
            DriverTag(speed, JsonPlcTagConfig.model_validate({"address": "DRIVE:speed"})),
        )

    def put(self, level: int) -> None:
        """See Subject."""
        self._drive.values["level"].value = level

    def speed(self) -> int:
        """See Subject."""
        return int(self._drive.values["speed"].value)

    def writes(self) -> int:
        """See Subject."""
        return 0 if self._machine is None else self._machine.sets
