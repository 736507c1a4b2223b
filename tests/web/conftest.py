"""A plant in memory behind the ports, people in a database file, and the application over both."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from sereno.access.accounts import Accounts
from sereno.access.actor import Actor, Right
from sereno.access.passwords import Passwords
from sereno.app.plant.load import load_plant
from sereno.app.tls import prepare_tls
from sereno.client import DeviceStatus, GroupSpec, HistoryRequest, Reading, ReadPlan, Series, TraceLine, Update
from sereno.hub.hub import Hub
from sereno.hub.overrides import Overrides
from sereno.model import (
    Access,
    Ack,
    AckState,
    Command,
    LinkState,
    NotFoundError,
    OperationalState,
    Quality,
    RowIndex,
    SystemClock,
    TagSpec,
    ValueType,
    match_paths,
)
from sereno.store.engine import Store
from sereno.store.overrides import StoredOverrides
from sereno.web.app import create_app
from sereno.web.context import SiteInfo, WebContext
from sereno.web.server import WebServer
from sereno.wire.frame import Frame, FrameKind, decode_frame

T0 = 1_763_640_000_000_000_000
PASSWORD = "correct horse battery"

SPECS = (
    TagSpec(path="north/plc1/level", unit="m", description="Level of the tank", low=0.0, high=6.0),
    TagSpec(path="north/plc1/open", type=ValueType.BOOL),
    TagSpec(path="north/plc1/recipe", type=ValueType.STRING),
    TagSpec(path="north/plc1/setpoint", unit="m", access=Access.READ_WRITE),
    TagSpec(path="north/plc1/state", type=ValueType.ENUM, labels=("stopped", "running")),
    TagSpec(path="north/plc1/total", type=ValueType.UINT64, unit="l"),
    TagSpec(path="south/plc2/level", unit="m"),
)


class StillClock:
    """Time stands until the test moves it; sleepers wake when it passes them."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def wall_ns(self) -> int:
        return T0 + round((self.now - 1000.0) * 1e9)

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, future))
        await future

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[None]:
        async with asyncio.timeout(None) as inner:
            future = asyncio.get_running_loop().create_future()
            future.add_done_callback(lambda f: f.cancelled() or inner.reschedule(0.0))
            self._sleepers.append((self.now + seconds, future))
            try:
                yield
            finally:
                future.cancel()

    def call_later(self, seconds: float, callback: Any) -> Any:
        raise NotImplementedError

    async def advance(self, seconds: float) -> None:
        end = self.now + seconds
        for _ in range(20):
            await asyncio.sleep(0)
        while due := sorted((t for t, f in self._sleepers if t <= end and not f.done())):
            self.now = due[0]
            for t, future in self._sleepers:
                if t <= self.now and not future.done():
                    future.set_result(None)
            self._sleepers = [(t, f) for t, f in self._sleepers if not f.done()]
            for _ in range(20):
                await asyncio.sleep(0)
        self.now = end


class PlantSubscription:
    def __init__(self, plant: MemoryPlant, tags: tuple[TagSpec, ...]) -> None:
        self.tags = tags
        self.queue: asyncio.Queue[Update | None] = asyncio.Queue()
        self.closed = False
        self._plant = plant
        self._seq = 0

    def __aiter__(self) -> AsyncIterator[Update]:
        return self

    async def __anext__(self) -> Update:
        update = await self.queue.get()
        if update is None:
            raise StopAsyncIteration
        return update

    async def close(self) -> None:
        self.closed = True
        self.queue.put_nowait(None)

    def statistics(self) -> dict[str, int]:
        return {}

    def send(self, paths: Sequence[str], *, snapshot: bool = False) -> None:
        """Queue an update with the present values of these tags."""
        positions = [i for i, tag in enumerate(self.tags) if tag.path in paths]
        rows = [i for i in positions if self.tags[i].is_row]
        held = [self._plant.held[self.tags[i].path] for i in rows]
        exact = [r for r, i in enumerate(rows) if self.tags[i].type.is_exact]
        self._seq += 1
        self.queue.put_nowait(
            Update(
                seq=self._seq,
                t_hub=T0,
                snapshot=snapshot,
                index=np.array(rows, np.int32),
                values=np.array([float(h.number) for h in held], np.float64),
                t_source=np.full(len(rows), T0, np.int64),
                quality=np.array([h.quality for h in held], np.uint16),
                exact_rows=np.array(exact, np.int32),
                exact_values=np.array([held[r].number for r in exact], np.uint64).view(np.int64),
                objects=tuple(
                    (i, self._plant.held[self.tags[i].path].number, T0, 0) for i in positions if not self.tags[i].is_row
                ),
                reasons={i: h.reason for i, h in zip(rows, held, strict=True) if h.reason},
            )
        )


