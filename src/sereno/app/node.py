"""Node: a hub and everything around it, from start to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from typing import Any, Self

import structlog

from sereno.access.accounts import Credentials
from sereno.access.opaque import new_password
from sereno.alarms.retention import Retention
from sereno.derive.keeper import Keeper
from sereno.device import Environment
from sereno.gateways.native.server import NativeServer
from sereno.model import Clock, ConfigurationError, Fault, SerenoError
from sereno.store import settings
from sereno.store.alarms import AlarmJournal
from sereno.store.counters import StoredCounters
from sereno.store.engine import Store
from sereno.web.app import create_app
from sereno.web.server import WebServer

from .configuration.running import Configurations
from .datafolder import DataFolder
from .installation import at_console, open_store, take_note
from .logs import listen
from .native import native_server
from .plant.load import Plant
from .platform import notify_service_manager, open_files_limit, watchdog_interval
from .tls import Tls, allowed_hosts, check_listening, prepare_tls
from .web_context import web_context
from .welcome import Ready
from .wiring import Parts, join

_log = structlog.get_logger(__name__)
ADMINISTRATOR = "admin"
TOKEN_NAME = "this machine's console"  # noqa: S105 - a name, no secret
TOKEN_LIFE = 366 * 86400.0
_SETTLED = 60.0
"""Seconds that devices wait for simulators at most."""


class Node:
    """Runs one plant. Starts in this order: store, historian, hub, web, devices; stops the other way round.

    `rhythm` is the clock of pages and programs, where the plant's own passes faster than theirs.
    """

    def __init__(
        self, plant: Plant, folder: DataFolder, environment: Environment, *, rhythm: Clock | None = None
    ) -> None:
        self.plant = plant
        self.folder = folder
        self._environment = environment
        self._rhythm = rhythm or environment.clock
        self._stack = AsyncExitStack()
        self._parts: Parts | None = None
        self._web: WebServer | None = None
        self._native: NativeServer | None = None
        self._tls: Tls | None = None

    @property
    def parts(self) -> Parts:
        """The joined rooms; only after `start`."""
        if self._parts is None:
            raise RuntimeError("the node has not been started")
        return self._parts

    async def start(self, host: str, port: int, *, fresh_password: bool = False) -> Ready:
        """Start everything; returns when the page answers. Does not wait for devices.

        Raises SerenoError: folder in use, address taken, damaged store. Nothing is left running then.
        """
        try:
            return await self._start(host, port, fresh_password)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop everything that was started. May be called twice."""
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _start(self, host: str, port: int, fresh_password: bool) -> Ready:
        check_listening(self.plant, host)
        open_files_limit()
        self.folder.prepare()
        note = take_note(self.folder, self.plant)
        store = await asyncio.to_thread(open_store, self.folder, note, self._environment.clock)
        self._stack.push_async_callback(store.close)
        parts = self._join(store)
        self._stack.callback(listen(parts.agent_logs.take))
        await parts.record.started()
        self._stack.push_async_callback(parts.record.stopped)
        self._background("audit", parts.record.run)
        if parts.historian is not None:
            for fault in await parts.historian.start():
                _log.warning("history", fault=str(fault))
            self._stack.push_async_callback(parts.historian.stop)
        self._stack.callback(parts.hub.close)
        self._background("freshness", parts.hub.run_freshness)
        self._background("node itself", parts.itself.run)
        await parts.overrides.load()
        self._background("overrides", parts.overrides.run)
        self._background("locks", parts.locks.run)
        await self._watch_alarms(parts)
        await self._keep_counters(parts)
        self._tls = await asyncio.to_thread(prepare_tls, self.plant, self.folder.tls, host)
        await self._serve(parts, store, host, port)
        self._tell_people(parts)
        self._background("reports", parts.reports.run)
        await self._simulate(parts)
        self._stack.push_async_callback(parts.memory.close)
        await parts.devices.start(await parts.supervisor.load())
        self._stack.push_async_callback(parts.devices.stop)
        self._stack.push_async_callback(parts.router.close)
        for gateway in parts.gateways.values():
            await gateway.start()
            self._stack.push_async_callback(gateway.stop)
        self._background("guards", parts.guards.run)
        await parts.jobs.start()
        self._stack.push_async_callback(parts.jobs.stop)
        self._background("agents", parts.supervisor.run)
        self._watchdog()
        return await self._ready(parts, fresh_password)

    async def _simulate(self, parts: Parts) -> None:
        """Before the devices, which would else begin with connections that are refused."""
        self._stack.push_async_callback(parts.processes.close)
        await parts.simulators.begin()
        self._background("simulators", parts.simulators.run)
        await parts.simulators.settled(_SETTLED)

    async def _watch_alarms(self, parts: Parts) -> None:
        await parts.alarms.load()
        if parts.telling.notifier is not None:
            await parts.telling.notifier.load()
        self._stack.push_async_callback(parts.alarms.stop)
        self._stack.callback(parts.hub.add_sink(parts.alarms))
        self._background("alarms", parts.alarms.run)
        self._background("alarm journal", parts.alarms.run_journal)
        if days := self.plant.history.alarm_days:
            journal = AlarmJournal(parts.store)
            self._background("alarm retention", Retention(journal, parts.clock, days, at_console()).run)

    def _tell_people(self, parts: Parts) -> None:
        notifier = parts.telling.notifier
        if notifier is not None and self._web is not None:
            notifier.composer.url = notifier.composer.url or self._web.url
            self._background("notices", notifier.run)

    async def _keep_counters(self, parts: Parts) -> None:
        kept = StoredCounters(parts.store)
        parts.totals.restore(await kept.load())
        keeper = Keeper(parts.totals, kept.keep, parts.clock)
        self._stack.push_async_callback(keeper.now)
        self._background("counters", keeper.run)

    def _join(self, store: Store) -> Parts:
        try:
            self._parts = join(self.plant, store, self.folder, self._environment)
        except ValueError as error:
            raise ConfigurationError([Fault(str(self.plant.path), str(error))]) from None
        return self._parts

    async def _serve(self, parts: Parts, store: Store, host: str, port: int) -> None:
        name = await store.run(settings.installation)
        configuration = Configurations(self.plant, parts, self.folder, self._environment)
        await configuration.start()
        hosts = allowed_hosts(self.plant.web, host)
        context = web_context(self.plant, parts, configuration, name, hosts, clock=self._rhythm)
        self._web = WebServer(create_app(context), self._rhythm, host, port, self._tls.context if self._tls else None)
        await self._web.start()
        self._stack.push_async_callback(self._web.stop)
        if self.plant.native.enabled:
            tls = self._tls.context if self._tls else None
            self._native = native_server(self.plant, parts, self._web.url, tls, self._rhythm)
            await self._native.start()
            parts.seats.apart.url = self._native.url
            self._stack.push_async_callback(self._native.stop)

    async def _ready(self, parts: Parts, fresh_password: bool) -> Ready:
        assert self._web is not None
        credentials = await self._credentials(parts, fresh_password)
        token = await self._console_token(parts)
        certificate = self._tls.certificate if self._tls else ""
        self.folder.publish(self._web.url, token, certificate, self._native.url if self._native else "")
        self._stack.callback(self.folder.withdraw)
        ticket = await parts.accounts.sessions.ticket(ADMINISTRATOR)
        return Ready(
            plant=self.plant.table.name,
            url=self._web.url,
            user=ADMINISTRATOR,
            password=credentials.password if credentials else None,
            token=token,
            link=f"{self._web.url}/sign-in/once?ticket={ticket}",
            example=example_tag(self.plant),
            data=str(self.folder.path),
            fingerprint=self._tls.fingerprint if self._tls else "",
        )

    async def _credentials(self, parts: Parts, fresh: bool) -> Credentials | None:
        made = await parts.accounts.ensure_administrator()
        if made is None and fresh:
            made = Credentials(ADMINISTRATOR, new_password())
            await parts.accounts.set_password(made.user, made.password, by="demo")
        return made

    async def _console_token(self, parts: Parts) -> str:
        """A token for this machine's console; the one of an earlier run ends."""
        for row in await parts.accounts.tokens.all():
            if row.name == TOKEN_NAME:
                await parts.accounts.tokens.revoke(row.id, by="sereno", origin="start")
        _, secret = await parts.accounts.tokens.issue(
            ADMINISTRATOR, TOKEN_NAME, "admin", TOKEN_LIFE, by="sereno", origin="start"
        )
        return secret

    def _watchdog(self) -> None:
        notify_service_manager("READY=1")
        self._stack.callback(notify_service_manager, "STOPPING=1")
        interval = watchdog_interval()
        if interval is not None:
            self._background("watchdog", lambda: self._beat(interval))

    async def _beat(self, interval: float) -> None:
        while True:
            notify_service_manager("WATCHDOG=1")
            await self._rhythm.sleep(interval)

    def _background(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def run() -> None:
            try:
                await work()
            except Exception as error:
                _log.exception("task ended", task=name)
                if self._parts is not None:
                    self._parts.ended[name] = str(error) or type(error).__name__
                raise

        task = asyncio.create_task(run(), name=name)

        async def end() -> None:
            task.cancel()
            with suppress(asyncio.CancelledError, SerenoError):
                await task

        self._stack.push_async_callback(end)


def example_tag(plant: Plant) -> str:
    """A tag to show people first: the first measured number there is, else the first tag; empty without tags."""
    specs = [tag.spec for device in plant.devices for tag in device.tags]
    measured = [s.path for s in specs if s.type.is_float and s.unit and not s.access.writable]
    return (measured or [s.path for s in specs] or [""])[0]
