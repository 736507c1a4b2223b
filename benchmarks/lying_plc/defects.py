"""Defects to plant, each of a kind that real drivers have had: the rig must find every one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from sereno.device._reconnect import Reconnection, Wait
from sereno.drivers.modbus.connection import Connection
from sereno.drivers.modbus.layout import Layout
from sereno.drivers.modbus.protocol import decode_request, reply_size
from sereno.hub.freshness import Freshness

_SMALLEST = 9
_DATA_HEAD = 9
"""Bytes of the smallest reply, and before the data of a read reply."""

DEFECTS: dict[str, tuple[str, Callable[[ExitStack], None]]] = {}
"""Name -> the promise that it breaks, and what plants it."""

Planter = Callable[[ExitStack], None]


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The program with this defect. Raises KeyError for an unknown name."""
    with ExitStack() as stack:
        DEFECTS[name][1](stack)
        yield


def _breaks(promise: str) -> Callable[[Planter], Planter]:
    def keep(planter: Planter) -> Planter:
        DEFECTS[planter.__name__.replace("_", "-")] = promise, planter
        return planter

    return keep


# defects of a client that does not look closely: what comes in is made to look right


class Wire:
    """What a careless client believes: the requests that wait, by id, with the beginning and size of their replies."""

    def __init__(self) -> None:
        self.waiting: dict[int | None, tuple[bytes, int]] = {}
        self.rest = b""

    def wrote(self, data: bytes) -> None:
        """Requests went out."""
        while data:
            end = 6 + int.from_bytes(data[4:6], "big")
            self.waiting[int.from_bytes(data[:2], "big")] = _reply_head(data[:end])
            data = data[end:]

    def frames(self, data: bytes) -> Iterator[bytes]:
        """Whole frames by their length field; bytes that are none, or that nobody waits for, as they are."""
        data, at = self.rest + data, 0
        while self.waiting and len(data) - at >= _SMALLEST:
            length = int.from_bytes(data[at + 4 : at + 6], "big")
            if data[at + 2 : at + 4] != b"\0\0" or not 2 <= length <= 254:
                self.rest = b""
                yield data[at:]
                return
            if len(data) - at < 6 + length:
                break
            yield data[at : at + 6 + length]
            at += 6 + length
        self.rest = data[at:] if self.waiting else b""
        if not self.waiting and at < len(data):
            yield data[at:]

    def expected(self, frame: bytes) -> tuple[bytes, int]:
        """Beginning and size of the reply that this frame's id belongs to, which waits no more; (b"", 0) of none."""
        return self.waiting.pop(int.from_bytes(frame[:2], "big"), (b"", 0))

    def oldest(self) -> int | None:
        """The id that waits longest."""
        return next(iter(self.waiting), None)


def _reply_head(frame: bytes) -> tuple[bytes, int]:
    request = decode_request(frame[7:])
    size = reply_size(request)
    head = frame[:4] + (size + 1).to_bytes(2, "big") + frame[6:8]
    is_read = request.function <= 4
    return head + (bytes((size - 2,)) if is_read else frame[8 : 7 + size]), 7 + size


Careless = Callable[[Wire, bytes], bytes]
"""What a careless client makes of the bytes that came in, or of one frame."""


def _careless(stack: ExitStack, look: Careless) -> None:
    made, received = Connection.connection_made, Connection.data_received

    def connection_made(self: Any, transport: asyncio.BaseTransport) -> None:
        self.wire = Wire()
        made(self, transport)
        transport_write = self._transport.write

        def write(data: Any) -> None:
            self.wire.wrote(bytes(data))
            transport_write(data)

        self._transport.write = write

    def data_received(self: Any, data: bytes) -> None:
        seen = look(self.wire, data)
        if seen:
            received(self, seen)

    stack.enter_context(patch.object(Connection, "connection_made", connection_made))
    stack.enter_context(patch.object(Connection, "data_received", data_received))


def _careless_of_frames(stack: ExitStack, look: Careless) -> None:
    _careless(stack, lambda wire, data: b"".join(look(wire, frame) for frame in wire.frames(data)))


@_breaks("wrong_good")
def accepted_by_length_only(stack: ExitStack) -> None:
    """As many bytes as were expected are the answer, whatever they say."""

    def look(wire: Wire, data: bytes) -> bytes:
        wire.rest += data
        seen = b""
        while (oldest := wire.oldest()) is not None and len(wire.rest) >= wire.waiting[oldest][1]:
            head, size = wire.waiting.pop(oldest)
            seen += head + wire.rest[len(head) : size]
            wire.rest = wire.rest[size:]
        return seen

    _careless(stack, look)


@_breaks("wrong_good")
def id_ignored(stack: ExitStack) -> None:
    """Whatever its transaction id, a reply is the answer to the oldest request."""

    def look(wire: Wire, frame: bytes) -> bytes:
        oldest = wire.oldest()
        wire.waiting.pop(oldest, None)
        return frame if oldest is None else oldest.to_bytes(2, "big") + frame[2:]

    _careless_of_frames(stack, look)


