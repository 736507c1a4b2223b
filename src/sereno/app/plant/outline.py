"""A checked plant as programs are told of it."""

from __future__ import annotations

from pathlib import Path

from sereno.client import DeviceOutline, PlantOutline
from sereno.device import plan_of

from .devices import PlantDevice
from .load import Plant, load_plant


def read_outline(path: Path | str) -> PlantOutline:
    """A plant file, or plant.toml of a folder. Raises ConfigurationError with every fault."""
    given = Path(path)
    return outline_of(load_plant(given / "plant.toml" if given.is_dir() else given))


def outline_of(plant: Plant) -> PlantOutline:
    """What a checked plant says."""
    return PlantOutline(
        file=plant.path,
        name=plant.table.name,
        timezone=plant.table.timezone,
        site=plant.site,
        devices=tuple(map(_device, plant.devices)),
        guards={guard.name: guard.target for guard in plant.guards},
    )


def _device(device: PlantDevice) -> DeviceOutline:
    table, written = device.table, device.written
    config = plan_of(written.cls).settings(**written.settings) if written is not None else device.config
    return DeviceOutline(
        path=table.name,
        made_by=table.driver or f"{written.cls.__module__}:{written.cls.__qualname__}" if written else table.driver,
        description=table.description,
        enabled=table.enabled,
        settings=config.model_dump(),
        tags=tuple(tag.spec for tag in device.tags),
        commands=tuple(plan_of(written.cls).commands) if written is not None else (),
        interlocks={name: one.interlock for name, one in table.commands.items() if one.interlock},
    )
