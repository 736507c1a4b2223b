"""RecordingIngest: a hub's way in that keeps everything, for tests of devices and drivers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.client import GroupSpec
from sereno.model import Clock, GroupId, LinkState, OperationalState, SampleBatch, SystemClock, TagSpec


@dataclass(frozen=True, slots=True)
class LinkReport:
    """One `report_link`, with the monotonic time it came."""

    t: float
    device: str
    state: LinkState
    error: str


@dataclass(frozen=True, slots=True)
class Sample:
    """The latest sample of one tag: float, exact int or object."""

    value: Any
    quality: int
    t_source: int
    seq: int


class RecordingIngest:
    """An IngestPort that checks the order of what it gets and keeps it.

    `batches[i]` was published at monotonic time `times[i]`. Raises AssertionError for a batch of an unknown group,
    with another index than registered, or whose seq does not follow its predecessor's.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self.tags: list[TagSpec] = []
        self.groups: dict[GroupId, GroupSpec] = {}
        self.batches: list[SampleBatch] = []
        self.times: list[float] = []
        self.links: list[LinkReport] = []
        self.states: list[tuple[str, OperationalState]] = []
        self.reasons: dict[str, str] = {}
        self.withdrawn: set[int] = set()
        self.ended: set[GroupId] = set()
        self.command_news: list[str] = []
        self._told: dict[GroupId, tuple[str, ...]] = {}
        self._handles: dict[str, int] = {}
        self._last: dict[GroupId, SampleBatch] = {}
        self._objects: dict[int, Sample] = {}
        self.ready: list[tuple[str, int]] = []
        self._changed = asyncio.Event()

    def register_tags(self, specs: Sequence[TagSpec]) -> NDArray[np.int32]:
        """See IngestPort."""
        first = len(self.tags)
        for handle, spec in enumerate(specs, first):
            if spec.path in self._handles:
                raise ValueError(f"tag {spec.path!r} is registered already")
            self._handles[spec.path] = handle
        self.tags += specs
        return np.arange(first, len(self.tags), dtype=np.int32)

    def register_group(self, spec: GroupSpec) -> GroupId:
        """See IngestPort."""
        group = GroupId(len(self.groups))
        self.groups[group] = spec
        return group

    def publish(self, batch: SampleBatch) -> None:
        """See IngestPort."""
        assert batch.group in self.groups, f"batch of group {batch.group}, which was never registered"
        assert batch.group not in self.ended, f"batch of group {batch.group}, which has ended"
        spec = self.groups[batch.group]
        assert batch.index is spec.index, f"batch of {spec.device}/{spec.name} with an index of its own"
        last = self._last[batch.group].seq if batch.group in self._last else 0
        assert batch.seq == last + 1, f"batch {batch.seq} of {spec.device}/{spec.name} after {last}"
        self.batches.append(batch)
        self.times.append(self._clock.monotonic())
        self._last[batch.group] = batch
        for sample in batch.objects:
            self._objects[sample.handle] = Sample(sample.value, sample.quality, sample.t_source, batch.seq)
        self._changed.set()

    def report_link(self, device: str, state: LinkState, error: str) -> None:
        """See IngestPort."""
        self.links.append(LinkReport(self._clock.monotonic(), device, state, error))
        self._changed.set()

    def report_state(self, device: str, state: OperationalState) -> None:
        """See IngestPort."""
        self.states.append((device, state))
        self._changed.set()

    def withdraw_tags(self, handles: Sequence[int]) -> None:
        """See IngestPort. The tags stay in `tags`, marked by `withdrawn`."""
        for handle in handles:
            del self._handles[self.tags[handle].path]
            self.withdrawn.add(handle)

    def end_group(self, group: GroupId) -> None:
        """See IngestPort: a batch of it is an error from now on."""
        self.ended.add(group)

    def report_commands(self, device: str) -> None:
        """See IngestPort."""
        self.command_news.append(device)

    def report_ready(self, path: str, count: int) -> None:
        """See IngestPort; kept in `ready`."""
        self.ready.append((path, count))

    def report_reasons(self, group: GroupId, reasons: Mapping[int, str]) -> None:
        """See IngestPort."""
        told = {self.tags[handle].path: words for handle, words in reasons.items()}
        device = self.groups[group].device
        kept = {path: words for path, words in self.reasons.items() if path not in self._told.get(group, ())}
        self.reasons = {**kept, **told}
        self._told[group] = tuple(told)
        assert all(path.startswith(f"{device}/") for path in told), f"reasons of {device} for tags of others"
        self._changed.set()

    def latest(self, path: str) -> Sample | None:
        """The last sample of a tag. Raises KeyError for a tag that was never registered."""
        handle = self._handles[path]
        for batch in self._last.values():
            row = int(np.searchsorted(batch.handles, handle))
            if row < len(batch) and batch.handles[row] == handle:
                return _sample(batch, row)
        return self._objects.get(handle)

    def of(self, device: str, group: str = "default") -> list[SampleBatch]:
        """All batches of one scan group."""
        return [b for b in self.batches if self._is(b, device, group)]

    def times_of(self, device: str, group: str = "default") -> list[float]:
        """When the batches of one scan group came."""
        return [t for t, b in zip(self.times, self.batches, strict=True) if self._is(b, device, group)]

    def states_of(self, device: str) -> list[OperationalState]:
        """All states that one device has reported."""
        return [state for path, state in self.states if path == device]

    async def until(self, condition: Callable[[], bool], *, timeout: float = 60.0) -> None:
        """Wait until `condition` holds, looking after each publication or report. Raises TimeoutError."""
        async with self._clock.timeout(timeout):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def _is(self, batch: SampleBatch, device: str, group: str) -> bool:
        assert batch.group not in self.ended, f"batch of group {batch.group}, which has ended"
        spec = self.groups[batch.group]
        return (spec.device, spec.name) == (device, group)


def _sample(batch: SampleBatch, row: int) -> Sample:
    value: Any = float(batch.values[row])
    if batch.exact is not None and row in batch.exact.rows:
        value = int(batch.exact.values[int(np.searchsorted(batch.exact.rows, row))])
    return Sample(value, int(batch.quality[row]), int(batch.t_source[row]), batch.seq)
