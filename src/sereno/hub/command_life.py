"""The life of a command as a pure machine: what happened goes in, acks and the next task come out.

    requested -> authorised -> checked -> queued -> sending -> done
                       |         ^                     \\-> readback -> done
                       v         |
                   selected -> released

A marked one is selected: it waits for people, and what was checked before is checked again when they release it.
From every phase it may end otherwise; TABLE says how. Once handed over, a command can no longer be cancelled; it is
refused only by what is checked once more when the device begins with it, and times out only where the device knows that
it was never sent. Without a conclusive reply it ends as unknown, and nobody sends it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sereno.model import AckState


class Phase(StrEnum):
    """Where a command is; finer than what its acks tell."""

    NEW = "new"
    REQUESTED = "requested"
    AUTHORISED = "authorised"
    SELECTED = "selected"
    RELEASED = "released"
    CHECKED = "checked"
    QUEUED = "queued"
    SENDING = "sending"
    READBACK = "readback"
    FINISHED = "finished"


class Event(StrEnum):
    """What may happen to a command."""

    ASKED = "asked"
    ALLOWED = "allowed"
    PICKED = "picked"
    APPROVED = "approved"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"
    PASSED = "passed"
    REFUSED = "refused"
    RECORDED = "recorded"
    EXPIRED = "expired"
    ADMITTED = "admitted"
    CONFIRMED = "confirmed"
    AWAITS_READBACK = "awaits readback"
    DECLINED = "declined"
    UNSENT = "unsent"
    LOST = "lost"
    MATCHED = "matched"
    DIFFERED = "differed"
    UNSEEN = "unseen"
    STOPPED = "stopped"
    BROKEN = "broken"


class Task(StrEnum):
    """What the router does next; each ends in an event."""

    AUTHORISE = "authorise"
    CHECK = "check"
    AWAIT_PEOPLE = "await people"
    CHECK_AGAIN = "check again"
    RECORD = "record"
    WAIT_FOR_TURN = "wait for turn"
    SEND = "send"
    WATCH = "watch"


@dataclass(frozen=True, slots=True)
class Move:
    """One transition: the phase after it, the ack that tells it, the task that follows."""

    phase: Phase
    ack: AckState | None = None
    task: Task | None = None


def _end(state: AckState) -> Move:
    return Move(Phase.FINISHED, state)


_BEFORE_SENDING = {
    Event.REFUSED: _end(AckState.REFUSED),
    Event.EXPIRED: _end(AckState.TIMED_OUT),
    Event.STOPPED: _end(AckState.CANCELLED),
    Event.BROKEN: _end(AckState.FAILED),
}
_AFTER_SENDING = {
    Event.STOPPED: _end(AckState.UNKNOWN),
    Event.BROKEN: _end(AckState.UNKNOWN),
}

TABLE: dict[Phase, dict[Event, Move]] = {
    Phase.NEW: {Event.ASKED: Move(Phase.REQUESTED, AckState.REQUESTED, Task.AUTHORISE)},
    Phase.REQUESTED: {
        Event.ALLOWED: Move(Phase.AUTHORISED, AckState.AUTHORISED, Task.CHECK),
        **_BEFORE_SENDING,
    },
    Phase.AUTHORISED: {
        Event.PICKED: Move(Phase.SELECTED, AckState.SELECTED, Task.AWAIT_PEOPLE),
        Event.PASSED: Move(Phase.CHECKED, None, Task.RECORD),
        **_BEFORE_SENDING,
    },
    Phase.SELECTED: {
        Event.APPROVED: Move(Phase.SELECTED, AckState.SELECTED, Task.AWAIT_PEOPLE),
        Event.RELEASED: Move(Phase.RELEASED, None, Task.CHECK_AGAIN),
        Event.WITHDRAWN: _end(AckState.CANCELLED),
        **_BEFORE_SENDING,
    },
    Phase.RELEASED: {Event.PASSED: Move(Phase.CHECKED, None, Task.RECORD), **_BEFORE_SENDING},
    Phase.CHECKED: {
        Event.RECORDED: Move(Phase.QUEUED, AckState.ACCEPTED, Task.WAIT_FOR_TURN),
        Event.LOST: _end(AckState.UNKNOWN),
        **_BEFORE_SENDING,
    },
    Phase.QUEUED: {Event.ADMITTED: Move(Phase.SENDING, None, Task.SEND), **_BEFORE_SENDING},
    Phase.SENDING: {
        Event.CONFIRMED: _end(AckState.DONE),
        Event.AWAITS_READBACK: Move(Phase.READBACK, AckState.PROGRESS, Task.WATCH),
        Event.DECLINED: _end(AckState.FAILED),
        Event.REFUSED: _end(AckState.REFUSED),
        Event.UNSENT: _end(AckState.FAILED),
        Event.EXPIRED: _end(AckState.TIMED_OUT),
        Event.LOST: _end(AckState.UNKNOWN),
        **_AFTER_SENDING,
    },
    Phase.READBACK: {
        Event.MATCHED: _end(AckState.DONE),
        Event.DIFFERED: _end(AckState.FAILED),
        Event.UNSEEN: _end(AckState.UNKNOWN),
        **_AFTER_SENDING,
    },
    Phase.FINISHED: {},
}
"""Every transition there is. LOST in CHECKED: the journal knows the key from an earlier life of the node."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An event with its words for people, the readback or result it brought, and of an error what it says itself."""

    event: Event
    reason: str = ""
    value: Any = None
    details: dict[str, Any] | None = None


class CommandLife:
    """One command. Raises ValueError for an event that its phase does not have, with the story so far."""

    def __init__(self) -> None:
        self.phase = Phase.NEW
        self.story: list[Event] = []

    def feed(self, event: Event) -> Move:
        """Follow the table."""
        move = TABLE[self.phase].get(event)
        if move is None:
            told = ", ".join(self.story) or "nothing yet"
            raise ValueError(f"a command in phase '{self.phase}' cannot be '{event}'; so far: {told}")
        self.story.append(event)
        self.phase = move.phase
        return move
