from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sereno.access.actor import ROLES, Actor
from sereno.app.serve.reload import Reloader
from sereno.app.serve.server import DeviceServer
from sereno.app.serve.wanted import Wanted
from sereno.device import NoMemory, device_configs

ADMIN = Actor("olga", (ROLES["admin"],))
SOURCE = """
from sereno import Device, child, command, tag

class Lens(Device):
    focus: float = tag(write=True)

class Camera(Device):
    lens: Lens = child()
    exposure: float = tag(unit="s", write=True)
    gain: int = tag(write=True)

    @tag(period="100ms")
    async def temperature(self) -> float:
        return -10.0
"""
BETTER = (
    SOURCE.replace("-10.0", "-20.0").replace("gain: int", "gain: float")
    + """
    @command
    async def snap(self) -> int:
        return 1
"""
)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "reloaded_cameras.py"
    path.write_text(SOURCE)
    sys.path.insert(0, str(tmp_path))
    importlib.invalidate_caches()
    yield path
    sys.path.remove(str(tmp_path))
    sys.modules.pop("reloaded_cameras", None)


async def test_changed_code_runs_and_what_was_set_stays(file: Path) -> None:
    cls = importlib.import_module("reloaded_cameras").Camera
    wanted = Wanted(cls, "reloaded_cameras:Camera", "lab/cam")
    async with DeviceServer(device_configs(cls, "lab/cam")) as server:
        client = server.client(ADMIN)
        await server.ready(ADMIN)
        reloader = Reloader(server, [wanted], NoMemory())
        assert await reloader.look() == []
        await client.write("lab/cam/exposure", 0.5)
        await client.write("lab/cam/lens/focus", 3.0)
        await client.write("lab/cam/gain", 7)
        news: list[int] = []
        server.hub.watch_tags(lambda: news.append(1))

        file.write_text(SOURCE.replace("class Camera", "class Camera("))
        with capture_logs() as logs:
            assert await reloader.look() == []
        assert "reloaded_cameras.py:7: " in str(logs[0]["faults"])
        file.write_text(SOURCE.replace("exposure: float", "exposure: dict"))
        with capture_logs() as logs:
            assert await reloader.look() == []
        assert "dict is no type for a value" in str(logs[0]["faults"])
        assert (await client.get("lab/cam/temperature")).value == -10.0
        assert not news

        file.write_text(BETTER)
        assert await reloader.look() == ["lab/cam"]
        await server.ready(ADMIN)
        assert news
        assert (await client.get("lab/cam/temperature")).value == -20.0
        assert (await client.get("lab/cam/exposure")).value == 0.5
        assert (await client.get("lab/cam/lens/focus")).value == 3.0
        assert (await client.get("lab/cam/gain")).value == 0.0  # of another kind now
        assert (await client.call("lab/cam", "snap")).value == 1
        assert (await client.write("lab/cam/exposure", 0.25)).value == 0.25
        assert await reloader.look() == []
        file.unlink()
        assert await reloader.look() == []
        assert (await client.get("lab/cam/temperature")).value == -20.0


async def test_it_looks_by_itself(file: Path) -> None:
    cls = importlib.import_module("reloaded_cameras").Camera
    async with DeviceServer(device_configs(cls, "lab/cam")) as server:
        await server.ready(ADMIN)
        reloader = Reloader(server, [Wanted(cls, "x:Camera", "lab/cam")], NoMemory())
        reloader.start()
        file.write_text(BETTER)
        client = server.client(ADMIN)
        while not any(device.commands for device in await client.devices()):
            await server.clock.sleep(0.01)
        await reloader.stop()
