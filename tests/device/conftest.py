from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from sereno.device import DeviceConfig, DeviceSet, DeviceTag, DriverTag, Environment, GroupConfig, RetryConfig
from sereno.model import Access, TagSpec
from sereno.testing import JumpingClock, MemoryConfig, MemoryPlant, MemoryTagConfig, RecordingIngest


class Bench:
    """A plant in memory with its devices on a jumping clock."""

    def __init__(self) -> None:
        self.plant = MemoryPlant()
        self.configs: list[DeviceConfig] = []

    def tag(self, path: str, group: str = "default", **spec: Any) -> DeviceTag:
        address = path.rpartition("/")[2]
        return DeviceTag(DriverTag(TagSpec(path=path, **spec), MemoryTagConfig(address=address)), group)

    def add(
        self,
        path: str,
        *,
        url: str = "",
        period: float = 1.0,
        phase: float | None = 0.0,
        tags: tuple[DeviceTag, ...] | None = None,
        **config: Any,
    ) -> DeviceConfig:
        """A device of one scan group with the tag `level` = 1.5 and the set-point `speed`, on a wire of its own."""
        url = url or f"memory://{path}"
        unit = self.plant.unit(path, url)
        unit.values.update(level=1.5, speed=10.0)
        if tags is None:
            speed = self.tag(f"{path}/speed", access=Access.READ_WRITE)
            tags = (self.tag(f"{path}/level"), speed)
        config.setdefault("groups", {"default": GroupConfig(period, phase)})
        config.setdefault("retry", RetryConfig(jitter=0.0))
        made = DeviceConfig(
            path=path, driver=self.plant.driver, config=MemoryConfig(url=url, unit=path), tags=tags, **config
        )
        self.configs.append(made)
        return made

    def unit(self, path: str, url: str = "") -> Any:
        return self.plant.unit(path, url or f"memory://{path}")

    def wire(self, path: str) -> Any:
        return self.plant.wire(f"memory://{path}")

    def run(self, clock: JumpingClock, seed: int = 1) -> DeviceSet:
        """The devices, not started; what they publish is in `ingest`."""
        self.ingest = RecordingIngest(clock)
        environment = Environment(clock=clock, random=random.Random(seed))
        return DeviceSet(self.configs, self.ingest, environment)


@pytest.fixture
def bench() -> Bench:
    return Bench()


class Logs:
    """Stands in for the loggers of the room: `lines` are (event, fields)."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda event, **fields: self.lines.append((event, fields))

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.lines]


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    found = Logs()
    for room in ("_runner", "_group", "_health", "_keeper"):
        monkeypatch.setattr(f"sereno.device.{room}.log", found)
    return found
