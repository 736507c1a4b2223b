"""Alarms: the sink that evaluates, the port that people act through, the journal that remembers."""

from __future__ import annotations

import asyncio
import fnmatch
import math
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import structlog

from sereno.access.actor import Actor, Right
from sereno.client import AlarmEvent, AlarmFigures, AlarmQuery, AlarmSpec, AlarmState, AlarmStatus
from sereno.model import Clock, DeniedError, NotFoundError, RefusedError, SampleBatch, TagHandle, TagSpec
from sereno.store.alarms import AlarmJournal
from sereno.store.audit import AuditEntry

from .evaluator import Evaluator
from .figures import JournalColumns, figures
from .machine import Rows, Transitions
from .record import Record, journal_rows
from .states import STATES, Event, active

LONGEST_SHELF = 7 * 86400.0
"""Seconds; what is meant for longer is out of service."""
MAX_NOTE = 500
INTERVAL = 30.0
"""Seconds after which the clock is looked at again: it may have been set."""
log = structlog.get_logger(__name__)


class Tags(Protocol):
    """Declarations of the tags there are."""

    def spec(self, handle: int) -> TagSpec:
        """By handle. Raises IndexError."""

    def directory(self) -> Mapping[TagHandle, TagSpec]:
        """All by handle."""


class Alarms:
    """Implements AlarmPort and, once `load` has run, BatchSink. `run` until the end keeps time and the journal.

    `maintenance` gives the devices that are tagged out: alarms of these and of all below them are out of service.
    """

    def __init__(
        self,
        specs: Sequence[AlarmSpec],
        tags: Tags,
        clock: Clock,
        journal: AlarmJournal,
        maintenance: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._tags = tags
        self._evaluator = evaluator_of(specs, tags)
        self._specs = self._evaluator.specs
        self._machine = self._evaluator.machine
        self._clock = clock
        self._journal = journal
        self._record = Record(journal, clock)
        self._maintenance = maintenance
        self._out: frozenset[str] = frozenset()
        self._wake = asyncio.Event()
        self._planned = math.inf
        self._watchers: list[_Watcher] = []
        self.listeners: list[Callable[[Transitions], None]] = []
        self.transitions = 0

    @property
    def specs(self) -> tuple[AlarmSpec, ...]:
        """The declared alarms, by id; `Transitions.rows` point into them."""
        return self._specs

    # ---- its life

    async def load(self) -> None:
        """Take up the states that the journal holds. Raises StoreError."""
        _fill(self._evaluator, await self._journal.states())
        self._evaluator.restored()

    async def prepared(self, specs: Sequence[AlarmSpec]) -> Evaluator:
        """What `replace` takes: other alarms over the tags that there are now. Raises KeyError, StoreError."""
        fresh = await asyncio.to_thread(evaluator_of, specs, self._tags)
        _fill(fresh, await self._journal.states())
        return fresh

    def replace(self, fresh: Evaluator, held: Iterable[SampleBatch]) -> None:
        """Go on with the alarms of `prepared`, in the states that those of the same id have.

        `held` is what the tags are now, so that changed conditions are judged at once. Watches end.
        """
        fresh.carry_over(self._evaluator)
        self._evaluator, self._specs, self._machine = fresh, fresh.specs, fresh.machine
        self._out = frozenset()
        for batch in held:
            self._tell(fresh.take(batch, self._clock.wall_ns(), self._clock.monotonic()))
        self._look_at_maintenance()
        for watcher in self._watchers:
            watcher.over = True
            watcher.wake.set()
        self._wake.set()

    async def run(self) -> None:
        """Delays, shelves and maintenance, when they are due, until cancelled."""
        while True:
            self.tick()
            self._planned = self._evaluator.next_due(self._clock.wall_ns(), self._clock.monotonic())
            self._wake.clear()
            with suppress(TimeoutError):
                async with self._clock.timeout(min(INTERVAL, self._planned - self._clock.monotonic())):
                    await self._wake.wait()

    async def run_journal(self) -> None:
        """Keep what happened, until cancelled."""
        await self._record.run()

    async def stop(self) -> None:
        """Keep what is left. Raises StoreError."""
        await self._record.drain()

    def accept(self, batch: SampleBatch) -> None:
        """See BatchSink."""
        found = self._evaluator.take(batch, self._clock.wall_ns(), self._clock.monotonic())
        if found:
            self._tell(found)
        if self._evaluator.delays.next_due < self._planned:
            self._wake.set()
        if self._out or self._maintenance():
            self._look_at_maintenance()

    def tick(self) -> None:
        """What time alone leads to."""
        self._tell(self._evaluator.tick(self._clock.wall_ns(), self._clock.monotonic()))
        self._look_at_maintenance()

    def statistics(self) -> dict[str, int]:
        """Counters since the start, and how many alarms stand how."""
        codes = self._machine.codes
        states = [STATES[code] for code in codes.tolist()]
        return {
            "alarms": len(codes),
            "active": int(np.count_nonzero(active(codes))),
            "unacknowledged": sum(state.needs_acknowledging for state in states),
            "hidden": int(np.count_nonzero(codes >> 4)),
            "transitions": self.transitions,
            "watchers": len(self._watchers),
            **self._record.statistics(),
            **self._evaluator.limits.statistics(),
        }

    @property
    def problem(self) -> str:
        """Why the journal is not kept; empty if all is well."""
        return self._record.problem

    async def kept(self) -> None:
        """Return when all that has happened is durable. Raises OperationError if that lasts too long."""
        await self._record.until(self._record.taken)

    def standing(self) -> list[tuple[str, AlarmState, int]]:
        """(id, state, since) of every alarm."""
        columns = zip(self._specs, self._machine.codes.tolist(), self._machine.since.tolist(), strict=True)
        return [(spec.id, STATES[code], since) for spec, code, since in columns]

    async def past(self, start: int, end: int) -> list[tuple[int, str, AlarmState]]:
        """(t, id, state) of every transition of [start, end) that is kept, in order. Raises StoreError."""
        rows = await self._journal.columns(start, end)
        return [(t, alarm, AlarmState(state)) for t, alarm, state, _ in rows if t >= start]

    def readable(self, actor: Actor) -> frozenset[str]:
        """Ids of the alarms that the actor may read."""
        return frozenset(spec.id for row, spec in enumerate(self._specs) if self._may(actor, Right.READ, row))

    # ---- what people ask and do

    async def alarms(self, actor: Actor) -> list[AlarmStatus]:
        """See AlarmPort."""
        return [self._status(row) for row in range(len(self._specs)) if self._may(actor, Right.READ, row)]

    async def acknowledge(self, ids: Sequence[str], actor: Actor, *, note: str = "") -> list[AlarmStatus]:
        """See AlarmPort."""
        return await self._act(Event.ACKNOWLEDGED, Right.ACKNOWLEDGE, ids, actor, note)

    async def reset(self, ids: Sequence[str], actor: Actor, *, note: str = "") -> list[AlarmStatus]:
        """See AlarmPort."""
        return await self._act(Event.RESET, Right.ACKNOWLEDGE, ids, actor, note)

    async def shelve(self, ids: Sequence[str], actor: Actor, *, reason: str, seconds: float) -> list[AlarmStatus]:
        """See AlarmPort."""
        if not 0 < seconds <= LONGEST_SHELF:
            raise RefusedError(
                f"shelving for {seconds:g} s, expected more than 0 and at most {LONGEST_SHELF / 86400:g} days"
            )
        until = self._clock.wall_ns() + int(seconds * 1e9)
        done = await self._act(Event.SHELVED, Right.SHELVE, ids, actor, _reason(reason), until)
        self._wake.set()
        return done

    async def unshelve(self, ids: Sequence[str], actor: Actor, *, note: str = "") -> list[AlarmStatus]:
        """See AlarmPort."""
        return await self._act(Event.UNSHELVED, Right.SHELVE, ids, actor, note)

    async def take_out(self, ids: Sequence[str], actor: Actor, *, reason: str) -> list[AlarmStatus]:
        """See AlarmPort."""
        return await self._act(Event.OUT_OF_SERVICE, Right.CONFIGURE, ids, actor, _reason(reason))

    async def put_back(self, ids: Sequence[str], actor: Actor, *, note: str = "") -> list[AlarmStatus]:
        """See AlarmPort."""
        return await self._act(Event.IN_SERVICE, Right.CONFIGURE, ids, actor, note)

    async def journal(self, query: AlarmQuery, actor: Actor) -> list[AlarmEvent]:
        """See AlarmPort. Of alarms that are declared no more, who may read everything reads the rows too."""
        everything = actor.may(Right.READ, "*") and not query.alarm
        readable = [spec.id for row, spec in enumerate(self._specs) if self._may(actor, Right.READ, row)]
        wanted = [one for one in readable if not query.alarm or fnmatch.fnmatchcase(one, query.alarm)]
        rows = await self._journal.rows(
            None if everything else wanted,
            events=query.events,
            start=query.start,
            end=query.end,
            before=query.before,
            limit=query.limit,
        )
        return [event_of(row) for row in rows]

    async def figures(self, start: int, end: int, actor: Actor, *, operators: int = 1) -> AlarmFigures:
        """See AlarmPort."""
        if not 0 <= start < end or operators < 1:
            raise RefusedError("figures need a time that is not empty, and at least one operator")
        readable = {spec.id for row, spec in enumerate(self._specs) if self._may(actor, Right.READ, row)}
        rows = [row for row in await self._journal.columns(start, end) if row[1] in readable]
        return await asyncio.to_thread(lambda: figures(_columns(rows), start, end, operators=operators))

    async def watch(self, actor: Actor) -> AsyncIterator[list[AlarmStatus]]:
        """See AlarmPort."""
        readable = frozenset(row for row in range(len(self._specs)) if self._may(actor, Right.READ, row))
        watcher = _Watcher()
        self._watchers.append(watcher)
        try:
            yield [self._status(row) for row in sorted(readable)]
            while True:
                await watcher.wake.wait()
                watcher.wake.clear()
                if watcher.over:
                    return
                changed, watcher.changed = sorted(watcher.changed & readable), set()
                if changed:
                    yield [self._status(row) for row in changed]
        finally:
            self._watchers.remove(watcher)

    # ---- inside

    def _look_at_maintenance(self) -> None:
        out = frozenset(self._maintenance())
        if out == self._out:
            return
        self._out = out
        covered = [row for row, spec in enumerate(self._specs) if any(_covers(d, spec.source) for d in out)]
        self._tell(self._evaluator.tag_out(np.array(covered, np.intp), self._clock.wall_ns()))

    async def _act(  # noqa: PLR0917 - event and right, then what people say
        self, event: Event, right: Right, ids: Sequence[str], actor: Actor, note: str, until: int = 0
    ) -> list[AlarmStatus]:
        t = self._clock.wall_ns()
        entry = AuditEntry(
            t=t,
            actor=actor.name,
            origin=actor.origin,
            action=f"alarm.{event.name.lower()}",
            target=ids[0] if len(ids) == 1 else f"{len(ids)} alarms",
            new=list(ids)[:200] if len(ids) > 1 else None,
            comment=note,
        )
        rows = self._known(ids, actor)
        try:
            self._check(rows, right, actor, note)
        except (DeniedError, RefusedError) as error:
            self._record.take((), replace(entry, outcome=f"refused: {error}"))
            raise
        transitions = self._evaluator.act(rows, event, t, actor=actor.name, note=note, until=until)
        await self._record.until(self._tell(transitions, entry))
        return [self._status(row) for row in rows.tolist()]

    def _known(self, ids: Sequence[str], actor: Actor) -> Rows:
        rows = [self._evaluator.row.get(one) for one in dict.fromkeys(ids)]
        for one, row in zip(dict.fromkeys(ids), rows, strict=True):
            if row is None or not self._may(actor, Right.READ, row):
                raise NotFoundError(f"no alarm {one!r}")
        return np.array(rows, np.intp)

    def _check(self, rows: Rows, right: Right, actor: Actor, note: str) -> None:
        for row in rows.tolist():
            if not self._may(actor, right, row):
                raise DeniedError(f"{actor.name} has no right to {right} {self._specs[row].id}")
        if len(note) > MAX_NOTE:
            raise RefusedError(f"a note of {len(note)} characters, at most {MAX_NOTE} are kept")

    def _may(self, actor: Actor, right: Right, row: int) -> bool:
        return actor.may(right, self._specs[row].source)

    def _tell(self, found: Sequence[Transitions], entry: AuditEntry | None = None) -> int:
        rows = []
        for transitions in found:
            rows += journal_rows(transitions, self._specs, self._machine)
            self.transitions += len(transitions)
            changed = transitions.rows.tolist()
            for watcher in self._watchers:
                watcher.changed.update(changed)
                watcher.wake.set()
            for listener in self.listeners:
                listener(transitions)
        return self._record.take(rows, entry)

    def _status(self, row: int) -> AlarmStatus:
        machine = self._machine
        value = float(machine.values[row])
        return AlarmStatus(
            spec=self._specs[row],
            state=STATES[machine.codes[row]],
            active=bool(active(machine.codes[row : row + 1])[0]),
            since=int(machine.since[row]),
            raised=int(machine.raised[row]),
            value=value if math.isfinite(value) else None,
            quality=int(machine.quality[row]),
            shelved_until=int(machine.shelved_until[row]),
            actor=machine.actors[row],
            note=machine.notes[row],
        )


def evaluator_of(specs: Sequence[AlarmSpec], tags: Tags) -> Evaluator:
    """What evaluates these alarms over these tags, by id. Raises KeyError for a tag that there is not."""
    directory = tags.directory()
    handles = {spec.path: int(handle) for handle, spec in directory.items()}
    ordered = sorted(specs, key=lambda spec: spec.id)
    return Evaluator(ordered, tags, handles, {spec.path: spec for spec in directory.values()})


def _fill(evaluator: Evaluator, states: Iterable[Mapping[Any, Any]]) -> None:
    """What the journal holds of these alarms."""
    machine = evaluator.machine
    for kept in states:
        row = evaluator.row.get(kept["alarm"])
        if row is None:
            continue
        machine.codes[row], machine.since[row], machine.raised[row] = kept["code"], kept["t"], kept["raised"]
        machine.shelved_until[row], machine.quality[row] = kept["shelved_until"], kept["quality"]
        machine.values[row] = math.nan if kept["value"] is None else kept["value"]
        machine.t_source[row] = kept["t_source"]
        machine.actors[row], machine.notes[row] = kept["actor"], kept["note"]


class _Watcher:
    """What one reader has not been told yet."""

    def __init__(self) -> None:
        self.over = False
        self.changed: set[int] = set()
        self.wake = asyncio.Event()


def event_of(row: Mapping[Any, Any]) -> AlarmEvent:
    """A row of the journal's table, as people are told."""
    data = dict(row)
    seq = data.pop("id")
    return AlarmEvent(**{**data, "seq": seq, "state": AlarmState(data["state"])})


def _columns(rows: Sequence[tuple[int, str, str, int]]) -> JournalColumns:
    names = sorted({alarm for _, alarm, _, _ in rows})
    place = {name: at for at, name in enumerate(names)}
    states = {state.value: at for at, state in enumerate(AlarmState)}
    return JournalColumns(
        names,
        np.array([t for t, _, _, _ in rows], np.int64),
        np.array([place[alarm] for _, alarm, _, _ in rows], np.intp),
        np.array([states[state] for _, _, state, _ in rows], np.intp),
        np.array([priority for _, _, _, priority in rows], np.intp),
    )


def _covers(device: str, path: str) -> bool:
    return path == device or path.startswith(f"{device}/")


def _reason(text: str) -> str:
    if not text.strip():
        raise RefusedError("a reason of 0 characters; say why")
    return text.strip()
