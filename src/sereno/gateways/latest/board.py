"""Board: the latest values of the tags that are served, how often they come, and who wants every one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import numpy as np
import structlog

from sereno.client import Client, PlannedPort, Subscription, Update
from sereno.model import DeliveryError, NotFoundError, Quality, TagSpec

from .protocol import NOTHING_YET, number_text, sample_line

BESIDE = "_received"
"""A tag of this name beside a served one counts its readings: then those that repeat the same value are told too."""
SMOOTH = 0.1
log = structlog.get_logger(__name__)
Sink = Callable[[bytes], None]


class Board:
    """Follows `paths`, the first of which is what a reader gets that names none. `run` needs a running loop."""

    def __init__(self, client: Client, live: PlannedPort, paths: Sequence[str]) -> None:
        self.paths = tuple(paths)
        self.gaps = 0
        self.samples = 0
        self._client = client
        self._live = live
        self._whole = [False] * len(paths)
        self._row = {path: i for i, path in enumerate(paths)}
        names = [path.rpartition("/")[2] for path in paths]
        self._names = {name: i for i, name in enumerate(names) if names.count(name) == 1} | self._row
        self._values = np.full(len(paths), np.nan)
        self._times = np.zeros(len(paths), np.int64)
        self._quality = np.full(len(paths), Quality.WAITING, np.uint16)
        self._interval = np.full(len(paths), np.nan)
        self._sinks: dict[int, set[Sink]] = {}

    @property
    def names(self) -> list[str]:
        """The shortest name of each tag, in their order."""
        short = {i: name for name, i in reversed(self._names.items())}
        return [short[i] for i in range(len(self.paths))]

    def find(self, name: str) -> int:
        """Which row a name means. Raises NotFoundError."""
        found = self._names.get(name, -1) if name else 0
        if found < 0:
            raise NotFoundError(f"no {name!r} here; there is {', '.join(self.names[:20])}")
        return found

    def latest(self, row: int) -> str:
        """The latest value as text, whatever its quality; before the first one `NOTHING_YET`."""
        value = float(self._values[row])
        return NOTHING_YET if value != value else number_text(value, whole=self._whole[row])  # noqa: PLR0124 - NaN

    def sample(self, row: int) -> bytes:
        """The latest value with time and quality, as a line."""
        return sample_line(self.latest(row), int(self._times[row]), int(self._quality[row]))

    def rate(self, row: int) -> float:
        """Samples per second as they came lately; 0 where that is not known yet."""
        interval = float(self._interval[row])
        return 1e9 / interval if interval > 0 else 0.0

    def join(self, row: int, sink: Sink) -> None:
        """Hand every sample of a row to `sink` as a line, from the next one on."""
        self._sinks.setdefault(row, set()).add(sink)

    def leave(self, sink: Sink) -> None:
        """No more for `sink`."""
        for sinks in self._sinks.values():
            sinks.discard(sink)

    async def run(self) -> None:
        """Follow the tags until cancelled. What was too much at once is counted as a gap."""
        changed = asyncio.Event()
        forget = self._live.watch_tags(changed.set)
        try:
            while True:
                changed.clear()
                try:
                    await self._follow(changed)
                except DeliveryError as error:
                    self.gaps += 1
                    log.warning("readers missed samples", gateway="latest", error=str(error))
                except NotFoundError as error:  # until it is declared again
                    log.warning("a tag that is served is gone", gateway="latest", error=str(error))
                    await changed.wait()
        finally:
            forget()

    async def _follow(self, changed: asyncio.Event) -> None:
        """Until tags have come or gone."""
        known = {spec.path for spec in await self._client.tags()}
        beside = [path + BESIDE for path in self.paths if path + BESIDE in known]
        subscription = await self._client.subscribe(*self.paths, *beside, lossless=True)
        target = _targets(subscription.tags, self._row)
        for spec in subscription.tags:
            if spec.path in self._row:
                self._whole[self._row[spec.path]] = not spec.type.is_float
        ending = asyncio.create_task(_close_when(changed, subscription), name="latest server: tags")
        try:
            async for update in subscription:
                self._take(update, *target)
        finally:
            ending.cancel()
            await subscription.close()

    def _take(self, update: Update, rows: np.ndarray, is_value: np.ndarray) -> None:
        values = is_value[update.index]
        own = rows[update.index[values]]
        heard = np.unique(rows[update.index])
        first = np.isnan(self._values[heard])
        self._values[own] = update.values[values]
        self._quality[own] = update.quality[values]
        times = self._times.copy()
        times[rows[update.index]] = update.t_source
        self._measure(heard[~first], times)
        self._times = times
        if update.snapshot:
            return
        self.samples += heard.size
        if self._sinks:
            for row in heard.tolist():
                if sinks := self._sinks.get(row):
                    line = self.sample(row)
                    for sink in tuple(sinks):
                        sink(line)

    def _measure(self, heard: np.ndarray, times: np.ndarray) -> None:
        step = (times[heard] - self._times[heard]).astype(np.float64)
        step[step <= 0] = np.nan
        before = self._interval[heard]
        smooth = np.where(np.isnan(before), step, before + SMOOTH * (step - before))
        self._interval[heard] = np.where(np.isnan(step), before, smooth)


async def _close_when(changed: asyncio.Event, subscription: Subscription) -> None:
    await changed.wait()
    await subscription.close()


def _targets(tags: Sequence[TagSpec], row: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """For each tag of the subscription: the row that it is about, and whether it is its value."""
    rows = np.array([row.get(tag.path, row.get(tag.path.removesuffix(BESIDE), 0)) for tag in tags], np.intp)
    return rows, np.array([tag.path in row for tag in tags], np.bool_)
