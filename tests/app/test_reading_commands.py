"""Commands that only read, through a whole node: who may call them, and who says that they only read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from sereno import Device, command, tag
from sereno.access.actor import ROLES, Actor
from sereno.app.apart.driver import ApartDriver
from sereno.app.apart.link import Apart, ApartLink
from sereno.app.apart.seat import ApartSeats
from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.client import CommandSpec, connect
from sereno.device import Environment, plan_of
from sereno.drivers.modbus.driver import ModbusDriver
from sereno.model import Command, ConfigurationError, LinkState, Verb
from sereno.testing import MemoryPlant
from tests.web.browser.conftest import in_memory

VIEWER = Actor("viewer", (ROLES["viewer"],))
MODULE = '''
from sereno import Device, command, tag

class Book(Device):
    """Keeps a line."""
    line: str = tag(default="empty")

    @command(reads=True)
    def look(self) -> str:
        """What it says."""
        return self.line

    @command(reads=True)
    def secret(self) -> str:
        """The plant file takes it back."""
        return "s"

    @command
    def change(self, line: str) -> None:
        """Another line."""
        self.line = line
'''
PLANT = """
[plant]
name = "Library"

[[device]]
name = "lab/book"
class = "books.py:Book"
commands = { secret = { reads = false } }

[[device]]
name = "lab/far"
driver = "modbus"
url = "tcp://127.0.0.1:5020"
commands = { Status = { reads = true } }
tag = [{ name = "x", address = "holding:0", type = "float64" }]

[[device]]
name = "lab/front"
driver = "derived"
calls = { look = "lab/book/look", change = "lab/book/change", round = "lab/back/round" }
tag = [{ name = "y", value = "lab/far/x + 1" }]

[[device]]
name = "lab/back"
driver = "derived"
calls = { round = "lab/front/round" }
tag = [{ name = "y", value = "lab/far/x + 1" }]
"""


def written(folder: Path, text: str = PLANT) -> Path:
    (folder / "books.py").write_text(MODULE, encoding="utf-8")
    (folder / "plant.toml").write_text(text, encoding="utf-8")
    return folder / "plant.toml"


@asynccontextmanager
async def running(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Node]:
    """The far device says of all its commands that they only read."""
    monkeypatch.setattr(ModbusDriver, "named", lambda config: None)  # as of devices that alone know their commands
    memory = MemoryPlant()
    far = memory.unit("1", "memory://lab/far").values
    far.update({"Status()": "ON", "Reset()": None, "status()": None})
    said = tuple(CommandSpec(name=name, reads=True) for name in ("Status", "Reset"))
    monkeypatch.setattr(memory.driver, "commands", property(lambda self: said))
    loaded = load_plant(written(folder))
    (there,) = in_memory(
        replace(loaded, devices=tuple(d for d in loaded.devices if d.table.name == "lab/far")), memory
    ).devices
    plant = replace(loaded, devices=tuple(there if d.table.name == "lab/far" else d for d in loaded.devices))
    async with Node(plant, DataFolder(folder / "data"), Environment()) as node:
        await node.start("127.0.0.1", 0)
        async with connect(data=folder / "data") as client, asyncio.timeout(60):
            while not all(
                one.link is LinkState.UP for one in await client.devices() if one.path in ("lab/book", "lab/far")
            ):
                await asyncio.sleep(0.01)
        yield node


async def end(node: Node, target: str, name: str, *arguments: object) -> tuple[str, str]:
    last = None
    asked = Command(target=target, verb=Verb.CALL, name=name, arguments=arguments)
    async for ack in node.parts.router.submit(asked, VIEWER):
        last = ack
    assert last is not None
    return str(last.state), last.reason


async def test_a_viewer_calls_what_only_reads_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, monkeypatch) as node:
        assert await end(node, "lab/book", "look") == ("done", "")
        assert await end(node, "lab/front", "look") == ("done", ""), "handed on, it still only reads"
        for device, name in (("lab/book", "change"), ("lab/book", "LOOK"), ("lab/front", "change")):
            assert await end(node, device, name, "x") == ("refused", f"denied: viewer may not call {device}")
        assert await end(node, "lab/front", "round") == ("refused", "denied: viewer may not call lab/front")


async def test_the_plant_file_has_the_last_word_and_the_far_end_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch) as node:
        assert await end(node, "lab/book", "secret") == ("refused", "denied: viewer may not call lab/book")
        assert await end(node, "lab/far", "Status") == ("done", "")
        for name in ("Reset", "status"):
            assert await end(node, "lab/far", name) == ("refused", "denied: viewer may not call lab/far")
        async with connect(data=tmp_path / "data") as client:
            known = {one.path: {c.name: c.reads for c in one.commands} for one in await client.devices()}
        assert known["lab/far"] == {"Status": True, "Reset": False}
        assert known["lab/book"] == {"look": True, "secret": False, "change": False}


async def test_by_rest_and_from_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path, monkeypatch) as node:
        async with connect(data=tmp_path / "data") as client:
            await client.call("lab/book", "change", "a line")
        _, token = await node.parts.accounts.tokens.issue("admin", "look", "viewer", 60.0)
        url = json.loads(node.folder.credential.read_text())["url"]
        async with httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {token}"}) as http:
            ask = {"target": "lab/book", "verb": "call", "name": "look", "key": "k-look-01"}
            assert (await http.post("/api/v1/commands", json=ask)).status_code == 202
            ask |= {"name": "change", "arguments": ["x"], "key": "k-change-1"}
            refused = await http.post("/api/v1/commands", json=ask)
        assert (refused.status_code, refused.json()["detail"]) == (403, "denied: admin:look may not call lab/book")

        async def sereno(*words: str) -> tuple[int, str]:
            code = await asyncio.to_thread(run_cli, [*words, "--url", url, "--token", token])
            captured = capsys.readouterr()
            return code, captured.out + captured.err

        assert await sereno("call", "lab/book", "look") == (0, '"a line"\n')
        code, text = await sereno("call", "lab/book", "change", "x")
        assert (code, "may not call lab/book" in text) == (4, True)
        code, text = await sereno("call", "lab/book")
        rows = {line.split()[0].partition("(")[0]: line for line in text.splitlines() if line.strip()}
        assert ("read" in rows["look"].split(), "call" in rows["change"].split()) == (True, True)


@pytest.mark.parametrize("waits", ["select = true", "approval = true", 'sign = ["seen"]'])
def test_what_waits_for_people_does_not_only_read(tmp_path: Path, waits: str) -> None:
    with pytest.raises(ConfigurationError, match="waits for nobody"):
        load_plant(written(tmp_path, PLANT.replace("reads = true", f"reads = true, {waits}")))


def test_what_only_reads_gives_something() -> None:
    class Mute(Device):
        """Says nothing."""

        x: bool = tag(default=False)

        @command(reads=True)
        def look(self) -> None:
            """Nothing."""

    with pytest.raises(ConfigurationError, match="the command look only reads and gives nothing"):
        plan_of(Mute)


def test_of_an_agent_apart_the_class_says_it_that_the_node_has_loaded(tmp_path: Path) -> None:
    class Book(Device):
        """Keeps a line."""

        line: str = tag(default="")

        @command(reads=True)
        def look(self) -> str:
            """What it says."""
            return self.line

        @command
        def change(self) -> None:
            """Another."""

    config = Apart("lab/book", Book, "here:Book", {}, tmp_path, tmp_path, ApartSeats(tmp_path))
    driver = ApartDriver(config, ApartLink(config, Environment()), Environment())
    assert [driver.reads(name) for name in ("look", "change", "Look", "other")] == [True, False, False, False]
