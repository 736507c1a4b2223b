"""A device server behind a Tango gateway, and Tango's own client in threads, as it blocks."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sereno.access.actor import NOBODY, ROLES, Actor
from sereno.access.insecure import Insecure, network
from sereno.app.serve.server import DeviceServer
from sereno.client import Client
from sereno.device import device_configs
from sereno.gateways.tango.gateway import TangoGateway
from sereno.gateways.tango.settings import TangoSettings
from sereno.model import Clock
from tests.gateways.tango.devices import Bench

PATH = "lab/bench"
PEOPLE = Actor("anna", (ROLES["admin"],))


class Recorded:
    """Audit records, as they come."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str]] = []

    async def record(
        self, actor: str, action: str, target: str = "", origin: str = "", outcome: str = "done", **more: Any
    ) -> None:
        self.lines.append((actor, action, outcome))


@dataclass
class Events:
    """What a Tango client is told, by any thread."""

    seen: list[Any] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def push_event(self, event: Any) -> None:
        with self.news:
            self.seen.append(event)
            self.news.notify_all()

    async def wait_for(self, wanted, timeout: float = 60.0) -> Any:
        """The first event of which this is true."""

        def wait() -> Any:
            with self.news:
                assert self.news.wait_for(lambda: any(wanted(e) for e in self.seen), timeout), self.seen
                return next(e for e in self.seen if wanted(e))

        return await asyncio.to_thread(wait)


async def joined(proxy: Any, attribute: str, change: Callable[[int], Awaitable[object]]) -> None:
    """Return when events of `proxy` come here: of what was subscribed to before, none is lost from then on.

    ZeroMQ tells nobody when a subscription has reached who publishes, and what is published before that is lost.
    `change` is called with 0, 1, 2, ... and must change the attribute each time.
    """
    import tango

    told, number = Events(), 0
    kind, mode = tango.EventType.CHANGE_EVENT, tango.EventSubMode.AsyncRead
    subscription = await asyncio.to_thread(proxy.subscribe_event, attribute, kind, told, mode)
    await told.wait_for(lambda _: True)
    while len(told.seen) < 2:
        await change(number)
        number += 1
        await asyncio.sleep(0.05)
    await asyncio.to_thread(proxy.unsubscribe_event, subscription)


async def connected(address: str, clock: Clock) -> Any:
    """A proxy that has had an answer: a first attempt may meet a connection of the ORB's that is none any more."""
    import tango

    while True:
        try:
            proxy = await asyncio.to_thread(tango.DeviceProxy, address)
            await asyncio.to_thread(proxy.ping)
        except tango.DevFailed:
            await clock.sleep(0.05)
        else:
            return proxy


@dataclass
class Site:
    gateway: TangoGateway
    client: Client
    record: Recorded

    async def proxy(self, name: str = f"sereno/{PATH}") -> Any:
        return await connected(self.gateway.address(name), self.client.clock)

    async def joined(self, proxy: Any) -> None:
        """Return when events come here; the level is 6 or 7 then."""
        await joined(proxy, "level", lambda number: self.client.write(f"{PATH}/level", 6.0 + number % 2))

    async def refused(self, work, *arguments: Any) -> tuple[str, str]:
        """Reason and description of the DevFailed that a call ends with."""
        import tango

        try:
            await asyncio.to_thread(work, *arguments)
        except tango.DevFailed as error:
            return error.args[0].reason, error.args[0].desc
        raise AssertionError("it was done")


@asynccontextmanager
async def site(
    writes: Sequence[str] = (), *, allow: Sequence[str] = ("127.0.0.0/8",), **settings: Any
) -> AsyncIterator[Site]:
    record = Recorded()
    insecure = Insecure(
        name="gateway/tango", allow=tuple(network(one) for one in allow), reads=("*",), writes=tuple(writes)
    )
    async with DeviceServer(device_configs(Bench, PATH, {})) as server:
        await server.ready(PEOPLE)
        gateway = TangoGateway(
            server.client(NOBODY), server.hub, insecure, TangoSettings(**{"port": 0, **settings}), record
        )
        await gateway.start()
        try:
            assert await gateway.ready(60.0), gateway.problem
            yield Site(gateway, server.client(PEOPLE), record)
        finally:
            await gateway.stop()
