"""Batches on their way into the live table: fate of late ones, suspect clocks, change detection, scatter."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from sereno.model import ExactBlock, ObjectSample, Quality, RowIndex, SampleBatch

from .changes import exact_beyond, integers, mark_beyond, same_object
from .groups import Groups
from .substitutes import Substitutes
from .table import INEXACT, UNSIGNED, LiveTable

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U16 = NDArray[np.uint16]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]
Views: TypeAlias = "tuple[int, int, F64, F64, F64, I64, U16]"

BLOCK = 16384
"""Rows worked on at a time: what a block touches stays in the second-level cache."""
FUTURE_NS = 5_000_000_000
"""How far ahead of ours a source clock may be before its times are replaced by ours."""
_NO_ROWS: Rows = np.empty(0, np.intp)
_UNCERTAIN = 0x4000


@dataclass(slots=True, eq=False)
class Admitted:
    """A batch that entered the table: the rows that changed, increasing, and of these the requalified.

    Requalified = of another quality code than before. `objects` are those that changed in value or quality.
    """

    batch: SampleBatch
    rows: Rows
    requalified: Rows
    objects: tuple[ObjectSample, ...]
    requalified_objects: frozenset[int]


@dataclass(slots=True)
class Counters:
    """What was admitted, and what was not."""

    batches: int = 0
    rows: int = 0
    changed: int = 0
    late: int = 0
    duplicate: int = 0
    suspect_clock: int = 0


@dataclass(slots=True, eq=False)
class Plan:
    """Where the rows of one RowIndex lie in the table. `exact`: positions of the 64-bit integers among them."""

    group: int
    handles: Rows
    contiguous: bool
    exact: NDArray[np.int32]
    unsigned: Mask
    generation: int = -1
    views: list[Views] = field(default_factory=list)


class Admission:
    """Admits batches into a table, in blocks of `BLOCK` rows with scratch that is made once.

    A row has changed when it differs from what was last reported by more than its deadband (0: at all;
    NaN equals NaN; 64-bit integers compared exactly) or when its quality code differs.
    """

    def __init__(self, table: LiveTable, groups: Groups) -> None:
        self.counters = Counters()
        self.substitutes = Substitutes(table)
        self._table = table
        self._groups = groups
        self._plans: WeakKeyDictionary[RowIndex, Plan] = WeakKeyDictionary()
        self._difference: F64 = np.empty(BLOCK)
        self._recoded: Mask = np.empty(BLOCK, np.bool_)

    def check(self, batch: SampleBatch) -> Plan:
        """Raises ValueError unless the group and all tags of the batch are registered, the tags for this group."""
        if not 0 <= batch.group < len(self._groups):
            raise ValueError(f"batch of group {batch.group}, which was never registered")
        plan = self._plans.get(batch.index)
        if plan is None:
            plan = self._plans[batch.index] = lay_out(self._table, batch.index, batch.group)
        if plan.group != batch.group:
            raise ValueError(f"the tags of group {plan.group} came in a batch of group {batch.group}")
        for sample in batch.objects:
            if not 0 <= sample.handle < len(self._table) or self._table.group[sample.handle] != batch.group:
                raise ValueError(f"object for tag handle {sample.handle}, which is not of group {batch.group}")
        return plan

    def admit(self, batch: SampleBatch, plan: Plan, t_hub: int, now: float) -> Admitted | None:
        """Scatter a checked batch; None if its seq is not beyond the group's last: counted and dropped."""
        last = self._groups.last_seq[batch.group]
        if batch.seq <= last:
            self.counters.duplicate += batch.seq == last
            self.counters.late += batch.seq < last
            return None
        self._groups.heard(batch.group, batch.seq, now)
        batch = _with_exact(self._with_trusted_times(batch, t_hub), plan)
        if self.substitutes.active:
            batch = self.substitutes.apply(batch, fresh=True)
        return self.scatter(batch, plan, t_hub)

    def admit_again(self, batch: SampleBatch, plan: Plan, t_hub: int) -> Admitted:
        """As `admit` for what the table holds already, of any seq: told with another quality or substitute."""
        if self.substitutes.active:
            batch = self.substitutes.apply(batch, fresh=False)
        return self.scatter(batch, plan, t_hub)

    def scatter(self, batch: SampleBatch, plan: Plan, t_hub: int) -> Admitted:
        """Write a batch into the table and find what changed, whatever its seq."""
        size = batch.values.size
        changed: Mask = np.empty(size, np.bool_)
        with np.errstate(invalid="ignore", over="ignore"):
            moved = None if batch.exact is None else self._exact_moved(plan, batch.exact, batch.values)
            scatter_rows = self._scatter_together if plan.contiguous else self._scatter_apart
            rows, requalified = scatter_rows(plan, batch, changed)
        if batch.exact is not None and moved is not None:
            rows = self._scatter_exact(plan, batch.exact, moved, changed, requalified)
        objects, told, requalified_objects = self._scatter_objects(batch.objects)
        counters = self.counters
        counters.batches += 1
        counters.rows += size
        counters.changed += rows.size + len(told)
        batch = batch.admitted(t_hub=t_hub, changed=changed, objects=objects)
        return Admitted(batch, rows, requalified, told, requalified_objects)

    def _scatter_together(self, plan: Plan, batch: SampleBatch, changed: Mask) -> tuple[Rows, Rows]:
        """Contiguous handles: views of the columns. Returns the changed rows, and the requalified ones."""
        found: list[Rows] = []
        requalified: list[Rows] = []
        for low, high, value, reported, deadband, t_source, quality in self._views(plan):
            new, codes, out = batch.values[low:high], batch.quality[low:high], changed[low:high]
            mark_beyond(new, reported, deadband, self._difference[: high - low], out)
            recoded = np.not_equal(codes, quality, out=self._recoded[: high - low])
            if np.count_nonzero(recoded):
                requalified.append(recoded.nonzero()[0] + low)
                np.logical_or(out, recoded, out=out)
                quality[:] = codes
            rows = out.nonzero()[0]
            reported[rows] = new[rows]
            found.append(rows + low if low else rows)
            value[:] = new
            t_source[:] = batch.t_source[low:high]
        return _joined(found), _joined(requalified)

    def _scatter_apart(self, plan: Plan, batch: SampleBatch, changed: Mask) -> tuple[Rows, Rows]:
        """The same for handles with holes between them."""
        table = self._table
        found: list[Rows] = []
        requalified: list[Rows] = []
        for low in range(0, len(batch), BLOCK):
            high = min(low + BLOCK, len(batch))
            at, new, codes = plan.handles[low:high], batch.values[low:high], batch.quality[low:high]
            out = changed[low:high]
            mark_beyond(new, table.reported[at], table.deadband[at], self._difference[: high - low], out)
            recoded = np.flatnonzero(codes != table.quality[at])
            if recoded.size:
                requalified.append(recoded + low)
                out[recoded] = True
                table.quality[at] = codes
            rows = out.nonzero()[0]
            table.reported[at[rows]] = new[rows]
            found.append(rows + low if low else rows)
            table.value[at] = new
            table.t_source[at] = batch.t_source[low:high]
        return _joined(found), _joined(requalified)

    def _exact_moved(self, plan: Plan, exact: ExactBlock, values: F64) -> Mask:
        """Which integers are beyond their deadband; before the rows, whose last reported floats it needs."""
        table = self._table
        at = plan.handles[exact.rows]
        return exact_beyond(
            exact.values, table.reported_exact[at], values[exact.rows], table.reported[at], table.deadband[at]
        )

    def _scatter_exact(self, plan: Plan, exact: ExactBlock, moved: Mask, changed: Mask, requalified: Rows) -> Rows:
        """Corrects `changed` and returns the changed rows."""
        table = self._table
        if requalified.size:
            moved |= np.isin(exact.rows, requalified)
        at = plan.handles[exact.rows]
        changed[exact.rows] = moved
        table.reported_exact[at[moved]] = exact.values[moved]
        table.exact[at] = exact.values
        return np.flatnonzero(changed)

    def _scatter_objects(
        self, objects: tuple[ObjectSample, ...]
    ) -> tuple[tuple[ObjectSample, ...], tuple[ObjectSample, ...], frozenset[int]]:
        """All of them, those that changed, and the handles whose quality code changed.

        An object equal to the one before is replaced by the one before, so that sinks can test by identity.
        """
        if not objects:
            return objects, (), frozenset()
        table, kept, changed, requalified = self._table, [], [], set()
        for given in objects:
            sample, handle = given, given.handle
            before = table.objects.get(handle)
            known = handle in table.objects and same_object(before, sample.value)
            if known and before is not sample.value:
                sample = ObjectSample(handle, before, sample.t_source, sample.quality)
            if table.quality[handle] != sample.quality:
                requalified.add(int(handle))
            if not known or handle in requalified:
                changed.append(sample)
            table.objects[handle] = sample.value
            table.t_source[handle] = sample.t_source
            table.quality[handle] = sample.quality
            kept.append(sample)
        return tuple(kept), tuple(changed), frozenset(requalified)

    def _with_trusted_times(self, batch: SampleBatch, t_hub: int) -> SampleBatch:
        """Samples from the future get our time and, if good, the quality CLOCK_SUSPECT."""
        limit = t_hub + FUTURE_NS
        suspect = sum(o.t_source > limit for o in batch.objects) if batch.objects else 0
        if suspect:
            self.counters.suspect_clock += suspect
            batch = replace(batch, objects=tuple(_trusted(o, t_hub, limit) for o in batch.objects))
        if not batch.t_source.size or np.maximum.reduce(batch.t_source) <= limit:
            return batch
        ahead = batch.t_source > limit
        self.counters.suspect_clock += int(np.count_nonzero(ahead))
        times = np.where(ahead, t_hub, batch.t_source)
        good = ahead & (batch.quality < _UNCERTAIN)
        codes = np.where(good, np.uint16(Quality.CLOCK_SUSPECT), batch.quality)
        times.setflags(write=False)
        codes.setflags(write=False)
        return replace(batch, t_source=times, quality=codes)

    def _views(self, plan: Plan) -> list[Views]:
        table = self._table
        if plan.generation != table.generation:
            first, n = (int(plan.handles[0]), len(plan.handles)) if plan.handles.size else (0, 0)
            columns = (table.value, table.reported, table.deadband, table.t_source, table.quality)
            plan.views = [
                (low, high, *(c[first + low : first + high] for c in columns))  # type: ignore[misc]
                for low, high in ((a, min(a + BLOCK, n)) for a in range(0, n, BLOCK))
            ]
            plan.generation = table.generation
        return plan.views


