"""A goal: one thing to be reached with one instrument; when it is there, what to order for it, when to give up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sereno.model import Ack, AckState
from sereno_observatory.instruments import Seen

AGAIN = 5.0
"""Seconds after which an order that did not arrive is given again."""


@dataclass(frozen=True, slots=True)
class Order:
    """A command for an instrument; "write" with a tag's name in `arguments` where it is one."""

    device: str
    name: str
    arguments: tuple[Any, ...] = ()


class Answer(StrEnum):
    """What became of an order: LOST may have arrived or not."""

    DONE = "done"
    REFUSED = "refused"
    LOST = "lost"


def answer_of(ack: Ack) -> Answer:
    """What the final ack of an order means.

    One whose device was not there, or not ready, or had something else to do first, has not been heard.
    """
    if ack.state is AckState.DONE:
        return Answer.DONE
    if ack.state in (AckState.UNKNOWN, AckState.TIMED_OUT):
        return Answer.LOST
    unheard = ack.reason.startswith("not sent") or "commands need" in ack.reason or "overtaken by" in ack.reason
    return Answer.LOST if unheard else Answer.REFUSED


@dataclass(slots=True)
class Goal:
    """`reached` is asked before anything is ordered. `patience` seconds in all, then it has failed."""

    name: str
    order: Order
    reached: Callable[[Seen], bool]
    patience: float
    ends: float | None = field(default=None, init=False)
    asked: bool = field(default=False, init=False)
    accepted: bool = field(default=False, init=False)
    again: float = field(default=0.0, init=False)
    why: str = field(default="", init=False)
    failed: str = field(default="", init=False)
    refused: bool = field(default=False, init=False)

    def step(self, now: float, seen: Seen) -> Order | None:
        """What to order now, if anything."""
        if self.ends is None:
            self.ends = now + self.patience
        if self.failed or self.asked or self.there(seen):
            return None
        if now >= self.ends:
            self.failed = f"{self.name}: not there after {self.patience:g} s" + (f", {self.why}" if self.why else "")
            return None
        if self.accepted or now < self.again:
            return None
        self.asked = True
        return self.order

    def answered(self, answer: Answer, why: str, now: float) -> None:
        """What became of the order."""
        self.asked, self.why = False, "" if answer is Answer.DONE else why
        self.accepted = answer is Answer.DONE
        if answer is Answer.REFUSED:
            self.failed, self.refused = f"{self.name}: {why}", True
        self.again = now + AGAIN

    def there(self, seen: Seen) -> bool:
        """It is reached."""
        return not self.asked and self.reached(seen)
