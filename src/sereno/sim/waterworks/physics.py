"""The water of the whole works: river -> filters -> clear-water tank -> reservoir 1 -> reservoir 2 -> town."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from .demand import Demand
from .machines import Pump, PumpCurve, Tank, Valve, parallel
from .river import DAY, River
from .treatment import Chlorination, FilterStage

INTAKE_HEAD = 4.0
INTAKE_OPEN = 306.0
MAIN_RESISTANCE = 1200.0
BOOSTER_RESISTANCE = 3000.0
VALVE_OPEN = 50.0
ZONE_OPEN = 120.0
LOW_ZONE_DROP = 34.0
"""The taps of the lower zone lie this many m below the bottom of reservoir 1."""
HIGH_ZONE_DROP = 30.0
LEAK_AT_30_M = 0.004
TANK_DECAY = 3.0e-6
WORKS_CURVE = PumpCurve(shut_off=60.0, slope=5000.0, rated_power=45.0)
BOOSTER_CURVE = PumpCurve(shut_off=55.0, slope=14000.0, rated_power=30.0)


@dataclass(slots=True)
class Ledger:
    """m3 since the start: what came in and where it went."""

    intake: float = 0.0
    delivered: float = 0.0
    leaked: float = 0.0
    washed: float = 0.0
    spilled: float = 0.0

    def balance(self) -> float:
        """In minus out: what must have gone into storage."""
        return self.intake - self.delivered - self.leaked - self.washed - self.spilled


@dataclass(slots=True)
class Flows:
    """m3/s in the last step."""

    intake: float = 0.0
    transfer: float = 0.0
    booster: float = 0.0
    low_zone: float = 0.0
    high_zone: float = 0.0
    leak: float = 0.0
    wash: float = 0.0


class Physics:
    """State of the works; `step(dt)` advances it. PLCs read its sensors and set its drives and valves.

    Flows m3/s, levels m, pressures m of water. Water is conserved: `storage` changes by `ledger.balance()`.
    """

    def __init__(self, source: random.Random, *, day_seconds: float = 8 * 3600.0) -> None:
        self.day_seconds = day_seconds
        self.river = River(source)
        self.filters = FilterStage()
        self.chlorination = Chlorination()
        self.tank = Tank(200.0, 4.0, 2.5, elevation=0.0)
        self.reservoir1 = Tank(500.0, 5.5, 3.0, elevation=25.0)
        self.reservoir2 = Tank(250.0, 5.5, 3.0, elevation=50.0)
        self.works_pumps = (Pump(WORKS_CURVE), Pump(WORKS_CURVE))
        self.boosters = (Pump(BOOSTER_CURVE), Pump(BOOSTER_CURVE))
        self.intake_valve = Valve(60.0, 0.6)
        self.inlet1 = Valve(40.0)
        self.outlet1 = Valve(40.0)
        self.outlet2 = Valve(40.0)
        self.low_demand = Demand(165.0 / 3600.0, source)
        self.high_demand = Demand(95.0 / 3600.0, source)
        self.burst = 0.0
        self.flows = Flows()
        self.ledger = Ledger()
        self.transferred = 0.0
        self.pressure_low = 0.0
        self.pressure_high = 0.0

    @property
    def storage(self) -> float:
        """Water in the tank and both reservoirs, m3."""
        return self.tank.volume + self.reservoir1.volume + self.reservoir2.volume

    @property
    def network_chlorine(self) -> float:
        """At the far end of the lower zone, mg/L."""
        return self.reservoir1.chlorine * 0.92

    def pump(self, number: int) -> Pump:
        """Pump 1 to 4."""
        return (*self.works_pumps, *self.boosters)[number - 1]

    def step(self, dt: float) -> None:
        """Advance by `dt` seconds (more than 0)."""
        self.day_seconds = (self.day_seconds + dt) % DAY
        self.river.step(dt, self.day_seconds)
        for valve in (self.intake_valve, self.inlet1, self.outlet1, self.outlet2):
            valve.step(dt)
        self._treat(dt)
        self._pump(dt)
        self._supply(dt)
        self._store(dt)

    def _treat(self, dt: float) -> None:
        head = INTAKE_HEAD + self.river.level
        valve = self.intake_valve.resistance(INTAKE_OPEN)
        linear = self.filters.resistance()
        # head = linear * flow + valve * flow^2
        flow = 0.0 if math.isinf(valve) else (math.sqrt(linear * linear + 4.0 * valve * head) - linear) / (2.0 * valve)
        self.flows.intake = flow
        self.filters.step(flow, self.river.turbidity, dt)
        self.chlorination.step(flow, self.filters.turbidity, dt)

    def _pump(self, dt: float) -> None:
        for pump in (*self.works_pumps, *self.boosters):
            pump.ramp(dt)
        lift = self.reservoir1.surface - self.tank.surface
        main = MAIN_RESISTANCE + self.inlet1.resistance(VALVE_OPEN)
        wash = self.filters.wash_flow
        first, second = parallel(self.works_pumps, lift, main)
        share = self.tank.share(first + second + wash, dt)
        self._settle(self.works_pumps, first * share, second * share, dt)
        self.flows.transfer = (first + second) * share
        self.flows.wash = wash * share
        lift = self.reservoir2.surface - self.reservoir1.surface
        third, fourth = parallel(self.boosters, lift, BOOSTER_RESISTANCE)
        share = self.reservoir1.share(third + fourth, dt)
        self._settle(self.boosters, third * share, fourth * share, dt)
        self.flows.booster = (third + fourth) * share

    def _settle(self, pumps: tuple[Pump, Pump], first: float, second: float, dt: float) -> None:
        pumps[0].settle(first, dt, self.river.air)
        pumps[1].settle(second, dt, self.river.air)

    def _supply(self, dt: float) -> None:
        flows = self.flows
        asked, self.pressure_low = _zone(
            self.low_demand.step(dt, self.day_seconds), self.reservoir1.level + LOW_ZONE_DROP, self.outlet1
        )
        leak = (LEAK_AT_30_M + self.burst) * math.sqrt(self.pressure_low / 30.0)
        left = max(0.0, self.reservoir1.volume - flows.booster * dt)
        share = min(1.0, left / ((asked + leak) * dt)) if asked + leak > 0.0 else 1.0
        flows.low_zone, flows.leak = asked * share, leak * share
        asked, self.pressure_high = _zone(
            self.high_demand.step(dt, self.day_seconds), self.reservoir2.level + HIGH_ZONE_DROP, self.outlet2
        )
        flows.high_zone = asked * self.reservoir2.share(asked, dt)

    def _store(self, dt: float) -> None:
        flows, ledger = self.flows, self.ledger
        self.tank.mix(flows.intake, self.chlorination.residual, TANK_DECAY, dt)
        self.reservoir1.mix(flows.transfer, self.tank.chlorine, TANK_DECAY, dt)
        self.reservoir2.mix(flows.booster, self.reservoir1.chlorine, TANK_DECAY, dt)
        ledger.spilled += self.tank.step(flows.intake, flows.transfer + flows.wash, dt)
        ledger.spilled += self.reservoir1.step(flows.transfer, flows.booster + flows.low_zone + flows.leak, dt)
        ledger.spilled += self.reservoir2.step(flows.booster, flows.high_zone, dt)
        self.transferred += flows.transfer * dt
        ledger.intake += flows.intake * dt
        ledger.delivered += (flows.low_zone + flows.high_zone) * dt
        ledger.leaked += flows.leak * dt
        ledger.washed += flows.wash * dt


def _zone(demand: float, head: float, valve: Valve) -> tuple[float, float]:
    """Flow (m3/s) and pressure (m) that a zone gets through its outlet valve."""
    resistance = valve.resistance(ZONE_OPEN)
    if math.isinf(resistance):
        return 0.0, 0.0
    flow = min(demand, math.sqrt(head / resistance))
    return flow, max(0.0, head - resistance * flow * flow)
