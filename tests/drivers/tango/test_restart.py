"""A Tango server that is killed and comes back."""

import time

import pytest

from sereno.model import AckState, severity
from tests.drivers.tango.rig import TangoServer, plant, seen, until
from tests.drivers.tango.test_driver import device


@pytest.fixture
def server(require_package):
    require_package("tango", "pytango")
    server = TangoServer()
    server.start()
    yield server
    server.kill()


async def test_a_dead_server_is_told_and_values_and_events_come_back(server, tmp_path):
    text = device(server.url, 'name = "level"; access = "read_write"\nname = "pushed"')
    async with plant(tmp_path, text) as client:
        await seen(client, "lab/dev/level", 5.0)
        await client.call("lab/dev", "Push", [2.0])
        await seen(client, "lab/dev/pushed", 2.0)
        server.kill()
        await until(lambda: _without_connection(client, "lab/dev/pushed"))
        assert (await client.write("lab/dev/level", 6.0)).state is not AckState.DONE
        server.start()
        back = time.monotonic()
        await seen(client, "lab/dev/pushed", 0.0)
        assert (await client.get("lab/dev/level")).value == 5.0, "what could not be sent was sent later"
        print(f"values again after {time.monotonic() - back:.2f} s")
        await client.call("lab/dev", "Push", [4.0])
        await seen(client, "lab/dev/pushed", 4.0)
        assert (await client.devices())[0].counters["connects"] >= 2


async def test_a_restart_between_two_scans_does_not_cost_the_events(server, tmp_path):
    text = device(server.url, 'name = "pushed"').replace('scan = "200ms"', 'scan = "1s"')
    async with plant(tmp_path, text) as client:
        await seen(client, "lab/dev/pushed", 0.0)
        server.kill()
        server.start()
        await until(lambda: _called(client, "Push", [7.0]))
        # by events where the restart was noticed; else Tango's transport was sooner, and everything is read every 10 s
        await seen(client, "lab/dev/pushed", 7.0, 15.0)


async def test_one_that_is_not_there_yet_is_found(require_package, tmp_path):
    require_package("tango", "pytango")
    server = TangoServer()
    try:
        async with plant(tmp_path, device(server.url, 'name = "level"')) as client:
            await until(lambda: _error(client))
            assert "failed to connect" in (await client.devices())[0].last_error
            server.start()
            await seen(client, "lab/dev/level", 5.0)
    finally:
        server.kill()


async def _without_connection(client, path):
    reading = await client.get(path)
    return severity(reading.quality) == "bad" and "connect" in reading.reason


async def _called(client, name, *arguments):
    return (await client.call("lab/dev", name, *arguments)).state is AckState.DONE


async def _error(client):
    return (await client.devices())[0].last_error
