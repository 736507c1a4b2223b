"""Devices that the tests of this folder run."""

from __future__ import annotations

import asyncio
import threading
import time
from enum import Enum
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from sereno import Device, DeviceError, bounds, child, command, on_write, scan, setting, tag


class Mode(Enum):
    IDLE = 0
    RAMPING = 5
    HOLDING = "hold"


class PowerSupply(Device):
    """A power supply."""

    limit: float = setting(30.0, unit="V", low=0, high=60)
    voltage: float = tag(unit="V", low=0, high=30, write=True, memorised=True)
    mode: Mode = tag()

    def startup(self) -> None:
        self.mode = Mode.IDLE

    @tag(unit="A", period="100ms")
    def current(self) -> float:
        return self.voltage / 10

    @on_write("voltage")
    def apply(self, value: float) -> None:
        if value > self.limit:
            raise DeviceError("over_limit", f"at most {self.limit:g} V")

    @command(allowed=("enabled", "fault"))
    def reset(self) -> None:
        """Back to nothing."""
        self.voltage = 0.0
        self.mode = Mode.IDLE

    @command
    async def ramp(self, to: Annotated[float, bounds(0, 30, unit="V")], steps: int = 2) -> float:
        """Go there in steps."""
        start = self.voltage
        self.mode = Mode.RAMPING
        for step in range(1, steps + 1):
            self.voltage = start + (to - start) * step / steps
            await asyncio.sleep(0)
        self.mode = Mode.HOLDING
        return self.voltage


class Everything(Device):
    """A tag of every kind."""

    flag: bool = tag(write=True)
    count: int = tag(write=True)
    small: int = tag(type="uint8", write=True)
    level: float = tag(write=True, default=1.5)
    text: str = tag(write=True)
    mode: Mode = tag(write=True)
    wave: list[float] = tag(write=True)
    fixed: NDArray[np.int32] = tag(shape=(3,), write=True)
    image: NDArray[np.uint16] = tag(shape=(2, 3), write=True)
    table: list[list[float]] = tag(write=True)
    names: list[str] = tag(write=True)
    secret: str = tag(write="only")
    kept: str = ""

    @on_write("secret")
    async def take(self, value: str) -> None:
        self.kept = value


class Slow(Device):
    """Blocks for as long as it is told to."""

    seconds: float = setting(2.0)

    def startup(self) -> None:
        self.release = threading.Event()

    @tag(period="10s")
    def reading(self) -> int:
        self.release.wait(self.seconds)
        return threading.get_ident()


class Quick(Device):
    """Never waits."""

    @tag(period="10ms")
    async def beats(self) -> int:
        self._beats = getattr(self, "_beats", 0) + 1
        return self._beats


class Poller(Device):
    """One question fills several tags."""

    a: float = tag(scan="poll")
    b: float = tag(scan="poll")
    asked: int = 0

    @scan(period="1s")
    def poll(self) -> None:
        self.asked += 1
        self.a, self.b = float(self.asked), float(-self.asked)


class Channel(Device):
    """One channel of a rack."""

    number: int = setting()
    gain: float = tag(write=True, default=1.0)

    @command
    def inside(self) -> int:
        assert isinstance(self.parent, Rack)
        return self.parent.enter(self.number)


class Rack(Device):
    """Two channels on one wire."""

    left: Channel = child(number=1)
    right: Channel = child(number=2)
    within: int = 0
    worst: int = 0

    def enter(self, number: int) -> int:
        self.within += 1
        self.worst = max(self.worst, self.within)
        time.sleep(0.01)
        self.within -= 1
        return number


class Flaky(Device):
    """Fails on demand."""

    broken: bool = False
    unplugged: bool = False

    @tag(period="1s")
    async def good(self) -> float:
        self._check()
        return 1.0

    @tag(period="1s")
    async def bad(self) -> float:
        self._check()
        if self.broken:
            raise DeviceError("burnt", "no more", severity="panic")
        return 2.0

    @command
    async def crash(self) -> None:
        raise ZeroDivisionError("by zero")

    @command
    async def complain(self) -> None:
        raise DeviceError("worn_out", "replace it")

    def _check(self) -> None:
        if self.unplugged:
            raise ConnectionResetError
