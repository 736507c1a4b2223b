"""Filters that clog and are washed, chlorine dosing into a contact tank."""

from __future__ import annotations

import math
from enum import IntEnum

WASH_FLOW = 0.05
WASH_SECONDS = 480.0
RIPEN_SECONDS = 240.0
CLEAN_RESISTANCE = 60.0 / (100.0 / 3600.0)
"""mbar per m3/s of a clean filter."""
CLOGGING = 4.35e-4
HEAD_PER_MBAR = 0.0102


class FilterState(IntEnum):
    """Codes as the PLC shows them."""

    FILTERING = 0
    WAITING = 1
    BACKWASH = 2
    RIPENING = 3


class Filter:
    """A rapid sand filter; `clog` 1 = clean. The PLC asks for a wash, one filter is washed at a time."""

    def __init__(self, clog: float) -> None:
        self.clog = clog
        self.state = FilterState.FILTERING
        self.flow = 0.0
        self.dp = 0.0
        self.turbidity = 0.1
        self.backwashes = 0
        self.runtime = 0.0
        self._left = 0.0

    @property
    def in_service(self) -> bool:
        """Water passes through it to the clear-water tank."""
        return self.state is not FilterState.BACKWASH

    @property
    def washing(self) -> bool:
        """In backwash, or waiting for its turn."""
        return self.state in (FilterState.BACKWASH, FilterState.WAITING)

    def request_wash(self) -> None:
        """Queue for a backwash, unless one is under way."""
        if self.state in (FilterState.FILTERING, FilterState.RIPENING):
            self.state = FilterState.WAITING

    def start_wash(self) -> None:
        """Wash now."""
        self.state = FilterState.BACKWASH
        self.backwashes += 1
        self._left = WASH_SECONDS

    def step(self, flow: float, turbidity: float, dt: float) -> None:
        """Filter `flow` m3/s of water of `turbidity` NTU for `dt` seconds, or be washed."""
        self.flow = flow
        self.dp = CLEAN_RESISTANCE * self.clog * flow
        self.runtime += dt
        self.clog += CLOGGING * turbidity**0.6 * flow * dt
        ripening = 0.25 * max(0.0, self._left) / RIPEN_SECONDS if self.state is FilterState.RIPENING else 0.0
        self.turbidity = 0.06 + 0.0008 * turbidity + ripening
        if self.state is FilterState.BACKWASH:
            self.clog += (1.0 - self.clog) * -math.expm1(-dt / 120.0)
            self._count_down(dt, FilterState.RIPENING, RIPEN_SECONDS)
        elif self.state is FilterState.RIPENING:
            self._count_down(dt, FilterState.FILTERING, 0.0)

    def _count_down(self, dt: float, following: FilterState, seconds: float) -> None:
        self._left -= dt
        if self._left <= 0.0:
            if self.state is FilterState.BACKWASH:
                self.runtime = 0.0
            self.state = following
            self._left = seconds


class FilterStage:
    """Filters in parallel, each with a flow controller: those in service share the flow equally."""

    def __init__(self) -> None:
        self.filters = (Filter(1.2), Filter(2.3), Filter(3.4))

    @property
    def wash_flow(self) -> float:
        """Clear water used for washing now, m3/s."""
        return WASH_FLOW if any(f.state is FilterState.BACKWASH for f in self.filters) else 0.0

    @property
    def turbidity(self) -> float:
        """Of the filtered water, NTU."""
        serving = [f.turbidity for f in self.filters if f.in_service]
        return sum(serving) / len(serving)

    def resistance(self) -> float:
        """Head lost per flow through the stage, m per m3/s."""
        serving = [f.clog for f in self.filters if f.in_service]
        return HEAD_PER_MBAR * CLEAN_RESISTANCE * sum(serving) / len(serving) ** 2

    def step(self, flow: float, turbidity: float, dt: float) -> None:
        """Pass `flow` m3/s for `dt` seconds; start the next wash that waits."""
        if self.wash_flow == 0.0:
            waiting = [f for f in self.filters if f.state is FilterState.WAITING]
            if waiting:
                max(waiting, key=lambda f: f.clog).start_wash()
        serving = sum(f.in_service for f in self.filters)
        for item in self.filters:
            item.step(flow / serving if item.in_service else 0.0, turbidity, dt)


class Chlorination:
    """Hypochlorite dosed before a contact tank of first order; the PLC sets `dose` (mg/L)."""

    VOLUME = 30.0
    DECAY = 2.0e-5
    STOCK = 120.0
    TANK = 200.0
    LORRY_TAKES = 8 * 3600.0

    def __init__(self) -> None:
        self.dose = 0.9
        self.residual = 0.6
        self.stock = 160.0
        self.dosing_flow = 0.0
        self._lorry = self.LORRY_TAKES

    @property
    def stock_level(self) -> float:
        """Filling of the dosing tank, 0..1."""
        return self.stock / self.TANK

    def step(self, flow: float, turbidity: float, dt: float) -> None:
        """Treat `flow` m3/s of filtered water for `dt` seconds."""
        dose = self.dose if self.stock > 0.0 else 0.0
        self.dosing_flow = dose * flow / self.STOCK
        self.stock = max(0.0, self.stock - self.dosing_flow * dt)
        self._deliver(dt)
        entering = max(0.0, dose - 0.2 - 0.3 * turbidity)
        exchange = flow / self.VOLUME
        rate = exchange + self.DECAY
        goal = exchange * entering / rate
        self.residual = goal + (self.residual - goal) * math.exp(-rate * dt)

    def _deliver(self, dt: float) -> None:
        if self.stock >= 0.18 * self.TANK:
            self._lorry = self.LORRY_TAKES
            return
        self._lorry -= dt
        if self._lorry <= 0.0:
            self.stock = 0.95 * self.TANK