@dataclass
class Held:
    number: Any
    quality: int = 0
    reason: str = ""


@dataclass
class MemoryPlant:
    """Implements LivePort, CommandPort, HistoryPort and DevicePort without devices."""

    held: dict[str, Held] = field(default_factory=dict)
    subscriptions: list[PlantSubscription] = field(default_factory=list)
    commands: list[tuple[Command, Actor]] = field(default_factory=list)
    outcomes: dict[str, list[tuple[AckState, str]]] = field(default_factory=dict)
    kept: dict[str, list[Ack]] = field(default_factory=dict)
    lines: asyncio.Queue[TraceLine | None] = field(default_factory=asyncio.Queue)
    specs: list[TagSpec] = field(default_factory=lambda: list(SPECS))
    watchers: list[Callable[[], None]] = field(default_factory=list)
    requests: list[HistoryRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        numbers: dict[ValueType, Any] = {ValueType.STRING: "summer", ValueType.UINT64: 2**64 - 1}
        self.held = {spec.path: Held(numbers.get(spec.type, 1)) for spec in SPECS}

    def set(self, path: str, number: Any, quality: int = 0, reason: str = "") -> None:
        self.held[path] = Held(number, quality, reason)
        for subscription in self.subscriptions:
            if not subscription.closed:
                subscription.send([path])

    def _readable(self, globs: Sequence[str], actor: Actor) -> list[TagSpec]:
        paths = [s.path for s in self.specs if actor.may(Right.READ, s.path)]
        wanted = {p for glob in globs for p in match_paths(glob, paths)} if globs else set(paths)
        if not wanted:
            raise NotFoundError(f"no tag {globs[0] if globs else ''!r}; near are {paths[:2]}")
        return [s for s in self.specs if s.path in wanted]

    async def tags(self, globs: Sequence[str], actor: Actor) -> list[TagSpec]:
        return self._readable(globs, actor)

    def plan(self, globs: Sequence[str], actor: Actor) -> ReadPlan:
        raise NotImplementedError

    def watch_tags(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.watchers.append(callback)
        return lambda: self.watchers.remove(callback)

    def watch_ready(self, callback: Callable[[str, int], None]) -> Callable[[], None]:
        del callback
        return lambda: None

    def redeclare(self, specs: list[TagSpec]) -> None:
        self.specs = specs
        for watcher in self.watchers:
            watcher()

    async def read(self, globs: Sequence[str], actor: Actor) -> list[Reading]:
        return [self._reading(spec) for spec in self._readable(globs, actor)]

    def _reading(self, spec: TagSpec) -> Reading:
        held = self.held[spec.path]
        value = spec.labels[held.number] if spec.labels else held.number
        return Reading(spec, value, held.quality, held.reason, T0, 0.25)

    async def subscribe(
        self, globs: Sequence[str], actor: Actor, *, min_interval: float = 0.0, lossless: bool = False
    ) -> PlantSubscription:
        subscription = PlantSubscription(self, tuple(self._readable(globs, actor)))
        subscription.send([tag.path for tag in subscription.tags], snapshot=True)
        self.subscriptions.append(subscription)
        return subscription

    async def submit(self, command: Command, actor: Actor) -> AsyncIterator[Ack]:
        self.commands.append((command, actor))
        steps = self.outcomes.get(command.target, [(AckState.ACCEPTED, ""), (AckState.DONE, "")])
        self.kept[command.key] = []
        for state, reason in steps:
            await asyncio.sleep(0)
            value = command.value if state is AckState.DONE else None
            self.kept[command.key].append(Ack(key=command.key, state=state, t=T0, reason=reason, value=value))
            yield self.kept[command.key][-1]

    async def acks(self, key: str, actor: Actor) -> list[Ack]:
        if key not in self.kept:
            raise NotFoundError(f"no command {key!r}")
        return self.kept[key]

    async def query(self, request: HistoryRequest, actor: Actor) -> list[Series]:
        self.requests.append(request)
        t = np.array([request.start, request.start + 1], np.int64)
        return [
            Series(tag, "m", t, np.array([1.5, np.nan]), np.array([0, Quality.BAD], np.uint16)) for tag in request.tags
        ]

    async def devices(self, actor: Actor) -> list[DeviceStatus]:
        up = ("modbus", "tcp://127.0.0.1:5020", OperationalState.ENABLED, LinkState.UP, "", T0, 1.0)
        return [DeviceStatus(path, *up) for path in ("north/plc1", "south/plc2") if actor.may(Right.READ, path)]

    async def trace(self, device: str, actor: Actor) -> AsyncIterator[TraceLine]:
        while (line := await self.lines.get()) is not None:
            yield line


class Connection:
    """One ASGI conversation, in the hands of the test: it decides when a send is taken."""

    def __init__(self, app: FastAPI, scope: dict[str, Any]) -> None:
        self.sent: list[dict[str, Any]] = []
        self.flowing = asyncio.Event()
        self.flowing.set()
        self._more = asyncio.Condition()
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.task = asyncio.create_task(app(scope, self._incoming.get, self._send))

    async def _send(self, message: dict[str, Any]) -> None:
        await self.flowing.wait()
        async with self._more:
            self.sent.append(message)
            self._more.notify_all()

    def say(self, message: dict[str, Any]) -> None:
        self._incoming.put_nowait(message)

    async def next(self, wanted: Any = lambda message: True) -> dict[str, Any]:
        """Take messages until one is wanted; it is returned."""
        while True:
            async with asyncio.timeout(60), self._more:
                await self._more.wait_for(lambda: self.sent)
                message = self.sent.pop(0)
            if wanted(message):
                return message

    async def close(self) -> None:
        self.flowing.set()
        kind = "websocket.disconnect" if self.kind == "websocket" else "http.disconnect"
        self.say({"type": kind, "code": 1001})
        await asyncio.wait_for(self.task, 60)

    kind = "http"


class EventConnection(Connection):
    async def event(self) -> tuple[str, Any]:
        """The next event: its name and its JSON."""
        body = (await self.next(lambda m: m.get("body", b"").startswith((b"id:", b"event:", b"data:"))))["body"]
        fields = dict(line.split(": ", 1) for line in body.decode().strip().splitlines())
        return fields.get("event", "message"), orjson.loads(fields["data"])

    async def ended(self) -> None:
        await self.next(lambda m: m["type"] == "http.response.body" and not m.get("more_body"))


class SocketConnection(Connection):
    kind = "websocket"

    def ask(self, **message: Any) -> None:
        self.say({"type": "websocket.receive", "text": orjson.dumps(message).decode()})

    async def text(self) -> Any:
        return orjson.loads((await self.next(lambda m: m.get("text")))["text"])

    async def frame(self, kind: FrameKind | None = None) -> Frame:
        """The next frame, of this kind."""
        while True:
            frame = decode_frame((await self.next(lambda m: m.get("bytes")))["bytes"])
            if kind is None or frame.kind is kind:
                return frame

    async def closed(self) -> tuple[int, str]:
        message = await self.next(lambda m: m["type"] == "websocket.close")
        await asyncio.wait_for(self.task, 60)
        return message["code"], message.get("reason", "")


@dataclass
class Site:
    """What a test works with."""

    app: FastAPI
    plant: MemoryPlant
    accounts: Accounts
    clock: StillClock
    context: WebContext

    def browser(self, **options: Any) -> httpx.AsyncClient:
        """A client with a cookie jar that sends what a browser's own pages send."""
        headers = {"origin": "http://localhost", "sec-fetch-site": "same-origin", **options.pop("headers", {})}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers, **options)

    async def signed_in(self, user: str) -> httpx.AsyncClient:
        browser = self.browser()
        made = await self.accounts.sessions.open(user, "127.0.0.1")
        browser.cookies.set(self.context.cookie, made.secret)
        return browser

    def connect(self, path: str, token: str = "", method: str = "GET", **headers: str) -> Any:
        """Open a stream of events (http) or, under /api/v1/live, a socket."""
        path, _, query = path.partition("?")
        socket = path == "/api/v1/live"
        given = {"host": "localhost", **headers}
        if token:
            given["authorization"] = f"Bearer {token}"
        scope = {
            "type": "websocket" if socket else "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("localhost", 80),
            "scheme": "ws" if socket else "http",
            "root_path": "",
            "subprotocols": [],
        }
        connection = (SocketConnection if socket else EventConnection)(self.app, scope)
        if socket:
            connection.say({"type": "websocket.connect"})
        return connection

    async def token(self, user: str, role: str) -> str:
        return (await self.accounts.tokens.issue(user, "test", role, 3600.0))[1]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.app.router.lifespan_context(self.app):
            yield


@pytest.fixture(scope="session")
def quick_passwords() -> Passwords:
    """The real thing with the smallest parameters."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Templates of one line, so that these tests do not depend on how pages look."""
    templates = tmp_path / "web" / "templates"
    templates.mkdir(parents=True)
    pages = "sign_in mimic alarms tags trend devices device help users profile overrides audit commands system "
    pages += "jobs logbook notices notice configuration reports"
    for name in pages.split():
        extra = {"sign_in": "{{ error }}|{{ next }}", "mimic": "{{ mimic | safe }}", "device": "{{ device }}"}
        line = "<p>{{ page }}|{{ lang }}|{{ site.name }}|{{ actor.name if actor }}|" + extra.get(name, "") + "</p>"
        (templates / f"{name}.html").write_text(line)
    (templates / "error.html").write_text("<p>{{ status }} {{ title }}: {{ detail }}</p>")
    (tmp_path / "web" / "static" / "js").mkdir(parents=True)
    (tmp_path / "web" / "static" / "js" / "page.js").write_text("export const answer = 42;\n")
    return tmp_path / "web"


@pytest.fixture(scope="session")
def make_plant() -> type[MemoryPlant]:
    """For tests that need a fresh plant for each example."""
    return MemoryPlant


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, quick_passwords: Passwords) -> Path:
    """A database with one person of each role, named after it; copied for each test."""
    path = tmp_path_factory.mktemp("prepared") / "sereno.db"

    async def fill() -> None:
        store = Store.open(path)
        accounts = Accounts(store, StillClock(), passwords=quick_passwords)
        for role in ("viewer", "operator", "engineer", "admin"):
            await accounts.add_user(role, PASSWORD, [role], by="test")
        await store.close()

    asyncio.run(fill())
    return path


