"""What both PLCs have in common: registers, the acceptance of set-points, commands, clock and heartbeat."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sereno.sim.registers import Binding, RegisterMemory

from .bindings import WORDS
from .machines import Tank

FIRMWARE = "WW-PLC 2.4.1"
HIGH_SWITCH = 0.93
"""Float switches close at this part of a tank's height, and at LOW_SWITCH m."""
LOW_SWITCH = 0.5


@dataclass(frozen=True, slots=True)
class Setting:
    """A set-point as the PLC holds it: its first value, and the limits that it is clamped to."""

    first: float
    low: float
    high: float


@dataclass(slots=True)
class Telemetry:
    """What the PLC in town tells the one at the river over their own line."""

    works_call: int = 1
    reservoir1_high: bool = False


class Plc(ABC):
    """A control program over its registers. `scan(dt)` runs one cycle: read, decide, act, publish.

    A set-point outside its limits is clamped in the register, one that is no number is put back. `pairs` of
    settings must stay `gap` apart (low, high), else both are put back. Command coils are cleared when taken.
    """

    GAP = 0.2

    def __init__(
        self,
        bindings: Mapping[str, Binding],
        settings: Mapping[str, Setting],
        *,
        switches: Mapping[str, bool],
        commands: Iterable[str],
        pairs: Iterable[tuple[str, str]],
        source: random.Random,
        start_ns: int,
        scan_period: float,
    ) -> None:
        self.memory = RegisterMemory(words=WORDS, bits=WORDS)
        self.cells = {name: self.memory.bind(binding) for name, binding in bindings.items()}
        self._put = {name: cell.set for name, cell in self.cells.items()}
        self.settings = {name: setting.first for name, setting in settings.items()}
        self.switches = dict(switches)
        self.taken: set[str] = set()
        self.uptime = 0.0
        self._limits = dict(settings)
        self._commands = tuple(commands)
        self._pairs = tuple(pairs)
        self._measuring = source
        self._showing = random.Random(source.getrandbits(64))  # noqa: S311 - noise of meters, no secret
        self._start_ns = start_ns
        self._seen_writes = 0
        self._next_slow = 0.0
        self.publish(self.settings)
        self.publish(self.switches)
        self.publish({"firmware": FIRMWARE, "scan_time": scan_period * 1e3})

    def scan(self, dt: float, *, publish: bool = True) -> None:
        """One cycle, `dt` seconds after the last; without `publish` the registers stay as they are."""
        self.uptime += dt
        if self.memory.writes != self._seen_writes:
            self._seen_writes = self.memory.writes
            self._accept()
        self.control(dt)
        self.taken.clear()
        if publish:
            self.publish(self.fast())
            if self.uptime >= self._next_slow:
                self._next_slow = self.uptime + 1.0
                self.publish(self.slow())
                self.publish(self._head())

    def _head(self) -> dict[str, Any]:
        return {
            "heartbeat": int(self.uptime) & 0xFFFF,
            "uptime": int(self.uptime),
            "plc_time": (self._start_ns + int(self.uptime * 1e9)) // 1_000_000,
        }

    def publish(self, values: Mapping[str, Any]) -> None:
        """Put values into their registers."""
        put = self._put
        for name, value in values.items():
            put[name](value)

    def put_setting(self, name: str, value: float) -> None:
        """The PLC moves a set-point itself, as in automatic."""
        if value != self.settings[name]:
            self.settings[name] = value
            self.cells[name].set(value)

    def measured(self, value: float, spread: float) -> float:
        """What the control program measures of `value`, with a relative noise of `spread`."""
        return value * (1.0 + self._measuring.gauss(0.0, spread))

    def noisy(self, value: float, spread: float) -> float:
        """As `measured`, for showing only: how often it is called changes nothing else."""
        return value * (1.0 + self._showing.gauss(0.0, spread))

    @abstractmethod
    def control(self, dt: float) -> None:
        """Decide and act."""

    @abstractmethod
    def fast(self) -> dict[str, Any]:
        """What is published every cycle."""

    @abstractmethod
    def slow(self) -> dict[str, Any]:
        """What is published once a second."""

    def _accept(self) -> None:
        before = dict(self.settings)
        for name, limit in self._limits.items():
            value = self.cells[name].get()
            if value != value:  # noqa: PLR0124 - not a number
                value = before[name]
            self.settings[name] = min(limit.high, max(limit.low, value))
        for low, high in self._pairs:
            if self.settings[high] - self.settings[low] < self.GAP:
                self.settings[low], self.settings[high] = before[low], before[high]
        for name, value in self.settings.items():
            if self.cells[name].get() != value:
                self.cells[name].set(value)
        for name in self.switches:
            self.switches[name] = self.cells[name].get()
        for name in self._commands:
            if self.cells[name].get():
                self.cells[name].set(False)
                self.taken.add(name)


def high_switch(tank: Tank) -> bool:
    """The tank's float switch at the top."""
    return tank.level > HIGH_SWITCH * tank.height


def low_switch(tank: Tank) -> bool:
    """The tank's float switch at the bottom."""
    return tank.level < LOW_SWITCH
