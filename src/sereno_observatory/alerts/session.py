"""One connection of a broker, apart from I/O: what it does about what comes, and as time goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .transport import Frames, Message, Role, VOEvent, frame, read, written

BROKER = "ivo://sereno.simulated/broker"


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Publish:
    """An author at the other end has an event for everybody."""

    event: VOEvent


@dataclass(frozen=True, slots=True)
class Heard:
    """The other end (its IVORN, if it says one) answered an event: ack or nak, and why."""

    ivorn: str
    role: Role
    by: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection: what was wrong."""

    why: str


Act = Send | Publish | Heard | HangUp


class Session:
    """`alive`: seconds between questions whether the other end lives; `patience`: seconds for an answer to anything.

    `authenticate`: events are sent only to who has answered that question. Times are monotonic seconds; `stamp` is the
    time of day (ISO) for messages. Who sends a VOEvent is an author: it is answered, and gets no events.
    """

    def __init__(
        self, now: float, stamp: Callable[[], str], *, alive: float, patience: float, authenticate: bool
    ) -> None:
        self._frames = Frames()
        self._stamp = stamp
        self._alive, self._patience = alive, patience
        self._sent = self._heard = now
        self._asked: float | None = None
        self._open: dict[str, float] = {}
        self._welcome = not authenticate
        self._author = False
        self.peer = ""

    @property
    def subscribed(self) -> bool:
        """True when events are sent to it."""
        return self._welcome and not self._author

    def begin(self, now: float) -> Iterator[Act]:
        """What a new connection is told."""
        if not self._welcome:
            self._asked = now
            yield self._message(now, Message(Role.AUTHENTICATE, BROKER, time=self._stamp()))

    def event(self, event: VOEvent, now: float) -> Iterator[Act]:
        """Send an event, if it is a subscriber."""
        if self.subscribed:
            self._sent = now
            self._open.setdefault(event.ivorn, now)
            yield Send(frame(event.document))

    def received(self, data: bytes, now: float) -> Iterator[Act]:
        """Bytes have come."""
        self._heard = now
        try:
            for document in self._frames.feed(data):
                found = read(document)
                yield from self._of_event(found, now) if isinstance(found, VOEvent) else self._of_message(found, now)
        except ValueError as error:
            yield HangUp(str(error))

    def tick(self, now: float) -> Iterator[Act]:
        """Time goes on: ask whether the other end lives, give up waiting."""
        late = [ivorn for ivorn, since in self._open.items() if now - since >= self._patience]
        if late:
            yield HangUp(f"no answer to {late[0]} in {self._patience:g} s")
        elif self._asked is not None and now - self._asked >= self._patience:
            yield HangUp(f"no sign of life in {self._patience:g} s")
        elif self._asked is None and now - max(self._sent, self._heard) >= self._alive:
            self._asked = now
            yield self._message(now, Message(Role.ALIVE, BROKER, time=self._stamp()))

    def _of_event(self, event: VOEvent, now: float) -> Iterator[Act]:
        self._author, self._asked = True, None
        yield self._message(now, Message(Role.ACK, event.ivorn, BROKER, self._stamp()))
        yield Publish(event)

    def _of_message(self, said: Message, now: float) -> Iterator[Act]:
        self.peer = said.response or self.peer
        if said.role in (Role.ACK, Role.NAK):
            if self._open.pop(said.origin, None) is not None:
                yield Heard(said.origin, said.role, self.peer, said.result)
        elif said.response:
            self._asked = None
            self._welcome = self._welcome or said.role is Role.AUTHENTICATE
        elif said.role is Role.ALIVE:
            yield self._message(now, Message(Role.ALIVE, said.origin, BROKER, self._stamp()))

    def _message(self, now: float, message: Message) -> Send:
        self._sent = now
        return Send(frame(written(message)))