def _overrides(store: Store, clock: StillClock) -> Overrides:
    """The real ones, over a hub that knows the tags of the north."""
    hub = Hub(clock)
    specs = [spec for spec in SPECS if spec.device == "north/plc1"]
    handles = hub.register_tags(specs)
    rows = RowIndex([h for h, spec in zip(handles, specs, strict=True) if spec.is_row])
    objects = tuple(int(h) for h, spec in zip(handles, specs, strict=True) if not spec.is_row)
    hub.register_group(GroupSpec("scan", "north/plc1", 1.0, 3.0, rows, objects))
    return Overrides(hub, clock, StoredOverrides(store, clock), ["north/plc1"])


@pytest.fixture
async def site(tmp_path: Path, prepared: Path, folder: Path, quick_passwords: Passwords) -> AsyncIterator[Site]:
    """The application over a memory plant."""
    clock = StillClock()
    shutil.copytree(prepared.parent / "keys", tmp_path / "keys")
    store = Store.open(shutil.copy(prepared, tmp_path / "sereno.db"))
    accounts = Accounts(store, clock, passwords=quick_passwords)
    plant = MemoryPlant()
    context = WebContext(
        live=plant,
        commands=plant,
        history=plant,
        devices=plant,
        overrides=_overrides(store, clock),
        accounts=accounts,
        clock=clock,
        site=SiteInfo("Waterworks", "Europe/Madrid", "0.1"),
        installation="0123456789abcdef",
        folder=folder,
    )
    yield Site(create_app(context), plant, accounts, clock, context)
    await store.close()


@pytest.fixture
def over_tls(tmp_path: Path, require_program: Any) -> Callable[[Site], AbstractAsyncContextManager[httpx.AsyncClient]]:
    """Call it with a site for a browser in front of its pages, over a real TLS listener."""
    require_program("openssl", "openssl")
    path = tmp_path / "plant.toml"
    path.write_text('[web]\ntls = "generate"\n[[device]]\nname = "a/b"\ndriver = "modbus"\nurl = "tcp://127.0.0.1:1"\n')
    made = prepare_tls(load_plant(path), tmp_path / "tls", "127.0.0.1")
    assert made is not None
    trust = ssl.create_default_context(cadata=made.certificate)
    trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN

    @asynccontextmanager
    async def served(site: Site) -> AsyncIterator[httpx.AsyncClient]:
        site.context = replace(site.context, secure=True)
        site.app = create_app(site.context)
        server = WebServer(site.app, SystemClock(), port=0, tls=made.context)
        await server.start()
        try:
            headers = {"origin": server.url}
            async with httpx.AsyncClient(base_url=server.url, verify=trust, headers=headers, timeout=60) as browser:
                yield browser
        finally:
            await server.stop()

    return served
