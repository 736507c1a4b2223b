"""The site without a PLC: dome, weather station and safety monitor are instruments, and nothing else closes."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sereno.access.actor import ROLES, Actor
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.app.simulators.placing import with_urls
from sereno.app.welcome import Ready
from sereno.client import Client
from sereno.device import Environment
from sereno.device.instruments import ShutterState
from sereno.model import AckState
from sereno.sim.instruments.alpaca import AlpacaServer
from sereno.sim.instruments.observatory import SimObservatory
from sereno.testing import JumpingClock, MemoryTransports, run_jumping
from sereno_observatory.demo import OBSERVATORY_ALPACA
from sereno_observatory.simulators import DEVICES
from tests.observatory.test_majordome import DUSK

ADMIN = Actor("admin", (ROLES["admin"],), "person", "console")
HOLD = 8.0
ENVIRONMENT, MAJORDOME = "observatory/environment", "observatory/majordome"


class QuietNode(Node):
    """A node without ways in."""

    async def _serve(self, *_: object) -> None:
        """Nobody is let in."""

    async def _ready(self, *_: object) -> Ready:
        return Ready(self.plant.table.name, "", "", None, "", "", "", str(self.folder.path), "")


@dataclass
class Here:
    """What a test works with."""

    clock: JumpingClock
    models: SimObservatory
    server: AlpacaServer
    client: Client
    node: Node

    async def value(self, path: str) -> object:
        return (await self.client.get(path)).value

    async def until_shutter(self, wanted: ShutterState, seconds: float) -> float:
        """How long it took."""
        begun = self.clock.monotonic()
        while self.models.dome.shutter is not wanted:
            assert self.clock.monotonic() - begun < seconds, self.models.dome.shutter
            await self.clock.sleep(0.25)
        return self.clock.monotonic() - begun


def quicker(folder: Path) -> Path:
    """The site with a shorter hold and without cameras, so that a night is short."""
    shutil.copytree(OBSERVATORY_ALPACA.plant.parent, folder)
    book = 'observer = "observatory/observer"\nsequences = "observatory/sequences"\n'
    for name, old, new in (
        ("plant.toml", ', "observing.toml", "simulators.toml"', ""),
        ("plant.toml", book, ""),
        ("site.toml", "reopen_after = 60.0", f"reopen_after = {HOLD}"),
    ):
        text = (folder / name).read_text("utf-8")
        assert old in text, old
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    devices = (folder / "instruments.toml").read_text("utf-8")
    (folder / "instruments.toml").write_text(devices.partition('[[device]]\nname = "site/vis"')[0], encoding="utf-8")
    return folder / "plant.toml"


@asynccontextmanager
async def running(clock: JumpingClock, folder: Path, *, mode: str) -> AsyncIterator[Here]:
    network = MemoryTransports()
    models = SimObservatory(clock)
    server = AlpacaServer(models.devices(), clock, transports=network)
    await server.start(80)
    urls = {DEVICES[actor]: url for actor, url in server.urls().items() if actor in DEVICES}
    plant = with_urls(load_plant(quicker(folder / "site")), urls)
    plant = replace(plant, history=plant.history.model_copy(update={"enabled": False}))
    data = folder / "data"
    node = QuietNode(plant, DataFolder(data), Environment(clock=clock, transports=network, folder=data))
    try:
        await node.start("127.0.0.1", 0)
        assert node.parts.seats.plant is not None
        client = node.parts.seats.plant.as_actor(ADMIN)
        await clock.sleep(3.0)
        assert (await client.write(f"{MAJORDOME}/mode", mode)).state is AckState.DONE
        yield Here(clock, models, server, client, node)
    finally:
        await node.stop()
        await server.close()


def test_the_dome_opens_into_a_safe_night_and_closes_for_rain_and_the_monitor(tmp_path: Path) -> None:
    async def night(clock: JumpingClock) -> None:
        clock.step_wall(DUSK + 600)
        async with running(clock, tmp_path, mode="AUTO") as here:
            early = await here.client.call("site/dome", "open")
            assert early.state is AckState.REFUSED
            assert "may_open" in early.reason
            assert await here.until_shutter(ShutterState.OPEN, 120.0) > HOLD / 2, "some safety comes first"
            assert await here.value(f"{MAJORDOME}/last_order") == "open: done"
            here.server.force("conditions", {"rain_rate": 12.0})
            assert await here.until_shutter(ShutterState.CLOSING, 5.0) < 1.5, "the guard on the instrument itself"
            await here.until_shutter(ShutterState.CLOSED, 20.0)
            guards = {one.name: one for one in await here.node.parts.guards.guards(ADMIN)}
            assert (guards["close_on_rain"].acted, guards["close_on_rain"].outcome) == (1, "done")
            assert await here.value(f"{ENVIRONMENT}/weather_status") == "RAINING"
            assert (await here.client.call("site/dome", "open")).state is AckState.REFUSED
            here.server.force("conditions", {"rain_rate": 0.0})
            await here.until_shutter(ShutterState.OPEN, 120.0)
            here.server.force("safety", {"safe": False})
            assert await here.until_shutter(ShutterState.CLOSING, 5.0) < 1.5
            await clock.sleep(3.0)
            assert await here.value(f"{ENVIRONMENT}/weather_status") == "UNSAFE"
            here.server.force("safety", {"safe": True})
            await here.until_shutter(ShutterState.OPEN, 120.0)
            here.server.force("conditions", {"broken": 60.0})
            assert await here.until_shutter(ShutterState.CLOSING, 30.0) < 20.0, "what is not heard is not safe"
            assert await here.value(f"{ENVIRONMENT}/weather_status") == "UNKNOWN"

    run_jumping(night)


def test_by_hand_and_when_the_node_ends_the_dome_helps_itself(tmp_path: Path) -> None:
    async def night(clock: JumpingClock) -> None:
        clock.step_wall(DUSK + 600)
        async with running(clock, tmp_path, mode="MANUAL") as here:
            models = here.models
            for tag in ("site_doors", "weather_lightning"):
                assert await here.value(f"{ENVIRONMENT}/{tag}_means") == "unknown: no sensor"
                assert await here.value(f"{ENVIRONMENT}/{tag}_make_safe") is False
            await clock.sleep(HOLD + 5.0)
            assert (await here.client.call(MAJORDOME, "open_dome")).state is AckState.DONE
            await here.until_shutter(ShutterState.OPEN, 20.0)
            light = await here.client.call(MAJORDOME, "light", True)
            assert (light.state, "this site has no site/dome/dome_light" in light.reason) == (AckState.FAILED, True)
            assert (await here.client.call(MAJORDOME, "close_dome")).state is AckState.DONE
            await here.until_shutter(ShutterState.CLOSED, 20.0)
            assert (await here.client.call(MAJORDOME, "open_dome")).state is AckState.DONE
            await here.until_shutter(ShutterState.OPEN, 20.0)
        assert models.dome.shutter is ShutterState.OPEN
        await clock.sleep(10.1)
        assert models.dome.shutter is ShutterState.CLOSING

    run_jumping(night)


def test_a_dome_that_stops_half_way_in_the_rain_is_told_to_close_again(tmp_path: Path) -> None:
    async def night(clock: JumpingClock) -> None:
        clock.step_wall(DUSK + 600)
        async with running(clock, tmp_path, mode="MANUAL") as here:
            await clock.sleep(HOLD + 5.0)
            assert (await here.client.call(MAJORDOME, "open_dome")).state is AckState.DONE
            await here.until_shutter(ShutterState.OPEN, 20.0)
            here.server.force("conditions", {"rain_rate": 12.0})
            await here.until_shutter(ShutterState.CLOSING, 5.0)
            await clock.sleep(4.0)
            assert (await here.client.call("site/dome", "abort")).state is AckState.DONE
            assert here.models.dome.shutter is ShutterState.ERROR
            await here.until_shutter(ShutterState.CLOSED, 30.0)

    run_jumping(night)


def test_a_dome_that_takes_the_order_to_close_and_does_nothing_is_told_again(tmp_path: Path) -> None:
    async def night(clock: JumpingClock) -> None:
        clock.step_wall(DUSK + 600)
        async with running(clock, tmp_path, mode="MANUAL") as here:
            await clock.sleep(HOLD + 5.0)
            assert (await here.client.call(MAJORDOME, "open_dome")).state is AckState.DONE
            await here.until_shutter(ShutterState.OPEN, 20.0)
            move = here.models.dome.move
            here.models.dome.move = lambda _target: None  # type: ignore[method-assign]
            here.server.force("conditions", {"rain_rate": 12.0})
            await clock.sleep(60.0)
            assert here.models.dome.shutter is ShutterState.OPEN
            assert await here.value("sereno/node/guards") is False
            here.models.dome.move = move  # type: ignore[method-assign]
            await here.until_shutter(ShutterState.CLOSED, 40.0)

    run_jumping(night)


@pytest.mark.parametrize("name", ["close_dome", "make_safe"])
def test_nobody_is_told_that_a_dome_closes_which_does_nothing(name: str, tmp_path: Path) -> None:
    async def day(clock: JumpingClock) -> None:
        clock.step_wall(DUSK + 600)
        async with running(clock, tmp_path, mode="MANUAL") as here:
            await clock.sleep(HOLD + 5.0)
            assert (await here.client.call(MAJORDOME, "open_dome")).state is AckState.DONE
            await here.until_shutter(ShutterState.OPEN, 20.0)
            move = here.models.dome.move
            here.models.dome.move = lambda _target: None  # type: ignore[method-assign]
            ack = await here.client.call(MAJORDOME, name, timeout=30.0)
            assert (ack.state, "the shutter does not move" in ack.reason) == (AckState.FAILED, True), ack
            here.models.dome.move = move  # type: ignore[method-assign]
            assert (await here.client.call(MAJORDOME, name, timeout=30.0)).state is AckState.DONE

    run_jumping(day)
