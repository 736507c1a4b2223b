"""What is to be kept of transitions and acts, and the task that keeps it: bounded, in order, tried again."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import structlog

from sereno.client import AlarmSpec
from sereno.model import Clock, OperationError
from sereno.store.alarms import JournalRow
from sereno.store.audit import AuditEntry
from sereno.store.errors import StoreError

from .machine import AlarmMachine, Transitions
from .states import STATES

LONGEST = 500_000
"""Rows that may wait for the disk; what comes beyond is lost and counted."""
AT_ONCE = 5000
_RETRY = 1.0
_PATIENCE = 10.0
log = structlog.get_logger(__name__)


class Journal(Protocol):
    """Where transitions are kept; durable on return. Raises StoreError."""

    async def add(self, rows: Sequence[JournalRow], entries: Sequence[AuditEntry] = ()) -> None:
        """In this order."""


class Record:
    """Takes rows and audit entries without waiting; `run` keeps them, group after group."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._rows: deque[JournalRow] = deque()
        self._entries: deque[tuple[int, AuditEntry]] = deque()
        self._wake = asyncio.Event()
        self._kept_more = asyncio.Event()
        self.taken = 0
        self.kept = 0
        self.lost = 0
        self.peak = 0
        self.failures = 0
        self.problem = ""

    def take(self, rows: Sequence[JournalRow], entry: AuditEntry | None = None) -> int:
        """What to wait for with `until`."""
        for row in rows:
            if len(self._rows) < LONGEST:
                self._rows.append(row)
                self.taken += 1
            else:
                self.lost += 1
        if entry is not None:
            self._entries.append((self.taken, entry))
        self.peak = max(self.peak, len(self._rows))
        if rows or entry is not None:
            self._wake.set()
        return self.taken

    async def until(self, count: int) -> None:
        """Return when what `take` gave this number for is durable. Raises OperationError if that lasts too long."""
        with suppress(TimeoutError):
            async with self._clock.timeout(_PATIENCE):
                while self.kept < count or (self._entries and self._entries[0][0] <= count):
                    self._kept_more.clear()
                    await self._kept_more.wait()
                return
        raise OperationError(f"it is done, but not on record yet: {self.problem or 'the journal is slow'}")

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._rows or self._entries:
                await self._keep()

    async def drain(self) -> None:
        """Keep what is there, once; for the end of a node. Raises StoreError."""
        while self._rows or self._entries:
            await self._write()

    def statistics(self) -> dict[str, int]:
        """Counters since the start."""
        return {
            "journal_rows": self.kept,
            "journal_waiting": len(self._rows),
            "journal_peak": self.peak,
            "journal_lost": self.lost,
            "journal_failures": self.failures,
        }

    async def _keep(self) -> None:
        try:
            await self._write()
        except StoreError as error:
            self.failures += 1
            if not self.problem:
                log.error("alarms cannot be kept", reason=str(error))
            self.problem = str(error)
            await self._clock.sleep(_RETRY)
        else:
            self.problem = ""

    async def _write(self) -> None:
        rows = [self._rows[at] for at in range(min(AT_ONCE, len(self._rows)))]
        reached = self.kept + len(rows)
        entries = [entry for count, entry in self._entries if count <= reached]
        await self._journal.add(rows, entries)
        for _ in rows:
            self._rows.popleft()
        for _ in entries:
            self._entries.popleft()
        self.kept = reached
        self._kept_more.set()


def journal_rows(transitions: Transitions, specs: Sequence[AlarmSpec], machine: AlarmMachine) -> list[JournalRow]:
    """Transitions as rows of the journal; right after they were made."""
    columns = (transitions.rows, transitions.after, transitions.values, transitions.quality, transitions.t_source)
    return [
        JournalRow(
            t=transitions.t,
            alarm=specs[row].id,
            event=transitions.event.name.lower(),
            state=STATES[code].value,
            code=code,
            priority=specs[row].priority,
            value=value if math.isfinite(value) else None,
            quality=quality,
            t_source=t_source,
            raised=int(machine.raised[row]),
            shelved_until=int(machine.shelved_until[row]),
            actor=transitions.actor,
            note=transitions.note,
            last_actor=machine.actors[row],
            last_note=machine.notes[row],
        )
        for row, code, value, quality, t_source in zip(*(c.tolist() for c in columns), strict=True)
    ]
