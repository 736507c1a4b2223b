"""The plant of the rig: devices that differ in pipelining, block sizes and types, some of them behind one link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sereno.device import DeviceConfig, DeviceTag, DriverTag, GroupConfig, RetryConfig
from sereno.drivers.modbus.driver import ModbusDriver
from sereno.drivers.modbus.tags import ModbusConfig, ModbusTagConfig
from sereno.model import Access, TagSpec, ValueType

from .regions import Region, tags_of

PLAIN = 60_000

MIXED = (
    Region("input", 0, 40, "uint16"),
    Region("input", 40, 10, "float32"),
    Region("input", 80, 8, "uint32", keys={"word_order": "little"}),
    Region("input", 120, 6, "int64"),
    Region("input", 150, 4, "float64", keys={"byte_order": "little"}),
    Region("holding", 0, 24, "int16"),
    Region("holding", 40, 8, "float32", keys={"word_order": "little", "byte_order": "little"}),
    Region("holding", 80, 16, "bool", bit=3),
    Region("coil", 0, 40, "bool"),
    Region("discrete", 16, 24, "bool"),
    Region("input", 300, 30, "int32", group="slow"),
    Region("input", 400, 2, "string", group="slow", keys={"length": 16, "encoding": "latin-1"}),
    Region("input", 440, 3, "uint16", group="slow", keys={"count": 6}),
    Region("holding", 200, 5, "uint64", group="slow"),
)
ALIKE = (
    *(Region("holding", 100 * i, 20, "uint16") for i in range(6)),
    Region("holding", 1000, 60, "float32", group="slow"),
)
SMALL = (
    Region("holding", 0, 10, "uint16"),
    Region("coil", 0, 16, "bool"),
    Region("input", 0, 4, "int64", group="slow"),
)


@dataclass(frozen=True)
class Unit:
    """One device of the plant: which server and unit, its regions, the driver's keys.

    `traced`: somebody looks at its frames. `written`: set-points go out all the time.
    """

    path: str
    server: int
    unit: int
    regions: tuple[Region, ...]
    keys: Mapping[str, Any]
    traced: bool = False
    written: bool = True


PLANT = (
    Unit("rig/plain", 0, 1, MIXED, {"pipelining": 1}),
    Unit("rig/piped", 1, 1, MIXED, {"pipelining": 4}),
    Unit("rig/alike", 2, 7, ALIKE, {"pipelining": 8, "gap": 0, "max_registers": 40}, written=False),
    Unit("rig/shared_a", 3, 1, SMALL, {"pipelining": "auto"}),
    Unit("rig/shared_b", 3, 2, SMALL, {"pipelining": 1}),
    Unit("rig/traced", 4, 1, SMALL, {"pipelining": 3}, traced=True),
)


@dataclass(frozen=True)
class Pace:
    """Seconds: the client's time-out, the periods, the back-off, how long coming back may take."""

    patience: float
    fast: float
    slow: float
    retry: float
    retry_max: float
    slack: float
    recovery: float


JUMPING = Pace(patience=1.0, fast=0.25, slow=0.4, retry=0.1, retry_max=0.8, slack=0.05, recovery=30.0)
REAL = Pace(patience=0.15, fast=0.02, slow=0.07, retry=0.01, retry_max=0.1, slack=0.1, recovery=15.0)

Writable = tuple[str, str, str]
"""Name, type and address of a tag that is only written."""
WRITABLE: tuple[Writable, ...] = (
    ("set_word", "uint16", f"holding:{PLAIN}"),
    ("set_long", "uint32", f"holding:{PLAIN + 2}"),
    ("set_coil", "bool", f"coil:{PLAIN}"),
)


def device_config(unit: Unit, port: int, pace: Pace) -> DeviceConfig:
    """The declaration of one device of the plant."""
    own = ModbusConfig(
        url=f"tcp://127.0.0.1:{port}", unit=unit.unit, timeout=pace.patience, retry_refused=pace.patience, **unit.keys
    )
    return DeviceConfig(
        path=unit.path,
        driver=ModbusDriver,
        config=own,
        groups={"fast": GroupConfig(pace.fast), "slow": GroupConfig(pace.slow)},
        tags=(*tags_of(unit.path, unit.regions), *(_writable(unit.path, *one) for one in WRITABLE)),
        retry=RetryConfig(initial=pace.retry, max=pace.retry_max, connect_timeout=2.0, silence=3 * pace.patience),
        driver_name="modbus",
    )


def _writable(device: str, name: str, kind: str, address: str) -> DeviceTag:
    spec = TagSpec(path=f"{device}/{name}", type=ValueType(kind), access=Access.WRITE)
    return DeviceTag(DriverTag(spec, ModbusTagConfig(address=address)), "fast")
