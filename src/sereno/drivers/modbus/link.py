"""Modbus/TCP as a Link: connects, hands exchanges to the connection, and names what went wrong."""

from __future__ import annotations

import socket

from sereno.device import Environment
from sereno.model import LinkState, NotConnectedError

from .connection import Connection
from .endpoint import TcpEndpoint
from .exchange import Exchange, ModbusLink

CONNECT_TIMEOUT = 3.0


class TcpLink(ModbusLink):
    """A connection to a Modbus/TCP server, shared by all units behind it."""

    def __init__(self, endpoint: TcpEndpoint, environment: Environment) -> None:
        super().__init__(str(endpoint), environment)
        self.endpoint = endpoint
        self.pipelines = True
        self.counters.update(dict.fromkeys(("requests", "replies", "timeouts", "exceptions"), 0))
        self.counters.update(dict.fromkeys(("bytes_in", "bytes_out", "connects", "drops", "reordered"), 0))
        self._connection: Connection | None = None

    async def connect(self) -> None:
        """See Link. Raises NotConnectedError with the reason in one line."""
        self.state = LinkState.CONNECTING
        connection = Connection(self, self.dropped)
        transports, clock = self.environment.transports, self.environment.clock
        try:
            async with clock.timeout(CONNECT_TIMEOUT):
                await transports.connect(lambda: connection, self.endpoint.host, self.endpoint.port)
        except (OSError, TimeoutError) as error:
            self.state = LinkState.DOWN
            raise NotConnectedError(f"cannot connect to {self.key}: {_words(error, self.endpoint.host)}") from error
        if not connection.open:
            self.state = LinkState.DOWN
            raise NotConnectedError(f"{self.key} accepted the connection and closed it at once")
        self._connection = connection
        self.state = LinkState.UP
        self.count("connects")

    async def close(self) -> None:
        """See Link."""
        connection, self._connection = self._connection, None
        self.state = LinkState.DOWN
        if connection is not None:
            connection.shut("closed by this node")

    async def run(self, exchange: Exchange) -> None:
        """See ModbusLink."""
        connection = self._connection
        if connection is None:
            raise NotConnectedError(f"not sent: no connection to {self.key}")
        if exchange.requests.steps:
            await connection.run(exchange)

    def dropped(self, connection: Connection, text: str) -> None:
        """A connection ended by itself or was given up."""
        self.count("drops")
        if self._connection is connection:
            self._connection = None
            self.lost(text)


def _words(error: OSError, host: str) -> str:
    if isinstance(error, socket.gaierror):
        return f"unknown host {host!r}"
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_TIMEOUT:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused (is the server running on that port?)"
    return (error.strerror or str(error)).lower()
