"""How long the journal of alarms is kept: what is older goes, on record, but the last that is known of each alarm."""

from __future__ import annotations

from typing import Protocol

import structlog

from sereno.model import Clock
from sereno.store.audit import AuditEntry
from sereno.store.errors import StoreError

EVERY = 3600.0
log = structlog.get_logger(__name__)


class Forgetful(Protocol):
    """A journal that can forget. Raises StoreError."""

    async def forget(self, before: int, entry: AuditEntry) -> int:
        """Drop rows from before a time; how many."""


class Retention:
    """Once an hour, drops rows that are older than `days`. `origin` is for the record."""

    def __init__(self, journal: Forgetful, clock: Clock, days: float, origin: str) -> None:
        self._journal = journal
        self._clock = clock
        self._days = days
        self._origin = origin

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._once()
            except StoreError as error:
                log.error("old rows of the alarm journal stay", reason=str(error))
            await self._clock.sleep(EVERY)

    async def _once(self) -> None:
        now = self._clock.wall_ns()
        before = now - round(self._days * 86400e9)
        entry = AuditEntry(
            t=now,
            actor="sereno",
            origin=self._origin,
            action="alarm.forget",
            target="alarm journal",
            new={"before_ns": before},
            outcome="done: beyond the declared days",
        )
        while await self._journal.forget(before, entry):
            pass
