"""Devices on the simulator, each with a connection of its own, and how late each of their scans is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import numpy as np
from numpy.typing import NDArray

from sereno.device import (
    DeviceConfig,
    DeviceSet,
    DeviceTag,
    DriverTag,
    Environment,
    GroupConfig,
    RetryConfig,
    ScanColumns,
)
from sereno.drivers.modbus.driver import ModbusDriver
from sereno.drivers.modbus.layout import ScanPlan
from sereno.drivers.modbus.tags import ModbusConfig, ModbusTagConfig
from sereno.hub.hub import Hub
from sereno.model import SystemClock, TagSpec, ValueType

BLOCK = 125


class OriginClock(SystemClock):
    """Notes when it is first asked for the time after `arm`: that is what the grids of a DeviceSet count from."""

    def __init__(self) -> None:
        self.origin = 0.0
        self._armed = False

    def arm(self) -> None:
        """Note the next time that is asked for."""
        self._armed = True

    def monotonic(self) -> float:
        """See Clock."""
        now = super().monotonic()
        if self._armed:
            self._armed, self.origin = False, now
        return now


class OwnConnections(ModbusDriver):
    """One connection for each unit, where the plant file would name a port for each; notes when scans begin."""

    begun: dict[int, list[float]] | None = None

    @classmethod
    def link_key(cls, config: ModbusConfig) -> str:
        """One for each unit."""
        return f"{config.url} unit {config.unit}"

    async def scan(self, plan: ScanPlan) -> ScanColumns:
        """See Driver."""
        if self.begun is not None:
            self.begun.setdefault(self._config.unit, []).append(self._clock.monotonic())
        return await super().scan(plan)


def device(name: str, port: int, unit: int, period: float, blocks: int, *, phase: float | None = None) -> DeviceConfig:
    """So many blocks of 125 registers, a tag for each register."""
    tags = [
        DriverTag(
            TagSpec(path=f"{name}/t{i}", type=ValueType.UINT16, deadband=3.0),
            ModbusTagConfig(address=f"holding:{i}"),
        )
        for i in range(blocks * BLOCK)
    ]
    return DeviceConfig(
        path=name,
        driver=OwnConnections,
        config=ModbusConfig(url=f"tcp://127.0.0.1:{port}", unit=unit, pipelining=8, timeout=1.0),
        groups={"default": GroupConfig(period, phase)},
        tags=tuple(map(DeviceTag, tags)),
        retry=RetryConfig(initial=0.1, max=1.0),
    )


@asynccontextmanager
async def running(configs: list[DeviceConfig], clock: OriginClock) -> AsyncIterator[tuple[DeviceSet, Hub]]:
    """A node without recorder and pages, once every device has been read."""
    hub = Hub(clock)
    devices = DeviceSet(configs, hub, Environment(clock=clock))
    freshness = asyncio.create_task(hub.run_freshness())
    clock.arm()
    try:
        async with devices:
            async with asyncio.timeout(60):
                while any(group.scans == 0 for one in devices.handlers.values() for group in one.status().groups):
                    await asyncio.sleep(0.02)
            yield devices, hub
    finally:
        freshness.cancel()
        with suppress(asyncio.CancelledError):
            await freshness


def lateness(times: list[float], origin: float, period: float) -> NDArray[np.float64]:
    """Seconds behind their point of the grid; a timer that rings early counts as less than nothing."""
    behind = (np.array(times) - origin) / period
    return (behind - np.round(behind)) * period


def percentiles(seconds: NDArray[np.float64]) -> dict[str, float]:
    """p50, p99 and the maximum, in ms."""
    return {
        "p50_ms": round(float(np.quantile(seconds, 0.5)) * 1e3, 3),
        "p99_ms": round(float(np.quantile(seconds, 0.99)) * 1e3, 3),
        "max_ms": round(float(seconds.max()) * 1e3, 3),
    }
