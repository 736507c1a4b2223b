"""A device that a Tango database knows: found by its name, also after it has moved to another port."""

import json

import pytest
from click.testing import CliRunner

from sereno.app.commands.tango import tango as command
from sereno.model import severity
from tests.drivers.tango.rig import NAME, TangoDatabase, TangoServer, plant, seen, until
from tests.drivers.tango.test_driver import device


@pytest.fixture(scope="module")
def database(require_package, tmp_path_factory):
    require_package("tango", "pytango")
    require_package("databaseds", "pytango-db")
    database = TangoDatabase(tmp_path_factory.mktemp("database"))
    database.start()
    yield database
    database.kill()


async def test_a_registered_device_is_read_and_found_again_at_another_port(database, tmp_path):
    url = f"tango://{database.host}/{NAME}"
    server = TangoServer("registered", tango_host=database.host)
    server.start()
    try:
        async with plant(tmp_path, device(url, 'name = "level"\nname = "pushed"')) as client:
            await seen(client, "lab/dev/level", 5.0)
            await client.call("lab/dev", "Push", [2.0])
            await seen(client, "lab/dev/pushed", 2.0)
            listed = CliRunner().invoke(command, ["devices", database.host, "--json"])
            found = [json.loads(line)["device"] for line in listed.output.splitlines()]
            assert NAME in found, listed.output
            server.kill()
            await until(lambda: _bad(client, "lab/dev/level"))
            server = TangoServer("registered", tango_host=database.host)
            server.start()
            await seen(client, "lab/dev/pushed", 0.0)
            await client.call("lab/dev", "Push", [4.0])
            await seen(client, "lab/dev/pushed", 4.0)
    finally:
        server.kill()


async def _bad(client, path):
    return severity((await client.get(path)).quality) == "bad"
