"""Scan groups that a play makes slower, down to the configuration that devices are run with."""

from __future__ import annotations

from sereno.app.device_configs import device_configs_of
from sereno.app.paced.slower import slower
from sereno.app.plant.load import Plant, load_plant
from sereno.device import NoMemory
from sereno_observatory.demo import OBSERVATORY


def periods(plant: Plant, device: str) -> dict[str, float]:
    """Group -> seconds, as the device is run."""
    (config,) = (one for one in device_configs_of(plant.linked_devices, NoMemory()) if one.path == device)
    return {name: group.period for name, group in config.groups.items()}


def test_named_groups_are_slower_and_never_faster() -> None:
    plant = load_plant(OBSERVATORY.plant)
    played = slower(plant, {"look": 2.0, "held": 5.0})
    assert periods(plant, "site/telescope") == {"held": 1.0, "look": 1.0}
    assert periods(played, "site/telescope") == {"held": 5.0, "look": 2.0}
    assert periods(played, "observatory/observer") == {"held": 5.0, "look": 5.0, "tick": 0.5}
    assert periods(played, "site/plc") == periods(plant, "site/plc") == {"default": 2.0}
