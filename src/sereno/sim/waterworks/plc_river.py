"""PLC 1: intake, filters, chlorine, clear-water tank, works pumps."""

from __future__ import annotations

import math
import random
from typing import Any

from .bindings import RIVER_ANALYSERS, river_bindings
from .loops import ChlorineLoop, IntakeLoop, ValveControl
from .physics import Physics
from .plc import LOW_SWITCH, Plc, Setting, Telemetry, high_switch, low_switch
from .pump_control import BAR_PER_METRE, PumpControl, Station
from .treatment import Filter

SETTINGS = {
    "chlorine_setpoint": Setting(0.6, 0.2, 1.5),
    "intake_flow_setpoint": Setting(380.0, 0.0, 450.0),
    "tank_setpoint_low": Setting(2.0, 1.0, 3.0),
    "tank_setpoint_high": Setting(3.2, 1.5, 3.5),
    "chlorine_gain": Setting(0.8, 0.0, 5.0),
    "chlorine_reset_time": Setting(400.0, 30.0, 3600.0),
    "backwash_dp": Setting(300.0, 100.0, 350.0),
    "chlorine_dose_setpoint": Setting(0.9, 0.0, 4.0),
    "pump1_speed_setpoint": Setting(95.0, 70.0, 100.0),
    "pump2_speed_setpoint": Setting(95.0, 70.0, 100.0),
    "valve_intake_setpoint": Setting(60.0, 0.0, 100.0),
}
SWITCHES = {"dosing_auto": True, "pump1_auto": True, "pump2_auto": True, "valve_intake_auto": True}
COMMANDS = (
    *(f"pump{n}_{word}" for n in (1, 2) for word in ("start", "stop", "reset")),
    *(f"filter{n}_backwash" for n in (1, 2, 3)),
)
RECIPE = "summer"
LEAST_RIVER = 0.5
LEAST_FLOW = 20.0
"""m3/h below which nothing is dosed and the analysers get no sample."""
WASH_LEVEL = 1.0
CALIBRATES = (3 * 3600.0, 3 * 3600.0 + 300.0)
MEASURING, NO_SAMPLE, CALIBRATING = range(3)


