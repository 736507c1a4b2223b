"""Devices of the plant file as the device framework takes them: those of drivers, and those written in Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sereno.device import (
    STARTUP_TIMEOUT,
    DeviceConfig,
    DeviceTag,
    GroupConfig,
    Memory,
    RetryConfig,
    device_configs,
)

from .plant.derived import DerivedFamily
from .plant.devices import PlantDevice
from .plant.written import WrittenDevice


def device_configs_of(devices: Iterable[PlantDevice], memory: Memory) -> list[DeviceConfig]:
    """Every device, and the children of those that are written in Python, whose memorised values are in `memory`."""
    found: list[DeviceConfig] = []
    for device in devices:
        if device.written is None:
            found.append(device_config(device))
        else:
            found += written_configs(device.written, memory)
    return found


def written_configs(written: WrittenDevice, memory: Memory) -> list[DeviceConfig]:
    """A device written in Python and its children."""
    table = written.table
    configs = device_configs(
        written.cls,
        table.name,
        written.settings,
        memory=memory,
        specs=written.specs,
        retry=RetryConfig(initial=table.retry.initial, max=table.retry.max, connect_timeout=STARTUP_TIMEOUT),
        stale_after=table.stale_after,
        description=table.description,
    )
    configs[0] = _as_said(configs[0], written)
    if table.driver:
        configs[0] = _as_instrument(configs[0], written)
    return [
        replace(config, marks=table.marks_at(config.path), reading=table.reading_at(config.path)) for config in configs
    ]


def _as_said(config: DeviceConfig, written: WrittenDevice) -> DeviceConfig:
    """With the periods that the plant says."""
    groups = {
        name: replace(group, period=said.period, phase=said.phase) if (said := written.groups.get(name)) else group
        for name, group in config.groups.items()
    }
    return replace(config, groups=groups)


def _as_instrument(config: DeviceConfig, written: WrittenDevice) -> DeviceConfig:
    """Shown by driver and address rather than by its class."""
    return replace(
        config,
        driver_name=written.table.driver,
        config=replace(config.config, url=str(written.settings.get("url", config.config.url))),
    )


def device_config(device: PlantDevice) -> DeviceConfig:
    """What the plant file declares, as the device framework takes it."""
    table = device.table
    assert not issubclass(device.driver, DerivedFamily)
    said = table.retry.model_fields_set
    return DeviceConfig(
        path=table.name,
        driver=device.driver,
        config=device.config,
        groups={name: GroupConfig(group.period, group.phase) for name, group in device.groups.items()},
        tags=tuple(DeviceTag(tag.driver_tag, tag.group) for tag in device.tags),
        stale_after=table.stale_after,
        retry=RetryConfig(
            initial=table.retry.initial,
            max=table.retry.max if "max" in said else max(table.retry.initial, device.driver.longest_pause),
        ),
        description=table.description,
        driver_name=table.driver,
        marks=table.marks_at(table.name),
        reading=table.reading_at(table.name),
    )
