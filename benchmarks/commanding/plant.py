"""The plant of the rig: set-points of two devices behind one line, and a server that notes every write it executes."""

from __future__ import annotations

from collections import defaultdict

from sereno.device import DeviceConfig, DeviceTag, DriverTag, GroupConfig, RetryConfig
from sereno.drivers.modbus.driver import ModbusDriver
from sereno.drivers.modbus.protocol import Frame, WriteRegisters, decode_request
from sereno.drivers.modbus.tags import ModbusConfig, ModbusTagConfig
from sereno.model import Access, Setpoint, TagSpec, ValueType
from sereno.sim.faults import ServerFault
from sereno.sim.modbus_server import ModbusServer
from sereno.sim.registers import RegisterMemory

UNITS, TAGS_EACH = (1, 2), 8
HIGHEST = 10_000_000
"""Upper limit of every set-point; each command asks for a value of its own, so that a write names its command."""


TIMEOUT = 0.3
"""Seconds for an answer."""


def targets() -> list[str]:
    """The set-points."""
    return [f"rig/plc{unit}/setpoint{i}" for unit in UNITS for i in range(TAGS_EACH)]


SELECTION = 0.3
"""Seconds that a selected set-point waits for its actor; APPROVAL the same for a second person."""
APPROVAL = 0.5
MARKS = {4: {"select": SELECTION}, 5: {"approval": APPROVAL}, 6: {"select": SELECTION, "approval": APPROVAL}}
"""Numbers of the set-points of each device that wait for people."""


def marks(path: str) -> dict[str, float]:
    """What a set-point waits for; empty for most."""
    return MARKS.get(int(path[-1]), {})


def devices(port: int) -> list[DeviceConfig]:
    """Both devices, on one line that carries one request at a time."""
    return [_device(port, unit) for unit in UNITS]


def _device(port: int, unit: int) -> DeviceConfig:
    specs = [
        TagSpec(
            path=path,
            type=ValueType.UINT32,
            access=Access.READ_WRITE,
            setpoint=Setpoint(low=1, high=HIGHEST, timeout=0.8, **marks(path)),
        )
        for path in targets()
        if path.startswith(f"rig/plc{unit}/")
    ]
    tags = [DriverTag(spec, ModbusTagConfig(address=f"holding:{2 * i}")) for i, spec in enumerate(specs)]
    return DeviceConfig(
        path=f"rig/plc{unit}",
        driver=ModbusDriver,
        config=ModbusConfig(url=f"tcp://127.0.0.1:{port}", unit=unit, timeout=TIMEOUT),
        groups={"default": GroupConfig(0.05)},
        tags=tuple(DeviceTag(tag) for tag in tags),
        retry=RetryConfig(initial=0.01, max=0.05),
    )


class Witness(ModbusServer):
    """A Modbus server. `received`: value -> when (ns UTC) each write of it was executed.

    Faults meet writes only, so that the devices are enabled again as soon as the line is. The next `lose` writes are
    executed, and the connection ends before their reply.
    """

    def __init__(self) -> None:
        super().__init__({unit: RegisterMemory(words=64, bits=8) for unit in UNITS})
        self.received: defaultdict[int, list[int]] = defaultdict(list)
        self.lose = self.lost = 0

    def fault_of(self, frame: Frame) -> ServerFault | None:
        """See ModbusServer."""
        return super().fault_of(frame) if isinstance(decode_request(frame.pdu), WriteRegisters) else None

    def reply(self, frame: Frame) -> bytes:
        """See ModbusServer."""
        request = decode_request(frame.pdu)
        if isinstance(request, WriteRegisters):
            self.received[int.from_bytes(request.data, "big")].append(self.clock.wall_ns())
            if self.lose:
                self.lose -= 1
                self.lost += 1
                for connection in list(self.connections):
                    connection.abort()
        return super().reply(frame)
