"""A device with a tag of every type, for Tango clients."""

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from sereno import Device, DeviceError, command, tag
from sereno.model import Quality

INTEGERS = {
    "int8": -100, "uint8": 200, "int16": -30000, "uint16": 60000, "int32": -(2**31), "uint32": 2**32 - 1,
    "int64": -(2**62) - 1, "uint64": 2**64 - 1,
}  # fmt: skip


class Mode(Enum):
    IDLE = 0
    FAST = 1


class Bench(Device):
    """Everything that a tag can be."""

    flag: bool = tag(write=True, default=True)
    ratio: float = tag(type="float32", write=True, default=0.5)
    level: float = tag(
        unit="m", description="how full it is", write=True, write_low=0, write_high=50, decimals=2, default=5.0,
        alarm={"lolo": 1, "lo": 2, "hi": 8, "hihi": 9},
    )  # fmt: skip
    text: str = tag(write=True, default="hello")
    mode: Mode = tag(write=True, default=Mode.FAST)
    wave: list[float] = tag(write=True, default=[1.0, 2.0])
    small: NDArray[np.int8] = tag(default=[-1, 1])
    image: NDArray[np.uint16] = tag(shape=(2, 3), write=True, default=[[1, 2, 3], [4, 5, 6]])
    names: list[str] = tag(write=True, default=["a", "b"])
    locked: float = tag(write=True, default=1.0)
    secret: str = tag(write="only")

    for _kind, _value in INTEGERS.items():
        __annotations__[f"{_kind}_tag"] = int
        locals()[f"{_kind}_tag"] = tag(type=_kind, write=True, default=_value)

    @command
    def double(self, value: float) -> float:
        return 2 * value

    @command
    def add(self, first: int, second: int = 1) -> int:
        return first + second

    @command
    def total(self, values: list[float]) -> float:
        return sum(values)

    @command
    def turn(self, mode: Mode) -> str:
        self.mode = mode
        return mode.name

    @command
    def table(self) -> list[list[float]]:
        return [[1.0, 2.0], [3.0, 4.0]]

    @command
    def doubt(self, value: float) -> None:
        """The level, not to be trusted or only a little."""
        self.push("level", value, quality=int(Quality.UNCERTAIN if value else Quality.SENSOR_FAILURE))

    @command(allowed=("enabled", "fault"))
    def fail(self, on: bool) -> None:
        self.set_state("fault" if on else "enabled", "the tube has burst" if on else "")

    @command
    def burst(self) -> None:
        raise DeviceError("TubeBurst", "the tube has burst")

    @command
    def grow(self) -> None:
        self.add_tag("extra", float, write=True, default=3.0)
        self.add_command("extend", lambda: None)

    @command
    def shrink(self) -> None:
        self.remove_tag("extra")
        self.remove_command("extend")
