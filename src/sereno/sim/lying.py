"""A lying Modbus/TCP device: what its registers held is logged, what it says about them is up to a Liar.

What can be detected, and what cannot: a client sees bytes only. A reply with the transaction id, unit, function and
length that it waits for is taken, whatever is in it; if it carries other registers, older ones, a flipped bit, or was
swapped with the reply to a request of the same shape, nobody can tell it from the truth on this protocol. Everything
else can be told, and must be: `sereno.sim.lying_witness` decides which of the two a stream of bytes was.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import cast

from sereno.device import Listener, SocketTransports, Transports
from sereno.drivers.modbus.protocol import Frame, FrameSplitter, ProtocolError
from sereno.model import Clock, SystemClock

from .lying_lies import Liar
from .lying_memory import CodedMemory, Held, TruthLog
from .lying_reply import End, Reply, Scene
from .modbus_answers import GATEWAY_NO_ANSWER, answer, exception

_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
_HOLD = 0.3
"""Share of the client's patience after which a held reply goes out alone."""
_IDS = 64
_MOST_PIECES = 2000
"""A dribbled flood comes in larger pieces."""


def reset_socket(transport: asyncio.Transport) -> None:
    """End a TCP connection with a reset instead of a farewell."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    transport.abort()


class LyingServer:
    """Serves `units` as `liar` pleases. `truth` has the honest reply to every request, under the client's address.

    `patience` is the client's time-out, which late replies miss. `reset` ends a connection without a farewell; the
    default is for sockets. `counters`: connections, requests, bytes (sent).
    """

    def __init__(
        self,
        units: Mapping[int, CodedMemory],
        liar: Liar,
        *,
        patience: float = 1.0,
        flood: int = 1 << 21,
        transports: Transports | None = None,
        clock: Clock | None = None,
        reset: Callable[[asyncio.Transport], None] = reset_socket,
    ) -> None:
        self.units = dict(units)
        self.liar = liar
        self.truth = TruthLog()
        self.patience = patience
        self.flood = flood
        self.clock: Clock = clock or SystemClock()
        self.reset = reset
        self.counters = dict.fromkeys(("connections", "requests", "bytes"), 0)
        self.connections: set[_Connection] = set()
        self._transports: Transports = transports or SocketTransports()
        self._listener: Listener | None = None
        self.port = 0

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._listener = await self._transports.listen(lambda: _Connection(self), host, port)
        self.port = self._listener.port

    async def close(self) -> None:
        """Drop the connections and stop listening."""
        listener, self._listener = self._listener, None
        for connection in list(self.connections):
            connection.hang_up(End.CLOSE)
        if listener is not None:
            await listener.close()

    def execute(self, address: object, frame: Frame) -> bytes:
        """Do what a request asks for, and log the honest reply."""
        memory = self.units.get(frame.unit)
        if memory is None:
            pdu = exception(frame.pdu[0], GATEWAY_NO_ANSWER)
        else:
            memory.generation += 1
            pdu = answer(memory, frame.pdu)
        self.counters["requests"] += 1
        self.truth.note(address, Held(self.clock.monotonic(), frame, pdu))
        return pdu


class _Connection(asyncio.Protocol):
    """One client. What goes out goes out in order, piece by piece, each with its pause before it."""

    def __init__(self, server: LyingServer) -> None:
        self._server = server
        self._splitter = FrameSplitter()
        self._scene = Scene(server.liar.random, server.patience, server.units, server.flood)
        self._transport: asyncio.Transport | None = None
        self._address: object = None
        self._deaf = False
        self._held: Reply | None = None
        self._pieces: deque[tuple[float, bytes, End]] = deque()
        self._speaking = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's do not inherit from it
        self._address = transport.get_extra_info("peername")
        server = self._server
        server.connections.add(self)
        server.counters["connections"] += 1
        server.truth.open(self._address)
        hello, end = server.liar.greet(self._scene)
        self._deaf = end is None
        if hello or end in (End.CLOSE, End.RESET):
            self._say(hello, end=end or End.OPEN)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        self._pieces.clear()
        self._server.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._splitter.feed(data):
                self._asked(frame)
        except ProtocolError:
            self.hang_up(End.CLOSE)

    def _asked(self, frame: Frame) -> None:
        pdu = self._server.execute(self._address, frame)
        if self._deaf:
            return
        self._scene.ids = [*self._scene.ids[1 - _IDS :], frame.transaction]
        reply = Reply.honest(frame, pdu)
        self._server.liar.tell(reply, self._scene)
        self._answer(reply)

    # from replies to bytes

    def _answer(self, reply: Reply) -> None:
        held, self._held = self._held, None
        if held is not None:
            if held.held == "swapped":
                held.transaction, reply.transaction = reply.transaction, held.transaction
            reply.before = (b"" if held.silent else held.wire()) + reply.before
            reply.held = ""
        if reply.held:
            self._held = reply
            self._server.clock.call_later(_HOLD * self._server.patience, lambda: self._let_go(reply))
        elif reply.delay:
            self._server.clock.call_later(reply.delay, lambda: self._send(reply))
        else:
            self._send(reply)

    def _let_go(self, reply: Reply) -> None:
        """Nothing came to be merged with: it goes alone."""
        if self._held is reply:
            self._held = None
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        if reply.silent:
            if reply.end is not End.OPEN:
                self._say(reply.before, end=reply.end)
            return
        self._scene.previous = reply.frame()
        self._say(reply.wire(), reply.step, reply.pause, reply.end)

    def _say(self, data: bytes, step: int = 0, pause: float = 0.0, end: End = End.OPEN) -> None:
        step = max(step or len(data), len(data) // _MOST_PIECES, 1)
        parts = [data[at : at + step] for at in range(0, len(data), step)] or [b""]
        self._pieces += [(pause if i else 0.0, part, End.OPEN) for i, part in enumerate(parts[:-1])]
        self._pieces.append((pause if len(parts) > 1 else 0.0, parts[-1], end))
        if not self._speaking:
            self._speak()

    def _speak(self) -> None:
        """Send pieces until one has to wait."""
        self._speaking = True
        while self._pieces:
            pause, data, end = self._pieces[0]
            if pause:
                self._pieces[0] = (0.0, data, end)
                self._server.clock.call_later(pause, self._speak)
                return
            self._pieces.popleft()
            if self._transport is not None:
                self._server.counters["bytes"] += len(data)
                self._transport.write(data)
            if end is not End.OPEN:
                self.hang_up(end)
        self._speaking = False

    def hang_up(self, end: End) -> None:
        """End the connection, in order or with a reset."""
        transport, self._transport = self._transport, None
        self._pieces.clear()
        if transport is not None:
            if end is End.RESET:
                self._server.reset(transport)
            else:
                transport.close()
