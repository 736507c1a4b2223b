"""The logbook of the shift as a port: entries that are only ever added, notes on alarms and tags, hand-overs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from sereno.access.actor import Actor
from sereno.model import NotFoundError

from ._json import iso_time
from ._times import parse_time


class EntryKind(StrEnum):
    """What an entry of the logbook is."""

    ENTRY = "entry"
    CORRECTION = "correction"
    HAND_OVER = "hand_over"
    TAKE_OVER = "take_over"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """An entry. `subject` is the alarm, tag or device that it is a note on, "" for none; `refers` the entry that it
    corrects or takes over; `facts` how alarms and overrides stood at a hand-over. `t` ns UTC.
    """

    id: int
    t: int
    actor: str
    kind: EntryKind
    text: str
    subject: str = ""
    refers: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Which entries: about a subject, with a text in them, of [start, end) ns UTC; the newest below `before`."""

    subject: str = ""
    text: str = ""
    start: int | None = None
    end: int | None = None
    before: int | None = None
    limit: int = 100


class LogbookPort(Protocol):
    """The logbook. Entries are durable on return; all raise NotFoundError, DeniedError, RefusedError."""

    async def entries(self, query: LogQuery, actor: Actor) -> list[LogEntry]:
        """The newest first; notes on what the actor may not read are left out."""

    async def write(self, text: str, actor: Actor, *, subject: str = "") -> LogEntry:
        """A new entry, or a note on an alarm, tag or device; needs the right `acknowledge` (on it)."""

    async def correct(self, entry: int, text: str, actor: Actor) -> LogEntry:
        """A correction of an entry, which stays as it is."""

    async def hand_over(self, text: str, actor: Actor) -> LogEntry:
        """The end of a shift, with how alarms and overrides stand."""

    async def take_over(self, entry: int, text: str, actor: Actor) -> LogEntry:
        """Somebody else takes over what was handed over; once."""


class NoLogbook:
    """A LogbookPort without a logbook."""

    async def entries(self, query: LogQuery, actor: Actor) -> list[LogEntry]:
        """None."""
        del query, actor
        return []

    async def write(self, text: str, actor: Actor, *, subject: str = "") -> LogEntry:
        """Raises NotFoundError."""
        del text, actor, subject
        raise NotFoundError("there is no logbook here")

    async def correct(self, entry: int, text: str, actor: Actor) -> LogEntry:
        """Raises NotFoundError."""
        del entry
        return await self.write(text, actor)

    async def hand_over(self, text: str, actor: Actor) -> LogEntry:
        """Raises NotFoundError."""
        return await self.write(text, actor)

    async def take_over(self, entry: int, text: str, actor: Actor) -> LogEntry:
        """Raises NotFoundError."""
        del entry
        return await self.write(text, actor)


def log_entry_json(entry: LogEntry) -> dict[str, Any]:
    """An entry."""
    return {**asdict(entry), "kind": str(entry.kind), "t": iso_time(entry.t), "facts": dict(entry.facts)}


def parse_log_entry(data: Mapping[str, Any]) -> LogEntry:
    """The other way."""
    return LogEntry(**{**data, "kind": EntryKind(data["kind"]), "t": parse_time(data["t"])})
