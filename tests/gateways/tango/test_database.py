"""Our devices registered in a Tango database, and found there by their names."""

import asyncio

import pytest

from tests.drivers.tango.rig import TangoDatabase
from tests.gateways.tango.rig import Events, site

thread = asyncio.to_thread


@pytest.fixture(scope="module")
def database(require_package, tmp_path_factory):
    require_package("tango", "pytango")
    require_package("databaseds", "pytango-db")
    database = TangoDatabase(tmp_path_factory.mktemp("database"))
    database.start()
    yield database
    database.kill()


async def test_devices_are_registered_and_those_of_before_are_not(database):
    import tango

    known = database.database()
    old = tango.DbDevInfo()
    old.server, old._class, old.name = "Sereno/main", "SerenoDevice", "sereno/lab/gone"
    await thread(known.add_device, old)
    async with site(["lab/*"], database=database.host) as here:
        names = await thread(lambda: list(known.get_device_name("Sereno/main", "SerenoDevice").value_string))
        assert names == ["sereno/lab/bench"]
        proxy, level = await here.proxy(), Events()
        mode = tango.EventSubMode.AsyncRead
        number = await thread(proxy.subscribe_event, "level", tango.EventType.CHANGE_EVENT, level, mode)
        await here.joined(proxy)
        await thread(proxy.write_attribute, "level", 3.0)
        await level.wait_for(lambda e: not e.err and e.attr_value.value == 3.0)
        await here.client.call("lab/bench", "grow")
        while "extra" not in await thread(proxy.get_attribute_list):
            await here.client.clock.sleep(0.02)
        await here.client.call("lab/bench", "shrink")
        while "extra" in await thread(proxy.get_attribute_list):
            await here.client.clock.sleep(0.02)
        assert here.gateway.figures()["ended"] == 0, here.gateway.problem
        await thread(proxy.unsubscribe_event, number)
    exported = await thread(lambda: list(known.get_device_exported("sereno/*").value_string))
    assert exported == []
