"""What a perfect client could have known: the bytes of every connection, seen from the client's side of the wire.

A Witness stands between a driver and its transports and shares no code with the driver. It knows which request each
reply can belong to, takes the replies that cannot be told from the truth, and condemns a connection at the first byte
that no honest device sends. A value of good quality is right if it is what the device held when it was asked; it is a
lie that nobody can detect if it came in a reply that the witness took as well; in all other cases it is wrong.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from sereno.device import Listener, Transports
from sereno.model import Clock

P = TypeVar("P", bound=asyncio.Protocol)

ECHOES = 1000
_SMALLEST = 9
"""Bytes of the smallest reply, an exception: before that many have come a client need not judge."""


@dataclass(slots=True)
class Asked:
    """A request as it went out: `serial` of all, `place` (from 0) of its connection, which is the client's address.

    `taken`: what a perfect client took as the reply PDU.
    """

    connection: object
    place: int
    serial: int
    t: float
    port: int
    unit: int
    pdu: bytes
    taken: bytes | None = None


@dataclass(frozen=True, slots=True)
class Reuse:
    """A request sent on a connection that should have been dropped, and why."""

    t: float
    reason: str


class Witness:
    """Transports that watch the client's side of every connection. `listen` is passed on unwatched.

    `patience`: the client's time-out, `slack`: how much later than that a connection may still be in use.
    `on_request` is called with each request as it goes out. `counters`: connections, requests, taken (replies),
    condemned (connections), reused (requests sent in spite of that; the latest are in `reused`), open (now).
    """

    def __init__(
        self,
        transports: Transports,
        clock: Clock,
        *,
        patience: float,
        slack: float = 0.1,
        on_request: Callable[[Asked], None] = lambda _: None,
    ) -> None:
        self.clock = clock
        self.patience = patience
        self.slack = slack
        self.on_request = on_request
        self.counters = dict.fromkeys(("connections", "requests", "taken", "condemned", "reused", "open"), 0)
        self.reused: deque[Reuse] = deque(maxlen=100)
        self._echoes: OrderedDict[tuple[int, int, bytes], int] = OrderedDict()
        self._transports = transports

    async def connect(self, factory: Callable[[], P], host: str, port: int) -> tuple[asyncio.Transport, P]:
        """See Transports."""
        made: list[_Spy] = []

        def spying() -> _Spy:
            made.append(_Spy(self, port, factory()))
            return made[-1]

        await self._transports.connect(spying, host, port)
        return made[0].outer, cast("P", made[0].inner)

    async def listen(self, factory: Callable[[], asyncio.Protocol], host: str, port: int) -> Listener:
        """See Transports."""
        return await self._transports.listen(factory, host, port)

    async def datagrams(self, factory: Callable[[], asyncio.DatagramProtocol], host: str, port: int) -> Listener:
        """See Transports."""
        return await self._transports.datagrams(factory, host, port)

    def confirmed(self, port: int, unit: int, pdu: bytes, since: int) -> bool:
        """True if a write, asked for as request number `since` or later, was confirmed by a reply that was taken."""
        return self._echoes.get((port, unit, pdu), -1) >= since

    def note_echo(self, asked: Asked) -> None:
        """A write was confirmed; the latest `ECHOES` are kept."""
        self._echoes[asked.port, asked.unit, asked.pdu] = asked.serial
        if len(self._echoes) > ECHOES:
            self._echoes.popitem(last=False)


class _Spy(asyncio.Protocol):
    """Sits before the client's protocol."""

    def __init__(self, witness: Witness, port: int, inner: asyncio.Protocol) -> None:
        self.inner = inner
        self.outer: asyncio.Transport = _Outlet(self)
        self.transport: asyncio.Transport | None = None
        self.seen = Conversation(witness, port)
        self._counters = witness.counters

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's do not inherit from it
        self.seen.address = transport.get_extra_info("sockname")
        self._counters["connections"] += 1
        self._counters["open"] += 1
        self.inner.connection_made(self.outer)

    def data_received(self, data: bytes) -> None:
        self.seen.got(data)
        self.inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self.inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._counters["open"] -= 1
        self.inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        self.inner.resume_writing()


