"""The demo's plant file, read and written through the Modbus driver: the same values as in the PLCs, tag by tag."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sereno.app
from sereno.app.plant.devices import PlantDevice
from sereno.app.plant.load import load_plant
from sereno.device import Environment
from sereno.model import Access, ValueType
from sereno.sim.waterworks.run import RunningWaterworks, run_waterworks
from sereno.testing import MemoryTransports, jumping

PLANT = load_plant(Path(sereno.app.__file__).parent / "templates" / "plant" / "plant.toml")


async def _driver(device: PlantDevice, port: int, clock, network: MemoryTransports) -> tuple[Any, Any]:
    config = type(device.config).model_validate({"url": f"tcp://127.0.0.1:{port}", "unit": device.config.unit})
    environment = Environment(clock=clock, transports=network, random=random.Random(1))
    link = device.driver.open_link(config, environment)
    await link.connect()
    return device.driver(config, link, environment), link


def _cells(running: RunningWaterworks, path: str) -> dict[str, Any]:
    return (running.plant.river if path == "river/plc1" else running.plant.town).cells


@jumping
async def test_every_tag_reads_as_the_plc_has_it(clock, network):
    async with run_waterworks(clock=clock, transports=network, seed=3, control_port=None) as running:
        await clock.sleep(90.0)
        for device in PLANT.linked_devices:
            path = device.table.name
            driver, link = await _driver(device, running.servers[path].port, clock, network)
            tags = [tag.driver_tag for tag in device.tags if tag.spec.access is not Access.WRITE]
            rows = [tag for tag in tags if tag.spec.is_row]
            objects = [tag for tag in tags if not tag.spec.is_row]
            scanned = await driver.scan(driver.compile(rows, objects))
            assert scanned.complete
            assert np.all(np.asarray(scanned.quality) == 0)
            cells = _cells(running, path)
            exact = dict(zip(scanned.exact.rows, scanned.exact.values, strict=True))
            for row, tag in enumerate(rows):
                value = exact[row] if tag.spec.type in (ValueType.INT64, ValueType.UINT64) else scanned.values[row]
                assert value == pytest.approx(float(cells[tag.spec.name].get()), rel=1e-6), tag.spec.path
            for place, value, _ in scanned.objects:
                expected = cells[objects[place].spec.name].get()
                assert list(value) == list(expected), objects[place].spec.path
            await link.close()
        assert sum(server.counters["exceptions"] for server in running.servers.values()) == 0


@jumping
async def test_every_writable_tag_can_be_written(clock, network):
    async with run_waterworks(clock=clock, transports=network, seed=3, control_port=None) as running:
        for device in PLANT.linked_devices:
            path = device.table.name
            driver, link = await _driver(device, running.servers[path].port, clock, network)
            writable = [tag.driver_tag for tag in device.tags if tag.spec.access.writable]
            for tag in writable:
                cell = _cells(running, path)[tag.spec.name]
                value = {ValueType.BOOL: True, ValueType.STRING: "autumn", ValueType.ENUM: 2}.get(tag.spec.type)
                if value is None:
                    value = (tag.spec.setpoint.low + tag.spec.setpoint.high) / 2
                await driver.write(tag, value)
                expected = value if isinstance(value, str) else pytest.approx(value, rel=1e-6)
                assert cell.get() == expected, tag.spec.path
            assert running.servers[path].counters["writes"] == len(writable)
            await link.close()
