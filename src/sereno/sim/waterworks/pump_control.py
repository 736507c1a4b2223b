"""How a PLC runs pumps: states, interlocks, trips; two of them by level, taking turns."""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum
from typing import Any

from .machines import Pump

KILOWATT_PER_METRE = 9.81
BAR_PER_METRE = 0.0981
AMPERE_PER_KILOWATT = 1.68
NO_FLOW_SECONDS = 30.0
LEAST_FLOW = 0.002


class PumpState(IntEnum):
    """Codes as the PLC shows them."""

    STOPPED = 0
    STARTING = 1
    RUNNING = 2
    STOPPING = 3
    FAULT = 4


class PumpControl:
    """One pump. In automatic it follows `wanted`, in manual the start and stop commands.

    `blocked` (dry-run protection, full reservoir) stops it in both. It trips after 30 s at speed without flow,
    or when its drive does; a trip stays until the reset command.
    """

    def __init__(self, name: str, pump: Pump) -> None:
        self.name = name
        self.pump = pump
        self.state = PumpState.STOPPED
        self.auto = True
        self.lead = False
        self.blocked = False
        self.trips = 0
        self._dry = 0.0

    @property
    def available(self) -> bool:
        """The PLC may start it in automatic."""
        return self.auto and self.state is not PumpState.FAULT

    def scan(self, dt: float, *, wanted: bool, blocked: bool, speed: float, taken: Collection[str]) -> None:
        """One cycle; `speed` is the set-point as a fraction, `taken` the command coils that were set."""
        pump = self.pump
        self.blocked = blocked
        pump.speed_wanted = speed
        if self.auto:
            pump.run = wanted
        elif f"{self.name}_start" in taken:
            pump.run = True
        if f"{self.name}_stop" in taken and not self.auto:
            pump.run = False
        if blocked:
            pump.run = False
        self._supervise(dt)
        if self.state is PumpState.FAULT:
            pump.run = False
            if f"{self.name}_reset" in taken and not pump.turning:
                pump.reset()
                self.state = PumpState.STOPPED
        else:
            self.state = self._next_state()

    def _supervise(self, dt: float) -> None:
        pump = self.pump
        self._dry = self._dry + dt if self.state is PumpState.RUNNING and pump.flow < LEAST_FLOW else 0.0
        if self._dry > NO_FLOW_SECONDS:
            pump.trip()
        if pump.tripped and self.state is not PumpState.FAULT:
            self.state = PumpState.FAULT
            self.trips += 1

    def _next_state(self) -> PumpState:
        pump = self.pump
        if not pump.run:
            return PumpState.STOPPING if pump.turning else PumpState.STOPPED
        if self.state is PumpState.RUNNING or pump.speed >= pump.speed_wanted - 0.005:
            return PumpState.RUNNING
        return PumpState.STARTING

    @property
    def status(self) -> int:
        """The status word."""
        state, fault = self.state, self.state is PumpState.FAULT
        stopped = state is PumpState.STOPPED or (fault and not self.pump.turning)
        return (
            (state is PumpState.RUNNING)
            | stopped << 1
            | fault << 2
            | (not fault and not self.blocked) << 3
            | self.blocked << 4
            | self.auto << 5
            | self.lead << 6
        )

    def fast(self, suction: float) -> dict[str, Any]:
        """Its quick tags; `suction` is the level above the pump, m."""
        pump, name = self.pump, self.name
        return {
            f"{name}_state": self.state,
            f"{name}_speed": pump.speed * 100.0,
            f"{name}_flow": pump.flow * 3600.0,
            f"{name}_pressure": (pump.head + suction) * BAR_PER_METRE,
            f"{name}_power": pump.power,
            f"{name}_current": pump.power * AMPERE_PER_KILOWATT,
            f"{name}_status": self.status,
        }

    def slow(self) -> dict[str, Any]:
        """Its slow tags."""
        pump, name = self.pump, self.name
        return {
            f"{name}_temperature": pump.temperature,
            f"{name}_hours": pump.hours,
            f"{name}_starts": pump.starts,
            f"{name}_energy": pump.energy * 1e3,
            f"{name}_trips": self.trips,
        }


class Station:
    """Two pumps that share the work: the lead first, the other with it or in its place; they change after a run."""

    def __init__(self, first: PumpControl, second: PumpControl) -> None:
        self.pumps = (first, second)
        self.alternating = True
        self._lead = 0
        self._was_called = 0
        first.lead = True

    def wanted(self, call: int) -> tuple[bool, bool]:
        """Which pumps are to run so that `call` (0 to 2) of them do, as far as they are available."""
        if self._was_called and not call and self.alternating:
            self._lead = 1 - self._lead
            for place, pump in enumerate(self.pumps):
                pump.lead = place == self._lead
        self._was_called = call
        order = (self._lead, 1 - self._lead)
        running = [place for place in order if self.pumps[place].available][:call]
        return 0 in running, 1 in running


class LevelCall:
    """How many pumps a tank needs: one below `low`, two well below it, one again half-way up, none above `high`."""

    def __init__(self, call: int = 0) -> None:
        self.call = call

    def step(self, level: float, low: float, high: float) -> int:
        """Decide on a level."""
        span = high - low
        if level >= high:
            self.call = 0
        elif level <= low - 0.25 * span:
            self.call = 2
        elif level <= low:
            self.call = max(self.call, 1)
        elif level >= low + 0.5 * span:
            self.call = min(self.call, 1)
        return self.call
