"""An agent in a process of its own: it acts and is commanded as in the node, and comes back when killed or hung."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import structlog

from sereno.access.actor import ROLES, Actor
from sereno.app.datafolder import DataFolder
from sereno.app.logs import configure_logs
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.client import Client, connect
from sereno.device import Environment
from sereno.model import AckState, ConfigurationError, NotFoundError, severity

ADMIN = Actor("admin", (ROLES["admin"],))
MODULE = '''
"""A lamp, and who keeps it on from another process."""
import os

from sereno import Device, child, command, scan, setting, tag

print("code may print before anything is ready")

class Lamp(Device):
    """A lamp."""
    on: bool = tag(write=True, default=False)

class Keeper(Device):
    """Keeps it on, counts, and says where it runs."""
    words: list[str] = setting(["a"])
    rounds: int = tag(scan="look")
    process: int = tag(scan="look", type="int64")
    said: str = tag(scan="look")
    files: str = tag(scan="look")
    pace: float = tag(write=True, memorised=True, default=1.0)

    def startup(self) -> None:
        self.log.warning("it begins", of=self.path)
        print("plain words")

    @scan(period="100ms")
    async def look(self) -> None:
        if not (await self.client.get("lab/lamp/on")).value:
            await self.client.write("lab/lamp/on", True)
        self.rounds = int((await self.client.get("lab/keeper/rounds")).value or 0) + 1
        self.process, self.said = os.getpid(), "-".join(self.words)
        self.files = str(self.folder)

    @command
    def double(self, number: float) -> float:
        """Twice the number."""
        return 2 * number

class Parent(Device):
    """Has a child."""
    below: Lamp = child()
'''
PLANT = """
[[device]]
name = "lab/lamp"
class = "apart_lamps.py:Lamp"
[[device]]
name = "lab/keeper"
class = "apart_lamps.py:Keeper"
words = ["x", "\\U0001F600"]
[[agent]]
device = "lab/keeper"
writes = ["lab/lamp/on"]
silent = "3s"
process = true
"""


def written(folder: Path, text: str = PLANT) -> Path:
    (folder / "apart_lamps.py").write_text(MODULE, encoding="utf-8")
    (folder / "plant.toml").write_text(text, encoding="utf-8")
    return folder / "plant.toml"


@pytest.fixture
def logging() -> Iterator[None]:
    """As in a node that runs by itself."""
    configure_logs()
    yield
    structlog.reset_defaults()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await holds():
            await asyncio.sleep(0.05)


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("logging")
async def test_an_agent_apart_from_its_start_through_a_kill_and_a_hang_to_its_end(tmp_path: Path) -> None:
    async with Node(load_plant(written(tmp_path)), DataFolder(tmp_path / "data"), Environment()) as node:
        await node.start("127.0.0.1", 0)
        parts = node.parts
        client = Client(parts.hub, parts.router, parts.seats.plant.history, parts.device_port, ADMIN)  # type: ignore[union-attr]

        async def process() -> int:
            reading = await client.get("lab/keeper/process")
            return int(reading.value or 0) if severity(reading.quality) == "good" else 0

        async def other_than(known: int) -> int:
            await until(lambda: _differs(process, known))
            return await process()

        first = await other_than(0)
        assert first != os.getpid()
        assert (await client.get("lab/keeper/said")).value == "x-\U0001f600"
        assert (await client.get("lab/keeper/files")).value == str((tmp_path / "data").absolute())
        async with connect(data=tmp_path / "data") as outside:

            async def heard() -> bool:
                return {line.event for line in await outside.agent_log("lab/keeper")} >= {"it begins", "plain words"}

            await until(heard)
            (line,) = (one for one in await outside.agent_log("lab/keeper") if one.event == "it begins")
            assert (line.level, line.fields["of"]) == ("warning", "lab/keeper")
            with pytest.raises(NotFoundError, match="there are: lab/keeper"):
                await outside.agent_log("lab/lamp")
        settings = node.folder.agent("lab/keeper") / "settings.json"
        assert settings.stat().st_mode & 0o077 == 0

        async def lit() -> bool:
            return bool((await client.get("lab/lamp/on")).value)

        async def remembered() -> bool:
            return (await client.get("lab/keeper/pace")).value == 2.5

        await until(lit)
        assert (await client.call("lab/keeper", "double", 4.0)).value == 8.0
        assert (await client.write("lab/keeper/pace", 2.5)).state is AckState.DONE
        kept = node.folder.agent("lab/keeper") / "memorised.json"

        async def written_down() -> bool:
            return kept.is_file() and "2.5" in kept.read_text(encoding="utf-8")

        await until(written_down)
        os.kill(first, signal.SIGKILL)
        second = await other_than(first)
        await until(remembered)
        os.kill(second, signal.SIGSTOP)
        third = await other_than(second)
        assert third not in (0, first, second)
        with pytest.raises(ProcessLookupError):
            os.kill(second, 0)
        assert (await client.call("lab/keeper/supervision", "stop", timeout=30.0)).state is AckState.DONE
        with pytest.raises(ProcessLookupError):
            os.kill(third, 0)


async def _differs(process: Callable[[], Awaitable[int]], known: int) -> bool:
    try:
        return await process() not in (0, known)
    except NotFoundError:
        return False


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("process = true", "process = true\n[native]\nenabled = false", "native protocol"),
        ("process = true", 'process = true\n[web]\ntls = "generate"', "TLS"),
        (
            'class = "apart_lamps.py:Keeper"\nwords = ["x", "\\U0001F600"]',
            'class = "apart_lamps.py:Parent"',
            "children",
        ),
    ],
)
def test_what_cannot_go_apart_is_told(tmp_path: Path, old: str, new: str, found: str) -> None:
    with pytest.raises(ConfigurationError, match=found):
        load_plant(written(tmp_path, PLANT.replace(old, new)))
