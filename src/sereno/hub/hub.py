"""The hub: one live table, written by devices and read by everyone else."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace

import numpy as np
import structlog
from numpy.typing import NDArray

from sereno.access.actor import Actor
from sereno.client import BatchSink, GroupSpec, Lock, Reading, Subscription
from sereno.model import Clock, GroupId, LinkState, OperationalState, Override, Quality, SampleBatch, TagHandle, TagSpec

from .admission import Admission, Plan
from .fanout import Fanout
from .freshness import Freshness
from .groups import Groups
from .held import Held, held, held_batch, overwritten
from .plan import TablePlan
from .readings import Readings
from .reasons import Reasons
from .rights import ReadRights
from .subscription import QueueLimits
from .table import NO_GROUP, LiveTable, not_found

I32 = NDArray[np.int32]
_CHUNK = 4096
log = structlog.get_logger(__name__)


class Hub:
    """Implements IngestPort and PlannedPort, and TagLookup (`spec`, `directory`) for recorders. One event loop."""

    def __init__(self, clock: Clock, *, node: str = "local", limits: QueueLimits | None = None) -> None:
        self.node = node
        self.clock = clock
        self.table = LiveTable()
        self.groups = Groups()
        reasons = self._reasons = Reasons(self.groups, clock)
        self.readings = Readings(self.table, self.groups, reasons, clock)
        self._rights = ReadRights(self.table)
        self._admission = Admission(self.table, self.groups)
        self._fanout = Fanout(self.table, reasons, clock, limits or QueueLimits())
        self._freshness = Freshness(self.table, self.groups, clock, self._publish_again)
        self._sinks: list[BatchSink] = []
        self._sink_errors = 0
        self._queue: deque[tuple[SampleBatch, Plan, bool]] = deque()
        self._publishing = False
        self._directory: dict[TagHandle, TagSpec] = {}
        self._directory_edition = -1
        self._tag_watchers: list[Callable[[], None]] = []
        self._ready_watchers: list[Callable[[str, int], None]] = []
        self._keeping = False
        self.out: dict[str, Override] = {}
        self.locked: dict[str, Lock] = {}

    # ---- the way in

    def register_tags(self, specs: Sequence[TagSpec]) -> I32:
        """See IngestPort."""
        handles = self.table.register(specs)
        self._tell_watchers()
        return handles

    def withdraw_tags(self, handles: Sequence[int]) -> None:
        """See IngestPort."""
        leaving = [handle for handle in handles if not self.table.keeps(handle)]
        for group in {int(self.table.group[handle]) for handle in leaving} - {NO_GROUP}:
            mine = [handle for handle in leaving if self.table.group[handle] == group]
            gone = {h: replace(held(self.table, h), quality=int(Quality.OUT_OF_SERVICE)) for h in mine}
            self._publish_again(overwritten(held_batch(self.table, self.groups, GroupId(group)), gone))
        self.table.withdraw(handles)
        self._tell_watchers()

    def end_group(self, group: GroupId) -> None:
        """See IngestPort."""
        spec = self.groups.specs[group]
        handles = np.concatenate((spec.index.handles, np.array(spec.object_handles, np.int32)))
        self.table.group[handles] = NO_GROUP
        self.groups.end(group)
        self._reasons.tell(group, {})
        self._fanout.regroup()

    def report_commands(self, device: str) -> None:
        """See IngestPort."""
        del device
        self._tell_watchers()

    def register_group(self, spec: GroupSpec) -> GroupId:
        """See IngestPort. Raises ValueError for a tag that is not registered or already in a group."""
        handles = np.concatenate((spec.index.handles, np.array(spec.object_handles, np.int32)))
        if handles.size and (handles.min() < 0 or handles.max() >= len(self.table)):
            raise ValueError(f"group {spec.name!r} of {spec.device} has a tag handle that was never registered")
        taken = handles[self.table.group[handles] != NO_GROUP]
        if taken.size:
            raise ValueError(
                f"group {spec.name!r} of {spec.device}: {self.table.spec(int(taken[0])).path!r} already is in a group"
            )
        group = self.groups.add(spec, self.clock.monotonic())
        self.table.group[handles] = group
        self._admission.substitutes.regroup()
        self._fanout.regroup()
        return group

    @contextmanager
    def keeping(self, specs: Iterable[TagSpec]) -> Iterator[None]:
        """Meanwhile a tag that is withdrawn and then registered with one of these declarations stays what it is.

        Its handle, its present value, its subscribers: see LiveTable.keep. Watchers of tags are told once, at the end.
        """
        self.table.keep(specs)
        self._keeping = True
        try:
            yield
        finally:
            self.table.end_keeping()
            self._keeping = False
            self._tell_watchers()

    def redeclare(self, specs: Sequence[TagSpec]) -> None:
        """Other declarations of tags that are there, of the same id, type and shape. Raises NotFoundError."""
        for spec in specs:
            self.table.redeclare(self.table.handle(spec.path), spec)
        self._tell_watchers()

    def held(self) -> Iterator[SampleBatch]:
        """What every group holds now, as batches for a sink that begins."""
        now = self.clock.wall_ns()
        for number, spec in enumerate(self.groups.specs):
            first = [*spec.index.handles[:1].tolist(), *spec.object_handles[:1]]
            if first and self.table.group[first[0]] == number:
                batch = held_batch(self.table, self.groups, GroupId(number))
                yield batch.admitted(t_hub=now, changed=np.ones(len(batch), np.bool_))

    def drop_substitutes(self) -> None:
        """Forget the substitutes of tags that are gone."""
        self._admission.substitutes.drop_gone()

    def substituted(self, path: str) -> bool:
        """True while a substitute stands for the tag's own value."""
        handle = self.table.paths.get(path)
        return handle is not None and handle in self._admission.substitutes

    def publish(self, batch: SampleBatch) -> None:
        """See IngestPort. Raises ValueError for tags or a group that the hub does not know.

        A batch published from within a sink is told after the present one, to all alike.
        """
        self._enqueue(batch, again=False)
        self._freshness.while_publishing()

    def report_ready(self, path: str, count: int) -> None:
        """See IngestPort."""
        for watcher in tuple(self._ready_watchers):
            watcher(path, count)

    def report_link(self, device: str, state: LinkState, error: str) -> None:
        """See IngestPort."""
        known = self.groups.device(device)
        known.link, known.error = state, error

    def report_state(self, device: str, state: OperationalState) -> None:
        """See IngestPort."""
        self.groups.device(device).state = state

    def report_reasons(self, group: GroupId, reasons: Mapping[int, str]) -> None:
        """See IngestPort."""
        self._reasons.tell(group, reasons)

    def substitute(self, handle: int, value: Held) -> None:
        """Let `value` stand for the tag's own, told at once. The tag is in a group."""
        self._admission.substitutes.put(handle, value)
        self._publish_again(held_batch(self.table, self.groups, GroupId(int(self.table.group[handle]))))

    def release(self, handle: int) -> None:
        """Show the tag's own value again, told at once, as of now if nothing newer came. Raises KeyError."""
        since = int(self.table.t_source[handle])
        own = self._admission.substitutes.lift(handle)
        if own.t_source < since:
            own = replace(own, t_source=self.clock.wall_ns())  # history goes by time: it must follow the substitute
        batch = held_batch(self.table, self.groups, GroupId(int(self.table.group[handle])))
        self._publish_again(overwritten(batch, {handle: own}))

    def own(self, handle: int) -> Reading:
        """What the device says of a substituted tag. Raises KeyError."""
        return self.readings.made(handle, self._admission.substitutes.own(handle))

    def out_of_service(self, device: str) -> Override | None:
        """The maintenance that keeps commands from a device, if there is one."""
        if not self.out:
            return None
        return next((override for override in self.out.values() if override.covers(device)), None)

    def lock_on(self, device: str) -> Lock | None:
        """The lock that keeps others' commands from a device, if there is one."""
        now = self.clock.wall_ns() if self.locked else 0
        locks = (lock for lock in self.locked.values() if lock.covers(device))
        return next((lock for lock in locks if not lock.expires or lock.expires > now), None)

    # ---- the way out

    def add_sink(self, sink: BatchSink) -> Callable[[], None]:
        """Give `sink` every admitted batch whole. Returns what takes it off again."""
        self._sinks.append(sink)
        return lambda: self._sinks.remove(sink)

    def spec(self, handle: int) -> TagSpec:
        """Declaration of a tag. Raises IndexError."""
        return self.table.spec(handle)

    def directory(self) -> Mapping[TagHandle, TagSpec]:
        """Every tag by its handle."""
        if self._directory_edition != self.table.edition:
            self._directory_edition = self.table.edition
            self._directory = {TagHandle(h): spec for h, spec in enumerate(self.table.specs)}
        return self._directory

    def nearest(self, path: str, actor: Actor) -> list[str]:
        """Existing paths spelled like `path` that the actor may read."""
        mask, paths = self._rights.mask(actor), self.table.paths
        return paths.nearest(path, lambda found: bool(mask[paths.get(found)]))

    async def tags(self, globs: Sequence[str], actor: Actor) -> list[TagSpec]:
        """See LivePort."""
        return [self.table.spec(h) for h in self._rights.handles(globs, actor).tolist()]

    async def read(self, globs: Sequence[str], actor: Actor) -> list[Reading]:
        """See LivePort. () means all. The readings are of one moment."""
        self._freshness.before_reading()
        readings = []
        for number, reading in enumerate(self.readings.of(self._named(globs, actor)), 1):
            readings.append(reading)
            if number % _CHUNK == 0:
                await self.clock.sleep(0)
        return readings

    def plan(self, globs: Sequence[str], actor: Actor) -> TablePlan:
        """See PlannedPort. () means all."""
        return TablePlan(self.table, self.groups, self._reasons, self._freshness, self._named(globs, actor))

    def watch_tags(self, callback: Callable[[], None]) -> Callable[[], None]:
        """See PlannedPort."""
        self._tag_watchers.append(callback)
        return lambda: self._tag_watchers.remove(callback)

    def watch_ready(self, callback: Callable[[str, int], None]) -> Callable[[], None]:
        """See PlannedPort."""
        self._ready_watchers.append(callback)
        return lambda: self._ready_watchers.remove(callback)

    async def subscribe(
        self, globs: Sequence[str], actor: Actor, *, min_interval: float = 0.0, lossless: bool = False
    ) -> Subscription:
        """See LivePort. () means all. Raises NotFoundError for a glob that names nothing readable."""
        handles = self._named(globs, actor)
        return self._fanout.open(handles, min_interval=min_interval, lossless=lossless)

    # ---- its life

    async def run_freshness(self) -> None:
        """Mark silent groups stale, until cancelled."""
        await self._freshness.run()

    def close(self) -> None:
        """End all subscriptions."""
        self._fanout.close()

    def statistics(self) -> dict[str, int]:
        """Counters since the start: batches, rows, changed, late, duplicate, dropped, peaks and so on."""
        return {
            "tags": len(self.table),
            "groups": len(self.groups),
            **asdict(self._admission.counters),
            "stale_marks": self._freshness.marked,
            "freshness_failures": self._freshness.failures,
            "stale_groups": int(np.count_nonzero(self.groups.marked)),
            "sink_errors": self._sink_errors,
            **self._fanout.statistics(),
        }

    def _tell_watchers(self) -> None:
        if self._keeping:
            return
        for watcher in tuple(self._tag_watchers):
            watcher()

    def _named(self, globs: Sequence[str], actor: Actor) -> I32:
        """Raises NotFoundError for the first glob that names nothing readable, with near spellings."""
        empty = self._rights.empty(globs, actor)
        if empty is not None:
            raise not_found("tag", empty, self.nearest(empty, actor))
        return self._rights.handles(globs, actor)

    def _publish_again(self, batch: SampleBatch) -> None:
        self._enqueue(batch, again=True)

    def _enqueue(self, batch: SampleBatch, *, again: bool) -> None:
        self._queue.append((batch, self._admission.check(batch), again))
        if self._publishing:
            return
        self._publishing = True
        try:
            while self._queue:
                self._tell(*self._queue.popleft())
        finally:
            self._publishing = False

    def _tell(self, batch: SampleBatch, plan: Plan, again: bool) -> None:
        t_hub = self.clock.wall_ns()
        if again:
            admitted = self._admission.admit_again(batch, plan, t_hub)
        else:
            found = self._admission.admit(batch, plan, t_hub, self.clock.monotonic())
            if found is None:
                return
            admitted = found
        for sink in tuple(self._sinks):
            self._hand_over(sink, admitted.batch)
        self._fanout.offer(admitted)

    def _hand_over(self, sink: BatchSink, batch: SampleBatch) -> None:
        """One sink's fault must not take the batch from the others."""
        try:
            sink.accept(batch)
        except Exception:
            self._sink_errors += 1
            if self._sink_errors & (self._sink_errors - 1) == 0:
                log.exception("sink failed", sink=type(sink).__name__, group=batch.group, errors=self._sink_errors)
