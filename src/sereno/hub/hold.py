"""A command that waits for people: what for, until when, and what was decided."""

from __future__ import annotations

import asyncio

from sereno.client import WaitsFor, iso_time
from sereno.model import Clock, Marks

from .command_life import Event, Occurrence

SIGNING = 120.0
"""Seconds for the actor of a command that is only to be signed or, approved by another, to be signed."""


class Hold:
    """What a selected command waits for. `ends` is monotonic time, `until` the same moment as ns UTC.

    Its own actor executes it where the marks say `select` or `sign`; before that, or instead, a second person
    approves it where they say `approval`. `desk`: one act at a time.
    """

    def __init__(self, marks: Marks, clock: Clock, patience: int) -> None:
        self.needs_approval = marks.approval > 0
        self.needs_execution = marks.select > 0 or bool(marks.sign)
        self.meanings = marks.sign
        self.patience = patience
        self.desk = asyncio.Lock()
        self.approved_by = ""
        self.since = clock.wall_ns()
        self._clock = clock
        self._execution = marks.select or SIGNING
        self._decided: asyncio.Future[Occurrence] = asyncio.get_running_loop().create_future()
        self._wait(marks.approval or self._execution)

    @property
    def open(self) -> bool:
        """True while something may yet be decided."""
        return not self._decided.done() and self._clock.monotonic() < self.ends

    @property
    def waits_for(self) -> WaitsFor:
        """What is next."""
        return WaitsFor.APPROVAL if self.needs_approval and not self.approved_by else WaitsFor.EXECUTION

    @property
    def words(self) -> str:
        """The same for people."""
        until = (iso_time(self.until) or "")[:19]
        if self.waits_for is WaitsFor.APPROVAL:
            return f"waits for the approval of a second person until {until}Z"
        approved = f"approved by {self.approved_by}; " if self.approved_by else ""
        return f"{approved}waits for {'signature and ' if self.meanings else ''}execution until {until}Z"

    def approve(self, by: str) -> None:
        """A second person agrees: it goes, or waits for its own actor from now on."""
        self.approved_by = by
        if not self.needs_execution:
            self.decide(Event.RELEASED, f"approved by {by}")
            return
        decided, self._decided = self._decided, asyncio.get_running_loop().create_future()
        self._wait(self._execution)
        decided.set_result(Occurrence(Event.APPROVED, self.words))

    def decide(self, event: Event, words: str = "") -> None:
        """It goes, or ends."""
        self._decided.set_result(Occurrence(event, words))

    async def decision(self) -> Occurrence:
        """What people decide, or that nobody did in time."""
        decided = self._decided
        while True:
            try:
                async with self._clock.timeout(max(0.0, self.ends - self._clock.monotonic())):
                    return await asyncio.shield(decided)
            except TimeoutError:
                async with self.desk:
                    if decided.done():
                        return decided.result()
                    if self._clock.monotonic() >= self.ends:
                        return Occurrence(Event.EXPIRED, "nobody released it in time; never sent")

    def _wait(self, seconds: float) -> None:
        self.ends = self._clock.monotonic() + seconds
        self.until = self._clock.wall_ns() + int(seconds * 1e9)
