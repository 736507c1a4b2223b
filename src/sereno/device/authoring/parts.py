"""From a class and a name to what runs: a device and its children, each as a DeviceConfig."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sereno.device._config import DeviceConfig, DeviceTag, GroupConfig, RetryConfig
from sereno.device._driver import DriverTag
from sereno.device._memory import Memory, NoMemory
from sereno.model import ConfigurationError, Fault, TagSpec, check_path

from .device import Device
from .driver import TagName, Written, driver_of
from .plan import HELD, placed, plan_of

STARTUP_TIMEOUT = 60.0
"""Seconds that a device's `startup` may take."""


def device_configs(
    cls: type[Device],
    path: str,
    settings: Mapping[str, Any] | None = None,
    *,
    memory: Memory | None = None,
    specs: Mapping[str, TagSpec] | None = None,
    retry: RetryConfig | None = None,
    stale_after: float | None = None,
    description: str = "",
) -> list[DeviceConfig]:
    """A new device of the class, and its children after it. `specs` by path replace what the class declares.

    Raises ConfigurationError with every fault of class and settings.
    """
    try:
        check_path(path, segments=2)
    except ValueError as error:
        raise ConfigurationError([Fault(path, str(error), "a path such as lab/ps_1")]) from None
    device = cls(**(settings or {}))
    retry = retry or RetryConfig(connect_timeout=STARTUP_TIMEOUT)
    found = list(_configs(device, path, memory or NoMemory(), specs or {}, retry))
    found[0] = replace(found[0], stale_after=stale_after, description=description or found[0].description)
    return found


def adopt_values(new: Device, old: Device) -> None:
    """Let a device that takes another's place hold what that held."""
    new._values.adopt(old._values)


def adopt_device(new: DeviceConfig, old: DeviceConfig) -> None:
    """As `adopt_values` where both are written in Python, else nothing."""
    if isinstance(new.config, Written) and isinstance(old.config, Written):
        adopt_values(new.config.device, old.config.device)


def default_name(cls: type[Device]) -> str:
    """The class's name as a segment of a path: PowerSupply -> power_supply."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower().strip("_")


def tag_specs(cls: type[Device], path: str) -> dict[str, TagSpec]:
    """Path -> declaration of all tags that a device of this class has under this path, its children's too."""
    plan = plan_of(cls)
    found = {f"{path}/{name}": placed(tag, path) for name, tag in plan.tags.items()}
    for name, (kind, _, _) in plan.children.items():
        found |= tag_specs(kind, f"{path}/{name}")
    return found


def _configs(
    device: Device, path: str, memory: Memory, specs: Mapping[str, TagSpec], retry: RetryConfig
) -> Iterator[DeviceConfig]:
    plan = device._plan
    device._path = path
    device._values.path = path
    tags = tuple(
        DeviceTag(DriverTag(specs.get(f"{path}/{name}") or placed(tag, path), TagName(name)), tag.group)
        for name, tag in plan.tags.items()
    )
    url = f"{plan.cls.__module__}:{plan.cls.__name__}"
    groups = {s.name: GroupConfig(s.period, s.phase, held=s.name == HELD) for s in plan.scans.values()}
    yield DeviceConfig(
        path=path,
        driver=driver_of(plan.cls),
        config=Written(device, url, memory),
        groups=groups,
        tags=tags,
        retry=retry,
        description=plan.description,
        driver_name=plan.cls.__name__,
    )
    for name, (kind, settings, apart) in plan.children.items():
        below = kind(**settings)
        below._parent = device
        if not apart:
            below._turn = device._turn
        device._children[name] = below
        yield from _configs(below, f"{path}/{name}", memory, specs, retry)
