"""Days of the waterworks left to its PLCs."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from sereno.sim.waterworks.plant import Waterworks

RANGES = {
    "intake_level": (1.0, 4.5),
    "turbidity": (2.0, 500.0),
    "intake_flow": (0.0, 460.0),
    "tank_level": (0.9, 3.8),
    "chlorine": (0.35, 0.8),
    "turbidity_out": (0.05, 0.8),
    "filter1_dp": (0.0, 450.0),
    "pump1_flow": (0.0, 330.0),
    "pump1_power": (0.0, 45.0),
    "pump1_temperature": (5.0, 85.0),
    "outlet_pressure": (1.5, 4.8),
    "dosing_tank_level": (1.0, 100.0),
    "river_temperature": (8.0, 20.0),
    "ph": (6.8, 8.2),
    "conductivity": (200.0, 480.0),
    "reservoir1_level": (1.2, 4.2),
    "reservoir2_level": (1.8, 4.0),
    "network_pressure": (3.0, 4.0),
    "network_pressure_high": (2.8, 3.6),
    "demand_flow": (40.0, 650.0),
    "air_temperature": (2.0, 28.0),
}


def test_four_days_stay_in_sensible_ranges_with_water_conserved():
    works = Waterworks(random.Random(3), start_ns=0, scan_period=5.0)
    physics = works.physics
    storage = physics.storage
    seen = Counter()
    works.run(600.0)
    for _ in range(4 * 144):
        works.run(600.0)
        cells = {**works.town.cells, **works.river.cells}
        for name, (low, high) in RANGES.items():
            value = cells[name].get()
            assert low <= value <= high, f"{name} = {value} after {works.elapsed / 3600:.1f} h"
        for pump in range(1, 5):
            seen[f"pump{pump} {cells[f'pump{pump}_state'].get()}"] += 1
    ledger = physics.ledger
    assert physics.storage - storage == pytest.approx(ledger.balance(), abs=1e-9 * ledger.intake)
    assert ledger.spilled == 0.0
    assert 24_000 < ledger.delivered < 26_500
    assert all(seen[f"pump{pump} 0"] and seen[f"pump{pump} 2"] for pump in range(1, 5))
    assert not any(seen[f"pump{pump} 4"] for pump in range(1, 5))
    assert all(item.backwashes for item in physics.filters.filters)
