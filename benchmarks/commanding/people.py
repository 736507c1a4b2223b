"""People at the desk of the rig: they execute, approve, decline and cancel what waits, some wrongly, some too late."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator

from commanding.child import Child
from commanding.plant import SELECTION, marks
from sereno.model import Clock, Command

POLL = 0.01
Steps = Iterator[tuple[float, str, str]]
"""Seconds to wait, who, and what they do, again and again."""


class People:
    """What people do about one command that waits; and what of it the node took, with the time before it was asked."""

    def __init__(self, command: Command, child: Child, clock: Clock, steps: Steps) -> None:
        self.command = command
        self.taken: list[tuple[str, str, int]] = []
        self.refused = 0
        self.until = 0
        self._child = child
        self._clock = clock
        self._steps = steps
        self._patience = max(0, command.expires - clock.wall_ns())

    async def act(self) -> None:
        """Wait until it is selected, then do what is planned."""
        while not (until := self._child.selected.get(self.command.key, 0)):
            await self._clock.sleep(POLL)
        self.until = until
        for pause, who, what in self._steps:
            await self._clock.sleep(pause)
            now = self._clock.wall_ns()
            told = await self._child.say(who, what, self.command.key)
            if told is not None and told["state"] == "taken":
                self.taken.append((who, what, now))
            self.refused += told is not None and told["state"] == "refused"

    @property
    def expires(self) -> int:
        """The latest moment for a write: its time begins when it is released."""
        last = max((t for _, what, t in self.taken if what in ("execute", "approve")), default=self.command.expires)
        return last + self._patience

    @property
    def without_second_person(self) -> bool:
        """True if it was to be approved, and nobody else did."""
        approvers = {who.partition(":")[0] for who, what, _ in self.taken if what == "approve"}
        return "approval" in marks(self.command.target) and not approvers - {self.command.actor}

    @property
    def without_execution(self) -> bool:
        """True if it was to be executed by its own actor, and they did not."""
        return "select" in marks(self.command.target) and self._executed == 0

    def late_executions(self, margin: int) -> bool:
        """True if it was executed after its selection."""
        approved = [t for _, what, t in self.taken if what == "approve"]
        both = len(marks(self.command.target)) > 1
        until = max(approved) + int(SELECTION * 1e9) + margin if both and approved else self.until
        return 0 < until < self._executed

    @property
    def _executed(self) -> int:
        return max((t for who, what, t in self.taken if what == "execute"), default=0)


def oneself(me: str) -> Steps:
    """Its own actor approves it."""
    yield 0.0, me, "approve"


def late(me: str) -> Steps:
    """Its own actor executes it when its selection is over."""
    yield SELECTION + 0.3, me, "execute"


def drawn_steps(wanted: Collection[str], me: str, choice: random.Random) -> Steps:
    """Most let it go; the others do what must not work, or are late, or change their mind."""
    other = "otto" if me == "olga" else "olga"
    mood = choice.random()
    if mood < 0.1:
        yield choice.uniform(0.0, 0.15), other, "decline"
    elif mood < 0.2:
        yield choice.uniform(0.0, 0.15), me, "cancel"
    if "approval" in wanted:
        yield 0.0, me, "approve"
        yield 0.0, f"{me}:script", "approve"
        if mood > 0.35:
            yield choice.uniform(0.0, 0.1), other, "approve"
    if "select" in wanted:
        yield 0.0, other, "execute"
        yield SELECTION + 0.3 if mood > 0.7 else choice.uniform(0.0, 0.1), me, "execute"
        yield 0.0, me, "execute"
