"""One connection of the native protocol: requests by number, answers as they come, news of its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from sereno.model import Clock, DeniedError, NoAnswerError, NotConnectedError, TagSpec
from sereno.wire.errors import WireError
from sereno.wire.errorvalue import error_of
from sereno.wire.messages import Hello, Welcome, read_error, read_welcome
from sereno.wire.native import HEADER, MAGIC, MAX_ANSWER_BYTES, VERSION, Kind, Received, Splitter, pack
from sereno.wire.packed import pack_value, unpack_value

from ._values import I32

SILENCE = 3.0
"""Seconds without a byte (the server sends some each second) after which a connection counts as lost."""
_TICK = 0.5
_MAX_PLANS = 1024
_BEAT = pack(Kind.BEAT)


class WirePlan:
    """A read made ready at the server under a number."""

    __slots__ = ("frame", "number", "rows", "tags")

    def __init__(self, number: int, tags: Sequence[TagSpec], rows: I32) -> None:
        self.number = number
        self.tags = tuple(tags)
        self.rows = rows


class Wire(asyncio.Protocol):
    """See the module. `on_lost` is called once, with the reason, after `welcome` has come."""

    def __init__(self, url: str, token: str, clock: Clock, patience: float) -> None:
        self.plans: dict[tuple[str, ...], WirePlan] = {}
        self.on_lost: Callable[[Exception], None] = lambda _: None
        self.welcome: asyncio.Future[Welcome] = asyncio.get_running_loop().create_future()
        self.lost: Exception | None = None
        self._url = url
        self._token = token
        self._clock = clock
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._splitter = Splitter(MAX_ANSWER_BYTES)
        self._waiting: dict[int, tuple[asyncio.Future[Received], float]] = {}
        self._streams: dict[int, Callable[[Received | None], None]] = {}
        self._sinks: dict[int, Callable[[Received], None]] = {}
        self._number = 0
        self._plan_number = 0
        self._heard = clock.monotonic()
        self._ticked = self._heard
        self._said = True
        self._timer: Any = None

    # ---- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by inheritance
        self._transport.write(pack(Kind.HELLO, 0, 0, pack_value(Hello(self._token, "sereno"))))
        self._ticked = self._clock.monotonic()
        self._timer = self._clock.call_later(_TICK, self._tick)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._end(NotConnectedError(f"the connection to {self._url} ended{f': {exc}' if exc else ''}"))

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._heard = self._clock.monotonic()
        try:
            for frame in self._splitter.feed(data):
                self._take(frame)
        except WireError as error:
            self._end(NoAnswerError(f"{self._url} sent what is not understood: {error}; is it a Sereno node?"))

    # ---- the way out

    def ask(self, kind: int, extra: int = 0, body: bytes = b"") -> asyncio.Future[Received]:
        """Send a request; its answer, or the error that came instead. Raises NotConnectedError if it is not sent."""
        if self.lost is not None or self._transport is None:
            raise self._not_sent()
        self._number = number = (self._number + 1) & 0x7FFFFFFF
        future: asyncio.Future[Received] = self._loop.create_future()
        self._waiting[number] = future, self._clock.monotonic()
        self._said = True
        self._transport.write(HEADER.pack(MAGIC, VERSION, kind, 0, len(body), number, extra) + body)
        return future

    def follow(self, kind: int, body: bytes, stream: Callable[[Received | None], None]) -> int:
        """Send a request with many answers; `stream` gets each, and None when the connection is lost."""
        if self.lost is not None or self._transport is None:
            raise self._not_sent()
        self._number = number = (self._number + 1) & 0x7FFFFFFF
        self._streams[number] = stream
        self.say(pack(kind, number, 0, body))
        return number

    def unfollow(self, number: int) -> None:
        """No more of these."""
        self._streams.pop(number, None)

    def say(self, frame: bytes) -> None:
        """Send what has no answer; nothing happens if the connection is lost."""
        if self.lost is None and self._transport is not None:
            self._said = True
            self._transport.write(frame)

    def listen(self, sub: int, sink: Callable[[Received], None]) -> None:
        """Give the frames of a subscription to `sink`."""
        self._sinks[sub] = sink

    def unlisten(self, sub: int) -> None:
        """No more of these."""
        self._sinks.pop(sub, None)

    def new_number(self) -> int:
        """A number for a subscription."""
        self._plan_number += 1
        return self._plan_number

    def plan_number(self) -> int:
        """A number for a read made ready; the oldest is given up when there are too many."""
        if len(self.plans) < _MAX_PLANS:
            return self.new_number()
        oldest = next(iter(self.plans))
        return self.plans.pop(oldest).number

    def close(self) -> None:
        """End the connection; `on_lost` is not called."""
        self.on_lost = lambda _: None
        self._end(NotConnectedError("this client is closed"))

    # ---- the way in

    def _take(self, frame: Received) -> None:
        kind, number = frame.kind, frame.id
        if kind in _ANSWERS:
            waiting = self._waiting.pop(number, None)
            if waiting is not None:
                if not waiting[0].done():
                    waiting[0].set_result(frame)
            elif number in self._streams:
                self._streams[number](frame)
        elif kind in _NEWS:
            sink = self._sinks.get(number)
            if sink is not None:
                sink(frame)
        elif kind == Kind.ACKS:
            stream = self._streams.get(number)
            if stream is not None:
                stream(frame)
        elif kind == Kind.WELCOME:
            if not self.welcome.done():
                self.welcome.set_result(read_welcome(frame.body))
        elif kind == Kind.BYE:
            self._end(_goodbye(self._url, str(unpack_value(frame.body))))

    def _tick(self) -> None:
        """Signs of life both ways; requests that wait for too long."""
        if self.lost is not None:
            return
        now = self._clock.monotonic()
        stalled = now - self._ticked - _TICK
        self._ticked = now
        if stalled > _TICK:
            self._heard += stalled  # this program did not listen; what came meanwhile is still to be read
        if self.welcome.done() and now - self._heard > SILENCE:  # before, connecting has a time of its own
            self._end(NoAnswerError(f"nothing came from {self._url} for {SILENCE:g} s"))
            return
        if not self._said and self.welcome.done():
            self.say(_BEAT)
        self._said = False
        for number, (future, since) in list(self._waiting.items()):
            if now - since < self._patience:
                break
            del self._waiting[number]
            if not future.done():
                future.set_exception(NoAnswerError(f"{self._url} did not answer within {self._patience:g} s"))
        self._timer = self._clock.call_later(_TICK, self._tick)

    def _end(self, error: Exception) -> None:
        if self.lost is not None:
            return
        self.lost = error
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        was_welcome = self.welcome.done()
        if not was_welcome:
            self.welcome.set_exception(error)
            self.welcome.exception()
        for future, _ in self._waiting.values():
            if not future.done():
                future.set_exception(NoAnswerError(f"no answer: {error}"))
                future.exception()
        self._waiting.clear()
        for stream in list(self._streams.values()):
            stream(None)
        self._streams.clear()
        if was_welcome:
            self.on_lost(error)

    def _not_sent(self) -> Exception:
        return NotConnectedError(f"not sent: {self.lost or 'not connected'}")


_ANSWERS = frozenset((Kind.VALUE, Kind.COLUMNS, Kind.ANSWER, Kind.FAILED))
_NEWS = frozenset((Kind.UPDATE, Kind.EVENT, Kind.ENDED))


def _goodbye(url: str, why: str) -> Exception:
    if why.startswith("denied"):
        return DeniedError(why)
    return NotConnectedError(f"{url} ended the connection: {why}")


def checked(frame: Received) -> Received:
    """The frame, or the error in it."""
    if frame.kind == Kind.FAILED:
        raise error_of(read_error(frame.body))
    return frame
