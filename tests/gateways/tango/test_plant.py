"""The gateway in a node, from its plant file; and beside `sereno serve`, with the device of the README."""

import asyncio
import re
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from sereno.app.condition import warnings
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.app.serve.serving import ServeOptions, start
from sereno.app.serve.wanted import wanted_devices
from sereno.client import connect
from sereno.device import Environment
from sereno.model import ConfigurationError
from sereno.store.audit import AuditQuery
from tests.gateways.tango.rig import Events, connected, joined

PLANT = """
[plant]
name = "Lab"

[gateway.tango]
insecure = true
port = 0
writes = ["lab/ps_1/voltage"]
names = { "lab/ps_1" = "Lab/PS/1" }

[[device]]
name = "lab/ps_1"
class = "ps:PowerSupply"
"""
thread = asyncio.to_thread


def readme_device(folder: Path) -> Path:
    """The device of the README as a module of its own."""
    text = Path("README.md").read_text("utf-8")
    found = re.search(r"```python\n(from sereno import Device.*?)```", text, re.DOTALL)
    module = folder / f"{re.sub(r'[^a-z0-9]', '_', folder.name)}.py"  # a name of its own: modules stay loaded
    module.write_text(found[1], "utf-8")
    return module


def plant_file(folder: Path, text: str = PLANT) -> Path:
    module = readme_device(folder)
    file = folder / "plant.toml"
    file.write_text(text.replace("ps:PowerSupply", f"{module.stem}:PowerSupply"), "utf-8")
    return file


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("insecure = true\n", "", "Tango has no authentication"),
        ("Lab/PS/1", "Lab/PS", "domain/family/member"),
        ("port = 0", 'port = 0\ndatabase = "here"', "database"),
        ('writes = ["lab/ps_1/voltage"]', 'allow = ["0.0.0.0/0"]', "lets everybody in"),
    ],
)
def test_faults_of_the_table_are_told(pytango, tmp_path, old, new, words):
    with pytest.raises(ConfigurationError, match=words):
        load_plant(plant_file(tmp_path, PLANT.replace(old, new)))


async def test_a_write_from_tango_takes_the_path_of_every_command(pytango, tmp_path):
    node = Node(load_plant(plant_file(tmp_path)), DataFolder(tmp_path / "data"), Environment())
    async with node:
        await node.start("127.0.0.1", 0)
        gateway = node.parts.gateways["tango"]
        assert await gateway.ready(60.0), gateway.problem
        assert not [line for line in warnings(node.parts) if "tango" in line]
        proxy = await connected(gateway.address("lab/ps/1"), node.parts.clock)
        await thread(proxy.write_attribute, "voltage", 12.5)
        assert (await thread(proxy.read_attribute, "voltage")).value == 12.5
        own = await connected(gateway.address("sereno/sereno/node"), node.parts.clock)
        assert str(await thread(own.state)) == "ON"
        records = [one async for one in node.parts.accounts.audit.all(AuditQuery(who="gateway/tango"))]
        written = [one for one in records if one.target == "lab/ps_1/voltage"]
        assert written, records
        assert "Tango client" in " ".join(str(one) for one in written)
        while gateway.figures()["writes"] != 1:
            await node.parts.clock.sleep(0.02)


async def test_the_device_of_the_readme_is_a_tango_device_with_events(pytango, tmp_path):
    module = readme_device(tmp_path)
    wanted = wanted_devices([f"{module}:PowerSupply", "lab/ps_1"])
    async with AsyncExitStack() as stack:
        served = await start(ServeOptions(wanted, tmp_path / "data", tango=0), stack)
        client = await stack.enter_async_context(connect(data=tmp_path / "data"))
        proxy, current = await connected(served.tango, client.clock), Events()
        mode = pytango.EventSubMode.AsyncRead
        number = await thread(proxy.subscribe_event, "current", pytango.EventType.CHANGE_EVENT, current, mode)
        await joined(proxy, "current", lambda number: client.write("lab/ps_1/voltage", 5.0 + number % 2))
        await client.write("lab/ps_1/voltage", 7.5)
        event = await current.wait_for(lambda e: not e.err and e.attr_value.value == 0.75)
        assert str(event.attr_value.quality) == "ATTR_VALID"
        assert (await thread(proxy.get_attribute_config, "current")).unit == "A"
        await thread(proxy.unsubscribe_event, number)
