from __future__ import annotations

import threading

from sereno.access.actor import ROLES, Actor
from sereno.app.serve.server import DeviceServer
from sereno.device import device_configs
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
