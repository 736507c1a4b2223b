"""Pumps on variable-speed drives, motorised valves, tanks: what moves and holds water."""

from __future__ import annotations

import math
from dataclasses import dataclass

RHO_G = 9.81
"""Specific weight of water, kN/m3."""


@dataclass(frozen=True, slots=True)
class PumpCurve:
    """Head = shut_off * speed^2 - slope * flow^2 (m, fraction of full speed, m3/s): the affinity laws hold exactly."""

    shut_off: float
    slope: float
    rated_power: float
    efficiency: float = 0.72

    def flow_at(self, speed: float, head: float) -> float:
        """m3/s against `head`; a check valve stops what would flow back."""
        spare = self.shut_off * speed * speed - head
        return math.sqrt(spare / self.slope) if spare > 0.0 else 0.0

    def power(self, speed: float, flow: float, head: float) -> float:
        """Electrical power, kW."""
        return RHO_G * flow * max(head, 0.0) / self.efficiency + 0.08 * self.rated_power * speed**3


class Pump:
    """A pump and its drive. The PLC sets `run` and `speed_wanted`; `tripped` stays until `reset`."""

    RAMP = 1.0 / 8.0
    WARMS = 900.0

    def __init__(self, curve: PumpCurve) -> None:
        self.curve = curve
        self.run = False
        self.speed_wanted = 0.95
        self.tripped = False
        self.speed = 0.0
        self.flow = 0.0
        self.head = 0.0
        self.power = 0.0
        self.temperature = 20.0
        self.hours = 0.0
        self.starts = 0
        self.energy = 0.0

    @property
    def turning(self) -> bool:
        """The shaft turns."""
        return self.speed > 0.0

    def trip(self) -> None:
        """The drive switches off by itself, as after an overload."""
        self.tripped = True

    def reset(self) -> None:
        """Clear a trip."""
        self.tripped = False

    def ramp(self, dt: float) -> None:
        """Follow the PLC's command for `dt` seconds."""
        goal = self.speed_wanted if self.run and not self.tripped else 0.0
        if goal > 0.0 and self.speed == 0.0:
            self.starts += 1
        reach = self.RAMP * dt
        self.speed += min(reach, max(-reach, goal - self.speed))

    def settle(self, flow: float, dt: float, ambient: float) -> None:
        """Take the flow that the pipes allow (m3/s) and account for `dt` seconds of it."""
        self.flow = flow
        self.head = self.curve.shut_off * self.speed * self.speed - self.curve.slope * flow * flow
        self.power = self.curve.power(self.speed, flow, self.head) if self.speed > 0.0 else 0.0
        warm = ambient + 45.0 * self.power / self.curve.rated_power
        self.temperature += (warm - self.temperature) * -math.expm1(-dt / self.WARMS)
        self.energy += self.power * dt / 3.6
        if self.speed > 0.0:
            self.hours += dt / 3600.0


def parallel(pumps: tuple[Pump, Pump], lift: float, resistance: float) -> tuple[float, float]:
    """Flows (m3/s) of two equal pumps into one main: head = lift + resistance * total^2. inf = closed."""
    first, second = pumps
    curve = first.curve
    fast, slow = max(first.speed, second.speed), min(first.speed, second.speed)
    if math.isinf(resistance) or curve.shut_off * fast * fast <= lift:
        return 0.0, 0.0
    if fast == slow:
        each = math.sqrt((curve.shut_off * fast * fast - lift) / (curve.slope + 4.0 * resistance))
        return each, each
    alone = math.sqrt((curve.shut_off * fast * fast - lift) / (curve.slope + resistance))
    head = lift + resistance * alone * alone
    if curve.flow_at(slow, head) > 0.0:
        head = _common_head(curve, fast, slow, lift, resistance)
    return curve.flow_at(first.speed, head), curve.flow_at(second.speed, head)


def _common_head(curve: PumpCurve, fast: float, slow: float, lift: float, resistance: float) -> float:
    low, high = lift, curve.shut_off * fast * fast
    for _ in range(40):
        head = 0.5 * (low + high)
        total = curve.flow_at(fast, head) + curve.flow_at(slow, head)
        if lift + resistance * total * total > head:
            low = head
        else:
            high = head
    return high


class Valve:
    """A motorised valve: travels from closed (0) to open (1) in `travel` seconds towards `wanted`."""

    def __init__(self, travel: float, position: float = 1.0) -> None:
        self.travel = travel
        self.position = position
        self.wanted = position
        self.moving = 0
        self.strokes = 0

    def step(self, dt: float) -> None:
        """Travel for `dt` seconds."""
        gap = self.wanted - self.position
        was = self.moving
        self.moving = (gap > 0.0) - (gap < 0.0)
        if self.moving and self.moving != was:
            self.strokes += 1
        reach = dt / self.travel
        self.position = self.wanted if abs(gap) <= reach else self.position + self.moving * reach

    def resistance(self, open_resistance: float) -> float:
        """Head lost per squared flow (s2/m5), `open_resistance` when fully open, inf when shut."""
        x = self.position
        return open_resistance / (x * x) if x > 1e-4 else math.inf


class Tank:
    """An upright tank: volume in m3, bottom at `elevation` m; what rises above `height` runs over."""

    def __init__(self, area: float, height: float, level: float, elevation: float) -> None:
        self.area = area
        self.height = height
        self.elevation = elevation
        self.volume = area * level
        self.chlorine = 0.6
        self.overflow = 0.0

    @property
    def level(self) -> float:
        """m above the bottom."""
        return self.volume / self.area

    @property
    def surface(self) -> float:
        """m above the datum of the works."""
        return self.elevation + self.volume / self.area

    def share(self, outflow: float, dt: float) -> float:
        """The part (0..1) of `outflow` m3/s that the tank can give during `dt` seconds."""
        asked = outflow * dt
        return 1.0 if asked <= self.volume else self.volume / asked

    def step(self, inflow: float, outflow: float, dt: float) -> float:
        """Take and give for `dt` seconds; returns the m3 that ran over."""
        volume = self.volume + (inflow - outflow) * dt
        spilled = max(0.0, volume - self.area * self.height)
        self.volume = max(0.0, volume - spilled)
        self.overflow = spilled / dt
        return spilled

    def mix(self, inflow: float, chlorine: float, decay: float, dt: float) -> None:
        """Stir `inflow` m3/s of water with `chlorine` mg/L in, then let it decay by `decay` per second."""
        fresh = inflow * dt
        whole = self.volume + fresh
        if whole > 0.0:
            self.chlorine = (self.chlorine * self.volume + chlorine * fresh) / whole * math.exp(-decay * dt)
