"""MemoryTransports: a network inside the process, for tests and for plants on a clock of their own."""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from ._transport import Listener

P = TypeVar("P", bound=asyncio.Protocol)
Data = bytes | bytearray | memoryview
_ANY_HOST = ("", "0.0.0.0", "::", "localhost")  # noqa: S104 - names that mean this machine, nothing is bound
_FIRST_PORT = 20_000
_FIRST_CLIENT_PORT = 49_152
_SOURCE = ("127.0.0.1", 40_000)


@dataclass(slots=True)
class Conditions:
    """What happens at an address; may be changed at any time and holds for what is sent from then on.

    `refuse`: connecting fails. `unreachable`: connecting never ends. `silent`: nothing arrives any more, in both
    directions, ends of connections included. `delay`: one-way seconds. `split`: largest piece that arrives at once.
    """

    refuse: bool = False
    unreachable: bool = False
    silent: bool = False
    delay: float = 0.0
    split: int = 0


class MemoryTransports:
    """Transports without sockets: delivery is by `loop.call_soon`, in order, the same in every run.

    Write buffers are unbounded: writers are never paused.
    """

    def __init__(self) -> None:
        self._listeners: dict[tuple[str, int], _MemoryListener] = {}
        self._receivers: dict[tuple[str, int], _MemoryReceiver] = {}
        self._conditions: dict[tuple[str, int], Conditions] = {}
        self._next_port = _FIRST_PORT
        self._next_client = _FIRST_CLIENT_PORT

    def at(self, port: int, host: str = "127.0.0.1") -> Conditions:
        """The conditions at an address."""
        return self._conditions.setdefault((_host(host), port), Conditions())

    @property
    def connections(self) -> int:
        """How many accepted connections are open."""
        return sum(len(listener.ends) for listener in self._listeners.values())

    def reset(self, port: int, host: str = "127.0.0.1") -> None:
        """Reset every connection of an address: both sides lose it with ConnectionResetError."""
        listener = self._listeners.get((_host(host), port))
        for end in list(listener.ends) if listener else ():
            end.reset()

    def drop(self, port: int, host: str = "127.0.0.1") -> None:
        """As if the listening process was killed: the port is free, its connections are reset."""
        self.reset(port, host)
        self._listeners.pop((_host(host), port), None)

    async def connect(self, factory: Callable[[], P], host: str, port: int) -> tuple[asyncio.Transport, P]:
        """See Transports. Raises ConnectionRefusedError where nobody listens."""
        conditions = self.at(port, host)
        loop = asyncio.get_running_loop()
        await asyncio.sleep(2 * conditions.delay)
        if conditions.unreachable:
            await loop.create_future()
        listener = self._listeners.get((_host(host), port))
        if listener is None or conditions.refuse:
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"Connect call failed ({host!r}, {port})")
        self._next_client += 1
        near, far = (host, self._next_client), (host, port)
        client = _End(loop, factory(), conditions, near, far)
        server = _End(loop, listener.factory(), conditions, far, near)
        client.join(server)
        listener.add(server)
        loop.call_soon(server.open)
        client.open()
        return client, client.get_protocol()

    async def listen(self, factory: Callable[[], asyncio.Protocol], host: str, port: int) -> Listener:
        """See Transports. Raises OSError (EADDRINUSE) for a port that is taken."""
        if port == 0:
            self._next_port += 1
            port = self._next_port
        key = (_host(host), port)
        if key in self._listeners:
            raise OSError(errno.EADDRINUSE, f"address already in use: {host}:{port}")
        listener = _MemoryListener(port, factory, self._forget)
        self._listeners[key] = listener
        return listener

    async def datagrams(self, factory: Callable[[], asyncio.DatagramProtocol], host: str, port: int) -> Listener:
        """See Transports. Raises OSError (EADDRINUSE) for a port that is taken."""
        if port == 0:
            self._next_port += 1
            port = self._next_port
        key = (_host(host), port)
        if key in self._receivers:
            raise OSError(errno.EADDRINUSE, f"address already in use: {host}:{port}")
        receiver = _MemoryReceiver(port, factory(), lambda: self._receivers.pop(key, None))
        self._receivers[key] = receiver
        return receiver

    def send(self, data: bytes, port: int, *, host: str = "127.0.0.1", source: tuple[str, int] = _SOURCE) -> None:
        """A datagram from `source` on its way; it is gone where nobody receives, as it is over UDP."""
        receiver = self._receivers.get((_host(host), port))
        conditions = self.at(port, host)
        if receiver is None or conditions.silent:
            return
        loop = asyncio.get_running_loop()
        if conditions.delay:
            loop.call_at(loop.time() + conditions.delay, receiver.take, data, source)
        else:
            loop.call_soon(receiver.take, data, source)

    def _forget(self, listener: _MemoryListener) -> None:
        for key, known in list(self._listeners.items()):
            if known is listener:
                del self._listeners[key]


def _host(host: str) -> str:
    return "127.0.0.1" if host in _ANY_HOST else host


class _MemoryListener:
    def __init__(
        self, port: int, factory: Callable[[], asyncio.Protocol], forget: Callable[[_MemoryListener], None]
    ) -> None:
        self._port = port
        self.factory = factory
        self._forget = forget
        self.ends: set[_End] = set()

    @property
    def port(self) -> int:
        return self._port

    def add(self, end: _End) -> None:
        self.ends.add(end)
        end.on_end = self.ends.discard

    async def close(self) -> None:
        self._forget(self)
        for end in list(self.ends):
            end.abort()
        await asyncio.sleep(0)  # their connection_lost calls are in the queue before this


