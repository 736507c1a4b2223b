"""MemoryPlant as a user's test would use it."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.device import DeviceConfig, DeviceSet, DeviceTag, DriverTag, Environment, GroupConfig
from sereno.model import Access, NotConnectedError, Quality, RefusedError, TagSpec
from sereno.testing import JumpingClock, MemoryConfig, MemoryPlant, MemoryTagConfig, RecordingIngest, jumping


def device(plant: MemoryPlant, *names: str, **keys: Any) -> DeviceConfig:
    tags = tuple(
        DeviceTag(
            DriverTag(TagSpec(path=f"a/pump/{name}", access=Access.READ_WRITE), MemoryTagConfig(address=name)),
        )
        for name in names
    )
    groups = {"default": GroupConfig(1.0, 0.0)}
    return DeviceConfig(
        path="a/pump", driver=plant.driver, config=MemoryConfig(**keys), tags=tags, groups=groups, driver_name="memory"
    )


@jumping
async def test_values_are_read_and_set(clock: JumpingClock) -> None:
    plant, ingest = MemoryPlant(), RecordingIngest(clock)
    pump = plant.unit()
    pump.values["speed"] = 10.0
    async with DeviceSet([device(plant, "speed", "missing")], ingest, Environment(clock=clock)) as devices:
        await ingest.until(lambda: len(ingest.batches) == 1)
        await devices.handlers["a/pump"].write("a/pump/speed", 20.0)
        await clock.sleep(1)
        with pytest.raises(RefusedError, match="no address 'missing'"):
            await devices.handlers["a/pump"].write("a/pump/missing", 1.0)
    assert pump.values == {"speed": 20.0}
    assert pump.log[:3] == [("scan", ""), ("write", "speed"), ("scan", "")]
    latest = ingest.latest("a/pump/speed")
    assert latest
    assert latest.value == 20.0
    missing = ingest.latest("a/pump/missing")
    assert missing
    assert missing.quality == Quality.REFUSED_BY_DEVICE


@jumping
async def test_plants_and_wires_are_apart(clock: JumpingClock) -> None:
    first, second = MemoryPlant(), MemoryPlant()
    assert first.driver is not second.driver
    assert first.unit("1") is not second.unit("1")
    assert first.unit("1") is first.unit("1")
    assert first.unit("1", "memory://other") is not first.unit("1")
    assert first.wire().link is None
    first.wire().cut()


@jumping
async def test_a_request_under_way_fails_when_the_wire_is_cut(clock: JumpingClock) -> None:
    plant, ingest = MemoryPlant(), RecordingIngest(clock)
    plant.unit().duration = 10.0
    async with DeviceSet([device(plant, "speed")], ingest, Environment(clock=clock)) as devices:
        await clock.sleep(5)
        plant.wire().refuse = "no route"
        plant.wire().cut()
        await clock.sleep(1)
        with pytest.raises(NotConnectedError, match="no route"):
            await devices.handlers["a/pump"].write("a/pump/speed", 1.0)
    assert ingest.batches == []


def test_addresses_are_checked() -> None:
    plant = MemoryPlant()
    tag = DriverTag(TagSpec(path="a/pump/x"), MemoryTagConfig(address=""))
    assert plant.driver.check(MemoryConfig(), [tag]) == [(0, "empty address")]
