"""The logbook: who may write and read what, and that nothing written is ever changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from sereno.access.actor import Actor, Permission, Right, Role
from sereno.alarms.logbook import Logbook
from sereno.client import EntryKind, LogEntry, LogQuery
from sereno.hub.overrides import Overrides
from sereno.model import Clock, DeniedError, NotFoundError, RefusedError
from sereno.store.engine import Store
from sereno.store.errors import StoreError
from sereno.store.logbook import LogbookStore
from sereno.store.overrides import StoredOverrides
from sereno.store.tables import LOGBOOK
from sereno.testing import JumpingClock, jumping
from tests.alarms.rig import EVA, FLOW, LEVEL, OLGA, VERA, Bench, at_work, limit_alarms

HI = f"{LEVEL}.hi"
NIL = Actor("nil", (Role("flow", (Permission(Right.READ, FLOW), Permission(Right.ACKNOWLEDGE, FLOW))),))
ALL = LogQuery()


@asynccontextmanager
async def logbook(clock: Clock, folder: Path) -> AsyncIterator[tuple[Logbook, Bench, Store]]:
    async with at_work(limit_alarms(LEVEL), clock, folder / "a.db") as bench:
        store: Store = bench.alarms._journal._store
        overrides = Overrides(bench.hub, clock, StoredOverrides(store, clock), {})
        bench.feed(5.0)
        yield Logbook(LogbookStore(store), bench.alarms, bench.hub, overrides, clock), bench, store


def texts(found: list[LogEntry]) -> list[str]:
    return [entry.text for entry in found]


@jumping
async def test_entries_notes_and_corrections(clock: JumpingClock, tmp_path: Path) -> None:
    async with logbook(clock, tmp_path) as (book, _, _):
        first = await book.write("  pump rough ", OLGA)
        note = await book.write("probe is new", OLGA, subject=HI)
        await book.write("oiled", EVA, subject="river/plc1")
        correction = await book.correct(note.id, "probe is old", EVA)
        assert (first.text, first.actor, first.kind) == ("pump rough", "olga", EntryKind.ENTRY)
        assert (correction.refers, correction.subject, correction.actor) == (note.id, HI, "eva")
        assert texts(await book.entries(ALL, VERA)) == ["probe is old", "oiled", "probe is new", "pump rough"]
        assert texts(await book.entries(LogQuery(subject=HI), VERA)) == ["probe is old", "probe is new"]
        assert texts(await book.entries(LogQuery(text="PROBE is n"), VERA)) == ["probe is new"]
        assert texts(await book.entries(LogQuery(limit=2, before=4), VERA)) == ["oiled", "probe is new"]
        assert texts(await book.entries(LogQuery(text="%"), VERA)) == []
        now = clock.wall_ns()
        assert await book.entries(LogQuery(start=now + 1), VERA) == []
        assert len(await book.entries(LogQuery(start=now, end=now + 1), VERA)) == 4


@jumping
async def test_who_may_write_and_read_what(clock: JumpingClock, tmp_path: Path) -> None:
    async with logbook(clock, tmp_path) as (book, _, _):
        await book.write("general", OLGA)
        await book.write("about the level", OLGA, subject=HI)
        await book.write("about the flow", NIL, subject=FLOW)
        assert texts(await book.entries(ALL, NIL)) == ["about the flow", "general"]
        for act, error in (
            (lambda: book.write("x", VERA), DeniedError),
            (lambda: book.entries(ALL, Actor("nobody")), DeniedError),
            (lambda: book.write("x", NIL, subject=HI), NotFoundError),
            (lambda: book.write("x", OLGA, subject="river/none"), NotFoundError),
            (lambda: book.correct(2, "x", NIL), NotFoundError),
            (lambda: book.correct(99, "x", OLGA), NotFoundError),
            (lambda: book.write("  ", OLGA), RefusedError),
            (lambda: book.write("x" * 4001, OLGA), RefusedError),
            (lambda: book.take_over(1, "", EVA), RefusedError),
        ):
            with pytest.raises(error):
                await act()


@jumping
async def test_a_hand_over_says_how_things_stand_and_is_taken_once(clock: JumpingClock, tmp_path: Path) -> None:
    async with logbook(clock, tmp_path) as (book, bench, _):
        bench.feed(9.5)
        await bench.alarms.shelve([HI], OLGA, reason="works", seconds=3600)
        handed = await book.hand_over("quiet", OLGA)
        assert {(one["alarm"], one["state"]) for one in handed.facts["alarms"]} == {
            (HI, "shelved"),
            (f"{LEVEL}.hihi", "unacknowledged"),
        }
        with pytest.raises(RefusedError, match="does not take over"):
            await book.take_over(handed.id, "", OLGA)
        taken = await book.take_over(handed.id, "", EVA)
        assert (taken.text, taken.refers) == ("taken over", handed.id)
        with pytest.raises(RefusedError, match="already"):
            await book.take_over(handed.id, "", EVA)
        (seen,) = [entry for entry in await book.entries(ALL, NIL) if entry.kind is EntryKind.HAND_OVER]
        assert seen.facts["alarms"] == [], "what they may not read is left out"


@jumping
async def test_the_database_refuses_changes(clock: JumpingClock, tmp_path: Path) -> None:
    async with logbook(clock, tmp_path) as (book, _, store):
        await book.write("so it was", OLGA)
        changes: list[Callable[[Any], Any]] = [
            lambda c: c.execute(update(LOGBOOK).values(text="so it was not")),
            lambda c: c.execute(delete(LOGBOOK)),
        ]
        for change in changes:
            with pytest.raises((StoreError, DBAPIError), match="never changed or deleted"):
                await store.run(change)
        assert texts(await book.entries(ALL, VERA)) == ["so it was"]
