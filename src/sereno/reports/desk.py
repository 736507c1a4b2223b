"""The desk of reports: has them made when they are due or asked for, has them sent, and keeps the books."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import structlog

from sereno.access.actor import Actor, Right
from sereno.client import LivePort, ReportOrder, ReportRun, ReportState, ReportStatus
from sereno.model import Clock, DeniedError, NotFoundError, RefusedError, SerenoError

from .gather import reader
from .maker import Maker
from .planning import failed, next_due, not_sent, outdated, plan, problem, to_make, waking
from .schedule import due_at, following, key_of, period_of
from .shelf import CANCELLED, FAILED, SENT, WAITING, Kept, Parcel, Run, encoded
from .spec import FORMATS, ReportSpec

LONGEST_PAUSE = 30.0
MOST_WAITING = 20
"""Reports that may wait to be made because somebody asked for them."""
Record = Callable[..., Awaitable[object]]
log = structlog.get_logger(__name__)


class Reports:
    """Implements ReportPort; `run` until the end. `record` puts acts of people on record, as AuditLog.record."""

    def __init__(
        self, specs: Iterable[ReportSpec], live: LivePort, maker: Maker, clock: Clock, *, record: Record
    ) -> None:
        self.specs = {spec.name: spec for spec in specs}
        self._live = live
        self._maker = maker
        self._shelf = maker.shelf
        self._clock = clock
        self._record = record
        self._kept: dict[str, Kept] = {}
        self._next: dict[str, tuple[ReportSpec, int, int]] = {}
        self._wake_maker, self._wake_sender = asyncio.Event(), asyncio.Event()
        self._saving = asyncio.Lock()
        self._making: tuple[str, str, asyncio.Task[None]] | None = None
        self._progress = 0.0
        self._fault = ""
        self._unsaved = ""
        self.made = 0
        self.sent = 0

    # ---- its life

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send_for_ever(), name="reports: send")
                await self._make_for_ever()
        except Exception as error:
            self._fault = f"no reports are made any more: {error}"
            raise

    def replace(self, specs: Iterable[ReportSpec]) -> None:
        """Others are declared by now. What was kept of those that are gone stays on the disk."""
        self.specs = {spec.name: spec for spec in specs}
        self._wake_maker.set()
        self._wake_sender.set()

    @property
    def problem(self) -> str:
        """What keeps reports from being made or from reaching people; empty if nothing does."""
        found = (problem(spec, kept) for name, spec in self.specs.items() if (kept := self._kept.get(name)))
        return "; ".join(filter(None, [self._fault, self._unsaved, *found]))

    def statistics(self) -> Mapping[str, int]:
        """Counters since the start."""
        runs = [run for kept in self._kept.values() for run in kept.runs]
        waiting = sum(one.state == WAITING for run in runs for one in run.parcels)
        return {"made": self.made, "sent": self.sent, "kept": len(runs), "waiting": waiting}

    # ---- ReportPort

    async def reports(self, actor: Actor) -> list[ReportStatus]:
        """See ReportPort."""
        return [await self._status(spec, actor) for spec in list(self.specs.values()) if await self._may(spec, actor)]

    async def runs(self, report: str, actor: Actor, *, limit: int = 100) -> list[ReportRun]:
        """See ReportPort."""
        spec = await self._spec(report, actor)
        kept = await self._books(spec)
        return [self._shown(spec, run) for run in reversed(kept.runs[-limit:])]

    async def order(self, order: ReportOrder, actor: Actor) -> ReportRun:
        """See ReportPort."""
        spec = await self._spec(order.report, actor)
        need = Right.CONFIGURE if order.send else Right.ACKNOWLEDGE
        if not actor.may_somewhere(need):
            raise DeniedError(f"{actor.name} has no right to {need}")
        strange = [name for name in order.formats if name not in FORMATS]
        if strange:
            raise ValueError(f"no format {', '.join(strange)}, expected of {', '.join(FORMATS)}")
        kept, run = await self._books(spec), self._ordered(spec, order, actor)
        if sum(one.open and bool(one.actor) for one in kept.runs) >= MOST_WAITING or kept.run(run.key) is not None:
            raise RefusedError("too many reports wait to be made; ask again later")
        await self._record(actor.name, "report.order", f"{spec.name} {run.key}", origin=actor.origin)
        kept.runs.append(run)
        await self._save(spec.name)
        self._wake_maker.set()
        return self._shown(spec, run)

    async def cancel(self, report: str, key: str, actor: Actor) -> None:
        """See ReportPort."""
        spec = await self._spec(report, actor)
        run = (await self._books(spec)).run(key)
        if run is None:
            raise NotFoundError(f"no report {report!r} of {key!r}")
        need = Right.ACKNOWLEDGE if run.actor else Right.CONFIGURE
        if not actor.may_somewhere(need):
            raise DeniedError(f"{actor.name} has no right to {need}")
        if not run.open:
            raise RefusedError(f"report {report!r} of {key!r} has ended")
        await self._record(actor.name, "report.cancel", f"{report} {key}", origin=actor.origin)
        for parcel in run.parcels:
            if parcel.state == WAITING:
                parcel.state, parcel.outcome = CANCELLED, f"cancelled by {actor.name}"
        if not run.made:
            run.state, run.error = ReportState.CANCELLED, f"cancelled by {actor.name}"
            if self._making is not None and self._making[:2] == (report, key):
                self._making[2].cancel()
        await self._save(report)

    async def file(self, report: str, name: str, actor: Actor) -> bytes:
        """See ReportPort."""
        spec = await self._spec(report, actor)
        run = next((run for run in (await self._books(spec)).runs if name in run.files), None)
        if run is None:
            raise NotFoundError(f"report {report!r} has no file {name!r}")
        if not _may_read(run.tags, actor, plant=run.plant):
            raise DeniedError(f"{actor.name} may not read all that is in {name!r}")
        return await asyncio.to_thread(self._shelf.read, report, name)

    # ---- making

    async def _make_for_ever(self) -> None:
        while True:
            self._wake_maker.clear()
            pause = LONGEST_PAUSE
            try:
                pause = await self._round()
            except OSError as error:
                self._unsaved = f"reports cannot be kept: {error}"
                log.error("reports cannot be kept", reason=str(error))
            with suppress(TimeoutError):
                async with self._clock.timeout(pause):
                    await self._wake_maker.wait()

    async def _round(self) -> float:
        """Make what may be made; seconds until there is more to do."""
        moments = []
        for name, spec in list(self.specs.items()):
            kept = await self._books(spec)
            now = self._clock.wall_ns()
            if not kept.after <= now < self._due(spec, kept) and plan(spec, kept, now):
                await self._save(name)
            for run in to_make(kept, self._clock.wall_ns()):
                await self._make(spec, run)
            await self._tidy(spec, kept)
            moments += [self._due(spec, kept), *waking(kept)]
        now = self._clock.wall_ns()
        return min([LONGEST_PAUSE, *(max(0.05, (moment - now) / 1e9) for moment in moments)])

    def _due(self, spec: ReportSpec, kept: Kept) -> int:
        """When something is due next; a calendar is not asked anew for every look at the clock."""
        known = self._next.get(spec.name)
        if known is None or known[0] is not spec or known[1] != kept.after:
            known = self._next[spec.name] = (spec, kept.after, next_due(spec, kept))
        return known[2]

    async def _make(self, spec: ReportSpec, run: Run) -> None:
        run.state, self._progress = ReportState.MAKING, 0.0
        work = asyncio.create_task(self._maker.make(spec, run, self._advance), name=f"report {spec.name} {run.key}")
        self._making = (spec.name, run.key, work)
        try:
            await work
            self.made += 1
        except asyncio.CancelledError:
            if run.state is not ReportState.CANCELLED:
                work.cancel()
                run.state = ReportState.DUE
                raise
        except Exception as error:
            if not isinstance(error, SerenoError | OSError | ValueError):
                log.exception("a report was not made", task=f"report {spec.name}")
            failed(run, str(error) or type(error).__name__, self._clock.wall_ns())
        finally:
            self._making = None
        await self._save(spec.name)
        self._wake_sender.set()

    def _advance(self, progress: float) -> None:
        self._progress = progress

    async def _tidy(self, spec: ReportSpec, kept: Kept) -> None:
        """Delete what is kept no more; the books say so first."""
        gone = outdated(spec, kept, self._clock.wall_ns())
        if gone:
            kept.runs = [run for run in kept.runs if run not in gone]
            await self._save(spec.name)
            for run in gone:
                await asyncio.to_thread(self._shelf.remove, spec.name, run, spec.folder)

    # ---- sending

    async def _send_for_ever(self) -> None:
        while True:
            self._wake_sender.clear()
            now, moments = self._clock.wall_ns(), []
            for name, spec in list(self.specs.items()):
                for run in list(self._kept[name].runs) if name in self._kept else []:
                    for parcel in run.parcels:
                        if parcel.state == WAITING and parcel.due <= now:
                            await self._send(spec, run, parcel)
                        if parcel.state == WAITING:
                            moments.append(parcel.due)
            now = self._clock.wall_ns()
            pause = min([LONGEST_PAUSE, *(max(0.05, (moment - now) / 1e9) for moment in moments)])
            with suppress(TimeoutError):
                async with self._clock.timeout(pause):
                    await self._wake_sender.wait()

    async def _send(self, spec: ReportSpec, run: Run, parcel: Parcel) -> None:
        """Once more; that it is tried is on the disk before it is."""
        parcel.attempts += 1
        if not await self._saved(spec.name):
            parcel.attempts -= 1
            parcel.due = self._clock.wall_ns() + round(LONGEST_PAUSE * 1e9)
            return
        try:
            outcome = await self._maker.send(spec, run, parcel)
        except Exception as error:
            if not isinstance(error, SerenoError | OSError):
                log.exception("a report was not sent", task=f"report {spec.name}")
            parcel.outcome, now = str(error) or type(error).__name__, self._clock.wall_ns()
            parcel.due = not_sent(parcel.attempts, now)
            if parcel.state == WAITING and not parcel.due:
                parcel.state, parcel.done = FAILED, now
        else:
            parcel.state, parcel.outcome, parcel.done = SENT, outcome, self._clock.wall_ns()
            self.sent += 1
        await self._saved(spec.name)

    # ---- the books

    async def _books(self, spec: ReportSpec) -> Kept:
        """What is kept of a report; one that is new begins now."""
        if spec.name not in self._kept:
            found = await asyncio.to_thread(self._shelf.load, spec.name)
            if spec.name not in self._kept:
                self._kept[spec.name] = found or Kept(after=self._clock.wall_ns())
                if found is None:
                    await self._save(spec.name)
        return self._kept[spec.name]

    async def _save(self, report: str) -> None:
        """Raises OSError."""
        async with self._saving:
            await asyncio.to_thread(self._shelf.save, report, encoded(self._kept[report]))
        self._unsaved = ""

    async def _saved(self, report: str) -> bool:
        try:
            await self._save(report)
        except OSError as error:
            self._unsaved = f"reports cannot be kept: {error}"
            return False
        return True

    # ---- who may see what

    async def _spec(self, report: str, actor: Actor) -> ReportSpec:
        spec = self.specs.get(report)
        if spec is None:
            raise NotFoundError(f"no report {report!r}; known: {', '.join(self.specs) or 'none'}")
        if not await self._may(spec, actor):
            raise DeniedError(f"{actor.name} may not read all that is in report {report!r}")
        return spec

    async def _may(self, spec: ReportSpec, actor: Actor) -> bool:
        """Whoever reads a report must have been able to read all of it."""
        paths = [tag.path for tag in await self._live.tags(spec.globs, reader(spec))] if spec.globs else []
        return _may_read((*spec.globs, *paths), actor, plant=spec.alarms or spec.logbook)

    async def _status(self, spec: ReportSpec, actor: Actor) -> ReportStatus:
        kept = await self._books(spec)
        period = following(spec, kept.after)
        return ReportStatus(
            name=spec.name,
            title=spec.title,
            period=spec.period,
            at=spec.time_of_day,
            timezone=spec.calendar.timezone,
            formats=spec.formats,
            folder=spec.folder,
            by=spec.by,
            to=spec.to,
            tags=spec.globs,
            next_start=period.start,
            next_end=period.end,
            next_due=due_at(spec, period),
            last=self._shown(spec, kept.runs[-1]) if kept.runs else None,
            problem=problem(spec, kept),
            may_make=actor.may_somewhere(Right.ACKNOWLEDGE),
            may_send=actor.may_somewhere(Right.CONFIGURE),
        )

    def _shown(self, spec: ReportSpec, run: Run) -> ReportRun:
        making = self._making is not None and self._making[:2] == (spec.name, run.key)
        return run.shown(spec.name, self._progress if making else 0.0)

    def _ordered(self, spec: ReportSpec, order: ReportOrder, actor: Actor) -> Run:
        now = self._clock.wall_ns()
        period = period_of(spec, order.period, now)
        made = datetime.fromtimestamp(now // 10**9, UTC).astimezone(ZoneInfo(spec.calendar.timezone))
        return Run(
            key=f"{key_of(spec, period)}-made-{made:%Y%m%dT%H%M%S}",
            start=period.start,
            end=period.end,
            due=now,
            actor=actor.name,
            so_far=period.end == now,
            send=order.send,
            formats=order.formats or spec.formats,
        )


def _may_read(tags: Iterable[str], actor: Actor, *, plant: bool) -> bool:
    """Tags by path or glob, with `plant` alarms and logbook too."""
    return (not plant or actor.may(Right.READ, "*")) and all(actor.may(Right.HISTORY, path) for path in tags)
