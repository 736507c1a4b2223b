"""PLC 2: two reservoirs, booster pumps, the network."""

from __future__ import annotations

import random
from typing import Any

from .bindings import TOWN_VALVES, town_bindings
from .demand import CURVE, curve
from .loops import ValveControl
from .machines import Tank
from .physics import Physics
from .plc import LOW_SWITCH, Plc, Setting, Telemetry, high_switch, low_switch
from .pump_control import BAR_PER_METRE, LevelCall, PumpControl, Station

NORMAL, SAVING, FILLING = range(3)
SETTINGS = {
    "mode": Setting(NORMAL, NORMAL, FILLING),
    "reservoir1_setpoint_low": Setting(2.4, 1.0, 4.0),
    "reservoir1_setpoint_high": Setting(3.8, 1.5, 4.6),
    "reservoir2_setpoint_low": Setting(2.6, 1.0, 4.0),
    "reservoir2_setpoint_high": Setting(3.6, 1.5, 4.6),
    "pump3_speed_setpoint": Setting(95.0, 70.0, 100.0),
    "pump4_speed_setpoint": Setting(95.0, 70.0, 100.0),
    **{f"{name}_setpoint": Setting(100.0, 0.0, 100.0) for name in TOWN_VALVES},
}
SWITCHES = {
    "alternation": True,
    "pump3_auto": True,
    "pump4_auto": True,
    **{f"{name}_auto": True for name in TOWN_VALVES},
}
COMMANDS = tuple(f"pump{n}_{word}" for n in (3, 4) for word in ("start", "stop", "reset"))
SAVING_SPEED = 0.88
THROTTLED = 0.3
LEAST_PRESSURE = 15.0
"""m of water below which a zone is short of pressure."""