def lay_out(table: LiveTable, index: RowIndex, group: int) -> Plan:
    """Raises ValueError if a handle is not registered or belongs to another group."""
    handles = index.handles.astype(np.intp)
    if handles.size and (handles[0] < 0 or handles[-1] >= len(table)):
        raise ValueError(f"batch of group {group} has tag handle {handles[-1]}, only {len(table)} are registered")
    strangers = handles[table.group[handles] != group]
    if strangers.size:
        raise ValueError(f"batch of group {group} has {table.spec(int(strangers[0])).path!r}, which is not of it")
    exact = np.flatnonzero(table.exactness[handles] != INEXACT).astype(np.int32)
    exact.setflags(write=False)
    unsigned = table.exactness[handles[exact]] == UNSIGNED
    contiguous = not handles.size or bool(handles[-1] - handles[0] == handles.size - 1)
    return Plan(group, handles, contiguous, exact, unsigned)


def _joined(parts: list[Rows]) -> Rows:
    return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else _NO_ROWS


def _with_exact(batch: SampleBatch, plan: Plan) -> SampleBatch:
    """A batch that carries its 64-bit integers as floats only gets the block that belongs to them."""
    if batch.exact is not None or not plan.exact.size:
        return batch
    floats = batch.values[plan.exact]
    whole = floats == np.floor(floats)  # a scaled register of an integer type may have a fraction
    rows = plan.exact[whole]
    with np.errstate(invalid="ignore"):
        values = integers(floats[whole], plan.unsigned[whole])
    rows.setflags(write=False)
    values.setflags(write=False)
    return replace(batch, exact=ExactBlock(rows, values))


def _trusted(sample: ObjectSample, t_hub: int, limit: int) -> ObjectSample:
    if sample.t_source <= limit:
        return sample
    code = int(Quality.CLOCK_SUSPECT) if sample.quality < _UNCERTAIN else sample.quality
    return replace(sample, t_source=t_hub, quality=code)
