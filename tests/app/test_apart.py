"""An agent in a process of its own: it acts and is commanded as in the node, and comes back when killed or hung."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import structlog

from sereno import Device, command, tag
from sereno.access.actor import ROLES, Actor
from sereno.app.apart.driver import ApartDriver
from sereno.app.apart.link import Apart, ApartLink
from sereno.app.apart.seat import ApartSeats
from sereno.app.datafolder import DataFolder
from sereno.app.logs import configure_logs
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.client import Client, DeviceStatus, connect
from sereno.device import Environment
from sereno.model import Ack, AckState, ConfigurationError, NotFoundError, OperationalState, severity

ADMIN = Actor("admin", (ROLES["admin"],))
MODULE = '''
"""A lamp, and who keeps it on from another process."""
import asyncio
import os

from sereno import Device, child, command, scan, setting, tag
from sereno.client import ASKED_BY, ASKER

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

    @command
    def who(self) -> list[str]:
        """Who asks."""
        asker = ASKER.get()
        return [ASKED_BY.get(), asker.person, asker.kind, *asker.roles]

class Sleeper(Device):
    """Sleeps."""
    awake: bool = tag(default=True)

    @command
    async def sleep(self) -> None:
        """Until it is given up."""
        await asyncio.Event().wait()

    @command
    async def answer(self) -> int:
        """At once."""
        return 42

class Gate(Device):
    """Opens, when its round is over."""
    opened = 0
    rounds: int = tag(scan="look")

    @scan(period="2s")
    async def look(self) -> None:
        self.rounds = os.getpid()
        while (self.folder / "hold").exists():
            (self.folder / "held").touch()
            await asyncio.sleep(0.01)

    @command
    async def open(self) -> None:
        """It waits for the round."""
        self.opened += 1

    @command(at_once=True)
    async def shut(self) -> int:
        """It does not."""
        return self.opened

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
silent = "6s"
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


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.05)


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
            with pytest.raises(NotFoundError, match="lab/nobody"):
                await outside.agent_log("lab/nobody")
        settings = node.folder.agent("lab/keeper") / "settings.json"
        assert settings.stat().st_mode & 0o077 == 0

        async def lit() -> bool:
            return bool((await client.get("lab/lamp/on")).value)

        async def remembered() -> bool:
            return (await client.get("lab/keeper/pace")).value == 2.5

        await until(lit)
        assert (await client.call("lab/keeper", "double", 4.0)).value == 8.0
        await it_hears_who_asks(client)
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


async def it_hears_who_asks(client: Client) -> None:
    vera = client.as_actor(Actor("vera:key", (ROLES["operator"],), "token"))
    assert (await vera.call("lab/keeper", "who")).value == ["vera:key", "vera", "token", "operator"]


SLEEPER = """
[[device]]
name = "lab/sleeper"
class = "apart_lamps.py:Sleeper"
commands = { sleep = { timeout = "0.3s" } }
[[agent]]
device = "lab/sleeper"
process = true
"""


async def test_a_command_is_given_up_in_the_process_too_when_its_time_in_the_plant_file_is_over(tmp_path: Path) -> None:
    async with Node(load_plant(written(tmp_path, SLEEPER)), DataFolder(tmp_path / "data"), Environment()) as node:
        await node.start("127.0.0.1", 0)
        async with connect(data=tmp_path / "data") as client:

            async def up() -> bool:
                return next(s.state for s in await client.devices() if s.path == "lab/sleeper") == "enabled"

            await until(up)
            ack = await client.call("lab/sleeper", "sleep", timeout=6.0)
            assert (ack.state, "sleep has not returned for 0.3 s" in ack.reason) == (AckState.UNKNOWN, True)
            ack = await client.call("lab/sleeper", "answer", timeout=60.0)
            assert (ack.state, ack.value) == (AckState.DONE, 42)


GATE = """
[[device]]
name = "lab/lamp"
class = "apart_lamps.py:Lamp"
[[device]]
name = "lab/gate"
class = "apart_lamps.py:Gate"
commands = { open = { interlock = "lab/lamp/on" } }
[[agent]]
device = "lab/gate"
process = true
silent = "60s"
"""


async def test_what_waits_in_the_process_is_judged_once_more_when_its_turn_has_come(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with Node(load_plant(written(tmp_path, GATE)), DataFolder(data), Environment()) as node:
        await node.start("127.0.0.1", 0)
        async with connect(data=data) as client:

            async def gate() -> DeviceStatus:
                return next(status for status in await client.devices() if status.path == "lab/gate")

            async def up() -> bool:
                return (await gate()).state == "enabled"

            async def held() -> bool:
                return (data / "held").exists()

            async def waiting(commands: int) -> asyncio.Task[Ack]:
                """An order to open that waits in the process for the round to end; so many have gone there then."""
                (data / "held").unlink(missing_ok=True)
                (data / "hold").touch()
                await until(held)
                order = asyncio.create_task(client.call("lab/gate", "open", timeout=60.0))

                async def sent() -> bool:
                    return (await gate()).counters["commands"] == commands

                await until(sent)
                return order

            await until(up)
            await client.write("lab/lamp/on", True)
            order = await waiting(1)
            (data / "hold").unlink()
            assert (await order).state is AckState.DONE
            order = await waiting(2)
            await client.write("lab/lamp/on", False)
            (data / "hold").unlink()
            ack = await order
            assert (ack.state, "lab/lamp/on" in ack.reason) == (AckState.REFUSED, True), ack.reason
            await client.write("lab/lamp/on", True)
            order = await waiting(3)
            assert (await client.call("lab/gate", "shut")).value == 1
            (data / "hold").unlink()
            assert "overtaken by shut" in (await order).reason
            assert (await client.call("lab/gate", "shut")).value == 1


async def _differs(process: Callable[[], Awaitable[int]], known: int) -> bool:
    try:
        return await process() not in (0, known)
    except NotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one that is stopped ends when it goes on")
async def test_a_stopped_process_ends_with_a_node_that_is_killed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = ["run", str(written(tmp_path)), "--port", "0", "--data", str(data), "--json"]
    node = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sereno", *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert node.stdout is not None
    while not (line := await node.stdout.readline()).startswith(b"{"):
        assert line, "it ended before it was ready"
    async with connect(data=data) as client:

        async def known() -> bool:
            return bool((await client.get("lab/keeper/process")).value)

        await until(known)
        process = int((await client.get("lab/keeper/process")).value)
    os.kill(process, signal.SIGSTOP)
    node.kill()
    await node.wait()

    async def gone() -> bool:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        return False

    try:
        await until(gone, 20.0)
    finally:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def test_what_may_be_done_in_a_fault_may_be_done_there_too(tmp_path: Path) -> None:
    class Door(Device):
        """Shuts whatever happens."""

        wide: bool = tag(write=True, default=False)

        @command(at_once=True, allowed=("enabled", "fault"))
        async def shut(self) -> None:
            """In a fault too."""

        @command
        def open(self) -> None:
            """Only while it is well."""

    config = Apart("lab/door", Door, "here:Door", {}, tmp_path, tmp_path, ApartSeats(tmp_path))
    driver = ApartDriver(config, ApartLink(config, Environment()), Environment())
    enabled = {OperationalState.ENABLED}
    assert driver.allowed("shut", call=True) == {OperationalState.ENABLED, OperationalState.FAULT}
    assert driver.allowed("open", call=True) == driver.allowed("lab/door/wide", call=False) == enabled
    assert driver.allowed("dance", call=True) == enabled


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