class TownPlc(Plc):
    """The control program of town/plc2 over its part of the physics."""

    def __init__(
        self, physics: Physics, telemetry: Telemetry, *, source: random.Random, start_ns: int, scan_period: float
    ) -> None:
        super().__init__(
            town_bindings(),
            SETTINGS,
            switches=SWITCHES,
            commands=COMMANDS,
            pairs=[(f"reservoir{n}_setpoint_low", f"reservoir{n}_setpoint_high") for n in (1, 2)],
            source=source,
            start_ns=start_ns,
            scan_period=scan_period,
        )
        self.physics = physics
        self.telemetry = telemetry
        self.pumps = tuple(PumpControl(f"pump{n}", physics.pump(n)) for n in (3, 4))
        self.station = Station(*self.pumps)
        self.works = LevelCall(telemetry.works_call)
        self.boosters = LevelCall(1)
        valves = (physics.inlet1, physics.outlet1, physics.outlet2)
        self.valves = [
            ValveControl(name, f"{name}_position", valve) for name, valve in zip(TOWN_VALVES, valves, strict=True)
        ]
        self.forecast = [
            (physics.low_demand.mean + physics.high_demand.mean) * 3600.0 * curve(h * 3600.0 + 1800.0)
            for h in range(len(CURVE))
        ]
        self.dry = False
        self._throttled = [False, False]
        self._hour = int(physics.day_seconds // 3600.0)
        self._hour_volume = 0.0
        self._hour_seconds = 0.0

    def control(self, dt: float) -> None:
        """See Plc."""
        physics = self.physics
        self.station.alternating = self.switches["alternation"]
        self.telemetry.works_call = self._call(self.works, 1, physics.reservoir1)
        self.telemetry.reservoir1_high = high_switch(physics.reservoir1)
        self._position_valves()
        self._run_pumps(dt)
        self._learn(dt)

    def _call(self, call: LevelCall, number: int, reservoir: Tank) -> int:
        low = self.settings[f"reservoir{number}_setpoint_low"]
        high = self.settings[f"reservoir{number}_setpoint_high"]
        if self.settings["mode"] == FILLING:
            low = high - 0.1
        return call.step(reservoir.level, low, high)

    def _position_valves(self) -> None:
        physics = self.physics
        for i, tank in enumerate((physics.reservoir1, physics.reservoir2)):
            self._throttled[i] = tank.level < (LOW_SWITCH + 0.5 if self._throttled[i] else LOW_SWITCH)
        openings = (
            0.0 if high_switch(physics.reservoir1) else 1.0,
            *(THROTTLED if throttled else 1.0 for throttled in self._throttled),
        )
        for control, opening in zip(self.valves, openings, strict=True):
            if self.switches[f"{control.name}_auto"]:
                self.put_setting(f"{control.name}_setpoint", opening * 100.0)
            control.valve.wanted = self.settings[f"{control.name}_setpoint"] / 100.0

    def _run_pumps(self, dt: float) -> None:
        physics = self.physics
        self.dry = physics.reservoir1.level < (LOW_SWITCH + 0.3 if self.dry else LOW_SWITCH)
        blocked = self.dry or high_switch(physics.reservoir2)
        for pump in self.pumps:
            pump.auto = self.switches[f"{pump.name}_auto"]
        wanted = self.station.wanted(self._call(self.boosters, 2, physics.reservoir2))
        limit = SAVING_SPEED if self.settings["mode"] == SAVING else 1.0
        for pump, want in zip(self.pumps, wanted, strict=True):
            speed = min(limit, self.settings[f"{pump.name}_speed_setpoint"] / 100.0)
            pump.scan(dt, wanted=want, blocked=blocked, speed=speed, taken=self.taken)

    def _learn(self, dt: float) -> None:
        """Correct the forecast of each hour by what the hour took."""
        self._hour_volume += (self.physics.flows.low_zone + self.physics.flows.high_zone) * dt
        self._hour_seconds += dt
        hour = int(self.physics.day_seconds // 3600.0)
        if hour != self._hour:
            mean = self._hour_volume / self._hour_seconds * 3600.0
            self.forecast[self._hour] += 0.2 * (mean - self.forecast[self._hour])
            self._hour, self._hour_volume, self._hour_seconds = hour, 0.0, 0.0

    def fast(self) -> dict[str, Any]:
        """See Plc."""
        physics, flows = self.physics, self.physics.flows
        low = self.noisy(flows.low_zone * 3600.0, 0.003)
        high = self.noisy(flows.high_zone * 3600.0, 0.003)
        values: dict[str, Any] = {
            "alarm_word": self._alarm_word(),
            "demand_flow": low + high,
            "demand_low_zone": low,
            "demand_high_zone": high,
            "network_pressure": self.noisy(physics.pressure_low, 0.001) * BAR_PER_METRE,
            "network_pressure_high": self.noisy(physics.pressure_high, 0.001) * BAR_PER_METRE,
            "transfer_flow": self.noisy(flows.transfer * 3600.0, 0.003),
            "chlorine": self.noisy(physics.network_chlorine, 0.004),
        }
        values.update(
            self._reservoir_fast(1, physics.reservoir1, flows.transfer, flows.booster + flows.low_zone + flows.leak)
        )
        values.update(self._reservoir_fast(2, physics.reservoir2, flows.booster, flows.high_zone))
        for pump in self.pumps:
            values.update(pump.fast(physics.reservoir1.level))
        for valve in self.valves:
            values.update(valve.fast())
        return values

    def _reservoir_fast(self, n: int, tank: Tank, inflow: float, outflow: float) -> dict[str, Any]:
        return {
            f"reservoir{n}_level": self.noisy(tank.level, 0.0003),
            f"reservoir{n}_volume": tank.volume,
            f"reservoir{n}_inflow": inflow * 3600.0,
            f"reservoir{n}_outflow": outflow * 3600.0,
            f"reservoir{n}_fill": tank.level / tank.height * 100.0,
            f"reservoir{n}_high_switch": high_switch(tank),
            f"reservoir{n}_low_switch": low_switch(tank),
            f"reservoir{n}_overflow": tank.overflow > 0.0,
        }

    def slow(self) -> dict[str, Any]:
        """See Plc."""
        physics = self.physics
        values: dict[str, Any] = {
            "leakage_flow": physics.flows.leak * 3600.0,
            "total_volume": physics.ledger.delivered * 1e3,
            "air_temperature": physics.river.air,
            "demand_forecast": self.forecast,
            "chlorine_analyser": 0,
            "chlorine_sample_flow": self.noisy(40.0, 0.01),
            "reservoir1_temperature": physics.river.temperature - 0.5,
            "reservoir2_temperature": physics.river.temperature - 0.8,
        }
        for pump in self.pumps:
            values.update(pump.slow())
        for valve in self.valves:
            values.update(valve.slow())
        return values

    def _alarm_word(self) -> int:
        physics = self.physics
        bits = (
            high_switch(physics.reservoir1),
            low_switch(physics.reservoir1),
            high_switch(physics.reservoir2),
            low_switch(physics.reservoir2),
            min(physics.pressure_low, physics.pressure_high) < LEAST_PRESSURE,
        )
        return sum(bit << place for place, bit in enumerate(bits))
