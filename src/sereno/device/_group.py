"""ScanGroup: scans a plan on its grid and publishes one batch per scan."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import structlog

from sereno.client import GroupSpec, GroupStatus, IngestPort
from sereno.model import (
    Clock,
    DeliveryError,
    GroupId,
    ObjectSample,
    OperationError,
    RowIndex,
    SampleBatch,
    TagHandle,
    Timer,
    seal,
    severity,
)

from ._config import GroupConfig
from ._device_clock import DeviceClock
from ._driver import Driver, DriverTag, ScanColumns
from ._grid import Grid, spread
from ._range import RangeCheck
from ._turns import FreeTurns, LinkTurns
from ._words import in_words

log = structlog.get_logger(__name__)

FAULT_PAUSE = 5.0
"""Seconds until a group is scanned again after an error that repeating will not help."""

SOON = 0.001
"""Seconds: the watchdog's shortest wait."""


class GroupOwner(Protocol):
    """What a group tells its device. Called in the loop, must not block."""

    def answered(self, group: str) -> None:
        """A scan was published."""

    def unanswered(self, group: str, error: str) -> None:
        """No scan, the device did not answer."""

    def faulty(self, group: str, error: str) -> None:
        """No scan, and repeating it as it is will not help."""

    def overdue(self, group: str, seconds: float) -> None:
        """Nothing has come for longer than `stale_after`."""


