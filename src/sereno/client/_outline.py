"""What a plant file says, for programs that read it without running it: `sereno.outline`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sereno.model import TagSpec


@dataclass(frozen=True, slots=True)
class DeviceOutline:
    """A device: `made_by` is its driver, or its class as "module:Class"; `settings` are all, those by default too.

    `interlocks`: command -> its interlock, of those that have one.
    """

    path: str
    made_by: str
    description: str
    enabled: bool
    settings: Mapping[str, Any]
    tags: tuple[TagSpec, ...]
    commands: tuple[str, ...] = ()
    interlocks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlantOutline:
    """A plant file that was read and found without fault. `site`: its [site]; `guards`: name -> target."""

    file: Path
    name: str
    timezone: str
    site: Mapping[str, Any]
    devices: tuple[DeviceOutline, ...]
    guards: Mapping[str, str]
