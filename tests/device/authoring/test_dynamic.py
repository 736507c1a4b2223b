from __future__ import annotations

import threading
from typing import Any

import pytest

from sereno import Device, command, tag
from sereno.access.actor import ROLES, Actor
from sereno.app.serve.server import DeviceServer
from sereno.device import device_configs
from sereno.model import ConfigurationError, NotFoundError, Quality
from sereno.testing import JumpingClock, jumping
from tests.device.authoring.test_driver import PATH, running, value

ADMIN = Actor("olga", (ROLES["admin"],))


class Crate(Device):
    """Finds its channels when it starts."""

    channels: float = tag(default=2.0)
    written: float = 0.0

    async def startup(self) -> None:
        for number in range(int(self.channels)):
            self.add_tag(f"channel_{number}", float, unit="V", read=lambda n=number: n + self.written, period="1s")
        self.add_tag("offset", float, write=True, low=0, high=10, on_write=self.take, default=0.0)
        self.add_command("zero", self.zero)

    def take(self, value: float) -> None:
        self.written = value

    async def zero(self, to: float = 0.0) -> float:
        """All channels back."""
        self.written = to
        return to

    @command
    def grow(self) -> None:
        self.add_tag("late", list[float])
        self.push("late", [1.0, 2.0])

    @command
    def dwindle(self) -> None:
        self.remove_tag("channel_0")
        self.remove_command("zero")


@jumping
async def test_what_a_device_finds_at_its_start_is_scanned(clock: JumpingClock) -> None:
    devices, ingest, device = running(clock, Crate)
    async with devices:
        await clock.sleep(1.5)
        assert [value(ingest, f"channel_{n}") for n in (0, 1)] == [0.0, 1.0]
        channel = next(spec for spec in ingest.tags if spec.path == f"{PATH}/channel_1")
        assert channel.unit == "V"
        handler = devices.handlers[PATH]
        await handler.write(f"{PATH}/offset", 5.0)
        await clock.sleep(1)
        assert (value(ingest, "offset"), value(ingest, "channel_1")) == (5.0, 6.0)
        assert await handler.call("zero", (2.0,)) == 2.0
        assert device.value("offset") == 5.0
        tags = len(ingest.tags)
        device.reconnect("the cable")
        await clock.sleep(3)
        assert len(ingest.tags) == tags  # startup adds the same again: nothing changes
        assert value(ingest, "channel_1") == 3.0


@jumping
async def test_tags_and_commands_come_and_go(clock: JumpingClock) -> None:
    devices, ingest, _ = running(clock, Crate)
    async with devices:
        await clock.sleep(0.5)
        handler = devices.handlers[PATH]
        await handler.call("grow", ())
        await clock.sleep(0.01)
        assert value(ingest, "late").tolist() == [1.0, 2.0]
        news = len(ingest.command_news)
        await handler.call("dwindle", ())
        await clock.sleep(2.5)
        assert len(ingest.command_news) == news + 1
        assert {spec.name for spec in handler.status().commands} == {"grow", "dwindle"}
        with pytest.raises(NotFoundError):
            await handler.call("zero", ())
        with pytest.raises(KeyError):
            ingest.latest(f"{PATH}/channel_0")
        assert value(ingest, "channel_1") == 1.0  # its neighbour is scanned on


def test_what_is_wrong_is_refused_as_in_a_class() -> None:
    device = Crate()
    for arguments, words in [
        (("channels", float), "Crate has it already"),
        (("Loud", float), "try 'loud'"),
        (("state", float), "a name of every device"),
        (("odd", dict), "no type for a value"),
    ]:
        with pytest.raises(ConfigurationError, match=words):
            device.add_tag(*arguments)
    with pytest.raises(ConfigurationError, match="no method takes it"):
        device.add_tag("mute", float, read=lambda: 1.0, write=True)
    with pytest.raises(ConfigurationError, match="has no type"):
        device.add_command("go", lambda speed: None)
    with pytest.raises(NotFoundError, match="nothing was added"):
        device.remove_tag("channels")
    with pytest.raises(NotFoundError, match="nothing was added"):
        device.remove_command("grow")


async def test_clients_see_the_interface_change() -> None:
    async with DeviceServer(device_configs(Crate, PATH)) as server:
        client = server.client(ADMIN)
        changes: list[int] = []
        server.hub.watch_tags(lambda: changes.append(1))
        await server.ready(ADMIN)
        while len(await client.tags(f"{PATH}/channel_*")) < 2:
            await server.clock.sleep(0.001)
        subscription = await client.subscribe(f"{PATH}/channel_0")
        seen = changes[:]
        await client.call(PATH, "dwindle")
        async for update in subscription:
            if Quality.OUT_OF_SERVICE in update.quality:
                break
        await subscription.close()
        assert len(changes) > len(seen)
        assert [spec.name for spec in await client.tags(f"{PATH}/channel_*")] == ["channel_1"]
        with pytest.raises(NotFoundError):
            await client.get(f"{PATH}/channel_0")
        while (await client.get(f"{PATH}/channel_1")).quality:
            await server.clock.sleep(0.001)
        device: Any = server.devices.handlers[PATH].config.config.device
        thread = threading.Thread(target=lambda: device.add_tag("channel_0", float, read=lambda: 9.0))
        thread.start()
        thread.join()
        while not await client.tags(f"{PATH}/channel_0"):
            await server.clock.sleep(0.001)
        while (await client.get(f"{PATH}/channel_0")).value != 9.0:
            await server.clock.sleep(0.001)
