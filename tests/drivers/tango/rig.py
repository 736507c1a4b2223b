"""Real Tango servers for tests, each a process that is ended with its fixture; and devices of a plant file on them."""

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sereno.access.actor import ROLES, Actor
from sereno.app.device_configs import device_configs_of
from sereno.app.memory import FileMemory
from sereno.app.plant.load import load_plant
from sereno.app.serve.server import DeviceServer
from sereno.client import Client
from sereno.model import SystemClock
from tests.ports import free_port

PROGRAM = Path(__file__).with_name("every_type.py")
NAME = "test/every/1"
PEOPLE = Actor("anna", (ROLES["admin"],))


class TangoServer:
    """`every_type.py` at a port of its own, which it keeps over restarts."""

    def __init__(self, *arguments: str, tango_host: str = "") -> None:
        self.port = free_port()
        self._arguments = arguments or ("one", "-nodb", "-dlist", NAME)
        self._environment = {**os.environ, **({"TANGO_HOST": tango_host} if tango_host else {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"tango://127.0.0.1:{self.port}/{NAME}#dbase=no"

    def start(self) -> None:
        """Returns when it takes requests."""
        endpoint = ("-ORBendPoint", f"giop:tcp:127.0.0.1:{self.port}")
        command = [sys.executable, "-u", str(PROGRAM), *self._arguments, *endpoint]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, env=self._environment)
        for line in self._process.stdout:
            if b"Ready to accept request" in line:
                return
        raise RuntimeError("the Tango server ended at once")

    def kill(self) -> None:
        """As a power cut."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()
            self._process = None


@asynccontextmanager
async def plant(folder: Path, text: str) -> AsyncIterator[Client]:
    """The devices of a plant file behind a hub, as a client sees them."""
    file = folder / "plant.toml"
    file.write_text(f'[plant]\nname = "Test"\n{text}', "utf-8")
    memory = FileMemory(folder / "memorised", SystemClock())
    server = DeviceServer(device_configs_of(load_plant(file).linked_devices, memory))
    try:
        async with server:
            yield server.client(PEOPLE)
    finally:
        await memory.close()


async def until(condition, timeout: float = 60.0):
    """Wait for an awaitable condition; the value that was true."""
    ends = time.monotonic() + timeout
    while True:
        if found := await condition():
            return found
        assert time.monotonic() < ends, "it never came to be"
        await SystemClock().sleep(0.01)


async def seen(client: Client, path: str, value: object, timeout: float = 60.0):
    """The reading once it has this value and is good."""

    async def look():
        reading = await client.get(path)
        good = reading.quality == 0
        return reading if good and reading.value == value else None

    return await until(look, timeout)


class TangoDatabase:
    """A Tango database in memory, with `every_type.py` registered in it."""

    SERVER = "EveryType/registered"

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it answers."""
        import tango

        variables = {**os.environ, "TANGO_HOST": self.host, "PYTANGO_DATABASE_NAME": ":memory:"}
        command = [str(Path(sys.executable).with_name("PyDatabaseds")), "2"]
        self._process = subprocess.Popen(command, cwd=self._folder, env=variables, stdout=subprocess.DEVNULL)
        ends = time.monotonic() + 60
        while True:
            try:
                self.database().add_device(self._every_type())
                return
            except tango.DevFailed:
                assert time.monotonic() < ends, "the Tango database did not start"
                time.sleep(0.05)

    def database(self):
        import tango

        return tango.Database("127.0.0.1", str(self.port))

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _every_type(self):
        import tango

        info = tango.DbDevInfo()
        info.server, info._class, info.name = self.SERVER, "EveryType", NAME
        return info
