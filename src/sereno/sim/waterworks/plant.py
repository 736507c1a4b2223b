"""The whole waterworks in simulated time: physics and both PLCs, one cycle after the other."""

from __future__ import annotations

import random

from .physics import Physics
from .plc import Telemetry
from .plc_river import RiverPlc
from .plc_town import TownPlc

DAY = 86400
MAX_SCAN = 5.0
"""Beyond it the control loops of the PLCs are no longer steady."""


class Waterworks:
    """Deterministic for a `source` of randomness, a start time (ns UTC) and a scan period (s, at most 5)."""

    def __init__(self, source: random.Random, *, start_ns: int = 0, scan_period: float = 0.1) -> None:
        if not 0.0 < scan_period <= MAX_SCAN:
            raise ValueError(f"scan period {scan_period} s of the PLCs, expected more than 0 and at most {MAX_SCAN:g}")
        self.scan_period = scan_period
        self.elapsed = 0.0
        self.physics = Physics(source, day_seconds=float(start_ns // 1_000_000_000 % DAY))
        telemetry = Telemetry()
        self.river = RiverPlc(self.physics, telemetry, source=source, start_ns=start_ns, scan_period=scan_period)
        self.town = TownPlc(self.physics, telemetry, source=source, start_ns=start_ns, scan_period=scan_period)
        self.physics.works_pumps[0].speed = self.physics.boosters[0].speed = 0.95

    def step(self, *, publish: bool = True) -> None:
        """One scan period: the water moves, then both PLCs run a cycle (and show it in their registers)."""
        dt = self.scan_period
        self.physics.step(dt)
        self.river.scan(dt, publish=publish)
        self.town.scan(dt, publish=publish)
        self.elapsed += dt

    def run(self, seconds: float) -> None:
        """As many cycles as fit into `seconds` of simulated time; the registers show the last."""
        self.cycles(round(seconds / self.scan_period))

    def cycles(self, count: int) -> None:
        """`count` cycles in one go; nobody can look in between, so only the last is published."""
        for left in range(count - 1, -1, -1):
            self.step(publish=left == 0)
