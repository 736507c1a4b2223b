"""TangoGateway: a private door into the node, and the process behind it that serves Tango."""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
from collections import deque
from contextlib import suppress
from typing import Any

import msgspec
import structlog

from sereno.access.insecure import Insecure, Record
from sereno.client import Client, PlannedPort
from sereno.gateways.native.door import TokenDoor
from sereno.gateways.native.ports import NativePorts
from sereno.gateways.native.server import NativeServer
from sereno.model import OperationError, SerenoError

from .order import MODULE, OTHER_DEVICES, Order, Report, transport_rules
from .settings import TangoSettings

PAUSES = (0.0, 1.0, 3.0, 10.0, 30.0)
"""Seconds before a worker that has ended is started again, the longer the more often it does."""
SETTLED = 60.0
"""Seconds after which a worker counts as good."""
_LEAVING = 3.0
_SAID = 4
_LONGEST_LINE = 1 << 20
log = structlog.get_logger(__name__)


class TangoGateway:
    """The plant as Tango devices, served by a process that is started anew when it ends.

    `port` is the real one after `start`; `problem` says why nothing is served now.
    """

    def __init__(
        self, client: Client, live: PlannedPort, insecure: Insecure, settings: TangoSettings, record: Record
    ) -> None:
        self.settings = settings
        self.port = settings.port
        self.problem = ""
        self.pid = 0
        self._insecure = insecure
        self._record = record
        self._clock = client.clock
        self._token = secrets.token_urlsafe(24)
        self._native = NativeServer(_ports(client, live, insecure, self._token))
        self._report = Report(0, 0)
        self._ended = 0
        self._served = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to serve; `ready` waits for it. Raises OperationError if the address cannot be had."""
        self.port = _free(self.settings.host, self.settings.port)
        await self._native.start()
        self._task = asyncio.create_task(self._supervise(), name="tango gateway")

    async def stop(self) -> None:
        """End the process. May be called twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._native.stop()

    async def ready(self, timeout: float) -> bool:
        """Wait until Tango clients are served; False if they are not in time."""
        try:
            async with self._clock.timeout(timeout):
                await self._served.wait()
        except TimeoutError:
            return False
        return True

    def figures(self) -> dict[str, float]:
        """Counters since the start of the process that serves, and how often one has ended."""
        report: dict[str, float] = msgspec.structs.asdict(self._report)
        return {**report, "ended": self._ended, "serving": float(self._served.is_set())}

    def address(self, device: str) -> str:
        """What a Tango client calls a device, by its name in Tango."""
        if self.settings.database:
            return f"tango://{self.settings.database}/{device}"
        return f"tango://{self.settings.host}:{self.port}/{device}#dbase=no"

    async def _supervise(self) -> None:
        failures = 0
        while True:
            begun = self._clock.monotonic()
            try:
                code, words = await self._run()
            except Exception as error:
                log.exception("the Tango server cannot be run", task="tango gateway")
                code, words = -1, str(error)
            self._served.clear()
            if code == OTHER_DEVICES:
                log.info("devices came or went: the Tango server begins again")
                continue
            failures = 0 if self._clock.monotonic() - begun > SETTLED else failures + 1
            self._ended += 1
            self.problem = f"the Tango server has ended with code {code}{f': {words}' if words else ''}"
            log.error("the Tango server has ended", task="tango gateway", code=code, said=words)
            with suppress(SerenoError):  # that acts cannot be put on record has an alarm of its own
                await self._record.record(
                    self._insecure.name, "gateway.ended", "gateway/tango", "", f"failed: {self.problem}"
                )
            await self._clock.sleep(PAUSES[min(failures, len(PAUSES)) - 1])

    async def _run(self) -> tuple[int, str]:
        """One process, from its start to its end: exit code, and the last that it said."""
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-u", "-m", MODULE)
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe, limit=_LONGEST_LINE
        )
        assert process.stdin is not None
        self.pid = process.pid
        said: deque[str] = deque(maxlen=_SAID)
        try:
            process.stdin.write(msgspec.json.encode(self._order()) + b"\n")
            await asyncio.gather(self._listen(process.stdout), _keep(process.stderr, said))
            code = await process.wait()
        finally:
            await _ended(process, self._clock)
        return code, "; ".join(said)

    async def _listen(self, lines: Any) -> None:
        async for line in lines:
            self._report = msgspec.json.decode(line, type=Report)
            if not self._served.is_set():
                self._served.set()
                self.problem = ""
                log.info("Tango clients are served", devices=self._report.devices, port=self.port)

    def _order(self) -> Order:
        settings, insecure = self.settings, self._insecure
        return Order(
            url=self._native.url,
            token=self._token,
            host=settings.host,
            port=self.port,
            rules=transport_rules(tuple(str(one) for one in insecure.allow)),
            writes=insecure.writes,
            prefix=settings.prefix,
            names=settings.names,
            database=settings.database,
            server=settings.server,
        )


def _ports(client: Client, live: PlannedPort, insecure: Insecure, token: str) -> NativePorts:
    return NativePorts(
        live=live,
        commands=client.commands,
        devices=client.device,
        door=TokenDoor({token: insecure.actor}),
        clock=client.clock,
        node="for the Tango gateway",
    )


def _free(host: str, port: int) -> int:
    """The port, or one that is free for 0. Raises OperationError if it cannot be had."""
    try:
        with socket.create_server((host, port)) as probe:
            return int(probe.getsockname()[1])
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OperationError(
            f"Tango cannot be served on {host}:{port}: {reason}; choose another port in [gateway.tango]"
        ) from error


async def _keep(lines: Any, said: deque[str]) -> None:
    async for line in lines:
        words = line.decode("utf-8", "replace").strip()
        if words:
            said.append(words)
            log.debug("Tango says", words=words)


async def _ended(process: asyncio.subprocess.Process, clock: Any) -> None:
    """Its input ends, and with it the process; one that stays is killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with clock.timeout(_LEAVING):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
