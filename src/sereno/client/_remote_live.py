"""A subscription to a remote node over its WebSocket: reconnects by itself, and says when it cannot."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from sereno.model import Clock, DeniedError, NoAnswerError, NotConnectedError, NotFoundError, TagSpec
from sereno.wire.errors import WireError
from sereno.wire.frame import Frame, FrameKind, decode_frame

from ._http import Http, not_connected
from ._last_known import LastKnown, bare_update, moved, places_of
from ._parse import parse_spec, parse_value
from ._values import I32, Update

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

SILENCE = 4.0
"""Seconds without any frame (the node sends one each second) after which the connection counts as lost."""
_FIRST_RETRY, _LONGEST_RETRY = 0.2, 5.0
_SUB = 1


class RemoteSubscription:
    """See Subscription. One socket. While the connection is lost every value is NOT_CONNECTED, with the reason."""

    def __init__(self, http: Http, clock: Clock, globs: tuple[str, ...], min_interval: float) -> None:
        self._http = http
        self._clock = clock
        self._globs = globs
        self._interval = min_interval
        self._tags: tuple[TagSpec, ...] = ()
        self._places: I32 | None = None
        self._socket: ClientConnection | None = None
        self._closed = False
        self._last = LastKnown(())
        self._seq = 0
        self._dropped = 0

    @property
    def tags(self) -> tuple[TagSpec, ...]:
        """See Subscription."""
        return self._tags

    async def open(self) -> None:
        """Connect and subscribe for the first time. Raises NotConnectedError, DeniedError, NotFoundError."""
        self._tags = await self._connect()
        self._last = LastKnown(self._tags)

    async def __aiter__(self) -> AsyncIterator[Update]:
        """See Subscription. Ends with the node's error if it refuses to go on."""
        retry = _FIRST_RETRY
        try:
            while not self._ended():
                try:
                    if self._socket is None:
                        self._replace(await self._connect())
                    async for frame in self._frames():
                        retry = _FIRST_RETRY
                        yield self._update(frame)
                    return
                except (NotConnectedError, NoAnswerError) as error:
                    was_connected = self._socket is not None
                    await self._disconnect()
                    if self._ended():
                        return
                    if was_connected:
                        yield self._lost(str(error))
                await self._clock.sleep(retry * (0.5 + 2 * random.random()))  # noqa: S311 - spreads reconnections
                retry = min(retry * 2, _LONGEST_RETRY)
        finally:
            await self._disconnect()

    async def close(self) -> None:
        """See Subscription."""
        self._closed = True
        await self._disconnect()

    def statistics(self) -> dict[str, int]:
        """See Subscription; the queue is the node's."""
        return {"delivered": self._seq, "dropped": self._dropped, "queued": 0, "peak": 0}

    async def _connect(self) -> tuple[TagSpec, ...]:
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidHandshake

        url = "ws" + self._http.url.removeprefix("http") + "/api/v1/live"
        try:
            self._socket = await connect(
                url,
                additional_headers=self._http.headers,
                proxy=None,
                ssl=self._http.trust,
                max_size=64 << 20,
                open_timeout=self._http.timeout,
                close_timeout=1,
            )
            return await self._subscribe(self._socket)
        except InvalidHandshake as error:
            await self._check_token()
            raise NoAnswerError(f"{url}: {error}") from error
        except (OSError, TimeoutError) as error:
            raise not_connected(self._http.url, error) from error

    async def _check_token(self) -> None:
        """A refused handshake says little: ask the way that tells why."""
        await self._http.get("/api/v1/session")

    async def _subscribe(self, socket: ClientConnection) -> tuple[TagSpec, ...]:
        message = {"type": "subscribe", "sub": _SUB, "tags": list(self._globs), "interval": self._interval}
        await self._say(socket, message)
        while True:
            data = await self._receive(socket)
            if isinstance(data, bytes):
                continue
            answer = msgspec.json.decode(data)
            if answer["type"] == "subscribed":
                return tuple(parse_spec(tag) for tag in answer["tags"])
            if answer["type"] == "error":
                raise _refusal(str(answer["detail"]))

    async def _say(self, socket: ClientConnection, message: dict[str, Any]) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            await socket.send(msgspec.json.encode(message).decode())
        except ConnectionClosed as error:
            raise NotConnectedError(f"the connection to {self._http.url} ended: {error}") from error

    async def _receive(self, socket: ClientConnection) -> str | bytes:
        from websockets.exceptions import ConnectionClosed

        try:
            async with self._clock.timeout(SILENCE):
                return await socket.recv()
        except TimeoutError as error:
            raise NoAnswerError(f"no frame from {self._http.url} for {SILENCE:g} s") from error
        except ConnectionClosed as error:
            if error.rcvd is not None and error.rcvd.code == 1008:
                raise DeniedError(error.rcvd.reason or f"{self._http.url} ended the subscription") from error
            raise NotConnectedError(f"the connection to {self._http.url} ended: {error}") from error

    async def _frames(self) -> AsyncIterator[Frame]:
        while self._socket is not None:
            data = await self._receive(self._socket)
            if isinstance(data, str):
                answer = msgspec.json.decode(data)
                if answer["type"] == "error":
                    raise _refusal(str(answer["detail"]))
                if answer["type"] == "subscribed":
                    self._replace(tuple(parse_spec(tag) for tag in answer["tags"]))
                continue
            try:
                frame = decode_frame(data)
            except WireError as error:
                raise NoAnswerError(f"{self._http.url} sent a frame that is not understood: {error}") from error
            if frame.kind is not FrameKind.HEARTBEAT:
                yield frame

    async def _disconnect(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await socket.close()

    def _ended(self) -> bool:
        return self._closed

    def _replace(self, tags: tuple[TagSpec, ...]) -> None:
        """After a reconnection: positions of the node's tags among ours, -1 for new ones."""
        self._places = places_of(tags, self._tags)

    def _update(self, frame: Frame) -> Update:
        update = Update(
            seq=self._next_seq(),
            t_hub=frame.t_hub,
            snapshot=frame.kind is FrameKind.SNAPSHOT,
            index=frame.index,
            values=frame.values,
            t_source=frame.t_source,
            quality=frame.quality,
            exact_rows=frame.exact_rows,
            exact_values=frame.exact_values,
            objects=frame.objects,
            reasons=frame.reasons,
            dropped=frame.dropped,
        )
        if self._places is not None:
            update = moved(update, self._places)
        places = [int(update.index.max(initial=0)), *(o[0] for o in update.objects)]
        if max(places) >= len(self._tags):
            raise NoAnswerError(f"{self._http.url} sent values of tags that it did not declare")
        self._dropped += frame.dropped
        typed = tuple((p, parse_value(v, self._tags[p]), t, q) for p, v, t, q in update.objects)
        update = replace(update, objects=typed)
        self._last.apply(update)
        return update

    def _lost(self, reason: str) -> Update:
        return self._last.lost(reason, bare_update(self._next_seq(), self._clock.wall_ns()))

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq


def _refusal(detail: str) -> Exception:
    return DeniedError(detail) if detail.startswith("denied") else NotFoundError(detail)
