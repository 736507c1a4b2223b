from __future__ import annotations

import asyncio
import threading

from sereno.access.actor import ROLES, Actor
from sereno.app.serve.server import DeviceServer
from sereno.device import Device, Environment, command, device_configs, on_write, tag
from sereno.testing import JumpingClock, jumping
from tests.device.authoring.devices import PowerSupply, Rack

ADMIN = Actor("olga", (ROLES["admin"],))


async def test_a_hundred_restarts_in_one_process_leave_nothing_behind() -> None:
    for number in range(100):
        configs = [*device_configs(PowerSupply, "lab/ps"), *device_configs(Rack, "lab/rack")]
        async with DeviceServer(configs) as server:
            await server.ready(ADMIN)
            client = server.client(ADMIN)
            ack = await client.write("lab/ps/voltage", number / 10)
            assert (str(ack.state), ack.value) == ("done", number / 10)
    for thread in threading.enumerate():
        if thread.name.startswith("device "):
            thread.join(10)
            assert not thread.is_alive(), thread.name


async def test_why_a_tag_is_bad_reaches_the_reader() -> None:
    from tests.device.authoring.devices import Flaky

    async with DeviceServer(device_configs(Flaky, "lab/flaky")) as server:
        await server.ready(ADMIN)
        device = server.devices.handlers["lab/flaky"].config.config.device
        device.broken = True
        server.devices.rescan("lab/flaky/bad")
        client = server.client(ADMIN)
        while (reading := await client.get("lab/flaky/bad")).quality == 0:
            await server.clock.sleep(0.001)
        assert reading.reason == "device failure: burnt: no more (panic)"
        ack = await client.call("lab/flaky", "complain")
        assert "worn_out: replace it (lab/flaky/complain)" in ack.reason


class Slow(Device):
    """Takes its time."""

    done: bool = tag(default=False)

    async def startup(self) -> None:
        self.add_command("ramp_again", self.ramp, timeout="2h")

    @command(timeout="2h")
    async def ramp(self) -> int:
        """An hour."""
        await self.surroundings.clock.sleep(3600.0)
        return 1


@jumping
async def test_what_takes_longer_by_its_nature_may_in_a_device_server_too(clock: JumpingClock) -> None:
    async with DeviceServer(device_configs(Slow, "lab/slow"), Environment(clock=clock)) as server:
        await server.ready(ADMIN)
        for name in ("ramp", "ramp_again"):
            ack = await server.client(ADMIN).call("lab/slow", name)
            assert (str(ack.state), ack.value) == ("done", 1), ack.reason


class Slide(Device):
    """Moves along two axes, one after the other."""

    x: float = tag(write=True)
    y: float = tag(write=True)

    @on_write("x")
    async def move(self, _: float) -> None:
        await self.surroundings.clock.sleep(2.0)

    @command(at_once=True)
    async def stop(self) -> None:
        """Stop."""


@jumping
async def test_what_waits_behind_another_write_is_overtaken_too(clock: JumpingClock) -> None:
    async with DeviceServer(device_configs(Slide, "lab/slide"), Environment(clock=clock)) as server:
        await server.ready(ADMIN)
        client = server.client(ADMIN)
        writes = [asyncio.create_task(client.write(f"lab/slide/{axis}", 1.0)) for axis in ("x", "y")]
        await clock.sleep(0.5)
        await client.call("lab/slide", "stop")
        acks = await asyncio.gather(*writes)
        assert [str(ack.state) for ack in acks] == ["done", "failed"]
        assert "y was overtaken by stop" in acks[1].reason
        assert (await client.get("lab/slide/y")).value == 0.0
        assert str((await client.write("lab/slide/y", 1.0)).state) == "done"
