"""The simulated PLC on the network."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from sereno.device import Listener, SocketTransports, Transports
from sereno.drivers.jsonplc.protocol import Splitter, answer, commands_in
from sereno.model import Clock

from .machine import PlcMachine

log = structlog.get_logger(__name__)
SETTLE_PERIOD = 0.25


class PlcServer:
    """Serves one machine to any number of connections. `hang_up`: closes each after its answer, as some PLCs do."""

    def __init__(
        self, machine: PlcMachine, clock: Clock, *, transports: Transports | None = None, hang_up: bool = False
    ) -> None:
        self.machine = machine
        self.hang_up = hang_up
        self._clock = clock
        self._transports: Transports = transports or SocketTransports()
        self._listener: Listener | None = None
        self._ticker: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that it got; 0 while it does not listen."""
        return 0 if self._listener is None else self._listener.port

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1. Raises OSError when the port is taken."""
        self._listener = await self._transports.listen(lambda: _Connection(self), "127.0.0.1", port)
        self._ticker = asyncio.create_task(self._settle(), name="simulated PLC")

    async def close(self) -> None:
        """Drop the connections and stop listening. May be called twice."""
        if self._ticker is not None:
            self._ticker.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticker
            self._ticker = None
        if self._listener is not None:
            await self._listener.close()
            self._listener = None

    async def _settle(self) -> None:
        while True:
            await self._clock.sleep(SETTLE_PERIOD)
            self.machine.settle()


class _Connection(asyncio.Protocol):
    def __init__(self, server: PlcServer) -> None:
        self._server = server
        self._splitter = Splitter()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        try:
            for message in self._splitter.feed(data):
                parts = self._server.machine.answer(commands_in(message))
                if parts is not None:
                    self._transport.write(answer(*parts))
                if parts is None or self._server.hang_up:
                    self._transport.close()
                    return
        except ValueError as error:
            log.warning("no question for a PLC", error=str(error))
            self._transport.abort()
