"""A fleet of small gateways: read by a program that knows the description only, and by the http driver."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from sereno.access.actor import ROLES, Actor
from sereno.app.cli import run_cli
from sereno.app.device_configs import device_configs_of
from sereno.app.plant.load import load_plant
from sereno.app.serve.server import DeviceServer
from sereno.app.smallgateway.running import running
from sereno.app.smallgateway.wanted import Opened, opened
from sereno.device import Environment, NoMemory
from sereno.gateways.http.server import HttpServer
from tests.app.smallgateway.plc import run_plc

ADMIN = Actor("olga", (ROLES["admin"],))
WATCHDOG = Path(__file__).parents[1] / "original" / "watchdog.py"


async def gateway_at(stack: AsyncExitStack, folder: Path, marbles: tuple[int, int, int]) -> tuple[HttpServer, Any]:
    """A gateway before a PLC of its own, once it has read it."""
    plc = await stack.enter_async_context(run_plc(marbles))
    file = folder / f"plc{plc.port}.toml"
    file.write_text(plc.plant, encoding="utf-8")
    plant = load_plant(file)
    served = opened(plant, Opened(port=0, legacy_writes=True))
    gateway = await stack.enter_async_context(running(plant, served, Environment()))
    while (await gateway.client.as_actor(ADMIN).get("plc/lane0")).quality:
        await asyncio.sleep(0.01)
    return gateway, plc


async def test_an_independent_watchdog_and_the_http_driver_see_the_same_fleet(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        fleet = [await gateway_at(stack, tmp_path, marbles) for marbles in ((1, 2, 3), (4, 0, 0), (0, 7, 30))]
        addresses = [f"127.0.0.1:{gateway.port}" for gateway, _ in fleet]
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(WATCHDOG), *addresses, stdout=asyncio.subprocess.PIPE
        )
        found = json.loads((await process.communicate())[0])
        assert found == {
            "multi_possible": [0, 0, 0],
            "checkplusde3": [0, 0, 0],
            "compteur_bille": [5, 9, 33],
            "temperature": 63.0,
            "written": [[{"value": total}] * 3 for total in (5, 9, 33)],
            "deconnection": [{"value": 0}] * 3,
        }
        assert [plc.totals for _, plc in fleet] == [[5, 9, 33]] * 3

        members = ", ".join(f'g{i} = "{address}"' for i, address in enumerate(addresses))
        file = tmp_path / "fleet.toml"
        file.write_text(
            f'[[device]]\nname = "fleet"\ndriver = "http"\nscan = "100ms"\nmembers = {{ {members} }}\n'
            '[[device.tag]]\nname = "marbles"\nget = "/compteur_bille"\nlength = 3\nreduce = "sum"\n'
            '[[device.tag]]\nname = "hottest"\nget = "/temperature"\npick = "value"\nreduce = "max"\n',
            encoding="utf-8",
        )
        configs = device_configs_of(load_plant(file).linked_devices, NoMemory())
        server = await stack.enter_async_context(DeviceServer(configs))
        await server.ready(ADMIN)
        client = server.client(ADMIN)
        marbles = await client.get("fleet/marbles")
        assert (marbles.value, marbles.quality) == ((5.0, 9.0, 33.0), 0)
        assert (await client.get("fleet/hottest")).value == 21.0
        await fleet[1][1].stop()
        while (await client.get("fleet/marbles")).quality == 0:
            await asyncio.sleep(0.01)
        assert "g1 (status 503)" in (await client.get("fleet/marbles")).reason


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plc.toml", "--tag", "a=holding:1"], "--tag is for a device at a URL"),
        (["plc.toml", "--connections", "a"], "--connections is for a device at a URL"),
        (["nowhere.toml"], "nowhere.toml"),
        (["tcp://127.0.0.1:1", "--tag", "a=holding:1", "--host", "0.0.0.0"], "--allow NETWORK"),
    ],
)
def test_usage(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["gateway", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["tcp://127.0.0.1:1", "--tag", "a=holding:1", "--port", "0", "--for", "0.05", "--json"]
    assert run_cli(["gateway", *arguments]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["devices"], said["legacy_writes"]) == (["plc"], False)
