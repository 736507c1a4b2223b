"""Our side: the real hub behind the real web server, its clients signed in by a token."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from feed import ROWS, arguments, obey, say

from sereno.access.accounts import Accounts
from sereno.access.actor import Actor
from sereno.client import GroupSpec, HistoryRequest, Series
from sereno.device import DeviceSet, Environment
from sereno.hub.hub import Hub
from sereno.hub.overrides import Overrides
from sereno.hub.router import CommandRouter
from sereno.model import Command, RowIndex, SystemClock, TagSpec, seal
from sereno.store.engine import Store
from sereno.store.intents import StoredIntents
from sereno.store.overrides import StoredOverrides
from sereno.web.app import create_app
from sereno.web.context import SiteInfo, WebContext
from sereno.web.server import WebServer


class _NoHistory:
    async def query(self, request: HistoryRequest, actor: Actor) -> list[Series]:
        raise NotImplementedError


async def serve(folder: Path, kind: str) -> None:
    """Until standard input ends."""
    clock = SystemClock()
    hub = Hub(clock)
    store = Store.open(folder / "sereno.db")
    accounts = Accounts(store, clock)
    devices = DeviceSet([], hub, Environment(clock=clock))
    router = CommandRouter(hub, clock, authorise=_nobody, journal=StoredIntents(store, clock), handlers={})
    context = WebContext(
        live=hub,
        commands=router,
        history=_NoHistory(),
        devices=devices,
        overrides=Overrides(hub, clock, StoredOverrides(store, clock), []),
        accounts=accounts,
        clock=clock,
        site=SiteInfo("Push", "Etc/UTC", "0"),
    )
    await accounts.add_user("bench", "a password for the bench", ["viewer"], by="bench")
    _, token = await accounts.tokens.issue("bench", "bench", "viewer", 3600.0)
    server = WebServer(create_app(context), clock, port=0)
    await server.start()
    freshness = asyncio.create_task(hub.run_freshness())
    say(port=server.port, token=token, rows=ROWS[kind])
    try:
        await obey(_publisher(hub, ROWS[kind]))
    finally:
        freshness.cancel()
        await asyncio.gather(freshness, return_exceptions=True)
        await server.stop()
        await store.close()


def _publisher(hub: Hub, rows: int) -> Any:
    specs = [TagSpec(path=f"plant/plc/t{number:03}") for number in range(rows)]
    index = RowIndex(hub.register_tags(specs))
    group = hub.register_group(GroupSpec("scan", "plant/plc", 0.1, 3600.0, index))
    random = np.random.default_rng(4)
    seq = 0

    def publish(now: float) -> None:
        nonlocal seq
        seq += 1
        values = np.round(random.random(rows) * 1000, 3)
        values[0] = now
        hub.publish(seal(group, seq, index, values, time.time_ns(), 0))

    publish(0.0)
    return publish


def _nobody(actor: Actor, command: Command) -> None:
    raise NotImplementedError


def main() -> None:
    asked = arguments()
    with tempfile.TemporaryDirectory() as folder:
        try:
            import uvloop
        except ImportError:
            asyncio.run(serve(Path(folder), asked.kind))
        else:
            uvloop.run(serve(Path(folder), asked.kind))


if __name__ == "__main__":
    main()
