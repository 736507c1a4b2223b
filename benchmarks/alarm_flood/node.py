"""A node in a flood, to be killed: it says where it listens, then raises alarm after alarm, each noted before it is.

Arguments: folder, alarms, chattering tags, seconds, seed, "flood" or "stay", name of a defect or "". "stay" keeps all
alarms that `truth` names beyond their limit, as a plant does whose node was started again.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path

import numpy as np
from argon2 import PasswordHasher

from alarm_flood.defects import DEFECTS
from sereno.access.accounts import Accounts
from sereno.access.passwords import Passwords
from sereno.alarms.alarms import Alarms
from sereno.client import AlarmKind, AlarmSpec, GroupSpec
from sereno.hub.hub import Hub
from sereno.hub.overrides import Overrides
from sereno.hub.router import CommandRouter
from sereno.model import Limits, RowIndex, SystemClock, TagSpec, seal
from sereno.store.alarms import AlarmJournal
from sereno.store.engine import Store
from sereno.store.overrides import StoredOverrides
from sereno.web.app import create_app
from sereno.web.context import SiteInfo, WebContext
from sereno.web.server import WebServer

STEP, CHATTER_STEP = 0.02, 0.01
LIMITS = Limits(hi=10.0, deadband=1.0)


class Flood:
    """The plant: tags with one alarm each, some of which chatter."""

    def __init__(self, folder: Path, alarms: int, chatter: int, seed: int) -> None:
        self.clock = SystemClock()
        self.hub = Hub(self.clock)
        self.truth = folder / "truth"
        self.random = random.Random(seed)
        self.groups = [self._group(name, count) for name, count in (("flood", alarms), ("chatter", chatter)) if count]
        self.specs = [
            AlarmSpec(
                id=f"{spec.path}.hi", source=spec.path, kind=AlarmKind.HI, inputs=(spec.path,), limit=10.0,
                priority=1 + at % 4, response="Look.",
            )
            for at, spec in enumerate(self.hub.table.specs)
        ]  # fmt: skip

    def _group(self, name: str, count: int) -> tuple[int, RowIndex]:
        specs = [TagSpec(path=f"{name}/d/t{i:05d}", limits=LIMITS) for i in range(count)]
        index = RowIndex(self.hub.register_tags(specs))
        return self.hub.register_group(GroupSpec("scan", f"{name}/d", 0.1, 3600.0, index)), index

    def known(self) -> list[int]:
        """Rows that were raised so far."""
        return [int(line) for line in self.truth.read_text().split()] if self.truth.exists() else []

    async def stay(self) -> None:
        """What is beyond its limit stays there."""
        group, index = self.groups[0]
        values = np.zeros(len(index))
        values[self.known()] = 20.0
        for seq in range(1, 1_000_000):
            self.hub.publish(seal(group, seq, index, values.copy(), self.clock.wall_ns(), 0))
            await asyncio.sleep(0.5)

    async def flood(self, seconds: float) -> None:
        """Raise all, evenly over the time, in an order that is not that of the rows."""
        group, index = self.groups[0]
        order = self.random.sample(range(len(index)), len(index))
        values, times = np.zeros(len(index)), np.full(len(index), self.clock.wall_ns(), np.int64)
        began = self.clock.monotonic()
        raised = 0
        with self.truth.open("a") as truth:
            for seq in range(1, 1_000_000):
                share = min(1.0, (self.clock.monotonic() - began) / seconds)
                rows = order[raised : max(raised, round(share * len(order)))]
                raised += len(rows)
                truth.write("".join(f"{row}\n" for row in rows))
                truth.flush()
                values[rows] = 20.0
                times[rows] = self.clock.wall_ns() - len(rows) + np.arange(len(rows))
                self.hub.publish(seal(group, seq, index, values.copy(), times.copy(), 0))
                await asyncio.sleep(STEP)

    async def chatter(self) -> None:
        """To and fro a hundred times a second."""
        if len(self.groups) < 2:
            return
        group, index = self.groups[1]
        for seq in range(1, 10_000_000):
            values = np.full(len(index), 20.0 if seq % 2 else 0.0)
            self.hub.publish(seal(group, seq, index, values, self.clock.wall_ns(), 0))
            await asyncio.sleep(CHATTER_STEP)


async def main(folder: Path, alarms: int, chatter: int, seconds: float, seed: int, mode: str) -> None:
    """Run until killed."""
    plant = Flood(folder, alarms, chatter, seed)
    clock, hub = plant.clock, plant.hub
    store = Store.open(folder / "node.db")
    watching = Alarms(plant.specs, hub, clock, AlarmJournal(store))
    await watching.load()
    hub.add_sink(watching)
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    accounts = Accounts(store, clock, passwords=passwords)
    if await accounts.ensure_administrator() is None and mode == "flood":
        raise RuntimeError("the folder was used before")
    _, token = await accounts.tokens.issue("admin", mode, "admin", 3600.0)
    context = WebContext(
        live=hub, commands=CommandRouter(hub, clock, handlers={}), history=None, devices=None,  # type: ignore[arg-type]
        overrides=Overrides(hub, clock, StoredOverrides(store, clock), ()), alarms=watching, accounts=accounts,
        clock=clock, site=SiteInfo("Flood", "UTC", "0"),
    )  # fmt: skip
    server = WebServer(create_app(context), clock, "127.0.0.1", 0, None)
    await server.start()
    tasks = [asyncio.create_task(work) for work in (watching.run(), watching.run_journal())]
    print(json.dumps({"url": server.url, "token": token}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    tasks += [asyncio.create_task(plant.flood(seconds) if mode == "flood" else plant.stay())]
    if mode == "flood":
        tasks.append(asyncio.create_task(plant.chatter()))
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    given = sys.argv[1:]
    if given[6]:
        DEFECTS[given[6]][1]()
    asyncio.run(main(Path(given[0]), int(given[1]), int(given[2]), float(given[3]), int(given[4]), given[5]))
