"""The logbook of the shift: entries, notes on alarms and tags, corrections as new entries, hand-over and take-over."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

import msgspec

from sereno.access.actor import Actor, Right
from sereno.client import AlarmState, EntryKind, LogEntry, LogQuery, OverridePort, override_json
from sereno.model import Clock, DeniedError, NotFoundError, RefusedError
from sereno.store.logbook import LogbookStore

from .alarms import Alarms, Tags

MAX_TEXT = 4000
AT_ONCE = 500


class Logbook:
    """Implements LogbookPort."""

    def __init__(self, store: LogbookStore, alarms: Alarms, tags: Tags, overrides: OverridePort, clock: Clock) -> None:
        self._store = store
        self._alarms = alarms
        self._sources: dict[str, str] = {}
        self._tags = tags
        self._overrides = overrides
        self._clock = clock
        self.know()

    def know(self) -> None:
        """The alarms are others by now; entries on those that are gone keep the rights that they had."""
        self._sources |= {spec.id: spec.source for spec in self._alarms.specs}

    async def entries(self, query: LogQuery, actor: Actor) -> list[LogEntry]:
        """See LogbookPort."""
        if not actor.may_somewhere(Right.READ):
            raise DeniedError(f"{actor.name} has no right to {Right.READ}")
        found: list[LogEntry] = []
        asked, known = asdict(query), self._alarms.readable(actor)
        while len(found) < query.limit:
            rows = await self._store.rows(**{**asked, "limit": AT_ONCE})
            readable = (_entry(row) for row in rows if self._may(actor, Right.READ, row["subject"]))
            found += [self._shown(entry, actor, known) for entry in readable]
            if len(rows) < AT_ONCE:
                break
            asked["before"] = rows[-1]["id"]
        return found[: query.limit]

    async def write(self, text: str, actor: Actor, *, subject: str = "") -> LogEntry:
        """See LogbookPort."""
        if subject and not (self._is_known(subject) and self._may(actor, Right.READ, subject)):
            raise NotFoundError(f"no alarm, tag or device {subject!r}")
        return await self._add(EntryKind.ENTRY, text, actor, subject=subject)

    async def correct(self, entry: int, text: str, actor: Actor) -> LogEntry:
        """See LogbookPort."""
        old = await self._one(entry, actor)
        return await self._add(EntryKind.CORRECTION, text, actor, subject=old.subject, refers=old.id)

    async def hand_over(self, text: str, actor: Actor) -> LogEntry:
        """See LogbookPort."""
        return await self._add(EntryKind.HAND_OVER, text, actor, facts=await self._facts(actor))

    async def take_over(self, entry: int, text: str, actor: Actor) -> LogEntry:
        """See LogbookPort."""
        old = await self._one(entry, actor)
        if old.kind is not EntryKind.HAND_OVER:
            raise RefusedError(f"entry {entry} is no hand-over")
        if old.actor == actor.name:
            raise RefusedError("who hands over does not take over")
        text = text.strip() or "taken over"
        return await self._add(EntryKind.TAKE_OVER, text, actor, refers=old.id, once=True)

    async def _add(
        self,
        kind: EntryKind,
        text: str,
        actor: Actor,
        *,
        subject: str = "",
        refers: int | None = None,
        facts: Mapping[str, Any] | None = None,
        once: bool = False,
    ) -> LogEntry:
        text = text.strip()
        if not text or len(text) > MAX_TEXT:
            raise RefusedError(f"an entry of {len(text)} characters, expected 1 to {MAX_TEXT}")
        if not self._may(actor, Right.ACKNOWLEDGE, subject):
            raise DeniedError(f"{actor.name} has no right to {Right.ACKNOWLEDGE} {subject}".rstrip())
        row: dict[str, Any] = {
            "t": self._clock.wall_ns(),
            "actor": actor.name,
            "kind": str(kind),
            "subject": subject,
            "refers": refers,
            "text": text,
            "facts": dict(facts or {}),
        }
        number = await self._store.add({**row, "origin": actor.origin}, str(kind) if once else "")
        if number is None:
            raise RefusedError(f"entry {refers} has been taken over already")
        return LogEntry(**{**row, "id": number, "kind": kind})

    async def _one(self, entry: int, actor: Actor) -> LogEntry:
        row = await self._store.one(entry)
        if row is None or not self._may(actor, Right.READ, row["subject"]):
            raise NotFoundError(f"no entry {entry}")
        return _entry(row)

    async def _facts(self, actor: Actor) -> dict[str, Any]:
        """What whoever comes next has to know: alarms that are not normal, what is substituted or out."""
        statuses = [s for s in await self._alarms.alarms(actor) if s.state is not AlarmState.NORMAL]
        substituted = await self._overrides.substitutions(actor)
        out = await self._overrides.tagged_out(actor)
        return {
            "alarms": [{"alarm": s.spec.id, "state": str(s.state), "priority": s.spec.priority} for s in statuses],
            "substituted": [override_json(one.override) for one in substituted],
            "maintenance": [override_json(one) for one in out],
        }

    def _shown(self, entry: LogEntry, actor: Actor, readable: Collection[str]) -> LogEntry:
        """A hand-over, without what this actor may not read; `readable`: the alarms."""
        if not entry.facts:
            return entry
        facts = {
            "alarms": [one for one in entry.facts["alarms"] if one["alarm"] in readable],
            **{
                name: [one for one in entry.facts[name] if actor.may(Right.READ, one["path"])]
                for name in ("substituted", "maintenance")
            },
        }
        return LogEntry(**{**{name: getattr(entry, name) for name in LogEntry.__slots__}, "facts": facts})

    def _is_known(self, subject: str) -> bool:
        if subject in self._sources:
            return True
        paths = (spec.path for spec in self._tags.directory().values())
        return any(path == subject or path.startswith(f"{subject}/") for path in paths)

    def _may(self, actor: Actor, right: Right, subject: str) -> bool:
        if not subject:
            return actor.may_somewhere(right)
        return actor.may(right, self._sources.get(subject, subject))


def _entry(row: Mapping[Any, Any]) -> LogEntry:
    names = ("id", "t", "actor", "text", "subject", "refers")
    data = {name: row[name] for name in names}
    return LogEntry(**data, kind=EntryKind(row["kind"]), facts=msgspec.json.decode(row["facts"]))
