"""Command envelope v1 and its acks: anything that changes the plant."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class AckState(StrEnum):
    """Life of a command. Exactly one final state is ever reported."""

    REQUESTED = "requested"
    AUTHORISED = "authorised"
    SELECTED = "selected"
    ACCEPTED = "accepted"
    PROGRESS = "progress"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    UNKNOWN = "unknown"

    @property
    def final(self) -> bool:
        """True if no further ack follows."""
        return self in _FINAL


_FINAL = frozenset(
    (
        AckState.DONE,
        AckState.FAILED,
        AckState.REFUSED,
        AckState.CANCELLED,
        AckState.TIMED_OUT,
        AckState.UNKNOWN,
    )
)


class Verb(StrEnum):
    """What a command does: set a tag, or call a named command of a device."""

    WRITE = "write"
    CALL = "call"


def new_key() -> str:
    """A fresh idempotency key."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is asked, by whom, until when. Stored before the first byte goes out.

    `target` is a tag path (write) or a device path (call, with `name`). `expected` is the old value
    that the person saw; a different one refuses. `expires` is ns UTC: never sent after it.
    The same `key` twice is the same command: it is not executed again.
    """

    target: str
    verb: Verb = Verb.WRITE
    value: Any = None
    name: str = ""
    arguments: tuple[Any, ...] = ()
    actor: str = ""
    via: str = ""
    origin: str = ""
    expected: Any = None
    expires: int = 0
    comment: str = ""
    key: str = field(default_factory=new_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """One step in a command's life. `t` ns UTC; `value` is the readback (write) or the result (call).

    `details`: of one that failed, the device's error as it travels (`sereno.wire.errorvalue`); of one that was refused,
    that another one does the same.
    """

    key: str
    state: AckState
    t: int
    reason: str = ""
    value: Any = None
    details: dict[str, Any] | None = None


def end_of_cut_off(acks: Iterable[Ack]) -> tuple[AckState, str]:
    """How a command ended whose node stopped after these acks: cancelled while it waited for people, else unknown."""
    states = {ack.state for ack in acks}
    if AckState.SELECTED in states and AckState.ACCEPTED not in states:
        return AckState.CANCELLED, "the node stopped while it waited; it was never sent"
    reason = "the node stopped while it was under way; whether it was executed is unknown, it may have been carried out"
    return AckState.UNKNOWN, reason
