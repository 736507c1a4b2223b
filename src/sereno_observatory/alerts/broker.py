"""A broker on the network: subscribers get its events, authors bring some."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from sereno.device import Listener, SocketTransports, Transports
from sereno.model import Clock

from .events import iso
from .session import Act, HangUp, Heard, Publish, Send, Session
from .transport import VOEvent

_TICK = 1.0
_MOST_UNSENT, _MOST_KNOWN = 4_000_000, 10_000


@dataclass(frozen=True, slots=True)
class Published:
    """An event went out, to so many subscribers."""

    event: VOEvent
    subscribers: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """A connection was closed by the broker: whose, and why."""

    peer: str
    why: str


Told = Published | Heard | Dropped


class Broker:
    """Sends events to who is connected. `tell` hears what became of them. See Session for the settings."""

    def __init__(
        self,
        clock: Clock,
        tell: Callable[[Told], None],
        *,
        transports: Transports | None = None,
        alive: float = 60.0,
        patience: float = 30.0,
        authenticate: bool = False,
    ) -> None:
        self._clock, self._tell = clock, tell
        self._transports: Transports = transports or SocketTransports()
        self._settings = {"alive": alive, "patience": patience, "authenticate": authenticate}
        self._listener: Listener | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._known: dict[str, None] = {}
        self.connections: set[_Connection] = set()

    @property
    def port(self) -> int:
        """The port that it got; 0 while it does not listen."""
        return 0 if self._listener is None else self._listener.port

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen. Raises OSError when it cannot."""
        self._listener = await self._transports.listen(lambda: _Connection(self), host, port)
        self._ticker = asyncio.create_task(self._tick(), name="alert broker")

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

    def publish(self, event: VOEvent) -> int:
        """Send an event to all subscribers; how many there are."""
        self._known[event.ivorn] = None
        if len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        listening = [one for one in self.connections if one.session.subscribed]
        for one in listening:
            one.act(one.session.event(event, self._clock.monotonic()))
        self._tell(Published(event, len(listening)))
        return len(listening)

    def brought(self, event: VOEvent) -> None:
        """An author brought an event: it goes to all, unless it has been here before (brokers may go in circles)."""
        if event.ivorn not in self._known:
            self.publish(event)

    def session(self) -> Session:
        """Of a new connection."""
        alive, patience = float(self._settings["alive"]), float(self._settings["patience"])
        wanted = bool(self._settings["authenticate"])
        return Session(self.now(), self._stamp, alive=alive, patience=patience, authenticate=wanted)

    def now(self) -> float:
        """Monotonic seconds."""
        return self._clock.monotonic()

    def heard(self, what: Heard | Dropped) -> None:
        """A connection tells something."""
        self._tell(what)

    def _stamp(self) -> str:
        return iso(self._clock.wall_ns())

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(_TICK)
            for one in list(self.connections):
                one.act(one.session.tick(self.now()))


class _Connection(asyncio.Protocol):
    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._transport: asyncio.Transport | None = None
        self.session = broker.session()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._broker.connections.add(self)
        self.act(self.session.begin(self._broker.now()))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._broker.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self.act(self.session.received(data, self._broker.now()))

    def act(self, acts: Iterable[Act]) -> None:
        """Do what the session wants."""
        assert self._transport is not None
        for one in acts:
            if isinstance(one, Send):
                self._write(one.data)
            elif isinstance(one, Publish):
                self._broker.brought(one.event)
            elif isinstance(one, Heard):
                self._broker.heard(one)
            else:
                self._drop(one)

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        if self._transport.get_write_buffer_size() > _MOST_UNSENT:
            self._drop(HangUp("it takes nothing in"))
        else:
            self._transport.write(data)

    def _drop(self, what: HangUp) -> None:
        assert self._transport is not None
        self._broker.connections.discard(self)
        self._broker.heard(Dropped(self.session.peer, what.why))
        self._transport.abort()
