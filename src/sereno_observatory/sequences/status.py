"""How a sequence fares: states, what happens to it, and where that leads. Pure."""

from __future__ import annotations

from enum import StrEnum

from sereno.model import RefusedError


class Status(StrEnum):
    """Of a sequence. EXECUTED, ABORTED, FAILED, CANCELLED and EXPIRED are final."""

    TOBEPLANNED = "TOBEPLANNED"
    PLANNED = "PLANNED"
    UNPLANNABLE = "UNPLANNABLE"
    EXECUTING = "EXECUTING"
    EXECUTED = "EXECUTED"
    ABORTED = "ABORTED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"

    @property
    def final(self) -> bool:
        """Nothing happens to it any more."""
        return self not in _LEADS

    @property
    def waiting(self) -> bool:
        """It may be executed when its time comes."""
        return self in (Status.TOBEPLANNED, Status.PLANNED)


class Event(StrEnum):
    """What happens to a sequence. INTERRUPT leaves it for later, ABORT does not.

    RETRY leaves it for later, too: an instrument did not do its part. How often is for the book to say.
    """

    PLAN = "plan"
    REPLAN = "replan"
    GIVE_UP = "give_up"
    START = "start"
    INTERRUPT = "interrupt"
    RETRY = "retry"
    FINISH = "finish"
    ABORT = "abort"
    FAIL = "fail"
    CANCEL = "cancel"
    EXPIRE = "expire"


_ENDS = {Event.CANCEL: Status.CANCELLED, Event.EXPIRE: Status.EXPIRED}
_LEADS: dict[Status, dict[Event, Status]] = {
    Status.TOBEPLANNED: {
        Event.PLAN: Status.PLANNED,
        Event.GIVE_UP: Status.UNPLANNABLE,
        Event.START: Status.EXECUTING,
        **_ENDS,
    },
    Status.PLANNED: {Event.REPLAN: Status.TOBEPLANNED, Event.START: Status.EXECUTING, **_ENDS},
    Status.UNPLANNABLE: {Event.REPLAN: Status.TOBEPLANNED, **_ENDS},
    Status.EXECUTING: {
        Event.INTERRUPT: Status.PLANNED,
        Event.RETRY: Status.PLANNED,
        Event.FINISH: Status.EXECUTED,
        Event.ABORT: Status.ABORTED,
        Event.FAIL: Status.FAILED,
        **_ENDS,
    },
}


def after(status: Status, event: Event) -> Status:
    """The status that follows. Raises RefusedError with what could happen instead."""
    leads = _LEADS.get(status, {})
    if event not in leads:
        may = ", ".join(sorted(leads)) or "nothing, it is over"
        raise RefusedError(f"a sequence that is {status} cannot {event}; it can: {may}")
    return leads[event]
