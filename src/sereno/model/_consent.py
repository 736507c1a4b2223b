"""What people do about a command that waits for them, and how they sign."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Say(StrEnum):
    """What somebody may do about a command that waits."""

    EXECUTE = "execute"
    APPROVE = "approve"
    DECLINE = "decline"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A person proved who they are once more: printed name, what it means, when (ns UTC)."""

    name: str
    meaning: str
    t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Somebody's say about a command that waits, `t` ns UTC."""

    say: Say
    actor: str
    t: int
    origin: str = ""
    comment: str = ""
    signature: Signature | None = None
