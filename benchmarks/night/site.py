"""The whole site in this process: a node without pages, its PLC on a network in memory, all on one clock."""

from __future__ import annotations

import random
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sereno.access.actor import ROLES, Actor
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import Plant, load_plant
from sereno.app.simulators.placing import with_urls
from sereno.app.welcome import Ready
from sereno.client import Client
from sereno.device import Environment
from sereno.sim.instruments.alpaca import AlpacaServer
from sereno.sim.jsonplc.devices import site_devices
from sereno.sim.jsonplc.server import PlcServer
from sereno.sim.jsonplc.watched import WatchedPlc
from sereno.testing import JumpingClock, MemoryTransports
from sereno_observatory.demo import OBSERVATORY

PERSON = Actor("impatient", (ROLES["operator"],), "person", "console")
ASTRONOMER = Actor("vera", (ROLES["engineer"],), "person", "console")
"""Who asks for what is observed: more than an operator's quota."""
Changes = Mapping[str, tuple[tuple[str, str], ...]]
"""Name of a file of the site -> what is replaced in it by what."""


class QuietNode(Node):
    """A node without pages and other ways in: what it does by itself is the same."""

    async def _serve(self, *_: Any) -> None:
        """Nobody is let in."""

    async def _ready(self, *_: Any) -> Ready:
        table = self.plant.table
        return Ready(table.name, "", "", None, "", "", "", str(self.folder.path), "")


@dataclass(slots=True)
class Site:
    """What runs."""

    clock: JumpingClock
    plc: PlcServer
    machine: WatchedPlc
    node: QuietNode
    transports: MemoryTransports
    instruments: AlpacaServer | None = None

    @property
    def client(self) -> Client:
        """The plant in the eyes of a person."""
        return self.seen_by(PERSON)

    def seen_by(self, actor: Actor) -> Client:
        """The plant in the eyes of this one."""
        plant = self.node.parts.seats.plant
        assert plant is not None
        return plant.as_actor(actor)


def site_in(folder: Path, changes: Changes) -> Path:
    """A copy of the demo's site with some of its text replaced. Returns its plant file."""
    made = folder / "site"
    shutil.copytree(OBSERVATORY.plant.parent, made)
    change(made, changes)
    return made / "plant.toml"


def change(made: Path, changes: Changes) -> None:
    """Replace text of files in this folder."""
    for name, pairs in changes.items():
        text = (made / name).read_text("utf-8")
        for old, new in pairs:
            assert old in text, f"{name} has no {old}"
            text = text.replace(old, new)
        (made / name).write_text(text, encoding="utf-8")


@asynccontextmanager
async def site(
    clock: JumpingClock,
    plant_file: Path,
    folder: Path,
    seed: int,
    transports: MemoryTransports,
    urls: Mapping[str, str],
) -> AsyncIterator[Site]:
    """The site, started and not waited for. Nothing is recorded besides what is decided: the history is left out."""
    machine = WatchedPlc(site_devices(), clock)
    server = PlcServer(machine, clock, transports=transports)
    await server.start()
    try:
        loaded = with_urls(load_plant(plant_file), {**urls, "site/plc": f"tcp://127.0.0.1:{server.port}"})
        environment = Environment(clock=clock, transports=transports, random=random.Random(seed))
        async with QuietNode(_unrecorded(loaded), DataFolder(folder / "data"), environment) as node:
            await node.start("127.0.0.1", 0)
            yield Site(clock, server, machine, node, transports)
    finally:
        await server.close()


def _unrecorded(plant: Plant) -> Plant:
    return replace(plant, history=plant.history.model_copy(update={"enabled": False}))