class ScanGroup:
    """One scan group as it runs: plan, grid, counters. Scans only while `ready`, and at once when poked."""

    def __init__(
        self,
        device: str,
        name: str,
        config: GroupConfig,
        stale_after: float,
        *,
        tags: Sequence[DriverTag],
        owner: GroupOwner,
        clock: Clock,
        ingest: IngestPort,
        ready: asyncio.Event,
    ) -> None:
        self.device = device
        self.name = name
        self.period = config.period
        self.phase = spread(device, name, config.period) if config.phase is None else config.phase
        self.held = config.held
        self.stale_after = stale_after
        self.rows = [t for t in tags if t.spec.is_row]
        self.objects = [t for t in tags if not t.spec.is_row]
        self.plan: Any = None
        self.scans = self.failures = self.overruns = self.incomplete = 0
        self._owner = owner
        self._clock = clock
        self._ingest = ingest
        self._ready = ready
        self._index = RowIndex(())
        self._object_handles: tuple[TagHandle, ...] = ()
        self._id = GroupId(-1)
        self._seq = 0
        self._last_duration = self._worst_duration = 0.0
        self._last_scan = 0
        self._last_good = clock.monotonic()
        self._pokes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._watchdog: Timer | None = None
        self._logged = ""
        self._reasons: Mapping[str, str] = {}
        self._settle()
        self._clock_of_times = DeviceClock(f"the clock of {device}")

    @property
    def clock_faults(self) -> tuple[str, ...]:
        """Clocks of the device that are off, in words."""
        clocks = (*(clock for _, clock in self._clock_rows), self._clock_of_times)
        return tuple(clock.fault for clock in clocks if clock.fault)

    @property
    def id(self) -> GroupId:
        """What it is called in the hub."""
        return self._id

    def register(self, handles: Mapping[str, int]) -> None:
        """Take the handles of the tags by path, put `rows` in their order, and register as a group of batches."""
        self.rows.sort(key=lambda tag: handles[tag.spec.path])
        self._settle()
        self._index = RowIndex([handles[tag.spec.path] for tag in self.rows])
        self._object_handles = tuple(TagHandle(int(handles[tag.spec.path])) for tag in self.objects)
        spec = GroupSpec(self.name, self.device, self.period, self.stale_after, self._index, self._object_handles)
        self._id = self._ingest.register_group(spec)

    def adopt(self, tags: Mapping[str, DriverTag]) -> None:
        """Go on with other declarations of the same tags, by path, that mean the same to the driver."""
        self.rows = [tags[tag.spec.path] for tag in self.rows]
        self.objects = [tags[tag.spec.path] for tag in self.objects]

    def poke(self, times: int = 1) -> None:
        """Scan out of turn, as soon as possible; the grid stays."""
        self._pokes = max(self._pokes, times)
        self._wake()

    async def run(self, driver: Driver, turns: LinkTurns | FreeTurns, origin: float) -> None:
        """Scan until cancelled. `origin` is the monotonic time that phases count from."""
        clock, grid = self._clock, Grid(origin + self.phase, self.period)
        self._last_good = clock.monotonic()
        self._watch()
        try:
            point = grid.after(clock.monotonic())
            while True:
                if not self._ready.is_set():
                    await self._ready.wait()
                    point = grid.after(clock.monotonic())
                on_grid = await self._turn(grid.due(point))
                if not self._ready.is_set():
                    continue
                if not await self._scan(driver, turns):
                    point = grid.after(clock.monotonic() + FAULT_PAUSE)
                elif on_grid:
                    point, missed = grid.follow(point, clock.monotonic())
                    self.overruns += missed
        finally:
            if self._watchdog is not None:
                self._watchdog.cancel()

    def status(self) -> GroupStatus:
        """See GroupStatus."""
        return GroupStatus(
            name=self.name,
            period=self.period,
            phase=self.phase,
            tags=len(self.rows) + len(self.objects),
            scans=self.scans,
            overruns=self.overruns,
            incomplete=self.incomplete,
            last_duration=self._last_duration,
            worst_duration=self._worst_duration,
            last_scan=self._last_scan,
            stale=self.scans == 0 or self._age() > self.stale_after,
        )

    async def _turn(self, due: float) -> bool:
        """Wait for the grid point at `due` (True) or a poke (False)."""
        delay = due - self._clock.monotonic()
        if not self._pokes and delay > 0:
            self._waiter = asyncio.get_running_loop().create_future()
            timer = self._clock.call_later(delay, self._wake)
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        if not self._pokes:
            return True
        self._pokes -= 1
        return False

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _scan(self, driver: Driver, turns: LinkTurns | FreeTurns) -> bool:
        """One scan, whatever comes of it; False if repeating it soon makes no sense."""
        try:
            async with turns.scan:
                if not self._ready.is_set():
                    return True
                begun = self._clock.monotonic()
                columns = await driver.scan(self.plan)
            self._publish(columns, self._clock.monotonic() - begun)
        except (DeliveryError, OSError) as error:
            self.failures += 1
            self._owner.unanswered(self.name, in_words(error))
        except OperationError as error:
            return self._faulty(in_words(error))
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            if text != self._logged:
                self._logged = text
                log.exception("scan failed", task=f"scan {self.device}/{self.name}")
            return self._faulty(text)
        else:
            self._owner.answered(self.name)
        return True

    def _faulty(self, error: str) -> bool:
        self.failures += 1
        self._owner.faulty(self.name, error)
        return False

    def _publish(self, columns: ScanColumns, duration: float) -> None:
        now = self._clock.wall_ns()
        objects: tuple[ObjectSample, ...] = ()
        if columns.objects:
            handles = self._object_handles
            objects = tuple([ObjectSample(handles[i], value, now, quality) for i, value, quality in columns.objects])
        batch = seal(
            self._id,
            self._seq + 1,
            self._index,
            columns.values,
            now if columns.t_source is None else columns.t_source,
            self._check.apply(columns.values, columns.quality),
            exact=columns.exact,
            objects=objects,
            complete=columns.complete,
        )
        self._give_reasons(columns)
        if self._clock_rows or columns.t_source is not None:
            self._look_at_clocks(batch, now, columns.t_source is not None and columns.fresh)
        self._seq += 1
        self.scans += 1
        self.incomplete += not columns.complete
        self._last_duration = duration
        self._worst_duration = max(self._worst_duration, duration)
        self._last_scan = now
        self._last_good = self._clock.monotonic()
        self._ingest.publish(batch)

    def _give_reasons(self, columns: ScanColumns) -> None:
        reasons = columns.reasons or {}
        if reasons == self._reasons:
            return
        self._reasons = reasons
        tags = zip((*self.rows, *self.objects), (*self._index.handles.tolist(), *self._object_handles), strict=True)
        self._ingest.report_reasons(self._id, {h: reasons[t.spec.name] for t, h in tags if t.spec.name in reasons})

    def _look_at_clocks(self, batch: SampleBatch, now: int, own_times: bool) -> None:
        for row, clock in self._clock_rows:
            if severity(int(batch.quality[row])) != "bad":
                clock.seen(float(batch.values[row]), now / 1e9)
        if own_times and batch.t_source.size:
            self._clock_of_times.seen(float(batch.t_source.max()) / 1e9, now / 1e9)

    def _settle(self) -> None:
        """What goes by the order of the rows."""
        self._check = RangeCheck([t.spec for t in self.rows])
        self._clock_rows = [
            (i, DeviceClock(t.spec.path, t.spec.clock)) for i, t in enumerate(self.rows) if t.spec.clock
        ]

    def _age(self) -> float:
        return self._clock.monotonic() - self._last_good

    def _watch(self) -> None:
        """Timer: one per `stale_after` rather than one per scan."""
        age = self._age()
        if age >= self.stale_after and self._ready.is_set():
            self._owner.overdue(self.name, age)
        # rounding may leave an age just under the limit at the instant of the ring: never ring again at once
        wait = max(self.stale_after - age, SOON) if age < self.stale_after else self.stale_after
        self._watchdog = self._clock.call_later(wait, self._watch)
