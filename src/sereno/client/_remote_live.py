"""A subscription to a remote node over its WebSocket: reconnects by itself, and says when it cannot."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from sereno.model import Clock, DeniedError, NoAnswerError, NotConnectedError, NotFoundError, Quality, TagSpec
from sereno.wire.errors import WireError
from sereno.wire.frame import Frame, FrameKind, decode_frame

from ._http import Http, not_connected
from ._parse import parse_spec, parse_value
from ._values import Update

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
        self._places: np.ndarray[Any, np.dtype[np.int32]] | None = None
        self._socket: ClientConnection | None = None
        self._closed = False
        self._values = np.empty(0)
        self._times = np.empty(0, np.int64)
        self._exact: dict[int, int] = {}
        self._objects: dict[int, tuple[Any, int]] = {}
        self._seq = 0
        self._dropped = 0

    @property
    def tags(self) -> tuple[TagSpec, ...]:
        """See Subscription."""
        return self._tags

    async def open(self) -> None:
        """Connect and subscribe for the first time. Raises NotConnectedError, DeniedError, NotFoundError."""
        self._tags = await self._connect()
        self._values = np.full(len(self._tags), np.nan)
        self._times = np.zeros(len(self._tags), np.int64)

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
                await self._clock.sleep(retry * (1 + random.random()))  # noqa: S311 - spreads reconnections
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
        paths = {spec.path: place for place, spec in enumerate(self._tags)}
        self._places = np.array([paths.get(spec.path, -1) for spec in tags], np.int32)

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
            update = _moved(update, self._places)
        places = [int(update.index.max(initial=0)), *(o[0] for o in update.objects)]
        if max(places) >= len(self._tags):
            raise NoAnswerError(f"{self._http.url} sent values of tags that it did not declare")
        self._values[update.index] = update.values
        self._times[update.index] = update.t_source
        self._exact.update(zip(update.index[update.exact_rows].tolist(), update.exact_values.tolist(), strict=True))
        self._dropped += frame.dropped
        typed = tuple((p, parse_value(v, self._tags[p]), t, q) for p, v, t, q in update.objects)
        self._objects.update((p, (v, t)) for p, v, t, _ in typed)
        return replace(update, objects=typed)

    def _lost(self, reason: str) -> Update:
        """Everything as it was last, not connected."""
        index = np.array([p for p, spec in enumerate(self._tags) if spec.is_row], np.int32)
        rows = [row for row, p in enumerate(index.tolist()) if p in self._exact]
        code = int(Quality.NOT_CONNECTED)
        return Update(
            seq=self._next_seq(),
            t_hub=self._clock.wall_ns(),
            snapshot=False,
            index=index,
            values=self._values[index],
            t_source=self._times[index],
            quality=np.full(len(index), code, np.uint16),
            exact_rows=np.array(rows, np.int32),
            exact_values=np.array([self._exact[int(index[row])] for row in rows], np.int64),
            objects=tuple((p, value, t, code) for p, (value, t) in self._objects.items()),
            reasons=dict.fromkeys(range(len(self._tags)), reason),
        )

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq


def _refusal(detail: str) -> Exception:
    return DeniedError(detail) if detail.startswith("denied") else NotFoundError(detail)


def _moved(update: Update, places: np.ndarray[Any, np.dtype[np.int32]]) -> Update:
    """The update with positions translated; what has none is left out."""
    index = places[update.index]
    kept = np.flatnonzero(index >= 0)
    row_of = np.full(len(index), -1, np.int32)
    row_of[kept] = np.arange(len(kept), dtype=np.int32)
    exact = row_of[update.exact_rows] >= 0
    return replace(
        update,
        index=index[kept],
        values=update.values[kept],
        t_source=update.t_source[kept],
        quality=update.quality[kept],
        exact_rows=row_of[update.exact_rows][exact],
        exact_values=update.exact_values[exact],
        objects=tuple((int(places[p]), v, t, q) for p, v, t, q in update.objects if places[p] >= 0),
        reasons={int(places[p]): text for p, text in update.reasons.items() if places[p] >= 0},
    )