class _MemoryReceiver:
    def __init__(self, port: int, protocol: asyncio.DatagramProtocol, forget: Callable[[], object]) -> None:
        self._port = port
        self._protocol: asyncio.DatagramProtocol | None = protocol
        self._forget = forget
        protocol.connection_made(asyncio.DatagramTransport())

    @property
    def port(self) -> int:
        return self._port

    def take(self, data: bytes, source: tuple[str, int]) -> None:
        if self._protocol is not None:
            self._protocol.datagram_received(data, source)

    async def close(self) -> None:
        self._forget()
        if self._protocol is not None:
            protocol, self._protocol = self._protocol, None
            protocol.connection_lost(None)


class _End(asyncio.Transport):
    """One end of a connection. `_wire` holds what is under way to this end, `_inbox` what waits for reading."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.BaseProtocol,
        conditions: Conditions,
        here: tuple[str, int],
        there: tuple[str, int],
    ) -> None:
        super().__init__({"sockname": here, "peername": there})
        self._loop = loop
        self.set_protocol(protocol)
        self._conditions = conditions
        self._peer: _End = self
        self._wire: deque[bytes | None] = deque()
        self._inbox: deque[bytes | None] = deque()
        self._last_due = 0.0
        self._opened = self._paused = self._eof = self._closing = self._losing = False
        self.on_end: Callable[[_End], None] | None = None

    def join(self, peer: _End) -> None:
        self._peer, peer._peer = peer, self

    def open(self) -> None:
        self._opened = True
        self._protocol.connection_made(self)
        self._pump()

    # what arrives

    def send(self, item: bytes | None) -> None:
        """Put data, or None for the end of the stream, on the wire to this end."""
        self._wire.append(item)
        delay = self._conditions.delay
        if delay or self._last_due:
            now = self._loop.time()
            self._last_due = max(self._last_due, now + delay)
            if self._last_due > now:
                self._loop.call_at(self._last_due, self._arrive)
                return
        self._loop.call_soon(self._arrive)

    def _arrive(self) -> None:
        item = self._wire.popleft()
        if self._conditions.silent:
            return
        if self._closing:
            if item is not None:
                self._peer.lose(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))
            return
        self._inbox.append(item)
        self._pump()

    def _pump(self) -> None:
        while self._inbox and self._opened and not self._paused and not self._closing:
            item = self._inbox.popleft()
            try:
                if item is None:
                    self._end_of_stream()
                elif self._buffered:
                    self._fill(item)
                else:
                    self._protocol.data_received(item)
            except Exception as error:  # noqa: BLE001 - a protocol's bug ends its connection, as in asyncio
                self._loop.call_exception_handler(
                    {"message": "protocol failed", "exception": error, "transport": self, "protocol": self._protocol}
                )
                self.lose(error)

    def _end_of_stream(self) -> None:
        if not self._protocol.eof_received():
            self.close()

    def _fill(self, data: bytes) -> None:
        while data and not self._closing:
            buffer = memoryview(self._protocol.get_buffer(len(data))).cast("B")
            count = min(len(buffer), len(data))
            buffer[:count] = data[:count]
            self._protocol.buffer_updated(count)
            data = data[count:]

    # how it ends

    def reset(self) -> None:
        """Both sides lose the connection at once; what is under way is lost."""
        for end in (self, self._peer):
            end.lose(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))

    def lose(self, error: Exception | None) -> None:
        """End this side; the other one only hears of it if `close` or `reset` tells it."""
        self._closing = True
        if not self._losing:
            self._losing = True
            self._inbox.clear()
            self._loop.call_soon(self._lost, error)

    def _lost(self, error: Exception | None) -> None:
        try:
            if self._opened:
                self._protocol.connection_lost(error)
        finally:
            if self.on_end is not None:
                self.on_end(self)

    def close(self) -> None:
        """See asyncio.Transport."""
        if not self._closing:
            self._send_eof()
            self.lose(None)

    def abort(self) -> None:
        """See asyncio.Transport. As with a socket, what was written is on the wire already."""
        self.close()

    def is_closing(self) -> bool:
        """See asyncio.Transport."""
        return self._closing

    # writing

    def write(self, data: Data) -> None:
        """See asyncio.Transport."""
        if self._eof and not self._closing:
            raise RuntimeError("cannot write after write_eof()")
        if self._closing or not data:
            return
        whole, step = bytes(data), self._conditions.split
        if not step:
            self._peer.send(whole)
            return
        for start in range(0, len(whole), step):
            self._peer.send(whole[start : start + step])

    def writelines(self, list_of_data: Iterable[Data]) -> None:
        """See asyncio.Transport."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """See asyncio.Transport."""
        return True

    def write_eof(self) -> None:
        """See asyncio.Transport."""
        if not self._closing:
            self._send_eof()

    def _send_eof(self) -> None:
        if not self._eof:
            self._eof = True
            self._peer.send(None)

    def get_write_buffer_size(self) -> int:
        """See asyncio.Transport."""
        return 0

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """See asyncio.Transport."""
        return (0, 0)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """See asyncio.Transport."""

    # reading

    def is_reading(self) -> bool:
        """See asyncio.Transport."""
        return not self._paused and not self._closing

    def pause_reading(self) -> None:
        """See asyncio.Transport."""
        self._paused = True

    def resume_reading(self) -> None:
        """See asyncio.Transport."""
        self._paused = False
        self._loop.call_soon(self._pump)

    def get_protocol(self) -> Any:
        """See asyncio.Transport."""
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """See asyncio.Transport."""
        self._protocol: Any = protocol
        self._buffered = isinstance(protocol, asyncio.BufferedProtocol)
