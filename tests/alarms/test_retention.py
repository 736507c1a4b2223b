"""The journal forgets what is older than declared, on record, and keeps the last of each alarm."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from sereno.alarms.retention import Retention
from sereno.client import AlarmQuery
from sereno.store.alarms import AlarmJournal
from sereno.store.audit import AuditLog, AuditQuery
from sereno.store.engine import Store
from sereno.testing import JumpingClock, jumping
from tests.alarms.rig import EVA, LEVEL, at_work, limit_alarms

DAY = 86400.0
HI = f"{LEVEL}.hi"


@jumping
async def test_old_rows_go_and_the_last_of_each_alarm_stays(clock: JumpingClock, tmp_path: Path) -> None:
    async with at_work(limit_alarms(LEVEL), clock, tmp_path / "a.db") as bench:
        store: Store = bench.alarms._journal._store
        retention = Retention(AlarmJournal(store), clock, 10.0, "test")
        task = asyncio.create_task(retention.run())
        bench.feed(9.5)
        bench.feed(5.0)
        await asyncio.sleep(5 * DAY)
        bench.feed(8.5)
        bench.feed(5.0)
        await asyncio.sleep(4 * DAY)
        assert len(await bench.alarms.journal(AlarmQuery(), EVA)) == 6, "after nine days nothing has gone"
        await asyncio.sleep(2 * DAY)
        rows = await bench.alarms.journal(AlarmQuery(), EVA)
        assert [(row.alarm, row.event) for row in reversed(rows)] == [
            (f"{LEVEL}.hihi", "cleared"),
            (HI, "raised"),
            (HI, "cleared"),
        ]
        (entry,) = [e async for e in AuditLog(store, clock).all(AuditQuery(action="alarm.forget"))]
        assert entry.old["rows"] == 3
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