@_breaks("wrong_good")
def unit_ignored(stack: ExitStack) -> None:
    """The reply of any unit will do."""

    def look(wire: Wire, frame: bytes) -> bytes:
        head, _ = wire.expected(frame)
        return frame[:6] + head[6:7] + frame[7:] if head else frame

    _careless_of_frames(stack, look)


@_breaks("wrong_good")
def length_ignored(stack: ExitStack) -> None:
    """A reply of another length is filled up or cut to the one expected."""

    def look(wire: Wire, frame: bytes) -> bytes:
        head, size = wire.expected(frame)
        is_data = len(head) == _DATA_HEAD and frame[6:8] == head[6:8]
        return (head + frame[_DATA_HEAD:] + bytes(size))[:size] if is_data else frame

    _careless_of_frames(stack, look)


@_breaks("wrong_good")
def exception_is_zero(stack: ExitStack) -> None:
    """A refusal becomes registers of zero."""

    def look(wire: Wire, frame: bytes) -> bytes:
        head, size = wire.expected(frame)
        refused = len(head) == _DATA_HEAD and frame[4:8] == b"\0\3" + head[6:7] + bytes((head[7] | 0x80,))
        return head + bytes(size - len(head)) if refused else frame

    _careless_of_frames(stack, look)


@_breaks("false_done")
def echo_ignored(stack: ExitStack) -> None:
    """Any reply to a write confirms it."""

    def look(wire: Wire, frame: bytes) -> bytes:
        head, size = wire.expected(frame)
        is_echo = len(head) == size == len(frame) and frame[:8] == head[:8]
        return head if is_echo else frame

    _careless_of_frames(stack, look)


@_breaks("reused")
def garbage_skipped(stack: ExitStack) -> None:
    """What does not fit is left out, and the connection goes on."""

    def look(wire: Wire, data: bytes) -> bytes:
        wire.rest += data
        seen = b""
        while (oldest := wire.oldest()) is not None:
            head, size = wire.waiting[oldest]
            at = wire.rest.find(head)
            if at < 0 or len(wire.rest) < at + size:
                break
            del wire.waiting[oldest]
            seen += wire.rest[at : at + size]
            wire.rest = wire.rest[at + size :]
        return seen

    _careless(stack, look)


# defects of what stands around


@_breaks("reused")
def kept_after_timeout(stack: ExitStack) -> None:
    """A time-out fails the scan, and the connection is used again."""

    dropped = Connection._drop

    def drop(self: Any, text: str) -> None:
        if not text.startswith("no answer within"):
            dropped(self, text)
            return
        self._take_apart()
        exchanges = [*(sent[4] for sent in self._in_flight), *self._waiting]
        self._in_flight.clear()
        self._waiting.clear()
        for exchange in exchanges:
            exchange.fail(text)

    stack.enter_context(patch.object(Connection, "_drop", drop))


@_breaks("reused")
def deadline_moved_by_any_reply(stack: ExitStack) -> None:
    """A lost reply never times out as long as the replies to later requests come."""
    go_on = Connection._go_on
    stack.enter_context(patch.object(Connection, "_go_on", lambda self, answered, **_: go_on(self, answered)))


@_breaks("wrong_good")
def refusal_forgotten(stack: ExitStack) -> None:
    """Values whose block was refused keep the quality of the others."""
    columns = Layout.columns
    stack.enter_context(patch.object(Layout, "columns", lambda self, _: columns(self, {})))


@_breaks("leaked_sockets")
def socket_kept(stack: ExitStack) -> None:
    """A connection that is given up is not closed."""
    shut = Connection.shut

    def forgetful(self: Any, text: str) -> None:
        self._transport = None
        shut(self, text)

    stack.enter_context(patch.object(Connection, "shut", forgetful))


@_breaks("uncaught")
def garbage_raises(stack: ExitStack) -> None:
    """Bytes that are no answer end in an exception that nobody expects."""

    def give_up(_: Any, data: bytes, text: str) -> int:
        raise ValueError(f"unexpected {text}: {data[:20]!r}")

    stack.enter_context(patch.object(Connection, "_give_up", give_up))


@_breaks("not_recovered")
def tried_once(stack: ExitStack) -> None:
    """After the connection was lost for the third time nobody tries again."""
    down = Reconnection._down
    losses = 0

    def give_up(self: Any, error: str) -> Any:
        nonlocal losses
        losses += 1
        return [action for action in down(self, error) if losses < 3 or not isinstance(action, Wait)]

    stack.enter_context(patch.object(Reconnection, "_down", give_up))


@_breaks("old_good")
def never_stale(stack: ExitStack) -> None:
    """Silence changes nothing in the live table."""
    stack.enter_context(patch.object(Freshness, "check", lambda _: None))