class RiverPlc(Plc):
    """The control program of river/plc1 over its part of the physics."""

    def __init__(
        self, physics: Physics, telemetry: Telemetry, *, source: random.Random, start_ns: int, scan_period: float
    ) -> None:
        super().__init__(
            river_bindings(),
            SETTINGS,
            switches=SWITCHES,
            commands=COMMANDS,
            pairs=[("tank_setpoint_low", "tank_setpoint_high")],
            source=source,
            start_ns=start_ns,
            scan_period=scan_period,
        )
        self.physics = physics
        self.telemetry = telemetry
        self.pumps = tuple(PumpControl(f"pump{n}", physics.pump(n)) for n in (1, 2))
        self.station = Station(*self.pumps)
        self.valve = ValveControl("valve_intake", "valve_intake", physics.intake_valve)
        self.intake = IntakeLoop(physics.intake_valve.position)
        self.dosing = ChlorineLoop(physics.chlorination.dose)
        self.chlorine = physics.chlorination.residual
        self.flow = 0.0
        self.starved = False
        self.dry = False
        self.publish({"recipe": RECIPE, "chlorine": self.chlorine})

    def control(self, dt: float) -> None:
        """See Plc."""
        self.flow = max(0.0, self.measured(self.physics.flows.intake * 3600.0, 0.003))
        self._take_in(dt)
        self._wash()
        self._dose(dt)
        self._run_pumps(dt)

    def _take_in(self, dt: float) -> None:
        river, tank = self.physics.river.level, self.physics.tank
        self.starved = river < (LEAST_RIVER + 0.2 if self.starved else LEAST_RIVER)
        low, high = self.settings["tank_setpoint_low"], self.settings["tank_setpoint_high"]
        share = 0.0 if self.starved or high_switch(tank) else (high - tank.level) / (high - low)
        wanted = self.settings["intake_flow_setpoint"] * min(1.0, max(0.0, share))
        if not self.switches["valve_intake_auto"]:
            self.intake.opening = self.valve.valve.wanted = self.settings["valve_intake_setpoint"] / 100.0
            return
        opening = self.intake.step(wanted, self.flow, dt)
        if abs(opening - self.valve.valve.wanted) >= 0.01 or opening in (0.0, 1.0):
            self.valve.valve.wanted = opening
            self.put_setting("valve_intake_setpoint", round(opening * 100.0, 1))

    def _wash(self) -> None:
        filters = self.physics.filters.filters
        if self.physics.tank.level < WASH_LEVEL:
            return
        idle = not any(f.washing for f in filters)
        for n, item in enumerate(filters, 1):
            if f"filter{n}_backwash" in self.taken or (idle and item.dp > self.settings["backwash_dp"]):
                item.request_wash()

    @property
    def _calibrating(self) -> bool:
        return CALIBRATES[0] <= self.physics.day_seconds < CALIBRATES[1]

    def _dose(self, dt: float) -> None:
        chlorination = self.physics.chlorination
        if not self._calibrating:
            self.chlorine += (chlorination.residual - self.chlorine) * -math.expm1(-dt / 20.0)
        error = self.settings["chlorine_setpoint"] - self.chlorine
        gain = self.settings["chlorine_gain"]
        if not self.switches["dosing_auto"]:
            dose = self.dosing.follow(self.settings["chlorine_dose_setpoint"], error, gain)
        else:
            if self.flow >= LEAST_FLOW and not self._calibrating:
                self.dosing.step(error, gain, self.settings["chlorine_reset_time"], dt)
            dose = self.dosing.dose
            self.put_setting("chlorine_dose_setpoint", round(dose, 2))
        chlorination.dose = dose if self.flow >= LEAST_FLOW else 0.0

    def _run_pumps(self, dt: float) -> None:
        level = self.physics.tank.level
        self.dry = level < (LOW_SWITCH + 0.3 if self.dry else LOW_SWITCH)
        blocked = self.dry or self.telemetry.reservoir1_high
        for pump in self.pumps:
            pump.auto = self.switches[f"{pump.name}_auto"]
        wanted = self.station.wanted(self.telemetry.works_call)
        for pump, want in zip(self.pumps, wanted, strict=True):
            speed = self.settings[f"{pump.name}_speed_setpoint"] / 100.0
            pump.scan(dt, wanted=want, blocked=blocked, speed=speed, taken=self.taken)

    def fast(self) -> dict[str, Any]:
        """See Plc."""
        physics, tank = self.physics, self.physics.tank
        values: dict[str, Any] = {
            "alarm_word": self._alarm_word(),
            "intake_flow": self.flow,
            "intake_level": self.noisy(physics.river.level, 0.0005),
            "chlorine_dose": physics.chlorination.dose,
            "dosing_flow": physics.chlorination.dosing_flow * 3600.0,
            "tank_level": self.noisy(tank.level, 0.0003),
            "tank_volume": tank.volume,
            "outlet_flow": self.noisy(physics.flows.transfer * 3600.0, 0.003),
            "outlet_pressure": max(self._outlet_head(), 0.0) * BAR_PER_METRE,
            "tank_high_switch": high_switch(tank),
            "tank_low_switch": low_switch(tank),
            "turbidity": self.noisy(physics.river.turbidity, 0.01),
            "ph": physics.river.ph,
            "conductivity": physics.river.conductivity,
            "turbidity_out": self.noisy(physics.filters.turbidity, 0.01),
        }
        if not self._calibrating:
            values["chlorine"] = self.noisy(self.chlorine, 0.004)
        values.update(self.valve.fast())
        for pump in self.pumps:
            values.update(pump.fast(tank.level))
        for n, item in enumerate(physics.filters.filters, 1):
            values.update(_filter_fast(n, item))
        return values

    def slow(self) -> dict[str, Any]:
        """See Plc."""
        physics = self.physics
        values: dict[str, Any] = {
            "intake_total": physics.ledger.intake * 1e3,
            "outlet_total": physics.transferred * 1e3,
            "river_temperature": physics.river.temperature,
            "dosing_tank_level": physics.chlorination.stock_level * 100.0,
            **self.valve.slow(),
        }
        for pump in self.pumps:
            values.update(pump.slow())
        for n, item in enumerate(physics.filters.filters, 1):
            values[f"filter{n}_turbidity"] = item.turbidity
            values[f"filter{n}_backwashes"] = item.backwashes
            values[f"filter{n}_runtime"] = item.runtime
        for name in RIVER_ANALYSERS:
            dry = self.flow < LEAST_FLOW
            state = CALIBRATING if name == "chlorine" and self._calibrating else NO_SAMPLE if dry else MEASURING
            values[f"{name}_analyser"] = state
            values[f"{name}_sample_flow"] = 0.0 if dry else self.noisy(45.0, 0.01)
        return values

    def _outlet_head(self) -> float:
        physics = self.physics
        main = physics.reservoir1.surface if physics.inlet1.position > 0.0 else 0.0
        return max(main, *(pump.pump.head + physics.tank.level for pump in self.pumps))

    def _alarm_word(self) -> int:
        physics = self.physics
        bits = (high_switch(physics.tank), low_switch(physics.tank), physics.chlorination.stock <= 0.0, self.starved)
        return sum(bit << place for place, bit in enumerate(bits))


def _filter_fast(n: int, item: Filter) -> dict[str, Any]:
    return {
        f"filter{n}_state": item.state,
        f"filter{n}_dp": item.dp,
        f"filter{n}_flow": item.flow * 3600.0,
        f"filter{n}_washing": item.washing,
    }
