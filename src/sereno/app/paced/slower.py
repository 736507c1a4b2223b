"""What is scanned less often in a play than in real time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sereno.app.plant.load import Plant


def slower(plant: Plant, periods: Mapping[str, float]) -> Plant:
    """The plant with some scan groups of all devices less often than in real time."""
    devices = []
    for device in plant.devices:
        groups = {
            name: group.model_copy(update={"period": max(group.period, periods.get(name, 0.0))})
            for name, group in device.groups.items()
        }
        written = device.written and replace(device.written, groups=groups)
        devices.append(replace(device, groups=groups, written=written))
    return replace(plant, devices=tuple(devices))
