"""The node as a device of its own: what it must not fail in is a tag like any other, with a trend and an alarm."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sereno.client import AlarmKind, AlarmSpec, DeviceStatus, GroupSpec, GroupStatus, IngestPort
from sereno.model import Clock, LinkState, OperationalState, Quality, RowIndex, TagSpec, ValueType, seal

from .host_clock import Timekeeping
from .platform import process_memory

DEVICE = "sereno/node"
PERIOD, LOOK_PERIOD = 1.0, 10.0
"""Seconds between two batches, and between two looks at disk and memory: these ask the system."""
_STALE = 10.0
_WORDS = ("failing", "ok")
_MB, _GB = 1e6, 1e9
SPECS = (
    TagSpec(path=f"{DEVICE}/audit", type=ValueType.BOOL, labels=_WORDS, description="Acts can be put on record"),
    TagSpec(
        path=f"{DEVICE}/clock",
        type=ValueType.ENUM,
        labels=tuple(one.value for one in Timekeeping),
        description="Is the clock that this node runs on kept right by a time service?",
    ),
    TagSpec(
        path=f"{DEVICE}/disk_free",
        unit="GB",
        decimals=1,
        deadband=0.1,
        description="Free on the disk of the data folder",
    ),
    TagSpec(path=f"{DEVICE}/guards", type=ValueType.BOOL, labels=_WORDS, description="What guards repeat gets done"),
    TagSpec(path=f"{DEVICE}/history", type=ValueType.BOOL, labels=_WORDS, description="Samples can be recorded"),
    TagSpec(path=f"{DEVICE}/history_room", type=ValueType.BOOL, labels=_WORDS, description="Old samples can be kept"),
    TagSpec(
        path=f"{DEVICE}/loop_lag",
        unit="ms",
        decimals=1,
        deadband=1.0,
        description="How late the event loop woke up",
    ),
    TagSpec(path=f"{DEVICE}/memory", unit="MB", decimals=0, deadband=1.0, description="Memory of this process"),
    TagSpec(path=f"{DEVICE}/notices", type=ValueType.BOOL, labels=_WORDS, description="Notices reach people"),
    TagSpec(path=f"{DEVICE}/reports", type=ValueType.BOOL, labels=_WORDS, description="Reports are made and sent"),
)


def _failing(name: str, priority: int, cause: str, consequence: str, response: str) -> AlarmSpec:
    """Comes when the tag of this name says no."""
    path = f"{DEVICE}/{name}"
    return AlarmSpec(
        id=f"{path}_failing",
        source=path,
        kind=AlarmKind.EXPRESSION,
        inputs=(path,),
        condition=f"{path} < 0.5",
        priority=priority,
        cause=cause,
        consequence=consequence,
        response=response,
    )


ALARMS = (
    _failing(
        "audit",
        1,
        "The disk of the data folder is full, or its database cannot be written",
        "Commands are refused: what cannot be recorded is not done",
        "Free space on the disk of the data folder, or mend the database; see sereno doctor",
    ),
    _failing(
        "guards",
        1,
        "A guard sends its command again and again, and it is not done",
        "What the guard stands for goes on",
        "See the outcome by sereno guard list or on the page Overrides, and do it by hand",
    ),
    _failing(
        "history",
        2,
        "The disk of the data folder is full or failing",
        "Samples are lost when the recorder's queue is full; the gap is marked",
        "Free space on the disk of the data folder; see sereno doctor",
    ),
    _failing(
        "history_room",
        3,
        'The disk of the data folder is full, and history.when_full = "drop_oldest"',
        "The oldest samples are deleted to record new ones",
        "Free space on the disk of the data folder, or keep less: history.days, history.max_bytes",
    ),
    _failing(
        "notices",
        2,
        "A way of telling fails, or a notice reached nobody",
        "People are not told of alarms, or later than declared",
        "See why on the page Notices or by sereno notice list; until it is mended, watch the alarms yourself",
    ),
    _failing(
        "reports",
        3,
        "A report could not be made or sent, though it was tried again",
        "Whoever reads it does not get it",
        "See why on the page Reports or by sereno report list; then make it and send it again",
    ),
)


class SelfWatch:
    """Publishes the tags of `SPECS` once a second. `problems`: what is wrong with audit, history and its room,
    `notices`: with telling people, `reports`: with reports, `guards`: with guards.
    `timekeeping`: what the clock is worth.
    """

    def __init__(
        self,
        ingest: IngestPort,
        clock: Clock,
        folder: Path,
        problems: Callable[[], tuple[str, str, str]],
        timekeeping: Callable[[], Timekeeping] = lambda: Timekeeping.UNKNOWN,
    ) -> None:
        self._ingest = ingest
        self._clock = clock
        self._folder = folder
        self._problems = problems
        self._timekeeping = timekeeping
        self._kept = Timekeeping.UNKNOWN
        handles = ingest.register_tags(SPECS).tolist()
        self._index = RowIndex(handles)
        self._group = ingest.register_group(GroupSpec("self", DEVICE, PERIOD, _STALE, self._index))
        self._since = clock.wall_ns()
        self._last = 0
        self.published = 0
        self.notices: Callable[[], str] = str
        self.reports: Callable[[], str] = str
        self.guards: Callable[[], str] = str

    async def run(self) -> None:
        """Publish until cancelled."""
        self._ingest.report_link(DEVICE, LinkState.UP, "")
        self._ingest.report_state(DEVICE, OperationalState.ENABLED)
        lag = free = memory = 0.0
        looked = -LOOK_PERIOD
        while True:
            if self._clock.monotonic() - looked >= LOOK_PERIOD:
                looked = self._clock.monotonic()
                free = await asyncio.to_thread(_free, self._folder)
                memory = _memory()
                self._kept = self._timekeeping()
            self.publish(lag, free, memory)
            due = self._clock.monotonic() + PERIOD
            await self._clock.sleep(PERIOD)
            lag = max(0.0, self._clock.monotonic() - due)

    def publish(self, lag: float, free: float, memory: float) -> None:
        """One batch of what is known now; `lag` in seconds, `free` and `memory` in bytes, NaN where nobody knows."""
        audit, history, room = self._problems()
        guards, notices, reports = not self.guards(), not self.notices(), not self.reports()
        kept = tuple(Timekeeping).index(self._kept)
        told = (not audit, kept, free / _GB, guards, not history, not room, lag * 1e3, memory / _MB, notices, reports)
        values = np.array(told, np.float64)
        quality = np.where(np.isnan(values), np.uint16(Quality.BAD), np.uint16(0)).astype(np.uint16)
        self._last = self._clock.wall_ns()
        self._ingest.publish(seal(self._group, self.published, self._index, values, self._last, quality))
        self.published += 1

    def status(self) -> list[DeviceStatus]:
        """As a device, the only one."""
        group = GroupStatus("self", PERIOD, 0.0, len(SPECS), self.published, 0, 0, 0.0, 0.0, self._last, False)
        status = DeviceStatus(
            path=DEVICE,
            driver="self",
            url="",
            state=OperationalState.ENABLED,
            link=LinkState.UP,
            last_error="; ".join(filter(None, (*self._problems(), self.guards(), self.notices(), self.reports()))),
            since=self._since,
            stale_after=_STALE,
            groups=(group,),
            description="This node itself",
        )
        return [status]


def _memory() -> float:
    held = process_memory()[0]
    return float("nan") if held is None else float(held)


def _free(folder: Path) -> float:
    try:
        return float(shutil.disk_usage(folder).free)
    except OSError:
        return float("nan")
