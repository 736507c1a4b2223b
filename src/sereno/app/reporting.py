"""Joins reports with what they are taken from and with the ways by which they go out."""

from __future__ import annotations

from pathlib import Path

from sereno.alarms.alarms import Alarms
from sereno.alarms.notify.notifier import Notifier
from sereno.alarms.notify.pipeline import StepSpec
from sereno.alarms.notify.way import Attachment
from sereno.historian.historian import Historian
from sereno.hub.hub import Hub
from sereno.reports.courier import Letter, NoCourier
from sereno.reports.desk import Reports
from sereno.reports.gather import Sources
from sereno.reports.maker import Maker
from sereno.reports.shelf import Shelf
from sereno.store.audit import AuditLog

from .analysis import analysis_of
from .no_history import NoHistory
from .plant.load import Plant
from .telling import Telling


class NoticeCourier:
    """A Courier by the ways of [notices]."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._none = NoCourier()

    def recipients(self, by: tuple[str, ...], to: tuple[str, ...], t: int) -> list[tuple[str, str]]:
        """See Courier. Ways that are declared and not running yet count, with those who were named."""
        plan = self._notifier.plan
        running = tuple(way for way in by if way in plan.ways)
        known = tuple(name for name in to if name in plan.people or name in plan.rosters)
        step = StepSpec(by=running, to=known, after=0.0)
        found = [(one.way, one.person) for one in plan.recipients(step, t, self._notifier.changes) if one.person]
        return found + self._none.recipients(tuple(way for way in by if way not in running), to, t)

    async def send(self, way: str, person: str, letter: Letter) -> str:
        """See Courier."""
        if way not in self._notifier.plan.ways:
            return await self._none.send(way, person, letter)
        files = tuple(Attachment(name, media, data) for name, media, data in letter.files)
        said = (letter.subject, letter.text, letter.html)
        return await self._notifier.report(way, person, letter.id, said, files, again=letter.again)


def join_reports(
    plant: Plant, rooms: tuple[Hub, Historian | None, Alarms], telling: Telling, shelf: Path, record: AuditLog
) -> Reports:
    """The reports of a plant, kept in the folder `shelf`."""
    hub, historian, alarms = rooms
    sources = Sources(
        live=hub,
        history=historian or NoHistory(),
        analysis=analysis_of(plant, historian, record),
        alarms=alarms,
        logbook=telling.logbook,
    )
    kept, courier = Shelf(shelf), NoticeCourier(telling.notifier) if telling.notifier else NoCourier()
    maker = Maker(sources, kept, courier, hub.clock)
    return Reports(plant.reports, hub, maker, hub.clock, record=record.record)