class _Outlet(asyncio.Transport):
    """The client's transport: notes what is written, and passes everything on."""

    def __init__(self, spy: _Spy) -> None:
        super().__init__()
        self._spy = spy

    @property
    def _transport(self) -> asyncio.Transport:
        assert self._spy.transport is not None
        return self._spy.transport

    def write(self, data: Any) -> None:
        self._spy.seen.wrote(bytes(data))
        self._transport.write(data)

    def abort(self) -> None:
        self._transport.abort()

    def close(self) -> None:
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)


class Conversation:
    """One connection as a perfect client sees it: what is outstanding, what was taken, and when it ended in doubt."""

    def __init__(self, witness: Witness, port: int = 0) -> None:
        self.address: object = None
        self.port = port
        self.condemned = ""
        self.outstanding: dict[int, Asked] = {}
        self._witness = witness
        self._rest = b""
        self._place = 0
        self._progress = 0.0

    def wrote(self, data: bytes) -> None:
        """Requests went out."""
        witness = self._witness
        now = witness.clock.monotonic()
        self._judge_use(now)
        while data:
            end = 6 + int.from_bytes(data[4:6], "big")
            counters = witness.counters
            asked = Asked(self.address, self._place, counters["requests"], now, self.port, data[6], data[7:end])
            if not self.outstanding:
                self._progress = now
            self.outstanding[int.from_bytes(data[:2], "big")] = asked
            self._place += 1
            counters["requests"] += 1
            witness.on_request(asked)
            data = data[end:]

    def _judge_use(self, now: float) -> None:
        witness = self._witness
        waited = now - self._progress
        if self.condemned:
            reason = f"a request after {self.condemned}"
        elif self.outstanding and waited > witness.patience + witness.slack:
            reason = f"a request after {waited:.3f} s without an answer"
        else:
            return
        witness.counters["reused"] += 1
        witness.reused.append(Reuse(now, reason))

    def got(self, data: bytes) -> None:
        """Bytes came in."""
        if self.condemned:
            return
        self._rest += data
        while self._rest and not self.condemned:
            if not self.outstanding:
                self._condemn("bytes that nobody asked for")
            elif len(self._rest) < _SMALLEST:
                return
            else:
                length = int.from_bytes(self._rest[4:6], "big")
                if self._rest[2:4] != b"\0\0" or not 2 <= length <= 254:
                    self._condemn("bytes that are no Modbus/TCP")
                elif len(self._rest) < 6 + length:
                    return
                else:
                    self._take(self._rest[: 6 + length])
                    self._rest = self._rest[6 + length :]

    def _take(self, frame: bytes) -> None:
        transaction, unit, pdu = int.from_bytes(frame[:2], "big"), frame[6], frame[7:]
        asked = self.outstanding.get(transaction)
        if asked is None:
            self._condemn("a transaction id that nobody waits for")
        elif unit != asked.unit or not fits(asked.pdu, pdu):
            self._condemn("a reply that does not fit its request")
        else:
            asked.taken = pdu
            if asked is next(iter(self.outstanding.values())):
                self._progress = self._witness.clock.monotonic()
            del self.outstanding[transaction]
            self._witness.counters["taken"] += 1
            if asked.pdu[0] in _WRITES and not pdu[0] & 0x80:
                self._witness.note_echo(asked)

    def _condemn(self, reason: str) -> None:
        self.condemned = reason
        self._rest = b""
        self._witness.counters["condemned"] += 1


_WRITES = (5, 6, 15, 16, 22)


def fits(request: bytes, reply: bytes) -> bool:
    """True if a reply PDU may answer a request PDU, as the specification says and by nothing but their bytes."""
    function = request[0]
    if reply[0] == function | 0x80:
        return len(reply) == 2
    if reply[0] != function:
        return False
    if function in _WRITES:
        return reply == request[: 5 if function in (15, 16) else len(request)]
    count = int.from_bytes(request[3:5], "big")
    size = 2 * count if function in (3, 4, 23) else (count + 7) // 8
    return len(reply) == 2 + size and reply[1] == size
