"""The demo's two PLCs, from their simulator over Modbus frames to batches, in one process and in virtual time."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import sereno.app
from sereno.access.actor import ROLES, Actor
from sereno.app.device_configs import device_config
from sereno.app.plant.load import load_plant
from sereno.device import DeviceConfig, DeviceSet, Environment
from sereno.model import LinkState
from sereno.sim.waterworks.run import RunningWaterworks, run_waterworks
from sereno.testing import JumpingClock, MemoryTransports, RecordingIngest, jumping, run_jumping

PLANT = load_plant(Path(sereno.app.__file__).parent / "templates" / "plant" / "plant.toml")
ENGINEER = Actor("eva", (ROLES["engineer"],))


def configs(running: RunningWaterworks) -> list[DeviceConfig]:
    made = []
    for device in PLANT.linked_devices:
        port = running.servers[device.table.name].port
        config = device.config.model_copy(update={"url": f"tcp://127.0.0.1:{port}"})
        made.append(replace(device_config(device), config=config))
    return made


def environment(clock: JumpingClock, network: MemoryTransports) -> Environment:
    return Environment(clock=clock, transports=network, random=random.Random(5))


@jumping
async def test_pulled_away_and_brought_back(clock: JumpingClock) -> None:
    network, ingest = MemoryTransports(), RecordingIngest(clock)
    async with (
        run_waterworks(clock=clock, transports=network, seed=3, control_port=None) as running,
        DeviceSet(configs(running), ingest, environment(clock, network)) as devices,
    ):
        await clock.sleep(60)
        assert [s.state for s in await devices.devices(ENGINEER)] == ["enabled", "enabled"]
        assert all(batch.complete for batch in ingest.batches)
        port = running.servers["river/plc1"].port
        network.at(port).silent = True
        await clock.sleep(30)
        river, town = await devices.devices(ENGINEER)
        assert river.last_error
        assert river.state != "enabled"
        assert town.state == "enabled"
        told = next(r for r in ingest.links if r.t > 60)
        assert told.t <= 60 + max(g.stale_after for g in ingest.groups.values() if g.device == "river/plc1")
        gone = [t for t in ingest.times_of("river/plc1") if t > 60.5]
        assert gone == []
        network.at(port).silent = False
        await clock.sleep(30)
        river, _ = await devices.devices(ENGINEER)
        assert (river.state, river.link, river.last_error) == ("enabled", LinkState.UP, "")
        assert ingest.times[-1] > 119
    assert network.connections == 0


@jumping
async def test_a_set_point_comes_back_by_the_data_path(clock: JumpingClock) -> None:
    network, ingest = MemoryTransports(), RecordingIngest(clock)
    async with (
        run_waterworks(clock=clock, transports=network, seed=3, control_port=None) as running,
        DeviceSet(configs(running), ingest, environment(clock, network)) as devices,
    ):
        await clock.sleep(20)
        path = "river/plc1/chlorine_setpoint"
        before = ingest.latest(path)
        assert before
        await devices.handlers["river/plc1"].write(path, before.value + 0.25)
        await ingest.until(lambda: ingest.latest(path) != before, timeout=1.0)
        after = ingest.latest(path)
        assert after
        assert abs(after.value - before.value - 0.25) < 1e-6


def test_two_minutes_with_an_outage_are_the_same_twice_bit_for_bit() -> None:
    async def main(clock: JumpingClock) -> list[Any]:
        network, ingest = MemoryTransports(), RecordingIngest(clock)
        async with (
            run_waterworks(clock=clock, transports=network, seed=3, control_port=None) as running,
            DeviceSet(configs(running), ingest, environment(clock, network)),
        ):
            await clock.sleep(20)
            network.reset(running.servers["town/plc2"].port)
            await clock.sleep(100)
        return [
            (t, b.group, b.seq, b.values.tobytes(), b.t_source.tobytes(), b.quality.tobytes())
            for t, b in zip(ingest.times, ingest.batches, strict=True)
        ]

    first = run_jumping(main)
    assert len(first) > 2000
    for one, other in zip(first, run_jumping(main), strict=True):
        assert one == other
