"""A node without pages, to be killed: commands come in as lines, final acks go out as lines; its journal is SQLite.

in:  {"ask": 7, "actor": "olga", "command": {envelope v1}}, or {"ask": 8, "actor": "emil", "say": "approve", "key": ...}
out: {"ready": true}, then {"ask": 7, "state": "done", "reason": ""}, perhaps {"selected": key, "until": ns} before
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from commanding.defects import plant_defect
from commanding.plant import devices, targets
from sereno.access.actor import ROLES, Actor
from sereno.app.logs import configure_logs
from sereno.device import DeviceSet, Environment
from sereno.hub.hub import Hub
from sereno.hub.router import CommandRouter
from sereno.model import AckState, DeniedError, NotFoundError, RefusedError, SystemClock, is_good
from sereno.store.engine import Store
from sereno.store.intents import StoredIntents
from sereno.wire.command import decode_command


async def main(folder: Path, port: int) -> None:
    """Run until the input ends."""
    clock = SystemClock()
    hub = Hub(clock)
    plant = DeviceSet(devices(port), hub, Environment(clock=clock))
    store = Store.open(folder / "node.db")
    router = CommandRouter(hub, clock, journal=StoredIntents(store, clock), handlers=plant.handlers)
    asked: asyncio.Queue[str] = asyncio.Queue()
    threading.Thread(target=_listen, args=(asyncio.get_running_loop(), asked), daemon=True).start()
    async with plant:
        await _connected(hub)
        _say({"ready": True})
        under_way: set[asyncio.Task[None]] = set()
        while line := await asked.get():
            task = asyncio.create_task(_execute(router, json.loads(line)))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)
        await router.close()
    hub.close()
    await store.close()


def _listen(loop: asyncio.AbstractEventLoop, asked: asyncio.Queue[str]) -> None:
    for line in sys.stdin:
        loop.call_soon_threadsafe(asked.put_nowait, line)
    loop.call_soon_threadsafe(asked.put_nowait, "")


async def _connected(hub: Hub) -> None:
    reader = Actor("rig", (ROLES["viewer"],))
    while not all(is_good(reading.quality) for reading in await hub.read(targets(), reader)):
        await hub.clock.sleep(0.01)


async def _execute(router: CommandRouter, given: dict[str, object]) -> None:
    name = str(given["actor"])
    actor = Actor(name, (ROLES["engineer"],), "token" if ":" in name else "person")
    if "say" in given:
        _say({"ask": given["ask"], **await _act(router, actor, str(given["say"]), str(given["key"]))})
        return
    command = decode_command(json.dumps(given["command"]).encode())
    async for ack in router.submit(command, actor):
        if ack.state is AckState.SELECTED:
            until = [one.until for one in await router.consent.waiting(actor) if one.key == command.key]
            _say({"selected": command.key, "until": until[0] if until else 0})
    _say({"ask": given["ask"], "state": ack.state.value, "reason": ack.reason})


async def _act(router: CommandRouter, actor: Actor, say: str, key: str) -> dict[str, str]:
    consent = router.consent
    try:
        if say == "decline":
            await consent.decline(key, actor, reason="no")
        else:
            await {"execute": consent.execute, "approve": consent.approve, "cancel": consent.cancel}[say](key, actor)
    except (DeniedError, RefusedError, NotFoundError) as error:
        return {"state": "refused", "reason": str(error)}
    return {"state": "taken", "reason": ""}


def _say(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    configure_logs(logging.CRITICAL)
    with ExitStack() as stack:
        if sys.argv[3:]:
            plant_defect(sys.argv[3], stack)
        asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
